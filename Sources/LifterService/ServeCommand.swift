// `superlifter serve`: look at how this process was started, decide what it may serve, take the standard streams
// over, serve one connection.

import LifterSystem
import LifterTransport
import Superlifter

package struct ServeCommand: Sendable {
    package var flag: ServeFlag
    package var confinement: ConfinementRequest
    /// `--as NAME`: who this session is, for messages.
    package var name: [UInt8]?
    package var verbosity: Int

    package init(flag: ServeFlag, confinement: ConfinementRequest, name: [UInt8]?, verbosity: Int) {
        self.flag = flag
        self.confinement = confinement
        self.name = name
        self.verbosity = verbosity
    }

    /// Serves, and gives the exit code. `say` writes one line for a person to standard error; it is not called once
    /// that has turned out to be the stream itself.
    package func run(say: @escaping (String) -> Void) -> Int32 {
        let surroundings = ServeSurroundings.ofThisProcess(listenersConfigured: false)
        switch ServeMode.decide(flag, surroundings) {
        case .inetd(let saySo):
            if saySo && !DescriptorKind.areSameObject(2, 1) {
                say("serving one connection on standard input and output (a guess; --inetd says so)")
            }
            return serveStandardStreams(say)
        case .listen:
            say("listening is not in this release; start it from inetd, systemd or ssh with --inetd")
            return 4
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
            allowed = try confinement.decide(login)
        } catch {
            refuse(error)
            tell(error.message)
            return error.exitCode
        }
        if verbosity > 0, let command = login.originalCommand {
            tell("ignoring the command that the client asked for: \(Display.escaped(command, limit: 200))")
        }
        do throws(ConnectFailure) {
            let stdio = try StdioConnection.take()
            return serve(stdio.release(), allowed, tell)
        } catch {
            tell(error.message)
            return error.exitCode
        }
    }

    private func serve(
        _ connection: consuming Connection, _ allowed: Confinement, _ tell: @escaping (String) -> Void
    ) -> Int32 {
        let cancellation = Cancellation()
        Interrupts.cancel(cancellation)
        var server = Server(allowed.forLibrary)
        server.cancellation = cancellation
        do throws(SuperlifterError) {
            try server.serve(connection)
            return 0
        } catch {
            let who = name.map { "\(Display.escaped($0)): " } ?? ""
            // Over ssh this standard error is the client's terminal, and the client tells it what it was told.
            if !LoginFacts.ofThisProcess.overSSH || verbosity > 0 { tell("serve: \(who)\(error)") }
            return Int32(error.code.exitCode)
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
