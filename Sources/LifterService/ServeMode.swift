// Which server is wanted: one connection on standard input and output, or a listener.
//
// The flags decide. Without one, what stands on standard input and output is looked at, and only two answers are
// guessed: a stream on both ends is served, and listeners that an administrator configured are opened when no stream
// could be meant. Nothing ever listens unasked. sshd gives commands pipes, not sockets, so a guess from "stdin is a
// socket" would be wrong exactly where it matters; the client therefore always passes `--inetd`.
//
// Without a flag and without configured listeners (connected sockets; "same" where both are one socket):
//
//     stdin \ stdout   socket            pipe       terminal      /dev/null
//     socket           serve if same     exit 1     usage error   exit 1
//     pipe             exit 1            serve      usage error   exit 1
//     terminal         exit 1            exit 1     usage error   exit 1
//     /dev/null        exit 1            exit 1     usage error   exit 1
//
// With listeners configured, the rows "terminal" and "/dev/null" listen, whatever standard output is.

import LifterSystem

/// What was asked for on the command line.
package enum ServeFlag: Sendable {
    case none, inetd, listen
}

package enum ServeMode: Hashable, Sendable {
    /// Serve one connection on standard input and output; `saySo` where that was a guess, to be told on stderr.
    case inetd(saySo: Bool)
    case listen
    /// The command line cannot mean this; exit 1.
    case usageError(String)
    /// Started in a way that cannot be served; exit 1.
    case refuse(String)

    /// Decides from flag and surroundings alone.
    package static func decide(_ flag: ServeFlag, _ surroundings: ServeSurroundings) -> ServeMode {
        if case .socket(_, listening: true) = surroundings.input { return .refuse(acceptAdvice("standard input")) }
        if surroundings.socketsPassed { return .refuse(acceptAdvice("LISTEN_FDS")) }
        return switch flag {
        case .listen: .listen
        case .inetd: inetd(surroundings)
        case .none: guess(surroundings)
        }
    }

    /// `--inetd`: whatever carries bytes unchanged is served, also a pair of different sockets or a file.
    private static func inetd(_ surroundings: ServeSurroundings) -> ServeMode {
        if surroundings.output == .terminal { return .usageError(terminalOutput) }
        if surroundings.input == .terminal {
            return .usageError("standard input is a terminal, which changes bytes; \(startedBy)")
        }
        for (kind, name) in [(surroundings.input, "input"), (surroundings.output, "output")] {
            switch kind {
            case .closed: return .usageError("standard \(name) is closed; \(startedBy)")
            case .socket(connected: false, _): return .refuse("the socket on standard \(name) is not connected")
            case .socket, .pipe, .terminal, .null, .regular, .other: continue
            }
        }
        return .inetd(saySo: false)
    }

    private static func guess(_ surroundings: ServeSurroundings) -> ServeMode {
        switch (surroundings.input, surroundings.output) {
        case (.socket(connected: true, _), .socket) where surroundings.sameSocket:
            return .inetd(saySo: true)
        case (.pipe, .pipe):
            return .inetd(saySo: true)
        case (.terminal, _) where surroundings.listenersConfigured, (.null, _) where surroundings.listenersConfigured:
            return .listen
        case (_, .terminal):
            return .usageError(terminalOutput)
        default:
            return .refuse(
                "it is unclear what to serve: give --inetd to serve one connection on standard input and output, "
                    + "or --listen ADDRESS to listen")
        }
    }

    private static let startedBy = "--inetd is for ssh, inetd, systemd with Accept=yes, or socat"

    private static let terminalOutput =
        "standard output is a terminal: --inetd serves one connection on standard input and output "
        + "(over ssh use no-pty or restrict, and not ssh -t); --listen ADDRESS listens"

    private static func acceptAdvice(_ place: String) -> String {
        "a listening socket was passed (\(place)); set Accept=yes and StandardInput=socket in the socket unit, "
            + "or 'nowait' in inetd, so that each connection starts superlifter serve --inetd"
    }
}
