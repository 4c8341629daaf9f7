// Messages become frames here, at the moment they go to write(2): compressed, numbered into the chain of checks,
// closed with their own check. One encoder per direction, so order on the wire is order here.
//
// Contents may have been compressed before (`ContentCompressor`), on whatever thread; then only the rest is done here.

package import LifterCodec

/// A message in its encoded form, with room in front for the header.
package struct EncodedMessage: Sendable {
    package let kind: MessageKind
    fileprivate let isPacked: Bool
    /// Room for the header, and the payload or its beginning.
    fileprivate var buffer: [UInt8]
    /// The rest of the payload, in the array it was read into.
    fileprivate var tail: ArraySlice<UInt8> = []
    /// How the payload is compressed already; nil: nobody has tried yet.
    fileprivate var codec: FrameCodec?
    /// The length before compression, once that is done.
    private var plainLength: Int?

    package init(_ message: Message) throws(WireError) {
        kind = message.kind
        isPacked = false
        let payload = try message.encoded(after: ProtocolConstants.headerLength)
        buffer = payload.bytes
        tail = payload.tail
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
    package var payloadLength: Int { plainLength ?? wireLength }

    /// Bytes of payload that will travel, as far as is known.
    package var wireLength: Int { buffer.count - ProtocolConstants.headerLength + tail.count }

    /// Whether it is of the class whose frames are compressed each by itself.
    package var isContent: Bool { kind.creditClass == .content }

    /// The payload as it is, put together if need be. `body` must not keep it.
    package mutating func withPayload<Outcome, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Outcome
    ) throws(Failure) -> Outcome {
        buffer.append(contentsOf: tail)
        tail = []
        let result: Result<Outcome, Failure> = buffer.withUnsafeBytes { bytes in
            do throws(Failure) {
                return .success(
                    try body(UnsafeRawBufferPointer(rebasing: bytes[ProtocolConstants.headerLength...])))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// The payload as it is, in the arrays that it lies in.
    var payloadPieces: (head: ArraySlice<UInt8>, tail: ArraySlice<UInt8>) {
        (buffer[ProtocolConstants.headerLength...], tail)
    }

    func appendPayload(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: buffer[ProtocolConstants.headerLength...])
        bytes.append(contentsOf: tail)
    }

    /// Puts the compressed form in the payload's place where that is shorter; a stream of several messages has taken
    /// the bytes in, so there it must be sent in any case.
    mutating func replace(by compressed: [UInt8], _ codec: FrameCodec, always: Bool) {
        let plain = payloadLength
        guard always || compressed.count + 4 < plain else { return leavePlain() }
        put([plain], compressed, codec)
    }

    /// The same for what was compressed against the last `history` bytes before it.
    mutating func replace(by compressed: [UInt8], history: Int) {
        let plain = payloadLength
        guard compressed.count + 8 < plain else { return leavePlain() }
        put([plain, history], compressed, .zstdWithHistory)
    }

    private mutating func put(_ lengths: [Int], _ compressed: [UInt8], _ codec: FrameCodec) {
        plainLength = lengths[0]
        buffer.removeSubrange(ProtocolConstants.headerLength...)
        tail = []
        for length in lengths {
            for index in 0..<4 { buffer.append(UInt8(truncatingIfNeeded: length >> (index * 8))) }
        }
        buffer.append(contentsOf: compressed)
        self.codec = codec
    }

    /// It travels as it is.
    package mutating func leavePlain() { codec = FrameCodec.none }
}

package struct FrameEncoder {
    private var chain = ProtocolConstants.openingChain
    private let hasher = XXH3Stream(seed: 0)
    private let contents: CompressionChoice
    private let compressor = ContentCompressor()
    private var streams: [CreditClass: ZstdStreamCompressor] = [:]
    private let compressesListings: Bool
    /// What contents are compressed against here, if the peer knows the feature. Empty after contents that came
    /// compressed.
    private var history = ContentHistory()
    package var usesHistory = false
    /// Payloads shorter than this are not worth compressing.
    static let shortest = 64

    /// `listings`: compress listings and answers (always wanted on a stream). `content`: how contents are compressed
    /// that were not before; `auto` leaves them plain, since nothing is measured here.
    package init(content: CompressionChoice, listings: Bool) throws(CodecError) {
        contents = content
        compressesListings = listings
    }

    /// Every frame from here on is checked under a chain that both nonces entered.
    package mutating func rekey(_ chain: UInt64) { self.chain = chain }

    package mutating func frame(_ message: consuming EncodedMessage) throws(CodecError) -> Frame {
        if message.codec == nil {
            try compress(&message)
        } else if message.isContent {
            history.removeAll()
        }
        let codec = message.codec ?? .none
        let length = message.wireLength
        var frame = Frame(head: message.buffer, body: message.tail, check: [])
        message.buffer = []
        let header = FrameHeader(kind: message.kind, codec: codec, isPacked: message.isPacked, length: length)
        header.write(into: &frame.head, chain: chain)
        if frame.body.isEmpty {
            chain = XXH3.hash64(frame.head, seed: chain)
            Self.write(chain, to: &frame.head)
        } else {
            hasher.reset(seed: chain)
            hasher.update(frame.head)
            hasher.update(frame.body)
            chain = hasher.digest64()
            Self.write(chain, to: &frame.check)
        }
        return frame
    }

    private static func write(_ check: UInt64, to bytes: inout [UInt8]) {
        for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: check >> UInt64(index * 8))) }
    }

    /// Replaces the payload by its compressed form where the class of the message has one.
    private mutating func compress(_ message: inout EncodedMessage) throws(CodecError) {
        let plain = message.payloadLength
        guard let creditClass = message.kind.creditClass else { return }
        switch creditClass {
        case .listing, .answer, .signature:
            guard compressesListings, plain >= Self.shortest, plain <= ProtocolConstants.longestStreamed else { return }
            // Whoever wants contents compressed in any case wants few bytes more than time.
            let level = contents.isSure ? 5 : 3
            if streams[creditClass] == nil { streams[creditClass] = try ZstdStreamCompressor(level: level) }
            guard let stream = streams[creditClass] else { return }
            let compressed = try message.withPayload { (bytes) throws(CodecError) in try stream.compress(bytes) }
            message.replace(by: compressed, .zstd, always: true)
        case .content:
            guard let method = ContentMethod(contents, for: message.kind) else { return }
            let before = history
            if usesHistory { history.append(message) }
            try compressor.compress(&message, method, after: before)
        }
    }
}
