// Contents on their way out lie in the array they were read into; where they need not be put together, they are
// written from there.

enum SharedBytes {
    /// Less is copied into its message: one array is handled sooner than two.
    private static let shortest = 16 << 10

    /// All bytes of all pieces, where they are many and lie in one array, each behind the one before.
    static func joined(_ pieces: some Sequence<(bytes: [UInt8], range: Range<Int>)>) -> ArraySlice<UInt8>? {
        var joined: ArraySlice<UInt8>?
        for piece in pieces where !piece.range.isEmpty {
            guard let before = joined else {
                joined = piece.bytes[piece.range]
                continue
            }
            guard before.endIndex == piece.range.lowerBound, isSame(before, piece.bytes) else { return nil }
            joined = piece.bytes[before.startIndex..<piece.range.upperBound]
        }
        guard let joined, joined.count >= shortest else { return nil }
        return joined
    }

    /// Whether the slice, by its own numbers, is one of that very array.
    private static func isSame(_ slice: ArraySlice<UInt8>, _ array: [UInt8]) -> Bool {
        slice.withUnsafeBytes { slicePointer in
            array.withUnsafeBytes { slicePointer.baseAddress == $0.baseAddress.map { $0 + slice.startIndex } }
        }
    }
}
