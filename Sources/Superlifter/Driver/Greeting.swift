// The first flight over a real stream. The client's three messages leave at once; noise before the preamble is
// skipped only when the peer is a child of ours (a login shell may have printed something), within bounds. One
// deadline covers all of it, from before the first byte is read.

import LifterCodec
import LifterProtocol
import LifterSystem
import LifterTransport

/// A stream whose handshake is done: keys agreed, bytes counted, perhaps some already read.
struct GreetedStream {
    var result: HandshakeResult
    var decoder: FrameDecoder
    var encoder: FrameEncoder
    var received: UInt64
    var sent: UInt64
}

struct Greeting {
    let input: RawDescriptor
    let output: RawDescriptor
    private let deadline: UInt64
    private let cancellation: Cancellation?
    private var decoder = FrameDecoder()
    private var received: UInt64 = 0
    private var sent: UInt64 = 0
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    /// Noise that a client skips before the preamble, and for how long after its first byte.
    private static let mostNoise = 4 << 10
    private static let noiseTime: UInt64 = 5_000_000_000

    init(input: RawDescriptor, output: RawDescriptor, deadline: UInt64, cancellation: Cancellation?) {
        self.input = input
        self.output = output
        self.deadline = deadline
        self.cancellation = cancellation
    }

    // MARK: Client

    mutating func client(
        _ hello: Hello, _ job: Job, skipsNoise: Bool, warn: (String) -> Void
    ) throws(SuperlifterError) -> GreetedStream {
        let handshake = ClientHandshake(own: hello, job: job)
        var encoder = try makeEncoder()
        var opening = ProtocolConstants.preamble
        for message in handshake.opening { opening += try frame(message, &encoder) }
        // A peer that closes early may have said why: the answer is read before a broken pipe is reported.
        let writeError = send(opening)
        try awaitPreamble(from: skipsNoise ? .shell : .server, skipsNoise: skipsNoise, writeError, warn)
        let message = try nextMessage()
        let result: HandshakeResult
        do throws(HandshakeFailure) {
            result = try handshake.receive(message)
        } catch {
            throw SuperlifterError(error)
        }
        encoder.rekey(result.sendingChain)
        decoder.rekey(result.receivingChain)
        var stream = GreetedStream(
            result: result, decoder: decoder, encoder: encoder, received: received, sent: sent)
        do throws(SuperlifterError) {
            try Session.check(result.peer, for: job)
        } catch {
            sayAbort(error.abort, on: &stream)
            throw error
        }
        return stream
    }

    /// One more message after the handshake (Roots, for a client that pulls).
    static func next(on stream: inout GreetedStream, _ greeting: inout Greeting) throws(SuperlifterError)
        -> ReceivedMessage
    {
        greeting.decoder = stream.decoder
        let message = try greeting.nextReceived()
        stream.decoder = greeting.decoder
        stream.received = greeting.received
        return message
    }

    // MARK: Server

    /// Reads the client's Hello and Job. Throws after having told the client why.
    mutating func server(_ hello: Hello) throws(SuperlifterError) -> HandshakeResult {
        do throws(SuperlifterError) {
            try awaitPreamble(from: .client, skipsNoise: false, nil) { _ in }
            var handshake = ServerHandshake(own: hello)
            // Filter rules travel in the Job.
            decoder.longestPayload = ProtocolConstants.longestPayload
            while true {
                let message = try nextMessage()
                do throws(HandshakeFailure) {
                    if let result = try handshake.receive(message) { return result }
                } catch {
                    throw SuperlifterError(error)
                }
            }
        } catch {
            sayAbort(error.abort)
            throw error
        }
    }

    /// The server's own Hello, once everything the job needs is open.
    mutating func accept(_ hello: Hello, _ result: HandshakeResult) throws(SuperlifterError) -> GreetedStream {
        var encoder = try makeEncoder()
        let bytes = ProtocolConstants.preamble + (try frame(.hello(hello), &encoder))
        if let error = send(bytes) {
            throw SuperlifterError(.socket, "cannot answer the client", causes: [error.description])
        }
        encoder.rekey(result.sendingChain)
        decoder.rekey(result.receivingChain)
        return GreetedStream(result: result, decoder: decoder, encoder: encoder, received: received, sent: sent)
    }

    /// Tells the peer why there will be no session.
    mutating func sayAbort(_ abort: Abort) {
        _ = send(Self.bytes(of: abort))
    }

    /// A server's first and last words to a client that it has not greeted.
    static func bytes(of abort: Abort) -> [UInt8] {
        guard var encoder = try? FrameEncoder(content: .none, listings: false),
            let message = try? EncodedMessage(.abort(abort)), let frame = try? encoder.frame(message)
        else { return [] }
        return ProtocolConstants.preamble + frame.bytes
    }

    /// The same after the handshake.
    mutating func sayAbort(_ abort: Abort, on stream: inout GreetedStream) {
        if let bytes = try? frame(.abort(abort), &stream.encoder) { _ = send(bytes) }
    }

    // MARK: Pieces

