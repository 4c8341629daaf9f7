// `superlifter explain LOCATION`: how a location would be reached, without reaching it.

import LifterSystem
import LifterTransport

/// Once, before anything else: what the process must be set to.
package enum ProcessSetUp {
    package static func run() {
        Signals.prepareProcess()
        Environment.raiseOpenFileLimit(to: 4096)
    }
}

package enum Explanation {
    package struct Problem: Error, Sendable {
        package let message: String
    }

    package static func lines(
        for location: [UInt8], hints: [[UInt8]], remoteShell: [UInt8]?, remotePath: [UInt8]?
    ) -> Result<[String], Problem> {
        do throws(LocationError) {
            return .success(try explain(location, hints, remoteShell, remotePath))
        } catch {
            return .failure(Problem(message: error.message))
        }
    }

    private static func explain(
        _ written: [UInt8], _ hints: [[UInt8]], _ remoteShell: [UInt8]?, _ remotePath: [UInt8]?
    ) throws(LocationError) -> [String] {
        switch try Location.parse(written, via: !hints.isEmpty) {
        case .local(let path): return ["a local path: \(Display.escaped(path))"]
        case .remote(let remote):
            var context = ConnectContext()
            if let remoteShell { context.rshCommand = try CommandWords.split(remoteShell) }
            if let remotePath { context.remotePath = remotePath }
            var ways: [Hint] = []
            for hint in hints { ways.append(try Hint.parse(hint, from: .local)) }
            if ways.isEmpty, let hint = remote.hint { ways = [hint] }
            return ["path at the other end: \(Display.escaped(remote.path))"]
                + ways.map { "by \($0.text): \(way($0, context))" }
        }
    }

    private static func way(_ hint: Hint, _ context: ConnectContext) -> String {
        let words: [[UInt8]]
        switch hint {
        case .ssh(let authority):
            guard let command = try? SSHCommand.words(for: authority, context) else {
                return "the remote shell cannot be started with these options"
            }
            words = command
        case .command(let command): words = SSHCommand.words(forCommand: command, context)
        case .unix(let path): return "connects to the socket \(Display.escaped(path))"
        case .tcp(let host, let port):
            return "connects to \(host.text), port \(port), over TCP: neither encrypted nor authenticated"
        case .unknown(let type, _): return "this release has no handler for hints of type '\(type)'"
        }
        return "starts " + words.map { Display.escaped(SSHCommand.quoted($0)) }.joined(separator: " ")
    }
}
