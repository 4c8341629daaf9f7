// Bytes become messages here. Bytes are pushed in as they arrive, in whatever pieces; `next` gives one message at a
// time, after its header, length, check, compression and every field were verified.

import LifterCodec

/// A message as it arrived, and what it counted against credit.
package struct ReceivedMessage: Sendable {
    package let message: Message
    package let weight: Int

    package init(message: Message, weight: Int) {
        self.message = message
        self.weight = weight
    }
}

package struct FrameDecoder {
    private var chain = ProtocolConstants.openingChain
    private var input: [UInt8] = []
    private var position = 0
    private var header: [UInt8] = []
    private var pending: FrameHeader?
    private var decompressors = Decompressors()
    /// Messages of a packed frame that were not asked for yet.
    private var unpacked = Queue<ReceivedMessage>()
    /// The first error: a damaged stream has no second message.
    private var failure: WireError?
    /// Payloads longer than this are refused (smaller during the handshake).
    package var longestPayload = ProtocolConstants.longestHandshakePayload

    package init() {}

    package mutating func rekey(_ chain: UInt64) {
        self.chain = chain
        longestPayload = ProtocolConstants.longestPayload
    }

    /// Bytes pushed and not yet used.
    package var buffered: Int { input.count - position }

    /// Whether the stream stands between two frames.
    package var isBetweenFrames: Bool { buffered == 0 && pending == nil && unpacked.isEmpty }

    package mutating func push(_ bytes: UnsafeRawBufferPointer) {
        if position > 0 {
            if position == input.count {
                input.removeAll(keepingCapacity: true)
                position = 0
            } else if position >= 1 << 16 {
                input.removeFirst(position)
                position = 0
            }
        }
        input.append(contentsOf: bytes)
    }

    package mutating func push(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { push($0) }
    }

    /// The next message; nil while more bytes are needed. Messages of unknown kinds that may be skipped are.
    package mutating func next() throws(WireError) -> ReceivedMessage? {
        if let failure { throw failure }
        do throws(WireError) {
            return try nextMessage()
        } catch {
            failure = error
            throw error
        }
    }

    private mutating func nextMessage() throws(WireError) -> ReceivedMessage? {
        if let message = unpacked.popFirst() { return message }
        while let frame = try nextFrame() {
            guard let kind = MessageKind(rawValue: frame.kind) else {
                if frame.isPacked { throw .value("header.flags") }
                if frame.isCritical { throw .unknownKind(frame.kind) }
                continue
            }
            let payload = try decompressors.payload(frame, kind)
            if frame.isPacked {
                try unpack(payload, kind)
                return unpacked.popFirst()
            }
            return ReceivedMessage(
                message: try Message(kind: kind, payload: payload), weight: payload.count)
        }
        return nil
    }

    /// Takes a packed payload apart. Each message counts what it takes up in it.
    private mutating func unpack(_ payload: [UInt8], _ kind: MessageKind) throws(WireError) {
        guard kind.creditClass == .listing else { throw .value("header.flags") }
        var reader = ByteReader(payload)
        repeat {
            let start = reader.position
            let number = try reader.u8("packed.kind")
            guard let kind = MessageKind(rawValue: number) else { throw .unknownKind(number) }
            guard kind.creditClass == .listing else { throw .value("packed.kind") }
            let bytes = Array(try reader.string("packed.payload", upTo: ProtocolConstants.longestPayload))
            unpacked.append(
                ReceivedMessage(message: try Message(kind: kind, payload: bytes), weight: reader.position - start))
        } while !reader.isAtEnd
    }

    struct Frame {
        var kind: UInt8
        var isCritical: Bool
        var isPacked: Bool
        var codec: FrameCodec
        var payload: [UInt8]
    }

    private mutating func nextFrame() throws(WireError) -> Frame? {
        if pending == nil {
            guard buffered >= ProtocolConstants.headerLength else { return nil }
            header = Array(input[position..<position + ProtocolConstants.headerLength])
            let parsed = try FrameHeader(from: header, chain: chain)
            guard Int(parsed.length) <= longestPayload else { throw .tooLong(length: UInt64(parsed.length)) }
            pending = parsed
        }
        guard let parsed = pending else { return nil }
        let length = Int(parsed.length)
        let total = ProtocolConstants.headerLength + length + ProtocolConstants.trailerLength
        guard buffered >= total else { return nil }
        let checked = position..<position + ProtocolConstants.headerLength + length
        chain = XXH3.hash64(input[checked], seed: chain)
        var check: UInt64 = 0
        for index in 0..<8 { check |= UInt64(input[checked.upperBound + index]) << UInt64(index * 8) }
        guard check == chain else { throw .check }
        let payload = Array(input[position + ProtocolConstants.headerLength..<checked.upperBound])
        position += total
        pending = nil
        return Frame(
            kind: parsed.kind, isCritical: parsed.isCritical, isPacked: parsed.isPacked, codec: parsed.codec,
            payload: payload)
    }
}

/// The receiving halves of the codecs: one streaming context per class, one-shot contexts for contents.
private struct Decompressors {
    private var streams: [CreditClass: ZstdStreamDecompressor] = [:]
    private var zstd: ZstdDecompressor?
    private var zlib: ZlibDecompressor?

    mutating func payload(_ frame: FrameDecoder.Frame, _ kind: MessageKind) throws(WireError) -> [UInt8] {
        guard frame.codec != .none else { return frame.payload }
        guard let creditClass = kind.creditClass else { throw .value("header.flags") }
        var reader = ByteReader(frame.payload)
        let size = Int(try reader.u32("payload.length"))
        guard size <= ProtocolConstants.longestPayload else { throw .tooLong(length: UInt64(size)) }
        do throws(CodecError) {
            return try decompress(frame, creditClass, size)
        } catch {
            throw .compression
        }
    }

    private mutating func decompress(
        _ frame: FrameDecoder.Frame, _ creditClass: CreditClass, _ size: Int
    ) throws(CodecError) -> [UInt8] {
        let bytes = Array(frame.payload[4...])
        switch (creditClass, frame.codec) {
        case (_, .none): return frame.payload
        case (.content, .zstd):
            if zstd == nil { zstd = try ZstdDecompressor() }
            return try zstd?.decompress(bytes, exactSize: size) ?? []
        case (.content, .zlib):
            if zlib == nil { zlib = try ZlibDecompressor() }
            return try zlib?.decompress(bytes, exactSize: size) ?? []
        case (.listing, .zstd), (.answer, .zstd), (.signature, .zstd):
            if streams[creditClass] == nil {
                streams[creditClass] = try ZstdStreamDecompressor(windowLogMax: ProtocolConstants.windowLog)
            }
            return try streams[creditClass]?.decompress(bytes, exactSize: size) ?? []
        case (.listing, .zlib), (.answer, .zlib), (.signature, .zlib):
            throw .malformed
        }
    }
}
