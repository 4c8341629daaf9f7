// Where a server listens: `tcp:HOST:PORT` or `unix:PATH`, as an administrator writes it.
//
// What leaves the host out means this machine alone: nobody else is let in unasked. Port 0 has the system choose one,
// which the server's first line then tells.

import LifterSystem

package enum ListenAddress: Hashable, Sendable {
    /// `host` nil: the loopback addresses.
    case tcp(host: HostName?, port: UInt16)
    case unix(path: [UInt8])

    package static func parse(_ written: [UInt8]) throws(LocationError) -> ListenAddress {
        let shown = Display.escaped(written, limit: 100)
        if written.starts(with: "unix:".utf8) {
            let path = Array(written.dropFirst(5))
            guard !path.isEmpty, !path.contains(0) else { throw LocationError("'\(shown)' names no path") }
            return .unix(path: path)
        }
        guard written.starts(with: "tcp:".utf8) else {
            throw LocationError("the address to listen on is tcp:HOST:PORT or unix:PATH, not '\(shown)'")
        }
        let rest = written.dropFirst(4)
        let isPort = !rest.isEmpty && rest.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        if isPort { return .tcp(host: nil, port: try port(rest, shown)) }
        // In an IPv6 address colons stand inside brackets.
        let close = rest.lastIndex(of: UInt8(ascii: "]")) ?? rest.startIndex
        guard let colon = rest[close...].lastIndex(of: UInt8(ascii: ":")) else {
            return .tcp(host: try host(rest, shown), port: RemoteLocation.defaultPort)
        }
        return .tcp(host: try host(rest[..<colon], shown), port: try port(rest[(colon + 1)...], shown))
    }

    /// As a person would write it, fit for a terminal.
    package var text: String {
        switch self {
        case .tcp(let host, let port): "tcp:\(host?.text ?? "localhost"):\(port)"
        case .unix(let path): "unix:\(Display.escaped(path))"
        }
    }

    private static func host(_ bytes: ArraySlice<UInt8>, _ shown: String) throws(LocationError) -> HostName {
        let isBracketed = bytes.first == UInt8(ascii: "[") && bytes.last == UInt8(ascii: "]")
        guard isBracketed || !bytes.contains(UInt8(ascii: ":")) else {
            throw LocationError("put the IPv6 address in brackets: '\(shown)'")
        }
        return try HostName(bytes)
    }

    private static func port(_ bytes: ArraySlice<UInt8>, _ shown: String) throws(LocationError) -> UInt16 {
        if bytes.elementsEqual("0".utf8) { return 0 }
        do throws(LocationError) {
            return try parsePort(bytes)
        } catch {
            throw LocationError("\(error.message) (in '\(shown)'; 0 has the system choose one)")
        }
    }
}
