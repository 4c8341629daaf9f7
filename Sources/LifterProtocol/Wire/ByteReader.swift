/// Takes the protocol's primitive values from a byte array. Every length is checked before use; nothing is
/// allocated beyond what is there; the only failure is `WireError`, which names the field.
package struct ByteReader: Sendable {
    package let bytes: [UInt8]
    package private(set) var position: Int
    package let end: Int

    package init(_ bytes: [UInt8]) {
        self.init(bytes, 0..<bytes.count)
    }

    /// Of `bytes`, only those in `range`; positions count from the beginning of `bytes`.
    package init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    package var remaining: Int { end - position }
    /// What was not taken yet, by itself.
    var rest: [UInt8] { Array(bytes[position..<end]) }
    package var isAtEnd: Bool { position == end }

    package mutating func u8(_ field: String) throws(WireError) -> UInt8 {
        guard position < end else { throw .truncated(field) }
        defer { position += 1 }
        return bytes[position]
    }

    package mutating func u16(_ field: String) throws(WireError) -> UInt16 {
        UInt16(truncatingIfNeeded: try fixed(2, field))
    }

    package mutating func u32(_ field: String) throws(WireError) -> UInt32 {
        UInt32(truncatingIfNeeded: try fixed(4, field))
    }

    package mutating func u64(_ field: String) throws(WireError) -> UInt64 { try fixed(8, field) }

    /// At most ten bytes; the shortest form only, so that a value has one encoding.
    package mutating func varint(_ field: String) throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try u8(field)
            if shift == 63 && byte > 1 { throw .value(field) }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 {
                if byte == 0 && shift > 0 { throw .value(field) }
                return value
            }
            shift += 7
            if shift > 63 { throw .value(field) }
        }
    }

    package mutating func varint(_ field: String, upTo limit: UInt64) throws(WireError) -> UInt64 {
        let value = try varint(field)
        guard value <= limit else { throw .value(field) }
        return value
    }

    package mutating func varint32(_ field: String) throws(WireError) -> UInt32 {
        UInt32(truncatingIfNeeded: try varint(field, upTo: UInt64(UInt32.max)))
    }

    /// A count of items that each take at least `each` bytes: more than can still follow is refused before
    /// anything is allocated.
    package mutating func count(_ field: String, each: Int, upTo limit: Int = Int.max) throws(WireError) -> Int {
        let value = try varint(field)
        guard value <= UInt64(limit), value <= UInt64(remaining / max(1, each)) else { throw .value(field) }
        return Int(value)
    }

    package mutating func signed(_ field: String) throws(WireError) -> Int64 {
        let value = try varint(field)
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    package mutating func raw(_ count: Int, _ field: String) throws(WireError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw .truncated(field) }
        defer { position += count }
        return bytes[position..<position + count]
    }

    package mutating func string(_ field: String, upTo limit: Int) throws(WireError) -> ArraySlice<UInt8> {
        let length = try varint(field, upTo: UInt64(limit))
        return try raw(Int(length), field)
    }

    /// Text for people: what is not UTF-8 in it is replaced, since a damaged reason is better than none.
    package mutating func text(
        _ field: String, upTo limit: Int = ProtocolConstants.longestText
    ) throws(WireError) -> String {
        String(decoding: try string(field, upTo: limit), as: UTF8.self)
    }

    package mutating func flag(_ field: String) throws(WireError) -> Bool {
        let value = try u8(field)
        guard value <= 1 else { throw .value(field) }
        return value == 1
    }

    package func finish() throws(WireError) {
        guard isAtEnd else { throw .trailing }
    }

    private mutating func fixed(_ count: Int, _ field: String) throws(WireError) -> UInt64 {
        guard remaining >= count else { throw .truncated(field) }
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(bytes[position + index]) << UInt64(index * 8) }
        position += count
        return value
    }
}
