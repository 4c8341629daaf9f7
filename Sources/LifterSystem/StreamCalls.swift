// The calls that streams need beside reading and writing: who is at the other end, ending one direction, moving a
// descriptor out of the way, sizes of kernel buffers. Each is one system call, or a short run of them.

import CSuperlifter
import Glibc

package enum StreamCalls {
    /// Who is at the other end of a connected socket.
    package enum PeerName: Hashable, Sendable {
        /// The numeric address as text, without port. An IPv4 address carried in IPv6 is given as IPv4, so that a
        /// rule about it holds either way.
        case internet([UInt8])
        /// A Unix socket.
        case unix
        /// Some other family, by its number.
        case other(Int32)
    }

    /// getpeername(2). ENOTSOCK for what is no socket, ENOTCONN where nobody is there (any more).
    package static func peerName(of descriptor: RawDescriptor) throws(Errno) -> PeerName {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutableBytes(of: &storage) { buffer in
            outcome(getpeername(descriptor, buffer.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length))
        }
        try check(result)
        switch Int32(storage.ss_family) {
        case AF_UNIX:
            return .unix
        case AF_INET:
            let address = withUnsafeBytes(of: &storage) { $0.loadUnaligned(as: sockaddr_in.self).sin_addr }
            return .internet(numeric(AF_INET, withUnsafeBytes(of: address) { Array($0) }))
        case AF_INET6:
            let address = withUnsafeBytes(of: &storage) { $0.loadUnaligned(as: sockaddr_in6.self).sin6_addr }
            let bytes = withUnsafeBytes(of: address) { Array($0) }
            if bytes[..<12].elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]) {
                return .internet(Array(bytes[12...].map(String.init).joined(separator: ".").utf8))
            }
            return .internet(numeric(AF_INET6, bytes))
        case let family:
            return .other(family)
        }
    }

    /// The user who made the other end of a Unix socket, as the kernel recorded it (SO_PEERCRED).
    package static func peerUser(of descriptor: RawDescriptor) throws(Errno) -> UInt32 {
        // `struct ucred` is three 32-bit numbers: process, user, group. Swift does not see its name.
        var credentials: (process: UInt32, user: UInt32, group: UInt32) = (0, .max, .max)
        var length = socklen_t(MemoryLayout.size(ofValue: credentials))
        try check(outcome(getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length)))
        return credentials.user
    }

    /// Connects to a Unix socket. Waits if the listener's queue is full. ENAMETOOLONG above 107 bytes.
    package static func connectUnix(_ path: [UInt8]) throws(Errno) -> Descriptor {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { throw .nameTooLong }
        guard !path.isEmpty, !path.contains(0) else { throw .invalid }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let raw = try check(outcome(socket(AF_UNIX, stream, 0)))
        let descriptor = Descriptor(owning: RawDescriptor(raw))
        let result = withUnsafeBytes(of: &address) { buffer in
            outcome(
                connect(
                    descriptor.raw, buffer.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                    socklen_t(MemoryLayout<sockaddr_un>.size)))
        }
        try check(result)
        return descriptor
    }

    /// Ends the sending direction of a socket; the other side reads to the end and can still answer.
    package static func shutdownSending(_ descriptor: RawDescriptor) throws(Errno) {
        try check(outcome(shutdown(descriptor, Int32(SHUT_WR))))
    }

    /// Asks for a send buffer of this many bytes. The kernel doubles it for its own books and may cap it.
    package static func setSendBuffer(_ bytes: Int32, of descriptor: RawDescriptor) throws(Errno) {
        var bytes = bytes
        try check(
            outcome(setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))))
    }

    /// Asks for a pipe that holds this many bytes; EPERM beyond what this user may have.
    package static func setPipeSize(_ bytes: Int, of descriptor: RawDescriptor) throws(Errno) {
        // F_SETPIPE_SZ, a macro that Swift does not see.
        try check(Int(sl_fcntl(descriptor, 1031, bytes)))
    }

    /// A second, close-on-exec number for the same open file, never one of 0, 1 and 2.
    package static func duplicate(_ descriptor: RawDescriptor) throws(Errno) -> Descriptor {
        let raw = try check(Int(sl_fcntl(descriptor, F_DUPFD_CLOEXEC, 3)))
        return Descriptor(owning: RawDescriptor(raw))
    }

    /// Puts a copy of `descriptor` on a standard number (0, 1 or 2), where child processes will inherit it.
    package static func place(_ descriptor: RawDescriptor, onStandard number: RawDescriptor) throws(Errno) {
        precondition((0...2).contains(number), "only standard numbers are placed")
        try retrying { outcome(dup2(descriptor, number)) }
    }

    /// /dev/null for reading and writing, close-on-exec, on a number above 2.
    package static func openNull() throws(Errno) -> Descriptor {
        let raw = try check(outcome(open("/dev/null", O_RDWR | O_CLOEXEC)))
        let descriptor = Descriptor(owning: RawDescriptor(raw))
        return raw > 2 ? descriptor : try duplicate(descriptor.raw)
    }

    /// The status flags of the open file behind a descriptor, which every holder of that open file shares.
    package static func statusFlags(of descriptor: RawDescriptor) throws(Errno) -> Int32 {
        Int32(truncatingIfNeeded: try check(Int(sl_fcntl(descriptor, F_GETFL, 0))))
    }

    package static func setStatusFlags(_ flags: Int32, of descriptor: RawDescriptor) throws(Errno) {
        try check(Int(sl_fcntl(descriptor, F_SETFL, Int(flags))))
    }

    package static let nonBlocking = Int32(O_NONBLOCK)

    /// An address in network order as text. `address` has the size that goes with the family.
    private static func numeric(_ family: Int32, _ address: [UInt8]) -> [UInt8] {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            let text = inet_ntop(family, address, buffer.baseAddress, socklen_t(buffer.count))
            return text.map { Array(String(cString: $0).utf8) } ?? []
        }
    }
}