    private func makeEncoder() throws(SuperlifterError) -> FrameEncoder {
        do throws(CodecError) {
            // Contents come to it compressed.
            return try FrameEncoder(content: .none, listings: true)
        } catch {
            throw SuperlifterError(.protocolStream, "cannot start compression", causes: [error.description])
        }
    }

    private func frame(_ message: Message, _ encoder: inout FrameEncoder) throws(SuperlifterError) -> [UInt8] {
        do {
            return try encoder.frame(try EncodedMessage(message)).bytes
        } catch {
            throw SuperlifterError(.usage, "the job is too large to be sent (too many or too long filter rules)")
        }
    }

    /// The server sends its preamble in front of its first frame, too.
    private mutating func awaitPreamble(
        from speaker: WrongProtocol.Speaker, skipsNoise: Bool, _ writeError: Errno?, _ warn: (String) -> Void
    ) throws(SuperlifterError) {
        let preamble = ProtocolConstants.preamble
        var seen: [UInt8] = []
        var noiseDeadline: UInt64?
        while true {
            if let start = Self.position(of: preamble, in: seen), start <= (skipsNoise ? Self.mostNoise : 0) {
                if start > 0 {
                    warn(
                        "the remote side printed something before the stream began: "
                            + "\"\(Display.escaped(seen[..<start], limit: 200))\" "
                            + "(is something printed in a shell start-up file there?)")
                }
                decoder.push(Array(seen[(start + preamble.count)...]))
                return
            }
            let isHopeless =
                skipsNoise
                ? seen.count >= Self.mostNoise + preamble.count
                : !preamble.starts(with: seen.prefix(preamble.count))
            let isLate = noiseDeadline.map { Clock.monotonic >= $0 } ?? false
            if isHopeless || isLate { throw SuperlifterError.wrongProtocol(seen, from: speaker) }
            let limit = skipsNoise ? min(deadline, noiseDeadline ?? .max) : deadline
            switch try readSome(until: limit) {
            case .bytes(let count):
                seen += buffer[..<count]
                if noiseDeadline == nil { noiseDeadline = Clock.monotonic + Self.noiseTime }
            case .end:
                if !seen.isEmpty { throw SuperlifterError.wrongProtocol(seen, from: speaker) }
                throw SuperlifterError(
                    .protocolStream, "the peer closed the stream before saying Hello",
                    causes: writeError.map { [$0.description] } ?? [])
            case .wouldBlock: continue
            }
        }
    }

    private static func position(of needle: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= needle.count else { return nil }
        return (0...bytes.count - needle.count).first { bytes[$0...].starts(with: needle) }
    }

    private mutating func nextMessage() throws(SuperlifterError) -> Message { try nextReceived().message }

    private mutating func nextReceived() throws(SuperlifterError) -> ReceivedMessage {
        while true {
            do throws(WireError) {
                if let message = try decoder.next() { return message }
            } catch {
                throw SuperlifterError(error)
            }
            switch try readSome(until: deadline) {
            case .bytes(let count): decoder.push(Array(buffer[..<count]))
            case .end: throw SuperlifterError(.protocolStream, "the peer closed the stream during the handshake")
            case .wouldBlock: continue
            }
        }
    }

    private mutating func readSome(until limit: UInt64) throws(SuperlifterError) -> Transfer {
        var poller = Poller()
        poller.add(input, .readable)
        if let cancellation { poller.add(cancellation.raw, .readable) }
        let now = Clock.monotonic
        guard now < deadline else {
            throw SuperlifterError(.connectTimeout, "the handshake took too long (see --connect-timeout)")
        }
        do throws(Errno) {
            _ = try poller.wait(timeout: limit > now ? limit - now : 0)
            if cancellation?.isCancelled == true { throw Errno.interrupted }
            let descriptor = input
            let result: Result<Transfer, Errno> = buffer.withUnsafeMutableBytes { bytes in
                do throws(Errno) { return .success(try Streams.read(descriptor, into: bytes)) } catch {
                    return .failure(error)
                }
            }
            let transfer = try result.get()
            if case .bytes(let count) = transfer { received += UInt64(count) }
            return transfer
        } catch .interrupted {
            throw SuperlifterError(.interrupted, "interrupted")
        } catch .connectionReset {
            return .end
        } catch {
            throw SuperlifterError(.socket, "reading from the peer", causes: [error.description])
        }
    }

    /// Writes all of it before the deadline; the error that ended it otherwise.
    private mutating func send(_ bytes: [UInt8]) -> Errno? {
        var written = 0
        while written < bytes.count {
            do throws(Errno) {
                let descriptor = output
                let result: Result<Transfer, Errno> = bytes.withUnsafeBytes { all in
                    do throws(Errno) {
                        return .success(
                            try Streams.write(descriptor, from: UnsafeRawBufferPointer(rebasing: all[written...])))
                    } catch {
                        return .failure(error)
                    }
                }
                switch try result.get() {
                case .bytes(let count):
                    written += count
                    sent += UInt64(count)
                case .wouldBlock, .end:
                    var poller = Poller()
                    poller.add(output, .writable)
                    let now = Clock.monotonic
                    guard now < deadline else { return .timedOut }
                    _ = try poller.wait(timeout: deadline - now)
                }
            } catch {
                return error
            }
        }
        return nil
    }
}
