// Giving up rights for good: the user and groups of the whole process.

import Glibc

package enum Privileges {
    /// Becomes this user and this group, with no other groups, and cannot go back. Every thread changes. EPERM where
    /// the process may not; then nothing may be assumed of what it is, and it must end. Nothing happens to a process
    /// that is this already.
    package static func become(user: UInt32, group: UInt32) throws(Errno) {
        if geteuid() != 0, geteuid() == user, getuid() == user, getegid() == group, getgid() == group { return }
        // Groups first: without root none of this could be done any more.
        var groups = [gid_t(group)]
        try check(outcome(setgroups(groups.count, &groups)))
        // With the right to change them at all, these set the real, the effective and the saved one.
        try check(outcome(setgid(group)))
        try check(outcome(setuid(user)))
        guard geteuid() == user, getuid() == user, getegid() == group, getgid() == group else { throw .permission }
        // Only root can become root again.
        if user != 0, setuid(0) == 0 { throw .permission }
    }
}
