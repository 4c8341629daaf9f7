// `superlifter serve`: look at how this process was started, then listen, or decide what may be served, take the
// standard streams over, and serve one connection.

import LifterSystem
import LifterTransport
import Superlifter

/// What the command line said, as it was written.
package struct ServeOptions: Sendable {
    package var flag = ServeFlag.none
    package var confinement = ConfinementRequest()
    /// `--as NAME`: who this session is, for messages.
    package var name: [UInt8]?
    package var verbosity = 0
    /// Where to listen.
    package var listen: [[UInt8]] = []
    /// Sessions at once; nil: the usual number.
    package var maxConnections: Int?
    /// Milliseconds until a handshake must be done; nil: the usual time.
    package var handshakeTimeout: UInt64?
    /// Seconds without a byte after which a session ends; nil: the usual time.
    package var silenceTimeout: UInt32?
    /// As whom files are touched: names or numbers.
    package var user: [UInt8]?
    package var group: [UInt8]?
    /// Whoever connects by TCP may write.
    package var isInsecure = false

    package init() {}
}

package struct ServeCommand: Sendable {
    private let options: ServeOptions

    package init(_ options: ServeOptions) { self.options = options }

    /// Serves, and gives the exit code. `say` writes one line for a person to standard error; it is not called once
    /// that has turned out to be the stream itself.
    package func run(say: @escaping (String) -> Void) -> Int32 {
        let surroundings = ServeSurroundings.ofThisProcess(listenersConfigured: false)
        switch ServeMode.decide(options.flag, surroundings) {
        case .inetd(let saySo):
            if saySo && !DescriptorKind.areSameObject(2, 1) {
                say("serving one connection on standard input and output (a guess; --inetd says so)")
            }
            return serveStandardStreams(say)
        case .listen:
            return ListenCommand(options: options, say: say).run()
        case .usageError(let text), .refuse(let text):
            say(text)
            return 1
        }
    }

    private func serveStandardStreams(_ say: @escaping (String) -> Void) -> Int32 {
        let allowed: Confinement
        let isStream = DescriptorKind.areSameObject(2, 1) || DescriptorKind.areSameObject(2, 0)
        let tell: (String) -> Void = { text in if !isStream { say(text) } }
        let login = LoginFacts.ofThisProcess
        do throws(ServeRefusal) {
            allowed = try options.confinement.decide(login)
            if let user = options.user {
                try Identity.resolve(user: user, group: options.group).assume()
            }
        } catch {
            refuse(error)
            tell(error.message)
            return error.exitCode
        }
        if options.verbosity > 0, let command = login.originalCommand {
            tell("ignoring the command that the client asked for: \(Display.escaped(command, limit: 200))")
        }
        do throws(ConnectFailure) {
            let stdio = try StdioConnection.take(patience: options.silenceTimeout ?? 300)
            return serve(stdio.release(), allowed, isSSH: login.overSSH, tell)
        } catch {
            tell(error.message)
            return error.exitCode
        }
    }

    private func serve(
        _ connection: consuming Connection, _ allowed: Confinement, isSSH: Bool, _ tell: @escaping (String) -> Void
    ) -> Int32 {
        let cancellation = Cancellation()
        Interrupts.cancel(cancellation)
        var server = Server(allowed.forLibrary)
        server.cancellation = cancellation
        server.handshakeTimeout = options.handshakeTimeout
        server.silenceTimeout = options.silenceTimeout
        let peer = connection.peer
        do throws(SuperlifterError) {
            try server.serve(connection)
            return 0
        } catch {
            // Over ssh this standard error is the client's terminal, and the client tells it what it was told.
            if !isSSH || options.verbosity > 0 { tell("serve: \(who(peer))\(error)") }
            return Int32(error.code.exitCode)
        }
    }

    /// Whom a message is about: the name given by `--as`, and where the client is.
    private func who(_ peer: PeerFacts) -> String {
        let name = options.name.map { "\(Display.escaped($0)): " } ?? ""
        switch peer {
        case .tcp, .unix: return "\(name)\(peer.text): "
        case .pipe, .child: return name
        }
    }

    /// The client is told why, too, before the program ends.
    private func refuse(_ refusal: ServeRefusal) {
        guard let stdio = try? StdioConnection.take() else { return }
        let server = Server(.unconfined)
        server.turnAway(stdio.release(), exitCode: UInt8(truncatingIfNeeded: refusal.exitCode), refusal.message)
    }
}

extension Confinement {
    var forLibrary: Server.Confinement {
        switch self {
        case .unconfined: .unconfined
        case .root(let path, let access): .root(path, readOnly: access == .readOnly)
        }
    }
}
