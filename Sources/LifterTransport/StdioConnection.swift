// The standard streams as a connection, for `serve --inetd`.
//
// Whatever any library prints to standard output would land in the middle of the stream. So the stream is moved away
// first: private close-on-exec numbers from 3 up carry it, standard input becomes /dev/null, and standard output
// becomes a copy of standard error. Under inetd, standard error is often the very socket of the stream; then nothing
// may be written there either, /dev/null takes its place, and the caller is told to keep quiet.

package import LifterSystem

/// The standard streams, taken over.
package struct StdioConnection: ~Copyable, Sendable {
    package var connection: Connection
    /// Standard error was the stream itself (or closed) and leads nowhere now; messages belong in a log or in the
    /// stream.
    package let stderrIsStream: Bool

    /// Takes standard input and output over. To be called once, before anything is opened or printed. Throws where
    /// one of them is closed, or is a socket to nobody. `patience`: seconds after which a TCP peer that acknowledges
    /// nothing is given up.
    package static func take(patience: UInt32 = 300) throws(ConnectFailure) -> StdioConnection {
        do {
            // Where only one end is a socket, it is the one that knows somebody.
            let facts = try peerFacts(of: 0)
            let known = facts == .pipe ? try peerFacts(of: 1) : facts
            if case .tcp = known {
                for descriptor: RawDescriptor in [0, 1] { Sockets.prepareTCP(descriptor, patience: patience) }
            }
            return try take(peer: known)
        } catch {
            throw ConnectFailure(.socket, "standard input and output cannot be served: \(error)")
        }
    }

    private static func take(peer: PeerFacts) throws(Errno) -> StdioConnection {
        // Above the standard numbers from the start, even if some of those are closed.
        let null = try StreamCalls.openNull()
        let input = try StreamCalls.duplicate(0)
        let isSameSocket: Bool
        switch DescriptorKind(of: 0) {
        case .socket: isSameSocket = DescriptorKind.areSameObject(0, 1)
        case .pipe, .terminal, .null, .regular, .other, .closed: isSameSocket = false
        }
        let output = isSameSocket ? nil : try StreamCalls.duplicate(1)
        let stderrIsOpen = (try? StreamCalls.statusFlags(of: 2)) != nil
        let stderrIsStream = !stderrIsOpen || DescriptorKind.areSameObject(2, 1) || DescriptorKind.areSameObject(2, 0)
        if stderrIsStream { try StreamCalls.place(null.raw, onStandard: 2) }
        try StreamCalls.place(null.raw, onStandard: 0)
        try StreamCalls.place(2, onStandard: 1)
        if let output {
            let connection = Connection(input: StreamEnd(input), output: StreamEnd(output), peer: peer)
            return StdioConnection(connection: connection, stderrIsStream: stderrIsStream)
        }
        let connection = Connection(duplex: StreamEnd(input), peer: peer)
        return StdioConnection(connection: connection, stderrIsStream: stderrIsStream)
    }

    /// Hands the connection over; ask for `stderrIsStream` before.
    package consuming func release() -> Connection { connection }

    /// Who is at the other end of a descriptor that somebody handed to us.
    package static func peerFacts(of descriptor: RawDescriptor) throws(Errno) -> PeerFacts {
        let name: StreamCalls.PeerName
        do {
            name = try StreamCalls.peerName(of: descriptor)
        } catch {
            guard error == .notSocket else { throw error }
            return .pipe
        }
        return switch name {
        case .internet(let address): .tcp(address: address)
        case .unix: .unix(userID: try? StreamCalls.peerUser(of: descriptor))
        case .other: throw .notSupported
        }
    }
}
