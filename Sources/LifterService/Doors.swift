// The sockets a server listens on. All of them are open before the first connection is accepted, or none stays.

import LifterSystem
import LifterTransport

struct Doors {
    private var open: [Door] = []

    /// Connections that the system keeps for us while we are busy.
    private static let backlog: Int32 = 1024

    private final class Door {
        let descriptor: Descriptor
        let file: Sockets.SocketFile?

        init(_ descriptor: consuming Descriptor, _ file: Sockets.SocketFile?) {
            self.descriptor = descriptor
            self.file = file
        }

        deinit { file?.remove() }
    }

    /// Where each leads, as bound: `tcp:127.0.0.1:8730`.
    private(set) var names: [String] = []

    init(_ addresses: [ListenAddress]) throws(ServeRefusal) {
        for address in addresses {
            switch address {
            case .tcp(let host, let port): try openTCP(address, host, port)
            case .unix(let path): try openUnix(address, path)
            }
        }
    }

    private mutating func openTCP(_ address: ListenAddress, _ host: HostName?, _ port: UInt16) throws(ServeRefusal) {
        for place in try Self.resolve(address) {
            do throws(Errno) {
                let descriptor = try Sockets.listen(on: place, backlog: Self.backlog)
                names.append("tcp:" + (try Sockets.localAddress(of: descriptor.raw)).text)
                open.append(Door(descriptor, nil))
            } catch .addressNotAvailable where host == nil && !open.isEmpty {
                // A machine without IPv6 still has the other loopback address.
            } catch {
                throw Self.failure("tcp:\(place.text)", error)
            }
        }
    }

    private mutating func openUnix(_ address: ListenAddress, _ path: [UInt8]) throws(ServeRefusal) {
        do throws(Errno) {
            let (descriptor, file) = try Sockets.listen(onPath: path, backlog: Self.backlog)
            open.append(Door(Descriptor(owning: descriptor), file))
            names.append(address.text)
        } catch {
            throw Self.failure(address.text, error)
        }
    }

    /// The addresses that a TCP address to listen on stands for.
    static func resolve(_ address: ListenAddress) throws(ServeRefusal) -> [SocketAddress] {
        guard case .tcp(let host, let port) = address else { return [] }
        do throws(ResolveFailure) {
            guard let host else {
                let four = try Resolver.addresses(of: Array("127.0.0.1".utf8), port: port)
                // One port for both, which a port chosen by the system would not be.
                return port == 0 ? four : four + (try Resolver.addresses(of: Array("::1".utf8), port: port))
            }
            return try Resolver.addresses(of: host.bytes, port: port)
        } catch {
            throw ServeRefusal(message: "cannot listen on \(address.text): \(error.message)", exitCode: 10)
        }
    }

    private static func failure(_ name: String, _ error: Errno) -> ServeRefusal {
        let advice: String =
            switch error {
            case .addressInUse: " (another program listens there)"
            case .addressNotAvailable: " (this machine does not have that address)"
            case .access: " (ports below 1024, and some directories, belong to root)"
            default: ""
            }
        return ServeRefusal(message: "cannot listen on \(name): \(error)\(advice)", exitCode: 10)
    }

    var indices: Range<Int> { open.indices }

    subscript(index: Int) -> RawDescriptor { open[index].descriptor.raw }

    /// The place of the first; the others follow.
    func add(to poller: inout Poller, isAccepting: Bool) -> Int {
        let first = poller.add(-1, .readable) + 1
        for door in open { poller.add(isAccepting ? door.descriptor.raw : -1, .readable) }
        return first
    }

    /// Nobody is let in any more; socket files are removed.
    mutating func close() { open.removeAll() }
}
