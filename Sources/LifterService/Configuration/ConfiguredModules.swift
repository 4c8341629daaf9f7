// The modules of a configuration, for one session: who comes, what he may see, and as whom it is served. The rules are
// the same whatever carries the session; over ssh the client's address is the one that sshd names.

import LifterSystem
import LifterTransport
import Superlifter

struct ConfiguredModules: ModuleHouse {
    let configuration: Configuration
    /// nil: the client has none (a Unix socket, a pipe that is not sshd's).
    let address: [UInt8]?
    /// Came by TCP itself, and so without a login.
    let overTCP: Bool
    /// For the server's log.
    let tell: @Sendable (String) -> Void

    init(
        _ configuration: Configuration, peer: PeerFacts, login: LoginFacts, tell: @escaping @Sendable (String) -> Void
    ) {
        self.configuration = configuration
        self.tell = tell
        switch peer {
        case .tcp(let numeric): (address, overTCP) = (numeric, true)
        case .unix, .pipe, .child: (address, overTCP) = (login.address, false)
        }
    }

    var listed: [ListedModule] {
        configuration.modules
            .filter { $0.isListed && admits($0) }
            .map { ListedModule(name: $0.name, comment: $0.comment) }
    }

    func enter(_ name: [UInt8], isWriting: Bool) throws(SuperlifterError) -> EnteredModule {
        let shown = Display.escaped(name, limit: 100)
        // The same words for what is not there and for what is not for this client.
        let unknown = SuperlifterError(
            .refused, "there is no module '\(shown)' here (superlifter list without a path names those there are)")
        guard let module = configuration.module(named: name) else { throw unknown }
        guard admits(module) else {
            // Over ssh and a command, what is told is read by the client.
            if overTCP, let address { tell("module \(shown): not for \(Display.escaped(address))") }
            throw unknown
        }
        if overTCP, let problem = module.problemOverTCP {
            tell("module \(shown) is not served over TCP: \(problem)")
            throw SuperlifterError(.refused, "module '\(shown)' is not served over TCP")
        }
        try count(module, shown)
        do throws(ServeRefusal) {
            try module.identity?.assume()
        } catch {
            tell("module \(shown): \(error.message)")
            throw SuperlifterError(.refused, "module '\(shown)' cannot be served by this server")
        }
        return EnteredModule(
            path: module.path, access: module.access.forLibrary, hidden: module.exclude,
            silenceTimeout: module.timeout)
    }

    private func admits(_ module: Module) -> Bool {
        HostRule.admits(address, allow: module.allow, deny: module.deny)
    }

    /// One place for each session, however many processes and ways lead to them.
    private func count(_ module: Module, _ shown: String) throws(SuperlifterError) {
        guard let most = module.maxConnections else { return }
        let hasPlace: Bool
        do throws(Errno) {
            let shared = configuration.lockDirectory
            let directory = if let shared { shared } else { try SlotLock.ownDirectory() }
            let file = directory + Array("/module-\(module.lockName)".utf8)
            hasPlace = try SlotLock.take(file, count: most, isShared: shared != nil)
        } catch {
            tell("module \(shown): its connections cannot be counted: \(error) (see lock-directory)")
            throw SuperlifterError(.refused, "module '\(shown)' cannot be served by this server")
        }
        guard hasPlace else {
            throw SuperlifterError(
                .refused, "module '\(shown)' is busy (\(most) connections, its limit); try again later")
        }
    }
}

extension Module.Access {
    fileprivate var forLibrary: Server.Access {
        switch self {
        case .read: .read
        case .write: .write
        case .append: .append
        }
    }
}

extension Module {
    /// A file's name for what it is, not for what somebody calls it: FNV-1a of path and name.
    fileprivate var lockName: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in path + [0] + name { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension LoginFacts {
    /// The client's address as sshd tells it.
    var address: [UInt8]? {
        guard overSSH, let connection = Environment.variable("SSH_CONNECTION") else { return nil }
        return connection.split(separator: UInt8(ascii: " ")).first.map { Array($0) }
    }
}
