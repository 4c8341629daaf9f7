// Where a socket is or leads: an address as the kernel takes it, and how names become addresses.

import CSuperlifter
import Glibc

/// An Internet address with its port, or the path of a Unix socket.
package struct SocketAddress: Hashable, Sendable {
    package enum Family: Hashable, Sendable {
        case ipv4, ipv6, unix
    }

    package let family: Family
    /// A `sockaddr` of the family, whole.
    let bytes: [UInt8]

    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 2 else { return nil }
        switch Int32(bytes.withUnsafeBytes { $0.loadUnaligned(as: sa_family_t.self) }) {
        case AF_INET where bytes.count >= MemoryLayout<sockaddr_in>.size: family = .ipv4
        case AF_INET6 where bytes.count >= MemoryLayout<sockaddr_in6>.size: family = .ipv6
        case AF_UNIX: family = .unix
        default: return nil
        }
        self.bytes = bytes
    }

    /// The path of a Unix socket. ENAMETOOLONG above 107 bytes; EINVAL for an empty one, or one with a NUL byte.
    package init(unix path: [UInt8]) throws(Errno) {
        let room = MemoryLayout<sockaddr_un>.size - MemoryLayout<sa_family_t>.size
        guard path.count < room else { throw .nameTooLong }
        guard !path.isEmpty, !path.contains(0) else { throw .invalid }
        family = .unix
        let number = withUnsafeBytes(of: sa_family_t(AF_UNIX)) { Array($0) }
        bytes = number + path + [UInt8](repeating: 0, count: room - path.count)
    }

    /// The numeric address as text, without port (and for link-local ones with its zone); empty for a Unix socket.
    package var host: [UInt8] {
        guard family != .unix else { return [] }
        var host = [CChar](repeating: 0, count: 128)
        let result = withPointer { address, length in
            getnameinfo(address, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST)
        }
        return result == 0 ? host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) } : []
    }

    /// 0 where none was chosen yet, and for a Unix socket.
    package var port: UInt16 {
        switch family {
        // The port stands at the same place in both families, in network order.
        case .ipv4, .ipv6: UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        case .unix: 0
        }
    }

    /// The same address with another port.
    package func with(port: UInt16) -> SocketAddress {
        guard family != .unix else { return self }
        var changed = bytes
        changed[2] = UInt8(port >> 8)
        changed[3] = UInt8(port & 0xff)
        return SocketAddress(changed) ?? self
    }

    /// `127.0.0.1:8730`, `[::1]:8730`.
    package var text: String {
        let name = String(decoding: host, as: UTF8.self)
        switch family {
        case .ipv4: return "\(name):\(port)"
        case .ipv6: return "[\(name)]:\(port)"
        case .unix:
            let path = bytes.dropFirst(MemoryLayout<sa_family_t>.size).prefix { $0 != 0 }
            return Display.escaped(path)
        }
    }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool {
        switch family {
        case .ipv4: bytes[4] == 127
        case .ipv6: bytes[8..<24].elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        case .unix: true
        }
    }

    var number: Int32 {
        switch family {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        let length = min(bytes.count, MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutableBytes(of: &storage) { room in
            room.copyBytes(from: bytes[..<length])
            // sockaddr_storage is laid out to be any of its relatives.
            return body(room.assumingMemoryBound(to: sockaddr.self).baseAddress!, socklen_t(length))
        }
    }
}

/// Why a name has no address: the resolver's own words.
package struct ResolveFailure: Error, Hashable, Sendable {
    package let message: String

    package init(message: String) { self.message = message }
}

package enum Resolver {
    /// Every address of a name, or the one that a numeric host stands for, in the order the system prefers. May wait
    /// for the network as long as the system's resolver does. `family`: nil for both.
    package static func addresses(
        of host: [UInt8], port: UInt16, family: SocketAddress.Family? = nil
    ) throws(ResolveFailure) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        switch family {
        case nil: hints.ai_family = AF_UNSPEC
        case .ipv4: hints.ai_family = AF_INET
        case .ipv6: hints.ai_family = AF_INET6
        case .unix: throw ResolveFailure(message: "a name has no Unix socket")
        }
        guard !host.contains(0) else { throw ResolveFailure(message: "the name holds a NUL byte") }
        let name = host.map { CChar(bitPattern: $0) } + [0]
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(name, String(port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard result == 0 else {
            let words = gai_strerror(result).map { String(cString: $0) } ?? "error \(result)"
            throw ResolveFailure(message: result == EAI_SYSTEM ? Errno.current.description : words)
        }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let pointer = entry.ai_addr {
                let bytes = Array(UnsafeRawBufferPointer(start: pointer, count: Int(entry.ai_addrlen)))
                if let address = SocketAddress(bytes), !found.contains(address) { found.append(address) }
            }
            next = entry.ai_next
        }
        return found
    }
}
