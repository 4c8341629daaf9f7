// From a location to a greeted stream: each hint is opened and greeted in turn; only a finished handshake counts.

import LifterProtocol
import LifterSystem
import LifterTransport

/// A remote place and the ways to it.
struct Reach {
    let hints: [Hint]
    let context: ConnectContext
    let path: [UInt8]
    private let timeout: UInt32?

    init(_ location: RemoteLocation, _ options: ConnectOptions) throws(SuperlifterError) {
        var context = ConnectContext(usesPipes: options.usesPipes)
        do throws(LocationError) {
            if let shell = options.remoteShell { context.rshCommand = try CommandWords.split(shell) }
            var hints: [Hint] = []
            for text in options.hints { hints.append(try Hint.parse(text, from: .local)) }
            if hints.isEmpty, let hint = location.hint { hints = [hint] }
            self.hints = hints
        } catch {
            throw SuperlifterError(.usage, error.message)
        }
        if let path = options.remotePath { context.remotePath = path }
        context.connectTimeout = options.timeout.map { Int($0) }
        self.context = context
        timeout = options.timeout
        path = location.path
        guard !hints.isEmpty else {
            throw SuperlifterError(.usage, "no hint says how to reach the server (see --via)")
        }
    }

    private func deadline(_ peer: PeerFacts) -> UInt64 {
        let seconds: UInt64
        switch peer {
        case .child: seconds = UInt64(timeout ?? 300)
        case .tcp, .unix, .pipe: seconds = UInt64(timeout ?? 30)
        }
        return Clock.monotonic + seconds * 1_000_000_000
    }

    /// Opens the ways in turn until one greets; then runs `session` over it and ends the connection properly.
    func connect<Outcome>(
        _ cancellation: Cancellation?,
        greet: (inout Greeting, Bool) throws(SuperlifterError) -> GreetedStream,
        session: (inout Greeting, GreetedStream, borrowing Connection) throws(SuperlifterError) -> Outcome
    ) throws(SuperlifterError) -> Outcome {
        var failures: [String] = []
        var code = SuperlifterError.Code.socket
        for hint in hints {
            var connection: Connection
            do throws(ConnectFailure) {
                connection = try HintRegistry.standard.open(hint, context: context)
            } catch {
                failures.append("\(hint.text): \(error.message)")
                code = SuperlifterError(error).code
                continue
            }
            let peer = connection.peer
            let isChild = if case .child = peer { true } else { false }
            let pumps = Pumps(&connection)
            var greeting = Greeting(
                input: pumps.input, output: pumps.output, deadline: deadline(peer), cancellation: cancellation)
            let stream: GreetedStream
            do throws(SuperlifterError) {
                stream = try greet(&greeting, isChild)
            } catch {
                let explained = Self.explain(error, connection.finish(), peer)
                if hints.count == 1 || explained.code == .interrupted { throw explained }
                failures.append("\(hint.text): \(explained)")
                code = explained.code
                continue
            }
            return try Self.run(consume connection, peer, greeting, stream, session)
        }
        let list = failures.joined(separator: "; ")
        throw SuperlifterError(code, failures.count == 1 ? list : "no hint led to a server: \(list)")
    }

    private static func run<Outcome>(
        _ connection: consuming Connection, _ peer: PeerFacts, _ greeting: Greeting, _ stream: GreetedStream,
        _ session: (inout Greeting, GreetedStream, borrowing Connection) throws(SuperlifterError) -> Outcome
    ) throws(SuperlifterError) -> Outcome {
        var greeting = greeting
        do throws(SuperlifterError) {
            let outcome = try session(&greeting, stream, connection)
            _ = connection.finish()
            return outcome
        } catch {
            throw explain(error, connection.finish(), peer)
        }
    }

    /// What the end of the child adds to a failure: 127 and 255 mean something.
    private static func explain(
        _ error: SuperlifterError, _ end: ConnectionEnd, _ peer: PeerFacts
    ) -> SuperlifterError {
        guard error.code == .protocolStream || error.code == .socket, let advice = end.advice(for: peer) else {
            return error
        }
        let code: SuperlifterError.Code =
            switch end {
            case .childExited(127): .programNotFound
            // ssh itself: there was no connection.
            case .childExited(255): .socket
            case .clean, .childExited, .childSignaled: error.code
            }
        return SuperlifterError(code, error.message, causes: error.causes + [advice])
    }
}
