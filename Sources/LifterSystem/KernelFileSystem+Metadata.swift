// Mode, owner and modification time, of a descriptor or of a name that is never followed.

import CSuperlifter
import Glibc

extension KernelFileSystem {
    package func setMode(_ mode: UInt32, of descriptor: RawDescriptor) throws(Errno) {
        try retrying { outcome(fchmod(descriptor, mode & 0o7777)) }
    }

    package func setMode(
        _ mode: UInt32, of name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) {
        if fchmodat2 != .missing {
            do throws(Errno) {
                try withName(name) { Int(sl_fchmodat2(directory, $0, mode & 0o7777, AT_SYMLINK_NOFOLLOW)) }
                return
            } catch .noSystem {
                fchmodat2 = .missing
            } catch .permission {
                // Either not our file, and then the other way says so again, or a sandbox that knows no fchmodat2.
            }
        }
        try setModeThroughProc(mode, name, directory)
    }

    /// Kernels before 6.6: pin the object, make sure it is no link, and change it under its number in /proc.
    private func setModeThroughProc(
        _ mode: UInt32, _ name: ArraySlice<UInt8>, _ directory: RawDescriptor
    ) throws(Errno) {
        let pinned = Descriptor(owning: try open(name, in: directory, .pathOnly, mode: 0))
        if try status(of: pinned.raw).kind == .symlink { throw .notSupported }
        let path = Array("/proc/self/fd/\(pinned.raw)".utf8)
        do throws(Errno) {
            try withCString(path[...]) { outcome(chmod($0, mode & 0o7777)) }
        } catch .noEntry {
            throw .noSystem  // no /proc in this root; the name itself was there
        }
    }

    package func setOwner(user: UInt32?, group: UInt32?, of descriptor: RawDescriptor) throws(Errno) {
        let (user, group) = (try Self.id(user), try Self.id(group))
        try retrying { outcome(fchown(descriptor, user, group)) }
    }

    package func setOwner(
        user: UInt32?, group: UInt32?, of name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) {
        let (user, group) = (try Self.id(user), try Self.id(group))
        try withName(name) { outcome(fchownat(directory, $0, user, group, AT_SYMLINK_NOFOLLOW)) }
    }

    /// The highest number means "leave it" to the kernel, so nobody can ask for it by accident.
    private static func id(_ id: UInt32?) throws(Errno) -> UInt32 {
        guard let id else { return .max }
        if id == .max { throw .invalid }
        return id
    }

    package func setModified(_ time: FileTime, of descriptor: RawDescriptor) throws(Errno) {
        let times = try Self.times(time)
        _ = try withUnsafePointer(to: times) { pointer throws(Errno) in
            try retrying {
                outcome(futimens(descriptor, UnsafeRawPointer(pointer).assumingMemoryBound(to: timespec.self)))
            }
        }
    }

    package func setModified(
        _ time: FileTime, of name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) {
        let times = try Self.times(time)
        _ = try withUnsafePointer(to: times) { pointer throws(Errno) in
            try withName(name) {
                outcome(
                    utimensat(
                        directory, $0, UnsafeRawPointer(pointer).assumingMemoryBound(to: timespec.self),
                        AT_SYMLINK_NOFOLLOW))
            }
        }
    }

    /// Access time first, left alone. Values of a second or more are commands to the kernel (now, omit), so they
    /// are refused here and not only where they come in.
    private static func times(_ modified: FileTime) throws(Errno) -> (timespec, timespec) {
        if modified.nanoseconds >= 1_000_000_000 { throw .invalid }
        return (
            timespec(tv_sec: 0, tv_nsec: sl_UTIME_OMIT),
            timespec(tv_sec: Int(modified.seconds), tv_nsec: Int(modified.nanoseconds))
        )
    }
}
