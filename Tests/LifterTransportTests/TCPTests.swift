import Glibc
import LifterSystem
import LifterTransport
import TestPlace
import Testing

struct ListenAddressTests {
    private func text(_ written: String) -> String? {
        try? ListenAddress.parse(Array(written.utf8)).text
    }

    @Test func forms() throws {
        #expect(text("tcp:127.0.0.1:0") == "tcp:127.0.0.1:0")
        #expect(text("tcp:[::1]:8730") == "tcp:[::1]:8730")
        #expect(text("tcp:[::1]") == "tcp:[::1]:8730")
        #expect(text("tcp:host.example:80") == "tcp:host.example:80")
        #expect(text("unix:/run/a b") == "unix:/run/a b")
        // Without a host nobody else is let in.
        #expect(try ListenAddress.parse(Array("tcp:8730".utf8)) == .tcp(host: nil, port: 8730))
        #expect(try ListenAddress.parse(Array("tcp:0".utf8)) == .tcp(host: nil, port: 0))
    }

    @Test(arguments: [
        "", "tcp", "tcp:", "tcp::80", "tcp:::1:80", "tcp:host:", "tcp:host:x", "tcp:host:65536", "tcp:65536",
        "tcp:-host:80", "tcp:[::1:80", "unix:", "udp:host:80", "host:80", "tcp:ho st:80", "ssh:host",
    ])
    func refused(_ written: String) {
        #expect(text(written) == nil, "\(written)")
    }
}

struct SocketAddressTests {
    @Test func numericAddresses() throws {
        let four = try #require(Resolver.addresses(of: Array("127.0.0.1".utf8), port: 8730).first)
        #expect(four.text == "127.0.0.1:8730" && four.family == .ipv4 && four.isLoopback && four.port == 8730)
        let six = try #require(Resolver.addresses(of: Array("::1".utf8), port: 1).first)
        #expect(six.text == "[::1]:1" && six.family == .ipv6 && six.isLoopback)
        #expect(six.with(port: 65_535).port == 65_535)
        let other = try #require(Resolver.addresses(of: Array("192.0.2.1".utf8), port: 1).first)
        #expect(!other.isLoopback)
        #expect(throws: ResolveFailure.self) {
            try Resolver.addresses(of: Array("127.0.0.1".utf8), port: 1, family: .ipv6)
        }
    }

    @Test func unixPaths() throws {
        #expect(try SocketAddress(unix: Array("/run/x".utf8)).text == "/run/x")
        #expect(throws: Errno.nameTooLong) { try SocketAddress(unix: [UInt8](repeating: 65, count: 108)) }
        #expect(throws: Errno.invalid) { try SocketAddress(unix: []) }
        #expect(throws: Errno.invalid) { try SocketAddress(unix: [65, 0]) }
    }
}

struct DialingTests {
    /// A listener on loopback with a port of the system's choice.
    private func listen(backlog: Int32 = 8) throws -> (raw: RawDescriptor, port: UInt16) {
        let place = try #require(Resolver.addresses(of: Array("127.0.0.1".utf8), port: 0).first)
        let listener = try Sockets.listen(on: place, backlog: backlog)
        let port = try Sockets.localAddress(of: listener.raw).port
        return (listener.release(), port)
    }

    private func failure(_ port: UInt16, _ context: ConnectContext = ConnectContext()) throws -> ConnectFailure? {
        let host = try HostName("127.0.0.1".utf8)
        do throws(ConnectFailure) {
            _ = try HintRegistry.standard.open(
                .tcp(host, port: port), context: context)
            return nil
        } catch {
            return error
        }
    }

    private func open(_ hint: String, _ context: ConnectContext, _ tell: (String) -> Void = { _ in }) throws
        -> Connection
    {
        try HintRegistry.standard.open(try Hint.parse(Array(hint.utf8), from: .received), context: context, tell: tell)
    }

