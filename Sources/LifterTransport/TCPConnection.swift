// `tcp:HOST:PORT`: from a name to one connection.
//
// A name may have several addresses, some of which lead nowhere (most often one of the two families). They are tried
// in the order the system prefers, the families by turns, each a quarter of a second after the one before or as soon
// as that has failed; the first that connects is taken and the others are dropped. Whether a Superlifter is there
// shows only in the handshake. Where that fails, the caller comes again with the address among those to avoid, so
// that no two servers ever begin the same job.

import LifterSystem
import Synchronization

struct TCPHandler: HintHandler {
    func open(
        _ hint: Hint, context: ConnectContext, tell: (String) -> Void
    ) throws(ConnectFailure) -> Connection {
        guard case .tcp(let host, let port) = hint else { throw ConnectFailure(.usage, "not a tcp: hint") }
        let family: SocketAddress.Family? =
            switch context.addressFamily {
            case .any: nil
            case .ipv4: .ipv4
            case .ipv6: .ipv6
            }
        let deadline = context.deadline ?? Clock.monotonic + 30_000_000_000
        let resolving = Resolving(host: host.bytes, port: port, family: family)
        let addresses = try resolving.addresses(until: deadline, interrupt: context.interrupt)
        let own = try Self.ownAddress(context, family)
        let usable = addresses.filter {
            !context.avoidedAddresses.contains($0.host) && (own == nil || own?.family == $0.family)
        }
        guard !usable.isEmpty else {
            throw ConnectFailure(.socket, "\(host.text) has no \(addresses.isEmpty ? "" : "other usable ")address")
        }
        var dialing = Dialing(Dialing.byTurns(usable), from: own, until: deadline, interrupt: context.interrupt)
        let found = try dialing.run(tell)
        let descriptor = Descriptor(owning: found.descriptor)
        Sockets.prepareTCP(descriptor.raw, patience: 300)
        return Connection(duplex: StreamEnd(descriptor), peer: .tcp(address: found.address.host))
    }

    /// `--address`: which of this machine's addresses to connect from.
    private static func ownAddress(
        _ context: ConnectContext, _ family: SocketAddress.Family?
    ) throws(ConnectFailure) -> SocketAddress? {
        guard let name = context.localAddress else { return nil }
        do throws(ResolveFailure) {
            guard let address = try Resolver.addresses(of: name.bytes, port: 0, family: family).first else {
                throw ResolveFailure(message: "no address")
            }
            return address
        } catch {
            throw ConnectFailure(.usage, "--address \(name.text): \(error.message)")
        }
    }
}

/// A look-up on a thread of its own, since the system's resolver knows neither deadlines nor interruptions. One that
/// is given up ends by itself, later, and harms nobody.
private final class Resolving: Sendable {
    private let answer = Mutex<Result<[SocketAddress], ResolveFailure>?>(nil)
    private let host: [UInt8]
    private let port: UInt16
    private let family: SocketAddress.Family?

    init(host: [UInt8], port: UInt16, family: SocketAddress.Family?) {
        self.host = host
        self.port = port
        self.family = family
    }

    func addresses(until deadline: UInt64, interrupt: RawDescriptor) throws(ConnectFailure) -> [SocketAddress] {
        do throws(Errno) {
            let done = try start()
            while answer.withLock({ $0 == nil }) {
                var poller = Poller()
                poller.add(done.raw, .readable)
                let interrupted = poller.add(interrupt, .readable)
                let now = Clock.monotonic
                guard now < deadline else { break }
                _ = try poller.wait(timeout: deadline - now)
                if !poller.events(at: interrupted).isEmpty { throw .interrupted }
                done.drain()
            }
        } catch .interrupted {
            throw ConnectFailure(.interrupted, "interrupted")
        } catch {
            throw ConnectFailure(.socket, "looking up \(Display.escaped(host)): \(error)")
        }
        switch answer.withLock({ $0 }) {
        case .success(let found): return found
        case .failure(let failure):
            throw ConnectFailure(.socket, "no address for \(Display.escaped(host)): \(failure.message)")
        case nil: throw ConnectFailure(.timeout, "looking up the address took too long (see --connect-timeout)")
        }
    }

    /// Signals the wake-up when the answer is there.
    private func start() throws(Errno) -> WakeUp {
        let done = try WakeUp()
        _ = try Thread(name: "lifter-resolver") { [self] in
            let result: Result<[SocketAddress], ResolveFailure>
            do throws(ResolveFailure) {
                result = .success(try Resolver.addresses(of: host, port: port, family: family))
            } catch {
                result = .failure(error)
            }
            answer.withLock { $0 = result }
            done.signal()
        }
        return done
    }
}

