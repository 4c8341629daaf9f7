// What kind of thing a descriptor is: the evidence by which a program started by somebody else finds out how.

import CSuperlifter
import Glibc

package enum DescriptorKind: Hashable, Sendable {
    /// Connected: somebody is at the other end. Listening: connections are to be accepted from it.
    case socket(connected: Bool, listening: Bool)
    case pipe
    case terminal
    /// /dev/null, under whatever name.
    case null
    case regular
    case other
    /// Not open at all.
    case closed

    package init(of descriptor: RawDescriptor) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            self = errno == EBADF ? .closed : .other
            return
        }
        switch status.st_mode & S_IFMT {
        case S_IFSOCK: self = Self.socketKind(descriptor)
        case S_IFIFO: self = .pipe
        case S_IFREG: self = .regular
        case S_IFCHR where sl_is_null_device(descriptor) != 0: self = .null
        case S_IFCHR where isatty(descriptor) != 0: self = .terminal
        default: self = .other
        }
    }

    private static func socketKind(_ descriptor: RawDescriptor) -> DescriptorKind {
        var accepting: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        if getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &length) < 0 { accepting = 0 }
        var address = sockaddr_storage()
        length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let connected = withUnsafeMutableBytes(of: &address) {
            getpeername(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length) == 0
        }
        return .socket(connected: connected, listening: accepting != 0)
    }

    /// Whether two numbers stand for one object (device and inode), as with 0 and 1 under inetd. False where
    /// either is closed.
    package static func areSameObject(_ first: RawDescriptor, _ second: RawDescriptor) -> Bool {
        var (one, other) = (stat(), stat())
        return fstat(first, &one) == 0 && fstat(second, &other) == 0
            && one.st_dev == other.st_dev && one.st_ino == other.st_ino
    }

    /// isatty(3).
    package static func isTerminal(_ descriptor: RawDescriptor) -> Bool { isatty(descriptor) != 0 }
}
