// Names and numbers of users and groups, through the C library and so through whatever directory service is set up.

import Glibc

/// Names are bytes. Nil: there is no such user or group. An error: it could not be found out, which must never be
/// taken for an answer.
package enum Users {
    package static func userName(_ id: UInt32) throws(Errno) -> [UInt8]? {
        try look(passwd()) {
            getpwuid_r(id, $0, $1, $2, $3)
        } found: {
            bytes(of: $0.pw_name)
        }
    }

    package static func groupName(_ id: UInt32) throws(Errno) -> [UInt8]? {
        try look(group()) {
            getgrgid_r(id, $0, $1, $2, $3)
        } found: {
            bytes(of: $0.gr_name)
        }
    }

    package static func userID(_ name: [UInt8]) throws(Errno) -> UInt32? {
        guard let name = cString(name) else { return nil }
        return try look(passwd()) {
            getpwnam_r(name, $0, $1, $2, $3)
        } found: {
            $0.pw_uid
        }
    }

    package static func groupID(_ name: [UInt8]) throws(Errno) -> UInt32? {
        guard let name = cString(name) else { return nil }
        return try look(group()) {
            getgrnam_r(name, $0, $1, $2, $3)
        } found: {
            $0.gr_gid
        }
    }

    /// Where a user's home is, as the directory says.
    package static func home(ofUser id: UInt32) throws(Errno) -> [UInt8]? {
        try look(passwd()) {
            getpwuid_r(id, $0, $1, $2, $3)
        } found: {
            bytes(of: $0.pw_dir)
        }
    }

    /// The group that a user's new files get, as the directory says.
    package static func primaryGroup(ofUser id: UInt32) throws(Errno) -> UInt32? {
        try look(passwd()) {
            getpwuid_r(id, $0, $1, $2, $3)
        } found: {
            $0.pw_gid
        }
    }

    package static var effectiveUser: UInt32 { geteuid() }
    package static var effectiveGroup: UInt32 { getegid() }

    /// The supplementary groups of this process.
    package static func groups() throws(Errno) -> [UInt32] {
        let count = try check(outcome(getgroups(0, nil)))
        var groups = [gid_t](repeating: 0, count: count)
        let filled = try check(outcome(getgroups(Int32(count), &groups)))
        return Array(groups.prefix(filled))
    }

    /// Asks with a growing buffer: a group of many members does not fit into what sysconf suggests.
    private static func look<Entry, Result>(
        _ empty: Entry,
        _ ask: (
            UnsafeMutablePointer<Entry>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>
        ) -> Int32,
        found: (Entry) -> Result
    ) throws(Errno) -> Result? {
        var entry = empty
        var room = 1024
        while true {
            let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: room)
            defer { buffer.deallocate() }
            var answer: UnsafeMutablePointer<Entry>?
            let result = ask(&entry, buffer, room, &answer)
            switch result {
            case 0: return answer.map { found($0.pointee) }
            case EINTR: continue
            case ERANGE where room < 16 << 20: room *= 4
            // getpwnam(3) lists these as further ways of saying "no such entry".
            case ENOENT, ESRCH: return nil
            default: throw Errno(rawValue: result)
            }
        }
    }

    private static func cString(_ name: [UInt8]) -> [CChar]? {
        if name.isEmpty || name.contains(0) { return nil }
        return name.map { CChar(bitPattern: $0) } + [0]
    }

    private static func bytes(of text: UnsafeMutablePointer<CChar>?) -> [UInt8] {
        guard let text else { return [] }
        return Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }
}
