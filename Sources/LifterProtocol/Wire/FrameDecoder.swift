// Bytes become messages here. Bytes are pushed in as they arrive, in whatever pieces; `next` gives one message at a
// time, after its header, length, check, compression and every field were verified. Once the header of a long frame is
// known, the rest can be read straight into its place (`fill`), where it stays: contents are not copied on their way.

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
    /// Bytes that were pushed; those before `position` are used up.
    private var input: [UInt8] = []
    private var position = 0
    private var pending: FrameHeader?
    private var long: LongFrame?
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

    /// Bytes that have arrived and were not yet used.
    package var buffered: Int { input.count - position + (long?.filled ?? 0) }

    /// Whether the stream stands between two frames.
    package var isBetweenFrames: Bool { buffered == 0 && pending == nil && unpacked.isEmpty }

    /// Bytes that are missing of a long frame whose beginning has arrived; 0 where there is none.
    package var missing: Int { long.map { $0.bytes.count - $0.filled } ?? 0 }

    /// A long frame has arrived and waits to be taken by `next`.
    package var holdsLongFrame: Bool { long != nil && missing == 0 }

    /// Has missing bytes read into their place: `read` fills as much of it as it can, and says how much that was.
    package mutating func fill<Failure: Error>(
        _ read: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        try long?.fill(read)
    }

    package mutating func push(_ bytes: UnsafeRawBufferPointer) {
        let first = min(missing, bytes.count)
        long?.take(bytes.prefix(first))
        if first == bytes.count { return }
        if position > 0 {
            if position == input.count {
                input.removeAll(keepingCapacity: true)
                position = 0
            } else if position >= 1 << 16 {
                input.removeFirst(position)
                position = 0
            }
        }
        input.append(contentsOf: bytes.dropFirst(first))
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
            let payload = try decompressors.payload(frame, kind, upTo: longestPayload)
            if frame.isPacked {
                try unpack(payload, kind)
                return unpacked.popFirst()
            }
            return ReceivedMessage(message: try Message(kind: kind, payload), weight: payload.remaining)
        }
        return nil
    }

    /// Takes a packed payload apart. Each message counts what it takes up in it.
    private mutating func unpack(_ payload: ByteReader, _ kind: MessageKind) throws(WireError) {
        guard let creditClass = kind.creditClass, creditClass.isPacked else { throw .value("header.flags") }
        // All of them are decoded at once, and some take two bytes.
        guard payload.remaining <= ProtocolConstants.longestPacked else {
            throw .tooLong(length: UInt64(payload.remaining))
        }
        var reader = payload
        repeat {
            let start = reader.position
            let number = try reader.u8("packed.kind")
            guard let kind = MessageKind(rawValue: number) else { throw .unknownKind(number) }
            guard kind.creditClass == creditClass else { throw .value("packed.kind") }
            let bytes = Array(try reader.string("packed.payload", upTo: ProtocolConstants.longestPayload))
            unpacked.append(
                ReceivedMessage(message: try Message(kind: kind, payload: bytes), weight: reader.position - start))
        } while !reader.isAtEnd
    }

    // MARK: Frames

    /// A frame as it arrived, checked.
    struct Incoming {
        var kind: UInt8
        var isCritical: Bool
        var isPacked: Bool
        var codec: FrameCodec
        var payload: ByteReader

        init(_ header: FrameHeader, _ payload: ByteReader) {
            kind = header.kind
            isCritical = header.isCritical
            isPacked = header.isPacked
            codec = header.codec
            self.payload = payload
        }
    }

    /// A frame that has a place of its own before all of it is here.
    private struct LongFrame {
        let header: FrameHeader
        /// As long as the frame; what lies behind `filled` means nothing.
        var bytes: [UInt8]
        var filled = 0

        /// Shorter ones wait among what was pushed.
        static let shortest = 64 << 10

        init(_ header: FrameHeader, length: Int) {
            self.header = header
            bytes = [UInt8](unfilled: length)
        }

        mutating func fill<Failure: Error>(
            _ read: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
        ) throws(Failure) {
            let start = filled
            let result: Result<Int, Failure> = bytes.withUnsafeMutableBytes { bytes in
                do throws(Failure) {
                    return .success(try read(UnsafeMutableRawBufferPointer(rebasing: bytes[start...])))
                } catch {
                    return .failure(error)
                }
            }
            filled += min(try result.get(), bytes.count - start)
        }

        mutating func take(_ source: Slice<UnsafeRawBufferPointer>) {
            fill { room in
                room.copyMemory(from: UnsafeRawBufferPointer(rebasing: source))
                return source.count
            }
        }
    }

    private mutating func nextFrame() throws(WireError) -> Incoming? {
        if let long {
            guard missing == 0 else { return nil }
            self.long = nil
            return try check(long.bytes, long.header)
        }
        if pending == nil {
            guard buffered >= ProtocolConstants.headerLength else { return nil }
            let header = Array(input[position..<position + ProtocolConstants.headerLength])
            let parsed = try FrameHeader(from: header, chain: chain)
            guard Int(parsed.length) <= longestPayload else { throw .tooLong(length: UInt64(parsed.length)) }
            pending = parsed
        }
        guard let parsed = pending else { return nil }
        let total = ProtocolConstants.headerLength + Int(parsed.length) + ProtocolConstants.trailerLength
        if buffered >= total {
            defer { position += total }
            let bytes = Array(input[position..<position + total])
            pending = nil
            return try check(bytes, parsed)
        }
        if total >= LongFrame.shortest {
            var begun = LongFrame(parsed, length: total)
            input.withUnsafeBytes { begun.take(UnsafeRawBufferPointer(rebasing: $0[position...])[...]) }
            long = begun
            pending = nil
            input.removeAll(keepingCapacity: true)
            position = 0
        }
        return nil
    }

    /// A whole frame, from its header to its check, if that is right.
    private mutating func check(_ bytes: [UInt8], _ header: FrameHeader) throws(WireError) -> Incoming {
        let end = bytes.count - ProtocolConstants.trailerLength
        chain = XXH3.hash64(bytes[..<end], seed: chain)
        var check: UInt64 = 0
        for index in 0..<8 { check |= UInt64(bytes[end + index]) << UInt64(index * 8) }
        guard check == chain else { throw .check }
        return Incoming(header, ByteReader(bytes, ProtocolConstants.headerLength..<end))
    }
}

