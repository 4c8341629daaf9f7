// The real thing at the other end of the socket: a server or a client of the library on a thread of its own, or the
// program itself. Watched: an end that has not come after ten seconds is a hang.

import Glibc
import LifterSystem
import Superlifter
import Synchronization
import Testing

/// How the real end came out.
enum Ending: Sendable, CustomStringConvertible {
    case complete
    case failed(String)
    case hung
    /// A child was ended by a signal: a trap.
    case killed(Int32)

    var description: String {
        switch self {
        case .complete: "complete"
        case .failed(let text): "failed: \(text)"
        case .hung: "hung"
        case .killed(let signal): "ended by signal \(signal)"
        }
    }

    var isFailure: Bool { if case .failed = self { true } else { false } }
    var isSafe: Bool {
        switch self {
        case .complete, .failed: true
        case .hung, .killed: false
        }
    }
}

enum RealEnd {
    static let patience: UInt64 = 10_000_000_000

    private final class Result: Sendable {
        let ending = Mutex<Ending?>(nil)
        let wakeUp: WakeUp
        init() throws { wakeUp = try WakeUp() }
    }

    /// Runs `body` with one end of a socket pair on a thread of its own and `hostile` with the other one here.
    static func run(
        _ body: @escaping @Sendable (RawDescriptor) throws(SuperlifterError) -> Void,
        against hostile: (inout HostilePeer) -> Void
    ) throws -> Ending {
        let (mine, theirs) = try Streams.makeSocketPair().release()
        var peer = try HostilePeer(Descriptor(owning: mine))
        signal(SIGPIPE, SIG_IGN)
        let result = try Result()
        let thread = try Thread(name: "real-end", stackSize: 8 << 20) {
            var ending = Ending.complete
            do throws(SuperlifterError) { try body(theirs) } catch { ending = .failed(error.description) }
            result.ending.withLock { $0 = ending }
            close(theirs)
            result.wakeUp.signal()
        }
        hostile(&peer)
        peer.hangUp()
        var poller = Poller()
        poller.add(result.wakeUp.raw, .readable)
        _ = try poller.wait(timeout: patience)
        guard let ending = result.ending.withLock({ $0 }) else { return .hung }
        thread.join()
        return ending
    }

    static func server(
        _ confinement: Server.Confinement, usesOpenat2: Bool = true, against hostile: (inout HostilePeer) -> Void
    ) throws -> Ending {
        try run(
            { (descriptor) throws(SuperlifterError) in
                var server = Server(confinement)
                server.usesOpenat2 = usesOpenat2
                try server.serve(input: descriptor, output: descriptor)
            }, against: hostile)
    }

    /// A client that pulls `paths` into `destination`.
    static func pull(
        _ paths: [String], to destination: String, _ options: TransferOptions = TransferOptions(),
        usesOpenat2: Bool = true, against hostile: (inout HostilePeer) -> Void
    ) throws -> Ending {
        try run(
            { (descriptor) throws(SuperlifterError) in
                var client = Client()
                client.options = options
                client.usesOpenat2 = usesOpenat2
                _ = try client.pull(
                    paths.map(bytes), to: bytes(destination), input: descriptor, output: descriptor
                ) { _ in }
            }, against: hostile)
    }

    // MARK: The program

    /// The program as built beside these tests; SUPERLIFTER_BINARY names another one.
    static var binary: String {
        if let named = Environment.variable("SUPERLIFTER_BINARY") { return String(decoding: named, as: UTF8.self) }
        var path = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &path, path.count)
        let own = String(decoding: path[..<max(0, length)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (own.split(separator: "/").dropLast() + ["superlifter"]).reduce("") { $0 + "/" + $1 }
    }

    /// Starts a program with one end of a socket pair as its standard streams. What it writes to standard error goes
    /// to `errors`, a file, where one is named.
    static func child(
        _ command: [String], errors: String? = nil, against hostile: (inout HostilePeer) -> Void
    ) throws -> Ending {
        let (mine, theirs) = try Streams.makeSocketPair().release()
        let log = open(errors ?? "/dev/null", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        var child = try ChildProcess(
            command.map(bytes), input: .descriptor(theirs), output: .descriptor(theirs), error: .descriptor(log))
        close(theirs)
        close(log)
        var peer = try HostilePeer(Descriptor(owning: mine))
        hostile(&peer)
        peer.hangUp()
        switch try child.wait(timeout: patience) {
        case nil: return .hung
        case .exited(0)?: return .complete
        // A program run under strace or by a shell passes its child's signal on as 128 + number.
        case .exited(let code)?: return code > 128 ? .killed(code - 128) : .failed("exit \(code)")
        case .signaled(let signal)?: return .killed(signal)
        }
    }
}