/// Connects to the first address that answers.
private struct Dialing {
    private var waiting: [SocketAddress]
    private let own: SocketAddress?
    private let deadline: UInt64
    private let interrupt: RawDescriptor
    private var attempts: [Attempt] = []
    private var failures: [String] = []
    private var lastStart: UInt64 = 0

    /// How long an address has the field to itself.
    private static let stagger: UInt64 = 250_000_000

    private final class Attempt {
        let address: SocketAddress
        let descriptor: RawDescriptor
        var isOurs = true

        init(_ address: SocketAddress, _ descriptor: RawDescriptor) {
            self.address = address
            self.descriptor = descriptor
        }

        deinit {
            if isOurs { _ = Descriptor(owning: descriptor) }
        }
    }

    init(_ addresses: [SocketAddress], from own: SocketAddress?, until deadline: UInt64, interrupt: RawDescriptor) {
        waiting = addresses
        self.own = own
        self.deadline = deadline
        self.interrupt = interrupt
    }

    /// The order of the list, but the families by turns.
    static func byTurns(_ addresses: [SocketAddress]) -> [SocketAddress] {
        guard let first = addresses.first else { return [] }
        var same = addresses.filter { $0.family == first.family }[...]
        var other = addresses.filter { $0.family != first.family }[...]
        var result: [SocketAddress] = []
        while !same.isEmpty || !other.isEmpty {
            if let next = same.popFirst() { result.append(next) }
            if let next = other.popFirst() { result.append(next) }
        }
        return result
    }

    mutating func run(
        _ tell: (String) -> Void
    ) throws(ConnectFailure) -> (descriptor: RawDescriptor, address: SocketAddress) {
        while true {
            let now = Clock.monotonic
            guard now < deadline else { throw timeout(tell) }
            if !waiting.isEmpty, attempts.isEmpty || now >= lastStart + Self.stagger {
                if let done = start(now, tell) { return done }
                continue
            }
            if attempts.isEmpty {
                throw ConnectFailure(.socket, "cannot connect: " + failures.joined(separator: "; "))
            }
            let wake = waiting.isEmpty ? deadline : min(deadline, lastStart + Self.stagger)
            if let done = try wait(until: wake, now, tell) { return done }
        }
    }

    private mutating func start(
        _ now: UInt64, _ tell: (String) -> Void
    ) -> (descriptor: RawDescriptor, address: SocketAddress)? {
        let address = waiting.removeFirst()
        lastStart = now
        tell("connecting to \(address.text)")
        do throws(Errno) {
            let (descriptor, isDone) = try Sockets.startConnecting(to: address, from: own)
            let attempt = Attempt(address, descriptor)
            if isDone { return take(attempt) }
            attempts.append(attempt)
        } catch {
            fail(address, error, tell)
        }
        return nil
    }

    private mutating func wait(
        until wake: UInt64, _ now: UInt64, _ tell: (String) -> Void
    ) throws(ConnectFailure) -> (descriptor: RawDescriptor, address: SocketAddress)? {
        var poller = Poller()
        for attempt in attempts { poller.add(attempt.descriptor, .writable) }
        let interrupted = poller.add(interrupt, .readable)
        do throws(Errno) {
            _ = try poller.wait(timeout: wake > now ? wake - now : 0)
        } catch {
            throw ConnectFailure(.socket, "waiting for a connection: \(error)")
        }
        if !poller.events(at: interrupted).isEmpty { throw ConnectFailure(.interrupted, "interrupted") }
        var open: [Attempt] = []
        var done: Attempt?
        for (place, attempt) in attempts.enumerated() {
            guard done == nil, !poller.events(at: place).isEmpty else {
                open.append(attempt)
                continue
            }
            do throws(Errno) {
                try Sockets.connectOutcome(of: attempt.descriptor)
                done = attempt
            } catch {
                fail(attempt.address, error, tell)
            }
        }
        attempts = open
        return done.map { take($0) }
    }

    private mutating func fail(_ address: SocketAddress, _ error: Errno, _ tell: (String) -> Void) {
        failures.append("\(address.text): \(error)")
        tell("connecting to \(address.text): \(error)")
    }

    private func take(_ attempt: Attempt) -> (descriptor: RawDescriptor, address: SocketAddress) {
        attempt.isOurs = false
        return (attempt.descriptor, attempt.address)
    }

    private func timeout(_ tell: (String) -> Void) -> ConnectFailure {
        let silent = attempts.map { "\($0.address.text): no answer" }
        for line in silent { tell("connecting to \(line)") }
        return ConnectFailure(
            .timeout, "no connection in time (see --connect-timeout): " + (failures + silent).joined(separator: "; "))
    }
}
