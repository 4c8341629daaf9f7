// `superlifter explain LOCATION`: how a location would be reached, without reaching it.

import LifterSystem
import LifterTransport
package import Superlifter

/// Once, before anything else: what the process must be set to.
package enum ProcessSetUp {
    package static func run() {
        Signals.prepareProcess()
        Environment.raiseOpenFileLimit(to: 4096)
    }
}

package enum Explanation {
    /// Lines for a person: what the location is taken to mean, and each way to it in the order of trying.
    package static func lines(for written: [UInt8], _ options: ConnectOptions) throws(SuperlifterError) -> [String] {
        let location: Location
        do throws(LocationError) {
            location = try Location.parse(written, via: !options.hints.isEmpty)
        } catch {
            throw SuperlifterError(.usage, error.message)
        }
        switch location {
        case .local(let path):
            let base = path.first == UInt8(ascii: "/") ? "" : ", from the current directory"
            return [
                row("means", "a path on this machine\(base): \(Display.escaped(path))"), row("by", "no connection"),
            ]
        case .remote(let remote):
            let reach = try Reach(remote, options)
            return [row("means", meaning(remote, reach.context))] + reach.hints.flatMap { way($0, reach) }
        }
    }

    private static func row(_ label: String, _ text: String) -> String {
        label + String(repeating: " ", count: max(1, 10 - label.count)) + text
    }

    private static func meaning(_ remote: RemoteLocation, _ context: ConnectContext) -> String {
        let path = Display.escaped(remote.path)
        let isAbsolute = remote.path.first == UInt8(ascii: "/")
        switch remote.reach {
        case .ssh(let authority):
            let isSSH = SSHCommand.isSSH(context.rshCommand.first ?? [])
            let place = "on \(authority.text), \(isSSH ? "over ssh" : "by the command of -e"): "
            if remote.path.isEmpty { return place + "the login directory" }
            return place + path + (isAbsolute ? "" : ", from the login directory")
        case .tcp(let authority):
            let place = "at a listening server on \(authority.host.text), over plain TCP: "
            if remote.path.isEmpty { return place + "what it shows (its modules, if it has any)" }
            let first = Display.escaped(Array(remote.path.split(separator: UInt8(ascii: "/")).first ?? []))
            return place + "\(path) below what it shows; if it has modules, in its module \(first)"
        case .hints(let name):
            return "at the server that --via reaches, called \(name.text) here: "
                + (remote.path.isEmpty ? "what it shows" : path)
        }
    }

    private static func way(_ hint: Hint, _ reach: Reach) -> [String] {
        let context = reach.context
        let seconds = reach.patience(hint)
        let limit = row("waits", "\(seconds) s for the connection and the handshake together")
        var rows = [row("by", hint.text)]
        switch hint {
        case .ssh(let authority):
            do throws(ConnectFailure) {
                rows.append(started(try SSHCommand.words(for: authority, context)))
                rows.append(limit)
            } catch {
                rows.append(row("fails", error.message))
            }
        case .command(let command): rows += [started(SSHCommand.words(forCommand: command, context)), limit]
        case .unix(let path): rows += [row("connects", "to the socket \(Display.escaped(path))"), limit]
        case .tcp(let host, let port):
            let family =
                switch context.addressFamily {
                case .any: "IPv4 and IPv6"
                case .ipv4: "IPv4 only"
                case .ipv6: "IPv6 only"
                }
            let from = context.localAddress.map { ", from \($0.text)" } ?? ""
            rows += [
                row("connects", "to \(host.text), port \(port), \(family)\(from)"),
                row("warning", "plain TCP is neither encrypted nor authenticated"), limit,
            ]
        case .unknown(let type, _): rows.append(row("fails", "this release has no handler for hints of type '\(type)'"))
        }
        return rows
    }

    /// No shell of this machine sees the words; they are quoted for the reader.
    private static func started(_ words: [[UInt8]]) -> String {
        row("starts", words.map { Display.escaped(SSHCommand.quoted($0), limit: 4096) }.joined(separator: " "))
    }
}
