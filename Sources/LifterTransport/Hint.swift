// A hint: one way to reach a server, written `TYPE:ADDRESS`.
//
//     tcp:HOST:PORT    ssh:[USER@]HOST[:PORT]    unix:PATH    command:PROGRAM ARGUMENTS
//
// A hint holds an address and nothing else. Commands, proxies, keys and options come from the configuration of this
// machine, so that a hint which arrived from elsewhere can at worst name a wrong place. `command:` is the exception
// and therefore accepted only from this machine's own command line or configuration.

import LifterSystem

package enum Hint: Hashable, Sendable {
    case tcp(HostName, port: UInt16)
    case ssh(Authority)
    case unix(path: [UInt8])
    /// A program whose standard input and output are the stream: its words, not run through a shell.
    case command([[UInt8]])
    /// A type that this release does not know. It is no error as long as another hint works.
    case unknown(type: String, address: [UInt8])

    /// Who wrote the hint.
    package enum Origin: Sendable {
        /// The command line or the configuration of this machine.
        case local
        /// A peer, a directory service, a file from elsewhere.
        case received
    }

    package static func parse(_ written: [UInt8], from origin: Origin) throws(LocationError) -> Hint {
        guard !written.contains(0) else { throw LocationError("a hint holds a NUL byte") }
        guard let colon = written.firstIndex(of: UInt8(ascii: ":")), isType(written[..<colon]) else {
            throw LocationError("a hint is TYPE:ADDRESS, not '\(Display.escaped(written, limit: 100))'")
        }
        let type = String(decoding: written[..<colon], as: UTF8.self)
        let address = Array(written[(colon + 1)...])
        switch type {
        case "tcp":
            let authority = try Authority(address)
            guard authority.user == nil, let port = authority.port else {
                throw LocationError("the hint is tcp:HOST:PORT, not '\(Display.escaped(written, limit: 100))'")
            }
            return .tcp(authority.host, port: port)
        case "ssh":
            return .ssh(try Authority(address))
        case "unix":
            guard !address.isEmpty else { throw LocationError("the hint unix: names no path") }
            return .unix(path: address)
        case "command":
            guard origin == .local else {
                throw LocationError("a command: hint is accepted only from this machine's own command line or settings")
            }
            return .command(try CommandWords.split(address))
        default:
            return .unknown(type: type, address: address)
        }
    }

    /// The word before the first colon.
    package var type: String {
        switch self {
        case .tcp: "tcp"
        case .ssh: "ssh"
        case .unix: "unix"
        case .command: "command"
        case .unknown(let type, _): type
        }
    }

    /// As a person would write it, fit for a terminal.
    package var text: String {
        switch self {
        case .tcp(let host, let port): "tcp:\(host.text):\(port)"
        case .ssh(let authority): "ssh:\(authority.text)"
        case .unix(let path): "unix:\(Display.escaped(path))"
        case .command(let words): "command:\(CommandWords.display(words))"
        case .unknown(let type, let address): "\(type):\(Display.escaped(address, limit: 100))"
        }
    }

    /// Lower-case letters, digits and `+`, `-`, `.` behind a letter; at most 32.
    private static func isType(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return false }
        return bytes.count <= 32
            && bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: Array("+-.".utf8).contains(byte)
                }
            }
    }
}
