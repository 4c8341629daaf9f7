// Names of hosts and users, and port numbers, as they may stand in a location or a hint.
//
// A host or user ends up as an argument of another program. One that begins with `-` would be an option there
// (`-oProxyCommand=...` has been used so against several tools), and one with a space or a quote could reach a
// shell. So both are checked here, at the single place where they are read, before anything is started.

import LifterSystem

/// Why a location or a hint cannot be used. The text is one line, fit for a terminal.
package struct LocationError: Error, Hashable, Sendable {
    package let message: String

    init(_ message: String) { self.message = message }
}

/// Where on the network: checked when it was read.
package struct HostName: Hashable, Sendable {
    /// Without the brackets of an IPv6 address.
    package let bytes: [UInt8]

    /// Reads a host as written, with or without brackets.
    package init(_ written: some Collection<UInt8>) throws(LocationError) {
        var bytes = Array(written)
        if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]"), bytes.count > 2 {
            bytes = Array(bytes.dropFirst().dropLast())
        }
        try checkName(bytes, role: "host")
        self.bytes = bytes
    }

    /// An IPv6 address in its brackets, anything else bare.
    package var text: String {
        let name = String(decoding: bytes, as: UTF8.self)
        return bytes.contains(UInt8(ascii: ":")) ? "[\(name)]" : name
    }
}

/// Who logs in: checked when it was read.
package struct UserName: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(_ written: some Collection<UInt8>) throws(LocationError) {
        let bytes = Array(written)
        try checkName(bytes, role: "user")
        self.bytes = bytes
    }
}

/// `[user@]host[:port]`, the part of an address that `ssh` and `tcp` share.
package struct Authority: Hashable, Sendable {
    package let user: UserName?
    package let host: HostName
    package let port: UInt16?

    package init(user: UserName?, host: HostName, port: UInt16?) {
        self.user = user
        self.host = host
        self.port = port
    }

    /// Reads `[user@]host[:port]`. An IPv6 address stands in brackets, since its colons would be taken for a port.
    package init(_ written: some Collection<UInt8>) throws(LocationError) {
        let bytes = Array(written)
        let (user, rest) = try splitUser(bytes[...])
        guard rest.first == UInt8(ascii: "[") else {
            let colons = rest.count { $0 == UInt8(ascii: ":") }
            guard colons <= 1 else {
                throw LocationError("put the IPv6 address in brackets: \(Display.escaped(bytes))")
            }
            let end = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
            let port = end < rest.endIndex ? try parsePort(rest[(end + 1)...]) : nil
            self.init(user: user, host: try HostName(rest[..<end]), port: port)
            return
        }
        guard let close = rest.firstIndex(of: UInt8(ascii: "]")) else {
            throw LocationError("a bracket is not closed: \(Display.escaped(bytes))")
        }
        let host = try HostName(rest[...close])
        let behind = rest[(close + 1)...]
        guard let next = behind.first else {
            self.init(user: user, host: host, port: nil)
            return
        }
        guard next == UInt8(ascii: ":") else {
            throw LocationError("only a port may follow the bracket: \(Display.escaped(bytes))")
        }
        self.init(user: user, host: host, port: try parsePort(behind.dropFirst()))
    }

    /// As a person would write it.
    package var text: String {
        let login = user.map { String(decoding: $0.bytes, as: UTF8.self) + "@" } ?? ""
        return login + host.text + (port.map { ":\($0)" } ?? "")
    }
}

/// What stands before the last `@`, and the rest. The last, because a user may be `name@domain`.
func splitUser(_ bytes: ArraySlice<UInt8>) throws(LocationError) -> (UserName?, ArraySlice<UInt8>) {
    guard let sign = bytes.lastIndex(of: UInt8(ascii: "@")) else { return (nil, bytes) }
    return (try UserName(bytes[..<sign]), bytes[(sign + 1)...])
}

/// A decimal number 1...65535, digits alone.
func parsePort(_ bytes: ArraySlice<UInt8>) throws(LocationError) -> UInt16 {
    var value = 0
    for byte in bytes {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), value <= 65_535 else {
            value = 0
            break
        }
        value = value * 10 + Int(byte - UInt8(ascii: "0"))
    }
    guard (1...65_535).contains(value) else {
        throw LocationError("the port is a number from 1 to 65535, not '\(Display.escaped(bytes, limit: 40))'")
    }
    return UInt16(value)
}

private func checkName(_ bytes: [UInt8], role: String) throws(LocationError) {
    guard let first = bytes.first else { throw LocationError("the \(role) is empty") }
    let shown = Display.escaped(bytes, limit: 100)
    guard first != UInt8(ascii: "-") else {
        throw LocationError("the \(role) '\(shown)' begins with '-' and would be taken for an option")
    }
    guard bytes.allSatisfy(isNameByte) else {
        throw LocationError("the \(role) '\(shown)' holds a character other than letters, digits and . _ : % @ [ ] -")
    }
}

private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default: Array("._:%@[]-".utf8).contains(byte)
    }
}
