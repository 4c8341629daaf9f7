// From hints to a connection: each hint is opened by the handler for its type, in the order given, until a peer has
// answered properly.
//
// The registry is a value, made from this machine's configuration and passed in; there is no global table. A hint
// whose type nobody handles costs nothing as long as another one works; when none does, the error names every hint
// with its own reason.

import LifterSystem

/// Opens hints of one type.
package protocol HintHandler: Sendable {
    /// Opens a stream; whether a Superlifter peer is behind it is not known yet. `tell` is told each step that a
    /// person who asked for details would want to know.
    func open(_ hint: Hint, context: ConnectContext, tell: (String) -> Void) throws(ConnectFailure) -> Connection
}

package struct HintRegistry: Sendable {
    private var handlers: [String: any HintHandler]

    /// `handlers` by hint type, for instance "ssh".
    package init(_ handlers: [String: any HintHandler]) {
        self.handlers = handlers
    }

    /// What this release can do: `tcp:`, `ssh:`, `unix:` and `command:`.
    package static let standard = HintRegistry([
        "tcp": TCPHandler(), "ssh": SSHHandler(), "unix": UnixHandler(), "command": CommandHandler(),
    ])

    package subscript(type: String) -> (any HintHandler)? {
        get { handlers[type] }
        set { handlers[type] = newValue }
    }

    /// Tries the hints in order. An open socket proves nothing (with ssh, pipes are ready before the network is), so
    /// `greet` must carry out the handshake; a hint whose handshake fails is closed and the next one tried.
    package func connect(
        _ hints: [Hint], context: ConnectContext, greet: (inout Connection) throws(ConnectFailure) -> Void
    ) throws(ConnectFailure) -> Connection {
        var failures: [(hint: Hint, reason: ConnectFailure)] = []
        for hint in hints {
            do {
                return try attempt(hint, context: context, greet: greet)
            } catch {
                failures.append((hint, error))
            }
        }
        guard let first = failures.first else { throw ConnectFailure(.usage, "no hint says how to reach the server") }
        if failures.count == 1 {
            throw ConnectFailure(first.reason.kind, "\(first.hint.text): \(first.reason.message)")
        }
        let list = failures.map { "\($0.hint.text): \($0.reason.message)" }.joined(separator: "; ")
        let kind = (failures.first { $0.reason.kind != .unsupported } ?? first).reason.kind
        throw ConnectFailure(kind, "no hint led to a server: \(list)")
    }

    /// Opens one hint without a handshake.
    package func open(
        _ hint: Hint, context: ConnectContext, tell: (String) -> Void = { _ in }
    ) throws(ConnectFailure) -> Connection {
        guard let handler = handlers[hint.type] else {
            throw ConnectFailure(.unsupported, "this release has no handler for hints of type '\(hint.type)'")
        }
        return try handler.open(hint, context: context, tell: tell)
    }

    private func attempt(
        _ hint: Hint, context: ConnectContext, greet: (inout Connection) throws(ConnectFailure) -> Void
    ) throws(ConnectFailure) -> Connection {
        var connection = try open(hint, context: context)
        do {
            try greet(&connection)
            return connection
        } catch {
            let peer = connection.peer
            let end = connection.finish()
            throw error.explained(by: end, of: peer)
        }
    }
}

extension ConnectFailure {
    /// The same failure with what the child's end says about it.
    package func explained(by end: ConnectionEnd, of peer: PeerFacts) -> ConnectFailure {
        guard let advice = end.advice(for: peer) else { return self }
        let kind: Kind = end == .childExited(127) ? .programNotFound : kind
        return ConnectFailure(kind, "\(message); \(advice)")
    }
}

/// `ssh:`, and whatever `--rsh` names in its place.
private struct SSHHandler: HintHandler {
    func open(
        _ hint: Hint, context: ConnectContext, tell: (String) -> Void
    ) throws(ConnectFailure) -> Connection {
        guard case .ssh(let authority) = hint else { throw ConnectFailure(.usage, "not an ssh: hint") }
        return try ChildConnection.open(try SSHCommand.words(for: authority, context), usesPipes: context.usesPipes)
    }
}

/// `command:`. That it was written on this machine is checked where hints are read.
private struct CommandHandler: HintHandler {
    func open(
        _ hint: Hint, context: ConnectContext, tell: (String) -> Void
    ) throws(ConnectFailure) -> Connection {
        guard case .command(let words) = hint else { throw ConnectFailure(.usage, "not a command: hint") }
        let complete = SSHCommand.words(forCommand: words, context)
        return try ChildConnection.open(complete, usesPipes: context.usesPipes)
    }
}

/// `unix:`.
private struct UnixHandler: HintHandler {
    func open(
        _ hint: Hint, context: ConnectContext, tell: (String) -> Void
    ) throws(ConnectFailure) -> Connection {
        guard case .unix(let path) = hint else { throw ConnectFailure(.usage, "not a unix: hint") }
        do {
            let descriptor = try StreamCalls.connectUnix(path)
            let user = try? StreamCalls.peerUser(of: descriptor.raw)
            return Connection(duplex: StreamEnd(descriptor), peer: .unix(userID: user))
        } catch {
            throw ConnectFailure(.socket, "cannot connect: \(error)")
        }
    }
}