/// The receiving halves of the codecs: one streaming context per class, one-shot contexts for contents, and what these
/// may refer to.
private struct Decompressors {
    private var streams: [CreditClass: ZstdStreamDecompressor] = [:]
    private var zstd: ZstdDecompressor?
    private var zlib: ZlibDecompressor?
    private var history = ContentHistory()
    /// The part of it that one frame refers to, in one piece.
    private var prefix: [UInt8] = []

    mutating func payload(
        _ frame: FrameDecoder.Incoming, _ kind: MessageKind, upTo longest: Int
    ) throws(WireError) -> ByteReader {
        let payload = try plain(frame, kind, longest)
        if kind.creditClass == .content { history.append(payload.bytes[payload.position..<payload.end]) }
        return payload
    }

    private mutating func plain(
        _ frame: FrameDecoder.Incoming, _ kind: MessageKind, _ longest: Int
    ) throws(WireError) -> ByteReader {
        guard frame.codec != .none else { return frame.payload }
        guard let creditClass = kind.creditClass else { throw .value("header.flags") }
        var reader = frame.payload
        let size = Int(try reader.u32("payload.length"))
        guard size <= longest else { throw .tooLong(length: UInt64(size)) }
        if frame.codec == .zstdWithHistory && creditClass == .content {
            let reach = Int(try reader.u32("history.length"))
            guard reach > 0, reach <= history.count else { throw .compression }
            prefix.removeAll(keepingCapacity: true)
            history.appendLast(reach, to: &prefix)
        }
        do throws(CodecError) {
            return ByteReader(try decompress(reader.rest, frame.codec, creditClass, size))
        } catch {
            throw .compression
        }
    }

    private mutating func decompress(
        _ bytes: [UInt8], _ codec: FrameCodec, _ creditClass: CreditClass, _ size: Int
    ) throws(CodecError) -> [UInt8] {
        switch (creditClass, codec) {
        case (_, .none): return bytes
        case (.content, .zstd):
            if zstd == nil { zstd = try ZstdDecompressor() }
            return try zstd?.decompress(bytes, exactSize: size) ?? []
        case (.content, .zstdWithHistory):
            if zstd == nil { zstd = try ZstdDecompressor() }
            return try zstd?.decompress(bytes, history: prefix, exactSize: size) ?? []
        case (.content, .zlib):
            if zlib == nil { zlib = try ZlibDecompressor() }
            return try zlib?.decompress(bytes, exactSize: size) ?? []
        case (.listing, .zstd), (.answer, .zstd), (.signature, .zstd):
            if streams[creditClass] == nil {
                streams[creditClass] = try ZstdStreamDecompressor(windowLogMax: ProtocolConstants.windowLog)
            }
            return try streams[creditClass]?.decompress(bytes, exactSize: size) ?? []
        case (.listing, .zlib), (.answer, .zlib), (.signature, .zlib), (.listing, .zstdWithHistory),
            (.answer, .zstdWithHistory), (.signature, .zstdWithHistory):
            throw .malformed
        }
    }
}
