/// Appends the protocol's primitive values to a byte array: little-endian integers, variable-length integers
/// (seven bits a byte, lowest first), and byte strings with their length in front. Much that comes last may stay where
/// it is.
package struct ByteWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    /// What follows `bytes`, not copied.
    package private(set) var tail: ArraySlice<UInt8> = []

    package init(reserving count: Int = 0) { bytes.reserveCapacity(count) }

    package mutating func u8(_ value: UInt8) { bytes.append(value) }

    package mutating func u16(_ value: UInt16) { fixed(UInt64(value), 2) }
    package mutating func u32(_ value: UInt32) { fixed(UInt64(value), 4) }
    package mutating func u64(_ value: UInt64) { fixed(value, 8) }

    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Signed, so that small magnitudes stay short: 0, -1, 1, -2 ... become 0, 1, 2, 3 ...
    package mutating func signed(_ value: Int64) {
        varint(UInt64(bitPattern: (value &<< 1) ^ (value >> 63)))
    }

    /// The last thing to be written.
    package mutating func finish(with value: ArraySlice<UInt8>) { tail = value }

    package mutating func raw(_ value: some Collection<UInt8>) { bytes.append(contentsOf: value) }

    package mutating func string(_ value: some Collection<UInt8>) {
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// Text for people: UTF-8, cut before the character that would pass the limit.
    package mutating func text(_ value: String, upTo limit: Int = ProtocolConstants.longestText) {
        let bytes = Array(value.utf8)
        var end = min(bytes.count, limit)
        while end > 0, end < bytes.count, bytes[end] & 0xc0 == 0x80 { end -= 1 }
        string(bytes[..<end])
    }

    /// A path in a report. What is too long to be told keeps its end, where the name is.
    package mutating func reportedPath(_ value: [UInt8]) { string(value.suffix(ProtocolConstants.longestPath)) }

    private mutating func fixed(_ value: UInt64, _ count: Int) {
        for shift in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift * 8))) }
    }
}
