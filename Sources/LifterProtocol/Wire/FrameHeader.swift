import LifterCodec

/// The twelve bytes in front of a payload: kind u8, flags u8, job u16, length u32, check u32, little-endian.
/// The check is the low half of XXH3-64 over the first eight bytes, seeded with the chain, so that a damaged
/// length is noticed before anything is awaited.
struct FrameHeader {
    static let criticalFlag: UInt8 = 1
    static let packedFlag: UInt8 = 8

    var kind: UInt8
    var isCritical: Bool
    var codec: FrameCodec
    /// The payload is several messages, each behind its kind and length.
    var isPacked: Bool
    var job: UInt16
    var length: UInt32

    func write(into bytes: inout [UInt8], chain: UInt64) {
        bytes[0] = kind
        bytes[1] = (isCritical ? Self.criticalFlag : 0) | codec.rawValue << 1 | (isPacked ? Self.packedFlag : 0)
        bytes[2] = UInt8(truncatingIfNeeded: job)
        bytes[3] = UInt8(truncatingIfNeeded: job >> 8)
        for index in 0..<4 { bytes[4 + index] = UInt8(truncatingIfNeeded: length >> UInt32(index * 8)) }
        let check = UInt32(truncatingIfNeeded: XXH3.hash64(bytes[0..<8], seed: chain))
        for index in 0..<4 { bytes[8 + index] = UInt8(truncatingIfNeeded: check >> UInt32(index * 8)) }
    }

    init(kind: MessageKind, codec: FrameCodec, isPacked: Bool, length: Int) {
        self.kind = kind.rawValue
        isCritical = kind.isCritical
        self.codec = codec
        self.isPacked = isPacked
        job = 0
        self.length = UInt32(length)
    }

    init(from bytes: [UInt8], chain: UInt64) throws(WireError) {
        var reader = ByteReader(bytes)
        kind = try reader.u8("header.kind")
        let flags = try reader.u8("header.flags")
        job = try reader.u16("header.job")
        length = try reader.u32("header.length")
        let check = try reader.u32("header.check")
        guard check == UInt32(truncatingIfNeeded: XXH3.hash64(bytes[0..<8], seed: chain)) else { throw .check }
        isCritical = flags & Self.criticalFlag != 0
        guard flags < 16, let codec = FrameCodec(rawValue: flags >> 1 & 3) else { throw .value("header.flags") }
        self.codec = codec
        isPacked = flags & Self.packedFlag != 0
        guard job == 0 else { throw .value("header.job") }
        guard UInt64(length) <= UInt64(ProtocolConstants.longestPayload) else {
            throw .tooLong(length: UInt64(length))
        }
    }
}

/// How a payload is compressed. A compressed payload begins with its uncompressed length (u32); where it is compressed
/// against a history, that one's length (u32) follows.
enum FrameCodec: UInt8, Sendable {
    case none = 0
    case zstd = 1
    case zlib = 2
    case zstdWithHistory = 3
}
