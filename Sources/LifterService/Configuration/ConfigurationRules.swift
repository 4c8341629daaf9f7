// What a configuration must not do, however it is written: checked where the server starts, and again in each session,
// since the file may have changed between.

import LifterSystem
import LifterTransport

extension Configuration {
    /// Problems that would show only once somebody comes: paths that cannot be opened, rights that are not there. A
    /// line each, with the module's line in the file.
    func problems(listeningOn addresses: [ListenAddress]) -> [String] {
        let overTCP = addresses.contains { if case .tcp = $0 { true } else { false } }
        var found: [String] = []
        for module in modules {
            let place = "\(Display.escaped(path)):\(module.line): module '\(Display.escaped(module.name))'"
            if let problem = module.pathProblem {
                found.append("\(place): path \(Display.escaped(module.path)): \(problem)")
            }
            if overTCP, let problem = module.problemOverTCP { found.append("\(place): \(problem)") }
            if let problem = module.identityProblem { found.append("\(place): \(problem)") }
        }
        return found
    }
}

extension Module {
    /// Why it may not be served to somebody who came by TCP, and so has not logged in.
    var problemOverTCP: String? {
        if access != .read, !isInsecure {
            return "nobody logs in over TCP, so access = \"\(access.rawValue)\" lets everybody write: "
                + "say insecure = true if that is meant, or access = \"read\""
        }
        if identity == nil, Users.effectiveUser == 0 {
            return "the server runs as root, so the module must say whose rights it has: uid = \"nobody\""
        }
        return nil
    }

    var identityProblem: String? {
        let user = Users.effectiveUser
        guard let identity, user != 0, identity.user != user else { return nil }
        return "only a server that runs as root can become user \(identity.user) (this one is user \(user))"
    }

    /// As far as the server's own user can see; the module's may see less.
    fileprivate var pathProblem: String? {
        let fileSystem = KernelFileSystem()
        do throws(Errno) {
            fileSystem.close(try fileSystem.openRoot(path, [.pathOnly, .directory]))
            return nil
        } catch {
            return "\(error)"
        }
    }
}

extension Configuration {
    /// What was understood, for `--check-config`.
    package var summary: [String] {
        var lines = listen.map { "listen \($0.text)" }
        for module in modules {
            var words = [
                "module \(Display.escaped(module.name)):", Display.escaped(module.path) + ",", module.access.rawValue,
            ]
            if let identity = module.identity { words.append("as user \(identity.user), group \(identity.group)") }
            if module.isInsecure { words.append("insecure") }
            if !module.isListed { words.append("not listed") }
            if let most = module.maxConnections { words.append("at most \(most) connections") }
            if let allow = module.allow { words.append("for \(allow.count) networks") }
            if !module.deny.isEmpty { words.append("but not \(module.deny.count)") }
            if !module.exclude.isEmpty { words.append("without \(module.exclude.count) patterns") }
            if let timeout = module.timeout { words.append("timeout \(timeout) s") }
            lines.append(words.prefix(3).joined(separator: " ") + words.dropFirst(3).map { ", " + $0 }.joined())
        }
        return lines
    }
}
