import Glibc
import LifterSystem
import LifterTransport
import TestPlace
import Testing

private enum Loopback {
    /// What the server's end of a connection over the loopback address says about its peer. `clientFamily` may be
    /// IPv4 while the listener is IPv6: then the address arrives inside IPv6. Nil where the machine lacks a family.
    static func facts(listener family: Int32, client clientFamily: Int32) -> PeerFacts? {
        let stream = Int32(SOCK_STREAM.rawValue)
        let listener = Descriptor(owning: socket(family, stream, 0))
        let client = Descriptor(owning: socket(clientFamily, stream, 0))
        guard let port = listen(listener.raw, family),
            withLoopback(clientFamily, port: port, { connect(client.raw, $0, $1) }) == 0
        else { return nil }
        let server = Descriptor(owning: accept(listener.raw, nil, nil))
        return try? StdioConnection.peerFacts(of: server.raw)
    }

    private static func listen(_ raw: Int32, _ family: Int32) -> UInt16? {
        var off: Int32 = 0
        if family == AF_INET6 { setsockopt(raw, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, 4) }
        let wildcard = family == AF_INET6
        guard withLoopback(family, port: 0, wildcard: wildcard, { bind(raw, $0, $1) }) == 0, Glibc.listen(raw, 4) == 0
        else { return nil }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutableBytes(of: &storage) { buffer in
            getsockname(raw, buffer.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
            // The port stands at the same place in both families, in network order.
            return UInt16(buffer[2]) << 8 | UInt16(buffer[3])
        }
    }

    private static func withLoopback(
        _ family: Int32, port: UInt16, wildcard: Bool = false, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var bytes = [UInt8](repeating: 0, count: family == AF_INET ? 16 : 28)
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: sa_family_t(family), as: sa_family_t.self) }
        bytes[2] = UInt8(port >> 8)
        bytes[3] = UInt8(port & 0xff)
        if family == AF_INET { bytes.replaceSubrange(4..<8, with: [127, 0, 0, 1]) }
        if family == AF_INET6, !wildcard { bytes[23] = 1 }
        return bytes.withUnsafeBytes { buffer in
            buffer.baseAddress.map { call($0.assumingMemoryBound(to: sockaddr.self), socklen_t(buffer.count)) } ?? -1
        }
    }
}

struct NetworkTests {
    @Test func addressesOfPeers() throws {
        let plain = try #require(Loopback.facts(listener: AF_INET, client: AF_INET))
        #expect(plain == .tcp(address: Array("127.0.0.1".utf8)))
        // Machines without IPv6 have nothing to show here.
        if let six = Loopback.facts(listener: AF_INET6, client: AF_INET6) {
            #expect(six == .tcp(address: Array("::1".utf8)))
        }
        // A rule about an IPv4 address must hold also where the listener speaks IPv6.
        if let mapped = Loopback.facts(listener: AF_INET6, client: AF_INET) { #expect(mapped == plain) }
    }

    /// A socket whose other end has gone has no address: that is an error, never "no address, so allowed".
    @Test func nobodyThere() throws {
        let lone = Descriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        #expect(throws: Errno.notConnected) { try StdioConnection.peerFacts(of: lone.raw) }
    }

    @Test func unixHint() throws {
        let path = "\(TestPlace.base)/superlifter-test-\(getpid()).sock"
        var server = try ChildProcess(
            ["socat", "UNIX-LISTEN:\(path)", "EXEC:cat"].map { Array($0.utf8) }, error: .null)
        defer { unlink(path) }
        let hint = try Hint.parse(Array("unix:\(path)".utf8), from: .received)
        for _ in 0..<200 where access(path, F_OK) != 0 { Clock.sleep(nanoseconds: 20_000_000) }
        Clock.sleep(nanoseconds: 50_000_000)
        var connection = try HintRegistry.standard.open(hint, context: ConnectContext())
        #expect(connection.peer == .unix(userID: getuid()))
        let sent: [UInt8] = [1, 2, 3]
        _ = try sent.withUnsafeBytes { try Streams.write(connection.outputDescriptor, from: $0) }
        connection.halfClose()
        var buffer = [UInt8](repeating: 0, count: 8)
        let transfer = try buffer.withUnsafeMutableBytes { try Streams.read(connection.inputDescriptor, into: $0) }
        #expect(transfer == .bytes(3) && buffer.starts(with: sent))
        #expect(connection.finish() == .clean)
        #expect(try server.terminatePolitely().isSuccess)
    }
}
