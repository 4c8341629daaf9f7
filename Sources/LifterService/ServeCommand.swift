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
    /// Modules, and where to listen, from a file.
    package var configuration: [UInt8]?
    /// Reads the configuration, says what was understood, and serves nothing.
    package var checksOnly = false
    /// Where a log is kept, for the workers of a listener.
    package var logFile: [UInt8]?

    package init() {}
}

package struct ServeCommand: Sendable {
    private let options: ServeOptions

    package init(_ options: ServeOptions) { self.options = options }

    /// Serves, and gives the exit code. `say` writes one line for a person to standard error; it is not called once
    /// that has turned out to be the stream itself. `show` writes one to standard output, for `--check-config`. `log`
    /// keeps one, where a log was asked for.
    package func run(
        say toPerson: @escaping @Sendable (String) -> Void, show: @escaping (String) -> Void,
        log: @escaping @Sendable (String) -> Void
    ) -> Int32 {
        let say: @Sendable (String) -> Void = { text in
            toPerson(text)
            log(text)
        }
        if options.checksOnly { return ConfigurationCheck(options: options, say: say, show: show).run() }
        let isStream = DescriptorKind.areSameObject(2, 1) || DescriptorKind.areSameObject(2, 0)
        let tell: @Sendable (String) -> Void = { text in if isStream { log(text) } else { say(text) } }
        let configuration: Result<Configuration, ConfigurationFailure>?
        do throws(ConfigurationFailure) {
            configuration = try options.configuration.map { path throws(ConfigurationFailure) in
                .success(try ConfigurationReader.read(path))
            }
        } catch {
            configuration = .failure(error)
        }
        let listens = (try? configuration?.get().listen.isEmpty) == false
        let surroundings = ServeSurroundings.ofThisProcess(listenersConfigured: listens)
        let flag = options.flag == .none && !options.listen.isEmpty ? .listen : options.flag
        switch ServeMode.decide(flag, surroundings) {
        case .inetd(let saySo):
            if saySo { tell("serving one connection on standard input and output (a guess; --inetd says so)") }
            return serveStandardStreams(configuration, tell, log)
        case .listen:
            return ListenCommand(options: options, configuration: configuration, say: say).run()
        case .usageError(let text), .refuse(let text):
            if case .failure(let failure) = configuration {
                for line in failure.lines { say(line) }
                return failure.exitCode
            }
            say(text)
            return 1
        }
    }

    private func serveStandardStreams(
        _ configuration: Result<Configuration, ConfigurationFailure>?, _ tell: @escaping @Sendable (String) -> Void,
        _ log: @escaping @Sendable (String) -> Void
    ) -> Int32 {
        let login = LoginFacts.ofThisProcess
        var allowed = Confinement.unconfined
        var modules: Configuration?
        do throws(ServeRefusal) {
            switch configuration {
            case nil: allowed = try options.confinement.decide(login)
            case .success(let read): modules = read
            case .failure(let failure):
                for line in failure.lines { tell(line) }
                let message = "this server's configuration has errors, which its own log names; nothing is served"
                throw ServeRefusal(message: message, exitCode: 5)
            }
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
            let connection = try StdioConnection.take(patience: options.silenceTimeout ?? 300).release()
            var server = Server(allowed.forLibrary)
            if let modules {
                server.modules = ConfiguredModules(modules, peer: connection.peer, login: login, tell: tell)
            }
            return serve(connection, server, isSSH: login.overSSH, tell, log)
        } catch {
            tell(error.message)
            return error.exitCode
        }
    }

    private func serve(
        _ connection: consuming Connection, _ prepared: Server, isSSH: Bool, _ tell: @escaping (String) -> Void,
        _ log: @escaping (String) -> Void
    ) -> Int32 {
        let cancellation = Cancellation()
        Interrupts.cancel(cancellation)
        var server = prepared
        server.cancellation = cancellation
        server.handshakeTimeout = options.handshakeTimeout
        server.silenceTimeout = options.silenceTimeout
        let peer = connection.peer
        log("serve: \(who(peer))connected")
        do throws(SuperlifterError) {
            try server.serve(connection)
            log("serve: \(who(peer))done")
            return 0
        } catch {
            // Over ssh this standard error is the client's terminal, and the client tells it what it was told.
            let line = "serve: \(who(peer))\(error)"
            if !isSSH || options.verbosity > 0 { tell(line) } else { log(line) }
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
        case .root(let path, .readOnly): .root(path, access: .read)
        case .root(let path, .appendOnly): .root(path, access: .append)
        case .root(let path, .readWrite): .root(path, access: .write)
        }
    }
}
