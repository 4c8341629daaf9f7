// From a location to a greeted stream: each hint is opened and greeted in turn; only a finished handshake counts.

import LifterProtocol
import LifterSystem
package import LifterTransport

/// A remote place and the ways to it.
package struct Reach {
    /// In the order in which they are tried.
    package let hints: [Hint]
    /// As the far side will read it.
    package let path: [UInt8]
    package let context: ConnectContext
    private let timeout: UInt32?

    package init(_ location: RemoteLocation, _ options: ConnectOptions) throws(SuperlifterError) {
        var context = ConnectContext(usesPipes: options.usesPipes)
        do throws(LocationError) {
            if let shell = options.remoteShell { context.rshCommand = try CommandWords.split(shell) }
            if let address = options.localAddress { context.localAddress = try HostName(address) }
            var hints: [Hint] = []
            for text in options.hints { hints.append(try Hint.parse(text, from: .local)) }
            if hints.isEmpty, let hint = location.hint { hints = [hint] }
            self.hints = hints
        } catch {
            throw SuperlifterError(.usage, error.message)
        }
        if let path = options.remotePath { context.remotePath = path }
        context.connectTimeout = options.timeout.map { Int($0) }
        context.addressFamily =
            switch options.addressFamily {
            case .any: .any
            case .ipv4: .ipv4
            case .ipv6: .ipv6
            }
        self.context = context
        timeout = options.timeout
        path = location.path
        guard !hints.isEmpty else {
            throw SuperlifterError(.usage, "no hint says how to reach the server (see --via)")
        }
    }

    /// Seconds for connecting and handshake together. ssh may be asking for a password.
    package func patience(_ hint: Hint) -> UInt64 {
        switch hint {
        case .ssh, .command: UInt64(timeout ?? 300)
        case .tcp, .unix, .unknown: UInt64(timeout ?? 30)
        }
    }

    private func deadline(_ hint: Hint) -> UInt64 { Clock.monotonic + patience(hint) * 1_000_000_000 }

    /// Opens the ways in turn until one greets; then runs `session` over it and ends the connection properly.
    /// `tell` is told each step of the way.
    func connect<Outcome>(
        _ cancellation: Cancellation?, _ attempts: Attempts?, tell: (String) -> Void,
        greet: (inout Greeting, Bool) throws(SuperlifterError) -> GreetedStream,
        session: (inout Greeting, GreetedStream, borrowing Connection) throws(SuperlifterError) -> Outcome
    ) throws(SuperlifterError) -> Outcome {
        var failures: [String] = []
        var code = SuperlifterError.Code.socket
        var last: SuperlifterError?
        trying: for hint in hints {
            var context = context
            context.deadline = deadline(hint)
            context.interrupt = cancellation?.raw ?? -1
            // A name has several addresses; the handshake decides about each.
            while true {
                switch try attempt(hint, context, cancellation, attempts, tell, greet: greet, session: session) {
                case .done(let outcome): return outcome
                case .failed(let error, let line, let address):
                    if error.code == .interrupted { throw error }
                    // Nothing is left of this name; what its other addresses said has been kept.
                    if address == nil, !context.avoidedAddresses.isEmpty { continue trying }
                    tell(line)
                    failures.append(line)
                    (code, last) = (error.code, error)
                    guard let address, Self.mayBeElsewhere(error) else { continue trying }
                    context.avoidedAddresses.append(address)
                }
            }
        }
        if failures.count == 1, let last { throw last }
        let list = failures.joined(separator: "; ")
        throw SuperlifterError(code, "no way led to a server: \(list)")
    }

    private enum Attempt<Outcome> {
        case done(Outcome)
        /// Before the session began; as a line of a list, too. `address`: where a name led to.
        case failed(SuperlifterError, line: String, address: [UInt8]?)
    }

    private func attempt<Outcome>(
        _ hint: Hint, _ context: ConnectContext, _ cancellation: Cancellation?, _ attempts: Attempts?,
        _ tell: (String) -> Void,
        greet: (inout Greeting, Bool) throws(SuperlifterError) -> GreetedStream,
        session: (inout Greeting, GreetedStream, borrowing Connection) throws(SuperlifterError) -> Outcome
    ) throws(SuperlifterError) -> Attempt<Outcome> {
        var connection: Connection
        do throws(ConnectFailure) {
            connection = try HintRegistry.standard.open(hint, context: context) { tell("\(hint.text): \($0)") }
        } catch {
            if !hint.startsChild { attempts?.failedAtSocket = true }
            let line = "\(hint.text): \(error.message)"
            return .failed(SuperlifterError(SuperlifterError(error).code, line), line: line, address: nil)
        }
        let peer = connection.peer
        var isChild = false
        var address: [UInt8]?
        switch peer {
        case .child: isChild = true
        case .tcp(let numeric): address = numeric
        case .unix, .pipe: break
        }
        let pumps = Pumps(&connection)
        var greeting = Greeting(
            input: pumps.input, output: pumps.output, deadline: context.deadline ?? deadline(hint),
            cancellation: cancellation)
        let stream: GreetedStream
        tell("\(hint.text): \(address.map { "connected to \(Display.escaped($0)), " } ?? "")shaking hands")
        do throws(SuperlifterError) {
            stream = try greet(&greeting, isChild)
        } catch {
            let explained = Self.explain(error, connection.finish(), peer)
            let place = address.map { " (\(Display.escaped($0)))" } ?? ""
            return .failed(explained, line: "\(hint.text)\(place): \(explained)", address: address)
        }
        tell("\(hint.text): \(stream.result.peer.software) answers")
        attempts?.hadSession = true
        return .done(try Self.run(consume connection, peer, greeting, stream, session))
    }

    /// Whether another address of the same name may do better: this one spoke something else, or broke off.
    private static func mayBeElsewhere(_ error: SuperlifterError) -> Bool {
        error.code == .protocolStream || error.code == .socket
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

extension Hint {
    /// Whether a program makes the connection, whose failing may mean many things.
    fileprivate var startsChild: Bool {
        switch self {
        case .ssh, .command: true
        case .tcp, .unix, .unknown: false
        }
    }
}
