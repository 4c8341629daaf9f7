// Where the zeros are in a piece of a file's contents: blocks of 4 KiB that hold nothing else become holes.

/// Walks over the data between runs of zeros.
struct ZeroRuns {
    private static let block = 4096

    private let bytes: UnsafeRawBufferPointer
    /// To the next place in the piece where a block of the file begins.
    private let lead: Int
    private var position = 0

    /// `offset`: where in the file the piece begins.
    init(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) {
        self.bytes = bytes
        lead = (Self.block - Int(offset % UInt64(Self.block))) % Self.block
    }

    /// The next run of bytes that has to be written; nil when only zeros are left.
    mutating func nextData() -> Range<Int>? {
        while position < bytes.count, isZero(position..<end(of: position)) { position = end(of: position) }
        guard position < bytes.count else { return nil }
        let start = position
        while position < bytes.count, !isZero(position..<end(of: position)) { position = end(of: position) }
        return start..<position
    }

    /// Where the block ends that a place is in, or the piece.
    private func end(of place: Int) -> Int {
        if place < lead { return min(lead, bytes.count) }
        return min(bytes.count, place + Self.block - (place - lead) % Self.block)
    }

    private func isZero(_ range: Range<Int>) -> Bool {
        var place = range.lowerBound
        while range.upperBound - place >= 8 {
            if bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) != 0 { return false }
            place += 8
        }
        while place < range.upperBound {
            if bytes[place] != 0 { return false }
            place += 1
        }
        return true
    }
}
