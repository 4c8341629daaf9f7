// Where a tree is: one parser for every place in which a person writes a location.
//
//     path  ./a:b  /abs                 here: no colon, or a slash before the first colon
//     [user@]host:path                  over ssh; relative to the login directory, or absolute
//     ssh://[user@]host[:port]/path     the same; `/~/path` is relative to the login directory
//     tcp://host[:port]/module[/path]   a Superlifter server; port 8730 unless given
//     name:module/path                  after `--via HINT`: the hint says how, `name` is only for the reader
//
// A path is a run of bytes and stays exactly as written: no unescaping, no folding of slashes, no `..` removed.
// An empty remote path (`host:`) stands for the login directory; an empty path after `tcp://host/` or in
// `tcp://host` names no module and is good for listing them. A `[` at the front of a host encloses an IPv6 address.

import LifterSystem

package enum Location: Hashable, Sendable {
    case local(path: [UInt8])
    case remote(RemoteLocation)

    /// Reads a location. `via` says that hints were given, so that what stands before the colon is a mere name.
    package static func parse(_ written: [UInt8], via: Bool = false) throws(LocationError) -> Location {
        guard !written.isEmpty else { throw LocationError("a location is empty; the current directory is '.'") }
        guard !written.contains(0) else { throw LocationError("a location holds a NUL byte") }
        if let rest = remainder(of: written, after: "ssh://") {
            return .remote(try parseSSH(rest))
        }
        if let rest = remainder(of: written, after: "tcp://") {
            return .remote(try parseTCP(rest))
        }
        if remainder(of: written, after: "rsync://") != nil {
            throw LocationError("an rsync server speaks another protocol; a Superlifter server is tcp://host/module")
        }
        guard let colon = separatingColon(in: written) else { return .local(path: written) }
        let name = written[..<colon]
        let path = written[(colon + 1)...]
        guard !name.isEmpty else {
            throw LocationError("no host before the colon; a local name is written './\(Display.escaped(written))'")
        }
        if via {
            return .remote(RemoteLocation(reach: .hints(name: try HostName(name)), path: Array(path)))
        }
        guard path.first != UInt8(ascii: ":") else {
            throw LocationError(
                "'host::module' is rsync's way to name a server; here it is tcp://host/module "
                    + "(or host:./:name for a name that begins with a colon)")
        }
        let (user, host) = try splitUser(name)
        let authority = Authority(user: user, host: try HostName(host), port: nil)
        return .remote(RemoteLocation(reach: .ssh(authority), path: Array(path)))
    }

    /// The colon that ends a host, or nil where the text is a local path.
    private static func separatingColon(in written: [UInt8]) -> Int? {
        let end = written.firstIndex(of: UInt8(ascii: "/")) ?? written.endIndex
        let front = written[..<end]
        guard let first = front.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        // The colons of `[::1]:path` and `user@[::1]:path` belong to the address.
        let host = front[..<first].lastIndex(of: UInt8(ascii: "@")).map { $0 + 1 } ?? 0
        guard front[host] == UInt8(ascii: "["), let close = front[host...].firstIndex(of: UInt8(ascii: "]")),
            close + 1 < end, front[close + 1] == UInt8(ascii: ":")
        else { return first }
        return close + 1
    }

    private static func parseSSH(_ rest: ArraySlice<UInt8>) throws(LocationError) -> RemoteLocation {
        let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        let authority = try Authority(rest[..<slash])
        var path = rest[slash...]
        if path.elementsEqual("/~".utf8) {
            path = []
        } else if path.starts(with: "/~/".utf8) {
            path = path.dropFirst(3)
        }
        return RemoteLocation(reach: .ssh(authority), path: Array(path))
    }

    private static func parseTCP(_ rest: ArraySlice<UInt8>) throws(LocationError) -> RemoteLocation {
        let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        let authority = try Authority(rest[..<slash])
        guard authority.user == nil else {
            throw LocationError("there is no login over plain TCP: write tcp://\(authority.host.text)/..., or use ssh")
        }
        return RemoteLocation(reach: .tcp(authority), path: Array(rest[slash...].dropFirst()))
    }

    private static func remainder(of written: [UInt8], after scheme: String) -> ArraySlice<UInt8>? {
        written.starts(with: scheme.utf8) ? written.dropFirst(scheme.utf8.count) : nil
    }
}

/// A location that is not here: how it is reached, and the path as the far side will read it.
package struct RemoteLocation: Hashable, Sendable {
    package enum Reach: Hashable, Sendable {
        case ssh(Authority)
        case tcp(Authority)
        /// By the hints given with `--via`; the name is for messages only.
        case hints(name: HostName)
    }

    package let reach: Reach
    /// As written; see the head of this file for what an empty one means.
    package let path: [UInt8]

    package init(reach: Reach, path: [UInt8]) {
        self.reach = reach
        self.path = path
    }

    /// The port of a Superlifter server.
    package static let defaultPort: UInt16 = 8730

    /// The hint that this location itself amounts to; nil where hints are given apart.
    package var hint: Hint? {
        switch reach {
        case .ssh(let authority): .ssh(authority)
        case .tcp(let authority): .tcp(authority.host, port: authority.port ?? Self.defaultPort)
        case .hints: nil
        }
    }
}
