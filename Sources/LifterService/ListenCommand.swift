// `superlifter serve --listen`: what may be served to whoever connects, checked once before anybody can; then the
// listener.
//
// Whoever comes by TCP has not logged in. So it is shown one directory, may only read unless the administrator said
// otherwise, and is never served by root unless that was said, too. A Unix socket has permissions of its own.

import LifterSystem
import LifterTransport

struct ListenCommand {
    let options: ServeOptions
    /// Where `--config` was given.
    let configuration: Result<Configuration, ConfigurationFailure>?
    let say: (String) -> Void

    /// Where nothing else is said: sessions at once, and seconds for a handshake.
    private static let usualConnections = 200
    private static let usualHandshake: UInt64 = 30_000

    func run() -> Int32 {
        do throws(ServeRefusal) {
            let modules = try readModules()
            let addresses = try addresses() + (options.listen.isEmpty ? modules?.listen ?? [] : [])
            guard !addresses.isEmpty else {
                throw ServeRefusal(
                    message: "nothing says where to listen: give --listen ADDRESS, or listen = [\"ADDRESS\"] in "
                        + "the configuration",
                    exitCode: 1)
            }
            if let modules { try checkSafety(of: modules, addresses) } else { try checkSafety(addresses) }
            let most = options.maxConnections ?? modules?.maxConnections ?? Self.usualConnections
            let plan = ListenPlan(
                worker: try workerWords(), maxConnections: most,
                handshakeTime: (options.handshakeTimeout ?? Self.usualHandshake) * 1_000_000,
                verbosity: options.verbosity)
            // A worker's connection costs nothing here, but each that waits does.
            Environment.raiseOpenFileLimit(to: 65_536)
            let doors = try Doors(addresses)
            let names = doors.names.joined(separator: ", ")
            let listener = Listener(doors, plan, say: say)
            say("ready: listening on \(names)")
            return try run(listener)
        } catch {
            say(error.message)
            return error.exitCode
        }
    }

    private func run(_ listener: Listener) throws(ServeRefusal) -> Int32 {
        do throws(Errno) {
            return try listener.run()
        } catch {
            throw ServeRefusal(message: "the listener cannot go on: \(error)", exitCode: 10)
        }
    }

    private func readModules() throws(ServeRefusal) -> Configuration? {
        switch configuration {
        case nil: return nil
        case .success(let read): return read
        case .failure(let failure):
            for line in failure.lines.dropLast() { say(line) }
            throw ServeRefusal(message: failure.lines.last ?? "", exitCode: failure.exitCode)
        }
    }

    private func checkSafety(of modules: Configuration, _ addresses: [ListenAddress]) throws(ServeRefusal) {
        let problems = modules.problems(listeningOn: addresses)
        guard problems.isEmpty else {
            for problem in problems.dropLast() { say(problem) }
            throw ServeRefusal(message: problems.last ?? "", exitCode: 5)
        }
    }

    private func addresses() throws(ServeRefusal) -> [ListenAddress] {
        var addresses: [ListenAddress] = []
        for written in options.listen {
            do throws(LocationError) {
                addresses.append(try ListenAddress.parse(written))
            } catch {
                throw ServeRefusal(message: "--listen: \(error.message)", exitCode: 1)
            }
        }
        return addresses
    }

    private func checkSafety(_ addresses: [ListenAddress]) throws(ServeRefusal) {
        let overTCP = addresses.contains { if case .tcp = $0 { true } else { false } }
        let confinement = try options.confinement.decide(LoginFacts(overSSH: false, originalCommand: nil))
        switch confinement {
        case .unconfined where overTCP:
            throw ServeRefusal(
                message: "refusing to serve all of this user's files over TCP, where nobody logs in: "
                    + "give --root DIR",
                exitCode: 5)
        case .unconfined: break
        case .root(let path, let access):
            if overTCP, access != .readOnly, !options.isInsecure {
                throw ServeRefusal(
                    message: "refusing to let everybody who connects write: give --read-only, "
                        + "or --insecure if that is meant",
                    exitCode: 5)
            }
            try checkReadable(path)
        }
        if overTCP, Users.effectiveUser == 0, options.user == nil {
            throw ServeRefusal(
                message: "refusing to serve TCP as root: name the user whose rights are meant with --uid USER",
                exitCode: 5)
        }
    }

    private func checkReadable(_ path: [UInt8]) throws(ServeRefusal) {
        let fileSystem = KernelFileSystem()
        do throws(Errno) {
            fileSystem.close(try fileSystem.openRoot(path, [.pathOnly, .directory]))
        } catch {
            throw ServeRefusal(message: "--root \(Display.escaped(path)): \(error)", exitCode: 11)
        }
    }

    /// The arguments of a worker: what it serves, said once more.
    private func workerWords() throws(ServeRefusal) -> [[UInt8]] {
        var words = ["serve", "--inetd"].map { Array($0.utf8) }
        func add(_ name: String, _ value: [UInt8]) { words.append(Array("--\(name)=".utf8) + value) }
        if let path = options.configuration {
            add("config", path)
        } else if let root = options.confinement.root {
            add("root", root)
        } else {
            words.append(Array("--unconfined".utf8))
        }
        if options.confinement.readOnly { words.append(Array("--read-only".utf8)) }
        if options.confinement.appendOnly { words.append(Array("--append-only".utf8)) }
        if let user = options.user {
            let identity = try Identity.resolve(user: user, group: options.group)
            add("uid", Array(String(identity.user).utf8))
            add("gid", Array(String(identity.group).utf8))
        }
        if let name = options.name { add("as", name) }
        if let path = options.logFile { add("log-file", path) }
        if let seconds = options.silenceTimeout { add("timeout", Array(String(seconds).utf8)) }
        words += Array(repeating: Array("-v".utf8), count: options.verbosity)
        return words
    }
}
