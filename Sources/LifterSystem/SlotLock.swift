// Counting by locks: N bytes of a file, each of which one process can hold. A lock goes with its process, however that
// ends, so nothing is ever left to be counted wrong.

import CSuperlifter
import Glibc

package enum SlotLock {
    /// Takes one of `count` places and keeps it until this process ends; false where all are taken. The file is made
    /// where it is missing. `isShared`: other users may use it, too. ELOOP where a link has its name.
    package static func take(_ file: [UInt8], count: Int, isShared: Bool) throws(Errno) -> Bool {
        guard !file.isEmpty, !file.contains(0) else { throw .invalid }
        let name = file.map { CChar(bitPattern: $0) } + [0]
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW
        let raw = try retrying { outcome(open(name, flags, isShared ? 0o666 : 0o600)) }
        let descriptor = Descriptor(owning: RawDescriptor(raw))
        // Whoever made it says so once, whatever his creation mask; to the others it is refused, and done.
        if isShared { _ = fchmod(descriptor.raw, 0o666) }
        for place in 0..<count {
            do throws(Errno) {
                try retrying { Int(sl_lock_byte(descriptor.raw, Int64(place))) }
                _ = descriptor.release()
                return true
            } catch .again {
                continue
            } catch .access {
                continue
            }
        }
        return false
    }

    /// The directory for such files where none was named: made for this user alone.
    package static func ownDirectory() throws(Errno) -> [UInt8] {
        let user = geteuid()
        let path: [UInt8]
        if user == 0 {
            path = Array("/run/superlifter".utf8)
        } else if let runtime = Environment.variable("XDG_RUNTIME_DIR"), runtime.first == UInt8(ascii: "/") {
            path = runtime + Array("/superlifter".utf8)
        } else {
            path = Array("/tmp/superlifter-\(user)".utf8)
        }
        let name = path.map { CChar(bitPattern: $0) } + [0]
        do throws(Errno) { try check(outcome(mkdir(name, 0o700))) } catch {
            if error != .exists { throw error }
        }
        // In a directory that anybody may write to, somebody else may have been first.
        var status = stat()
        try check(outcome(lstat(name, &status)))
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == user else { throw .permission }
        return path
    }
}