    @Test func connects() throws {
        let (listener, port) = try listen()
        defer { close(listener) }
        var context = ConnectContext()
        context.localAddress = try HostName(Array("127.0.0.2".utf8))
        let connection = try open("tcp:127.0.0.1:\(port)", context)
        #expect(connection.peer == .tcp(address: Array("127.0.0.1".utf8)))
        var poller = Poller()
        poller.add(listener, .readable)
        #expect(try poller.wait(timeout: 5_000_000_000) == 1)
        let accepted = try Sockets.accept(listener)?.release() ?? -1
        defer { close(accepted) }
        #expect(try StdioConnection.peerFacts(of: accepted) == .tcp(address: Array("127.0.0.2".utf8)))
        #expect(try Sockets.accept(listener)?.release() == nil)
    }

    @Test func reasons() throws {
        let (listener, port) = try listen()
        close(listener)
        let refused = try #require(try failure(port))
        #expect(refused.exitCode == 10 && refused.message.contains("127.0.0.1:\(port): Connection refused"))
        var context = ConnectContext()
        context.addressFamily = .ipv6
        #expect(throws: ConnectFailure.self) { _ = try open("tcp:127.0.0.1:\(port)", context) }
        #expect(throws: ConnectFailure.self) { _ = try open("tcp:nobody.invalid:1", ConnectContext()) }
    }

    /// What does not answer at all is given up when the time is over, or when the user says so.
    @Test func silence() throws {
        // A listener whose queue is full takes no further connection and refuses none.
        let (listener, port) = try listen(backlog: 0)
        defer { close(listener) }
        let address = try Sockets.localAddress(of: listener)
        var crowd: [RawDescriptor] = []
        defer { for raw in crowd { close(raw) } }
        for _ in 0..<4 { crowd.append(try Sockets.startConnecting(to: address, from: nil).descriptor) }
        Clock.sleep(nanoseconds: 50_000_000)
        var context = ConnectContext()
        context.deadline = Clock.monotonic + 300_000_000
        let late = try #require(try failure(port, context))
        #expect(late.kind == .timeout && late.message.contains("no answer"), "\(late.message)")
        let stop = try WakeUp()
        stop.signal()
        context.deadline = Clock.monotonic + 30_000_000_000
        context.interrupt = stop.raw
        #expect(try failure(port, context)?.kind == .interrupted)
    }

    @Test func avoided() throws {
        let (listener, port) = try listen()
        defer { close(listener) }
        var context = ConnectContext()
        context.avoidedAddresses = [Array("127.0.0.1".utf8)]
        #expect(throws: ConnectFailure.self) { _ = try open("tcp:127.0.0.1:\(port)", context) }
    }
}

struct UnixListenerTests {
    @Test func staleSocketsAreReplacedAndLivingOnesAreNot() throws {
        let path = Array("\(TestPlace.base)/superlifter-listen-\(getpid())".utf8)
        let first = try Sockets.listen(onPath: path, backlog: 1)
        #expect(throws: Errno.addressInUse) { try Sockets.listen(onPath: path, backlog: 1) }
        let text = String(decoding: path, as: UTF8.self)
        // Somebody else has taken the name since: the first one's file is not this one any more.
        #expect(unlink(text) == 0)
        let second = try Sockets.listen(onPath: path, backlog: 1)
        first.file.remove()
        #expect(access(text, F_OK) == 0)
        close(first.descriptor)
        // Nobody listens there: what is left is replaced.
        close(second.descriptor)
        let third = try Sockets.listen(onPath: path, backlog: 1)
        #expect(throws: Errno.addressInUse) { try Sockets.listen(onPath: path, backlog: 1) }
        third.file.remove()
        #expect(access(text, F_OK) != 0)
        close(third.descriptor)
        // A file that is no socket stays what it is.
        let file = open(text, O_CREAT | O_WRONLY, 0o600)
        close(file)
        #expect(throws: Errno.addressInUse) { try Sockets.listen(onPath: path, backlog: 1) }
        #expect(unlink(text) == 0)
    }
}
