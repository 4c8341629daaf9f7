// Just enough about locations to tell whether the right kind stands in the right place. What a remote location
// means in full, and whether its host is an acceptable one, is decided where connections are made.

enum LocationShape {
    /// A location is local if it has no colon, or a slash before the first one.
    static func isRemote(_ location: [UInt8]) -> Bool {
        for byte in location {
            if byte == UInt8(ascii: "/") { return false }
            if byte == UInt8(ascii: ":") { return true }
        }
        return false
    }

    /// What the location says about where it is, as written: `user@host`, `ssh://host:22`; empty for a local one.
    static func host(_ location: [UInt8]) -> [UInt8] {
        guard isRemote(location), let colon = location.firstIndex(of: UInt8(ascii: ":")) else { return [] }
        let rest = location[(colon + 1)...]
        guard rest.starts(with: "//".utf8) else {
            // `user@[::1]:path`: the colons in brackets belong to the host.
            guard let open = location[..<colon].lastIndex(of: UInt8(ascii: "[")),
                let close = location[open...].firstIndex(of: UInt8(ascii: "]"))
            else { return Array(location[..<colon]) }
            return Array(location[...close])
        }
        let authority = rest.dropFirst(2)
        return Array(location[..<(authority.firstIndex(of: UInt8(ascii: "/")) ?? location.endIndex)])
    }
}
