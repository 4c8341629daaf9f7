// Listening, accepting, connecting. Every socket made here is close-on-exec and, but for accepted ones, non-blocking.

import CSuperlifter
import Glibc

package enum Sockets {
    /// A socket that listens on an Internet address. An IPv6 address means IPv6 alone, so that the IPv4 one beside it
    /// can be had as well. EADDRINUSE, EADDRNOTAVAIL, EACCES.
    package static func listen(on address: SocketAddress, backlog: Int32) throws(Errno) -> Descriptor {
        let descriptor = try make(address)
        set(descriptor.raw, SOL_SOCKET, SO_REUSEADDR, 1)
        if address.family == .ipv6 { set(descriptor.raw, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        try check(address.withPointer { outcome(bind(descriptor.raw, $0, $1)) })
        try check(outcome(Glibc.listen(descriptor.raw, backlog)))
        return descriptor
    }

    /// What a listening Unix socket has put into the file system.
    package struct SocketFile: Hashable, Sendable {
        fileprivate let path: [UInt8]
        fileprivate let device: UInt64
        fileprivate let inode: UInt64

        /// Removes it, if it is still the one that was made.
        package func remove() {
            guard let found = Sockets.file(at: path), found == self else { return }
            let name = path.map { CChar(bitPattern: $0) } + [0]
            _ = unlink(name)
        }
    }

    /// A socket that listens at a path, with the permissions that the creation mask leaves. What a dead listener has
    /// left behind there is replaced; EADDRINUSE where one lives, or where something else has the name.
    package static func listen(
        onPath path: [UInt8], backlog: Int32
    ) throws(Errno) -> (descriptor: RawDescriptor, file: SocketFile) {
        let address = try SocketAddress(unix: path)
        let descriptor = try make(address)
        do throws(Errno) {
            try check(address.withPointer { outcome(bind(descriptor.raw, $0, $1)) })
        } catch .addressInUse {
            try removeStale(path)
            try check(address.withPointer { outcome(bind(descriptor.raw, $0, $1)) })
        }
        guard let file = file(at: path) else { throw .stale }
        do throws(Errno) {
            try check(outcome(Glibc.listen(descriptor.raw, backlog)))
        } catch {
            file.remove()
            throw error
        }
        return (descriptor.release(), file)
    }

    /// A socket nobody listens on any more refuses connections; that is how it is told from a living one.
    private static func removeStale(_ path: [UInt8]) throws(Errno) {
        guard let file = file(at: path) else { throw .addressInUse }
        do throws(Errno) {
            _ = try StreamCalls.connectUnix(path)
        } catch .connectionRefused {
            file.remove()
            return
        }
        throw .addressInUse
    }

    /// The socket at a path; nil where there is none.
    private static func file(at path: [UInt8]) -> SocketFile? {
        var status = stat()
        let name = path.map { CChar(bitPattern: $0) } + [0]
        guard lstat(name, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
        return SocketFile(path: path, device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    /// The address a socket was bound to, with the port that the system chose.
    package static func localAddress(of descriptor: RawDescriptor) throws(Errno) -> SocketAddress {
        var bytes = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_storage>.size)
        var length = socklen_t(bytes.count)
        let result = bytes.withUnsafeMutableBytes { buffer in
            outcome(getsockname(descriptor, buffer.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length))
        }
        try check(result)
        guard let address = SocketAddress(Array(bytes[..<Int(length)])) else { throw .notSupported }
        return address
    }

    /// The next connection, or nil when none waits. The new descriptor is blocking. EMFILE, ENFILE, ENOBUFS and
    /// ENOMEM mean that there is no room for now; ECONNABORTED and its like concern that connection alone.
    package static func accept(_ listener: RawDescriptor) throws(Errno) -> Descriptor? {
        do throws(Errno) {
            return Descriptor(owning: RawDescriptor(try retrying { Int(sl_accept(listener)) }))
        } catch .again {
            return nil
        }
    }

    /// Begins to connect. True: the connection stands already; false: it becomes writable when that is decided, and
    /// `connectOutcome` says how.
    package static func startConnecting(
        to address: SocketAddress, from local: SocketAddress?
    ) throws(Errno) -> (descriptor: RawDescriptor, isDone: Bool) {
        let descriptor = try make(address)
        if let local {
            try check(local.with(port: 0).withPointer { outcome(bind(descriptor.raw, $0, $1)) })
        }
        do throws(Errno) {
            try check(address.withPointer { outcome(connect(descriptor.raw, $0, $1)) })
        } catch .inProgress {
            return (descriptor.release(), false)
        }
        return (descriptor.release(), true)
    }

    /// How a connection attempt ended (SO_ERROR); throws the reason where it failed.
    package static func connectOutcome(of descriptor: RawDescriptor) throws(Errno) {
        var problem: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        try check(outcome(getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &length)))
        if problem != 0 { throw Errno(rawValue: problem) }
    }

    /// What has come without being asked for: true for bytes, false for the end of the stream. Takes nothing.
    package static func hasBytes(_ descriptor: RawDescriptor) throws(Errno) -> Bool {
        var byte: UInt8 = 0
        let flags = Int32(MSG_PEEK | MSG_DONTWAIT)
        return try retrying { outcome(recv(descriptor, &byte, 1, flags)) } > 0
    }

    /// Sends what fits at once, and never waits.
    package static func sendAtOnce(_ bytes: [UInt8], to descriptor: RawDescriptor) {
        let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
        _ = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, flags) }
    }

    /// Takes and forgets what has come, without waiting; false once the stream has ended or broken.
    package static func discard(from descriptor: RawDescriptor) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 16) { room in
            // A bounded share of one turn.
            for _ in 0..<16 {
                let count = recv(descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT))
                if count == 0 { return false }
                if count < 0 { return errno == EAGAIN || errno == EINTR }
            }
            return true
        }
    }

    /// Sets a TCP connection up for frames: nothing waits to be sent together (we do that ourselves), a peer whose
    /// machine is gone is noticed by probes also while nobody sends, and one that acknowledges nothing, or never
    /// reads, within `patience` seconds loses the connection. Nothing happens to what is no TCP socket.
    package static func prepareTCP(_ descriptor: RawDescriptor, patience: UInt32) {
        let tcp = Int32(IPPROTO_TCP)
        set(descriptor, tcp, TCP_NODELAY, 1)
        set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        set(descriptor, tcp, TCP_KEEPIDLE, 60)
        set(descriptor, tcp, TCP_KEEPINTVL, 15)
        set(descriptor, tcp, TCP_KEEPCNT, 8)
        set(descriptor, tcp, TCP_USER_TIMEOUT, Int32(clamping: UInt64(patience) * 1000))
    }

    private static func set(_ descriptor: RawDescriptor, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        _ = setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func make(_ address: SocketAddress) throws(Errno) -> Descriptor {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        return Descriptor(owning: RawDescriptor(try check(outcome(socket(address.number, kind, 0)))))
    }
}
