// A link over two descriptors (which may be one). Bytes are read into the decoder and written from encoded frames;
// both directions are non-blocking, and reading never waits for writing.
//
// A message becomes a frame shortly before its bytes are written: contents wait in a line of their own, where they are
// compressed, and everything else goes past them.

import LifterCodec
import LifterProtocol
import LifterSystem

final class StreamLink: Link {
    private let input: RawDescriptor
    private let output: RawDescriptor
    private var decoder: FrameDecoder
    private var encoder: FrameEncoder
    private var buffer: [UInt8]
    private var contents: ContentPipeline
    private var limiter: RateLimiter?
    private var meter = StreamMeter()
    private var outgoing = Queue<Frame>()
    /// Bytes of the first of `outgoing` that are gone.
    private var written = 0
    private var outgoingBytes = 0
    private var inputEnded = false
    private var outputBroken = false
    private var isWaiting = false
    /// What arrives is read and dropped: a peer that cannot write may not read either.
    private var isOver = false
    /// The last read was of a long frame.
    private var expectsLongFrame = false
    private var inputPlace = 0
    private var outputPlace = 0
    private var codecPlace = 0
    private(set) var heardSomething = false
    private(set) var wantsTurn = false
    /// Set where the limit has held up bytes, and kept until the next try: the loop asks more than once before it waits,
    /// and time goes on between.
    private(set) var wakesAt: UInt64?
    private(set) var received: UInt64
    private(set) var sent: UInt64

    /// Bytes of frames made ahead of the stream; of a slow one a tenth of a second.
    private static let framesAhead = 128 << 10
    private static let readSize = 256 << 10
    /// Read where a long frame is likely to begin: its header, and little that has to be moved.
    private static let peekSize = 4 << 10
    /// Reads in one turn, so that nothing else has to wait for a quick stream.
    private static let readsInTurn = 8

    /// Takes over a stream after its handshake; `received` and `sent` are what that took. `contents`: how contents are
    /// compressed on their way out; `usesHistory`: the peer can read those that need others before them. `limit`: bytes
    /// a second that may be written, nil for as many as the stream takes.
    init(
        input: RawDescriptor, output: RawDescriptor, decoder: consuming FrameDecoder, encoder: FrameEncoder,
        contents: CompressionChoice, usesHistory: Bool, limit: UInt64?, received: UInt64, sent: UInt64
    ) {
        self.input = input
        self.output = output
        self.decoder = decoder
        self.encoder = encoder
        self.contents = ContentPipeline(contents, usesHistory: usesHistory)
        limiter = limit.map { RateLimiter(bytesPerSecond: $0, spent: sent, now: Clock.monotonic) }
        self.received = received
        self.sent = sent
        buffer = [UInt8](repeating: 0, count: Self.readSize)
    }

    func register(in poller: inout Poller) {
        inputPlace = poller.add(inputEnded ? -1 : input, .readable)
        let wantsToWrite = !outgoing.isEmpty && !outputBroken && wakesAt == nil
        outputPlace = poller.add(wantsToWrite ? output : -1, .writable)
        codecPlace = poller.add(contents.wakeUp?.raw ?? -1, .readable)
    }

    func turn(_ poller: Poller) {
        heardSomething = false
        wantsTurn = false
        if !poller.events(at: codecPlace).isEmpty { contents.collect() }
        flush()
        guard !inputEnded, !poller.events(at: inputPlace).isEmpty else { return }
        if isOver { discard() } else { read() }
    }

    private func read() {
        for _ in 0..<Self.readsInTurn {
            guard !decoder.holdsLongFrame, decoder.buffered < 4 * ProtocolConstants.longestPayload else { break }
            let isPeek = decoder.missing == 0 && expectsLongFrame
            let most = isPeek ? Self.peekSize : decoder.missing > 0 ? decoder.missing : buffer.count
            do throws(Errno) {
                switch try readOnce(most) {
                case .bytes(let count):
                    heardSomething = true
                    received += UInt64(count)
                    if count < most { return }
                case .wouldBlock: return
                case .end:
                    inputEnded = true
                    return
                }
            } catch {
                inputEnded = true
                return
            }
            // The decoder has to see the header before the rest can go to its place.
            if isPeek { break }
        }
        wantsTurn = true
    }

    private func discard() {
        do throws(Errno) {
            if case .end = try Self.read(input, &buffer, buffer.count) { inputEnded = true }
        } catch {
            inputEnded = true
        }
    }

