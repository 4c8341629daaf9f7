// Messages become frames here, at the moment they go to write(2): compressed, numbered into the chain of checks,
// closed with their own check. One encoder per direction, so order on the wire is order here.

package import LifterCodec

/// A message in its encoded form, with room in front for the header.
package struct EncodedMessage: Sendable {
    package let kind: MessageKind
    fileprivate let isPacked: Bool
    fileprivate var buffer: [UInt8]

    package init(_ message: Message) throws(WireError) {
        kind = message.kind
        isPacked = false
        let payload = try message.encoded(after: ProtocolConstants.headerLength)
        buffer = payload
        let limit = kind == .hello ? ProtocolConstants.longestHandshakePayload : ProtocolConstants.longestPayload
        guard payloadLength <= limit else { throw .tooLong(length: UInt64(payloadLength)) }
    }

    /// Several messages of one class in one frame, in their order; the frame bears the kind of the first. There must
    /// be one at least, and their payloads short enough that the sum is a payload.
    init(packing messages: [EncodedMessage]) {
        kind = messages[0].kind
        isPacked = true
        let header = ProtocolConstants.headerLength
        var writer = ByteWriter(reserving: messages.reduce(header) { $0 + $1.payloadLength + Self.packingOverhead })
        writer.raw(repeatElement(0, count: header))
        for message in messages {
            writer.u8(message.kind.rawValue)
            writer.string(message.buffer[header...])
        }
        buffer = writer.bytes
    }

    /// The most that packing adds to a message of less than 16,384 bytes: its kind and its length.
    static let packingOverhead = 3

    /// What it counts against credit: bytes of uncompressed payload.
    package var payloadLength: Int { buffer.count - ProtocolConstants.headerLength }
}

package struct FrameEncoder {
    private var chain = ProtocolConstants.openingChain
    private let contentCodec: ContentCodec
    private var streams: [CreditClass: ZstdStreamCompressor] = [:]
    private let compressesListings: Bool
    /// Payloads shorter than this are not worth compressing.
    private static let shortest = 64

    /// `listings`: compress listings and answers (always wanted on a stream). `content`: as the job says.
    package init(content: CompressionChoice, listings: Bool) throws(CodecError) {
        switch content {
        case .none: contentCodec = .none
        case .zstd(let level): contentCodec = .zstd(try ZstdCompressor(), level: Int(level))
        case .zlib(let level): contentCodec = .zlib(try ZlibCompressor(level: Int(level)))
        }
        compressesListings = listings
    }

    private enum ContentCodec {
        case none
        case zstd(ZstdCompressor, level: Int)
        case zlib(ZlibCompressor)
    }

    /// Every frame from here on is checked under a chain that both nonces entered.
    package mutating func rekey(_ chain: UInt64) { self.chain = chain }

    package mutating func frame(_ message: consuming EncodedMessage) throws(CodecError) -> [UInt8] {
        let kind = message.kind
        var buffer = message.buffer
        message.buffer = []
        let codec = try compress(&buffer, kind)
        let length = buffer.count - ProtocolConstants.headerLength
        let header = FrameHeader(kind: kind, codec: codec, isPacked: message.isPacked, length: length)
        header.write(into: &buffer, chain: chain)
        chain = XXH3.hash64(buffer, seed: chain)
        for index in 0..<8 { buffer.append(UInt8(truncatingIfNeeded: chain >> UInt64(index * 8))) }
        return buffer
    }

    /// Replaces the payload by its compressed form where the class of the message has one and it is shorter.
    private mutating func compress(_ buffer: inout [UInt8], _ kind: MessageKind) throws(CodecError) -> FrameCodec {
        let header = ProtocolConstants.headerLength
        let plain = buffer.count - header
        guard plain >= Self.shortest, let creditClass = kind.creditClass else { return .none }
        let compressed: [UInt8]
        let codec: FrameCodec
        switch creditClass {
        case .listing, .answer, .signature:
            guard compressesListings, plain <= ProtocolConstants.longestStreamed else { return .none }
            if streams[creditClass] == nil { streams[creditClass] = try ZstdStreamCompressor(level: 1) }
            guard let stream = streams[creditClass] else { return .none }
            // A streaming context has taken the bytes in: what it gave must be sent, shorter or not.
            compressed = try Self.payload(buffer) { (bytes) throws(CodecError) in try stream.compress(bytes) }
            codec = .zstd
        case .content:
            switch contentCodec {
            case .none: return .none
            case .zstd(let compressor, let level):
                compressed = try Self.payload(buffer) { (bytes) throws(CodecError) in
                    try compressor.compress(bytes, level: level)
                }
                codec = .zstd
            case .zlib(let compressor):
                compressed = try Self.payload(buffer) { (bytes) throws(CodecError) in try compressor.compress(bytes) }
                codec = .zlib
            }
            guard compressed.count + 4 < plain else { return .none }
        }
        buffer.removeLast(plain)
        for index in 0..<4 { buffer.append(UInt8(truncatingIfNeeded: plain >> (index * 8))) }
        buffer.append(contentsOf: compressed)
        return codec
    }

    private static func payload(
        _ buffer: [UInt8], _ body: (UnsafeRawBufferPointer) throws(CodecError) -> [UInt8]
    ) throws(CodecError) -> [UInt8] {
        let result: Result<[UInt8], CodecError> = buffer.withUnsafeBytes { bytes in
            do throws(CodecError) {
                return .success(
                    try body(UnsafeRawBufferPointer(rebasing: bytes[ProtocolConstants.headerLength...])))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
