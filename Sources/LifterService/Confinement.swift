// Whose paths a server opens, decided once, before the first byte is read.
//
// A server without `--root` and without a configuration opens whatever its user may open. That is right over ssh,
// where the other side has logged in as this very user, and wrong behind a socket that anybody may reach. Pipes prove
// nothing (socat gives them too), so the only proofs are sshd's own SSH_CONNECTION and the word of whoever started
// the server, `--unconfined`.

import LifterSystem
import LifterTransport

/// What may be reached in one session, and how.
package enum Confinement: Hashable, Sendable {
    /// The user's own paths: relative ones from the login directory.
    case unconfined
    /// Beneath this directory alone, which is both `/` and the login directory of the session.
    case root(path: [UInt8], access: Access)

    package enum Access: Hashable, Sendable {
        case readOnly, appendOnly, readWrite
    }
}

/// Why a server does not start: one line, and the exit code.
package struct ServeRefusal: Error, Hashable, Sendable {
    package let message: String
    /// 1 usage, 4 unsupported, 5 refused.
    package let exitCode: Int32
}

/// What the command line said about confinement.
package struct ConfinementRequest: Sendable {
    package var root: [UInt8]?
    package var readOnly: Bool
    package var appendOnly: Bool
    package var unconfined: Bool

    package init(root: [UInt8]? = nil, readOnly: Bool = false, appendOnly: Bool = false, unconfined: Bool = false) {
        self.root = root
        self.readOnly = readOnly
        self.appendOnly = appendOnly
        self.unconfined = unconfined
    }

    /// The confinement of the session. Where `--root` and `--unconfined` are both given, as by a wrapper that passes
    /// a client's arguments on, the root holds.
    package func decide(_ login: LoginFacts) throws(ServeRefusal) -> Confinement {
        if let root {
            guard !root.isEmpty else { throw ServeRefusal(message: "--root names no directory", exitCode: 1) }
            // Where a wrapper passes on what a client says, the narrower of two words holds.
            return .root(path: root, access: readOnly ? .readOnly : appendOnly ? .appendOnly : .readWrite)
        }
        // Never silently weaker than asked for.
        guard !readOnly else { throw ServeRefusal(message: "--read-only needs --root DIR", exitCode: 1) }
        guard !appendOnly else { throw ServeRefusal(message: "--append-only needs --root DIR", exitCode: 1) }
        guard unconfined || login.overSSH else {
            throw ServeRefusal(
                message: "refusing to serve all of this user's files to a peer that has not logged in: "
                    + "start it over ssh (SSH_CONNECTION), confine it with --root DIR, or give --unconfined",
                exitCode: 5)
        }
        return .unconfined
    }
}

/// What sshd told this process about the login.
package struct LoginFacts: Hashable, Sendable {
    /// SSH_CONNECTION is set.
    package let overSSH: Bool
    /// SSH_ORIGINAL_COMMAND: what the client asked for where a forced command runs instead. It is the client's text,
    /// so nothing is ever decided by it; it is kept for the log.
    package let originalCommand: [UInt8]?

    package init(overSSH: Bool, originalCommand: [UInt8]?) {
        self.overSSH = overSSH
        self.originalCommand = originalCommand
    }

    /// Reads the facts by `lookUp`, which gives the value of an environment variable.
    package init(environment lookUp: (String) -> [UInt8]?) {
        self.init(overSSH: lookUp("SSH_CONNECTION")?.isEmpty == false, originalCommand: lookUp("SSH_ORIGINAL_COMMAND"))
    }

    /// What is true of this process. sshd gives a command pipes or a socket pair: whoever comes by TCP itself has not
    /// come through it, whatever this process has inherited from the shell that started its super-server.
    package static var ofThisProcess: LoginFacts {
        let facts = LoginFacts { Environment.variable($0) }
        guard case .tcp? = try? StdioConnection.peerFacts(of: 0) else { return facts }
        return LoginFacts(overSSH: false, originalCommand: facts.originalCommand)
    }
}