    /// Reads the missing part of a long frame into its place, or else `most` bytes by way of the buffer.
    private func readOnce(_ most: Int) throws(Errno) -> Transfer {
        expectsLongFrame = decoder.missing > 0
        if expectsLongFrame {
            let descriptor = input
            var transfer = Transfer.wouldBlock
            try decoder.fill { (place) throws(Errno) in
                transfer = try Streams.read(descriptor, into: place)
                return if case .bytes(let count) = transfer { count } else { 0 }
            }
            return transfer
        }
        let transfer = try Self.read(input, &buffer, most)
        if case .bytes(let count) = transfer {
            buffer.withUnsafeBytes { decoder.push(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        return transfer
    }

    private static func read(
        _ descriptor: RawDescriptor, _ buffer: inout [UInt8], _ most: Int
    ) throws(Errno) -> Transfer {
        let result: Result<Transfer, Errno> = buffer.withUnsafeMutableBytes { bytes in
            do throws(Errno) {
                return .success(
                    try Streams.read(descriptor, into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<most])))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    // MARK: Out

    /// Writes while the stream takes bytes and the limit lets it. After a write error the output is given up, but
    /// reading goes on: the peer's reason may still arrive.
    func flush() {
        contents.reconsider(rate: rate, now: Clock.monotonic)
        isWaiting = false
        wakesAt = nil
        while !outputBroken {
            do throws(WireError) { try makeFrames() } catch { return giveUpOutput() }
            guard !outgoing.isEmpty else { break }
            do throws(Errno) {
                let allowed = limiter?.allowance(Clock.monotonic) ?? .max
                guard allowed > 0, case .bytes(let count) = try writeSome(allowed) else {
                    isWaiting = true
                    if allowed == 0 { wakesAt = limiter?.nextTime }
                    break
                }
                limiter?.spend(count)
                advance(count)
            } catch {
                giveUpOutput()
            }
        }
        meter.note(sent: sent, isWaiting: isWaiting, now: Clock.monotonic)
        if contents.hasStarvedStream(Clock.monotonic) { meter.forget() }
    }

    /// Contents become frames only when few bytes are left to be written.
    private func makeFrames() throws(WireError) {
        let ahead = rate.map { Int(clamping: max(4096, min($0 / 10, UInt64(Self.framesAhead)))) } ?? Self.framesAhead
        while outgoingBytes < ahead,
            let message = contents.next(isIdle: outgoing.isEmpty, now: Clock.monotonic)
        {
            try frame(message)
        }
    }

    private func giveUpOutput() {
        outputBroken = true
        outgoing.removeAll()
        outgoingBytes = 0
        contents.drop()
    }

    private func writeSome(_ most: Int) throws(Errno) -> Transfer {
        guard let frame = outgoing.first else { return .bytes(0) }
        let output = output
        let written = written
        let result: Result<Transfer, Errno> = frame.withRest(after: written, upTo: most) { pieces in
            do throws(Errno) {
                return .success(try Streams.write(output, gathering: pieces))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func advance(_ count: Int) {
        sent += UInt64(count)
        written += count
        outgoingBytes -= count
        if let frame = outgoing.first, written >= frame.count {
            written = 0
            _ = outgoing.popFirst()
        }
    }

    func nextReceived() throws(WireError) -> ReceivedMessage? { try decoder.next() }

    var hasRoom: Bool { contents.bytes < contents.room && outgoingBytes < 2 * Self.framesAhead }

    func send(_ message: OutgoingMessage) throws(WireError) {
        guard case .encoded(let encoded) = message, !outputBroken else { return }
        if encoded.isContent { return contents.add(encoded, rate: rate, now: Clock.monotonic) }
        // Nothing follows the last words; contents that nobody waits for any more do not either.
        if encoded.kind == .goodbye || encoded.kind == .abort { contents.drop() }
        try frame(encoded)
    }

    private func frame(_ message: EncodedMessage) throws(WireError) {
        let frame: Frame
        do throws(CodecError) { frame = try encoder.frame(message) } catch { throw .compression }
        // Small frames travel together.
        if let last = outgoing.count > 1 ? outgoing[outgoing.count - 1] : nil, last.count + frame.count <= 16 << 10 {
            outgoing[outgoing.count - 1] = last.joined(with: frame)
        } else {
            outgoing.append(frame)
        }
        outgoingBytes += frame.count
    }

    var isFlushed: Bool { (outgoing.isEmpty && contents.isEmpty) || outputBroken }

    var inputHasEnded: Bool { inputEnded }

    // MARK: Pace

    /// What the stream was measured to take, or may take; nil where nothing ever waits for it.
    var rate: UInt64? {
        guard let limiter else { return meter.rate }
        return min(limiter.rate, meter.rate ?? .max)
    }

    func beginFarewell() {
        isOver = true
        limiter = nil
        wakesAt = nil
    }
}
