// The other end of a session, made without any of the checks of ours: frames are right (kind, chain, lengths), their
// payloads are whatever the test says. What the real end sends is read by the ordinary decoder.

import LifterCodec
import LifterProtocol
import LifterSystem
import Testing

/// A frame to be sent: kind and payload, both as they come.
struct HostileFrame: Sendable {
    var kind: UInt8
    var payload: [UInt8]

    init(_ kind: MessageKind, _ payload: [UInt8] = []) {
        self.kind = kind.rawValue
        self.payload = payload
    }

    init(rawKind: UInt8, _ payload: [UInt8]) {
        kind = rawKind
        self.payload = payload
    }
}

/// How the real end behaved towards the peer.
enum PeerView: Sendable {
    /// It said why it goes.
    case abort(String)
    /// It said Goodbye.
    case goodbye
    /// It closed the stream without a word.
    case closed
    /// It waits for more.
    case waiting
}

struct HostilePeer: ~Copyable {
    private let stream: Descriptor
    private var chain = ProtocolConstants.openingChain
    private var decoder = FrameDecoder()
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    private var isBroken = false
    private(set) var received: [Message] = []
    private(set) var digestKey: UInt64 = 0

    private static let nonce = [UInt8](repeating: 7, count: ProtocolConstants.nonceLength)

    init(_ stream: consuming Descriptor) throws {
        self.stream = stream
        try Streams.setNonBlocking(true, of: self.stream.raw)
    }

    // MARK: Greeting

    /// The client's first flight, with a Job of any bytes. False: the server refused.
    mutating func greetServer(job: [UInt8], hello: [UInt8]? = nil) -> Bool {
        write(ProtocolConstants.preamble)
        send(HostileFrame(.hello, hello ?? Self.hello))
        send(HostileFrame(.job, job))
        guard skipPreamble(), case .hello(let hello)? = next(within: 5_000_000_000) else { return false }
        rekey(client: Self.nonce, server: hello.nonce, isClient: true)
        return true
    }

    /// The server's first words to a client of ours; the job that it asked for.
    mutating func greetClient() -> Job? {
        guard skipPreamble(), case .hello(let hello)? = next(within: 5_000_000_000) else { return nil }
        decoder.longestPayload = ProtocolConstants.longestPayload
        guard case .job(let job)? = next(within: 5_000_000_000) else { return nil }
        write(ProtocolConstants.preamble)
        send(HostileFrame(.hello, Self.hello))
        rekey(client: hello.nonce, server: Self.nonce, isClient: false)
        return job
    }

    static var hello: [UInt8] {
        let hello = Hello(
            software: "hostile", nonce: nonce, features: [Hello.deltaFeature], limits: Limits(),
            abilities: [.owners, .devices, .setIDs])
        return (try? Message.hello(hello).encoded()) ?? []
    }

    private mutating func rekey(client: [UInt8], server: [UInt8], isClient: Bool) {
        let clients = Agreement.key(client: client, server: server, seed: ProtocolConstants.clientChainSeed)
        let servers = Agreement.key(client: client, server: server, seed: ProtocolConstants.serverChainSeed)
        digestKey = Agreement.key(client: client, server: server, seed: ProtocolConstants.digestKeySeed)
        chain = isClient ? clients : servers
        decoder.rekey(isClient ? servers : clients)
    }

    private mutating func skipPreamble() -> Bool {
        var seen: [UInt8] = []
        while seen.count < ProtocolConstants.preamble.count {
            guard let some = readSome(within: 5_000_000_000) else { return false }
            seen += some
        }
        guard seen.starts(with: ProtocolConstants.preamble) else { return false }
        decoder.push(Array(seen[ProtocolConstants.preamble.count...]))
        return true
    }

    // MARK: Sending

    mutating func send(_ frame: HostileFrame) {
        var bytes: [UInt8] = [frame.kind, 1, 0, 0]
        bytes += Self.little(UInt64(frame.payload.count), 4)
        bytes += Self.little(XXH3.hash64(bytes, seed: chain), 4)
        bytes += frame.payload
        chain = XXH3.hash64(bytes, seed: chain)
        bytes += Self.little(chain, 8)
        write(bytes)
    }

    mutating func send(_ frames: [HostileFrame]) {
        for frame in frames { send(frame) }
    }

    /// Writes all of it, reading meanwhile; gives up where the other end takes nothing for five seconds.
    mutating func write(_ bytes: [UInt8]) {
        var done = 0
        while done < bytes.count, !isBroken {
            let result = bytes.withUnsafeBytes {
                try? Streams.write(stream.raw, from: UnsafeRawBufferPointer(rebasing: $0[done...]))
            }
            switch result {
            case .bytes(let count): done += count
            case .wouldBlock:
                var poller = Poller()
                poller.add(stream.raw, [.writable, .readable])
                if (try? poller.wait(timeout: 5_000_000_000)) ?? 0 == 0 { isBroken = true }
                takeIn()
            case .end, nil: isBroken = true
            }
        }
    }

    private static func little(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
    }

    // MARK: Reading

    /// Bytes, or nil at the end, after an error or when the time is over.
    private mutating func readSome(within limit: UInt64) -> [UInt8]? {
        var poller = Poller()
        poller.add(stream.raw, .readable)
        guard let count = try? poller.wait(timeout: limit), count > 0 else { return nil }
        let raw = stream.raw
        let result = buffer.withUnsafeMutableBytes { try? Streams.read(raw, into: $0) }
        switch result {
        case .bytes(let count): return Array(buffer[..<count])
        case .wouldBlock: return []
        case .end, nil:
            isBroken = true
            return nil
        }
    }

    private mutating func takeIn() {
        let raw = stream.raw
        let result = buffer.withUnsafeMutableBytes { try? Streams.read(raw, into: $0) }
        if case .bytes(let count) = result { decoder.push(Array(buffer[..<count])) }
    }

    /// The next message of the real end; nil when none comes in time.
    mutating func next(within limit: UInt64) -> Message? {
        while true {
            if let message = try? decoder.next()?.message {
                received.append(message)
                return message
            }
            guard let some = readSome(within: limit) else { return nil }
            decoder.push(some)
        }
    }

    /// Listens until the real end says that it goes, closes, or has been quiet for `quiet` nanoseconds. Its Goodbye is
    /// answered.
    mutating func listen(quiet: UInt64 = 60_000_000) -> PeerView {
        while let message = next(within: quiet) {
            switch message {
            case .abort(let abort): return .abort(abort.text)
            case .goodbye:
                send(HostileFrame(.summary, [0]))
                send(HostileFrame(.goodbye))
                return .goodbye
            default: continue
            }
        }
        return isBroken ? .closed : .waiting
    }

    /// Nothing more is sent; what the real end still says is read to its end.
    mutating func hangUp() {
        try? StreamCalls.shutdownSending(stream.raw)
        while next(within: 10_000_000_000) != nil {}
    }
}
