// The first flight: both sides come to the same keys, or say why not.

import LifterCodec
import LifterProtocol
import Testing

@Suite struct HandshakeTests {
    private let client = Samples.hello
    private var server: Hello {
        var hello = Samples.hello
        hello.nonce = [UInt8](16...31)
        hello.software = "superlifter 9.9"
        return hello
    }

    private func ranges(_ hello: Hello, _ oldest: UInt16, _ newest: UInt16) -> Hello {
        var other = hello
        other.oldest = oldest
        other.newest = newest
        return other
    }

    @Test func bothSidesAgree() throws {
        let opening = ClientHandshake(own: client, job: Samples.push)
        #expect(opening.opening.map(\.kind) == [.hello, .job])
        var answering = ServerHandshake(own: server)
        #expect(answering.answer.kind == .hello)
        var servers: HandshakeResult?
        for message in opening.opening { servers = try answering.receive(message) }
        let atServer = try #require(servers)
        let atClient = try opening.receive(answering.answer)
        #expect(atServer.job == Samples.push && atClient.job == Samples.push)
        #expect(atServer.peer == client && atClient.peer == server)
        #expect(atServer.sendingChain == atClient.receivingChain)
        #expect(atServer.receivingChain == atClient.sendingChain)
        #expect(atServer.digestKey == atClient.digestKey)
        // Three keys for three uses, from the client's nonce first.
        #expect(Set([atServer.sendingChain, atServer.receivingChain, atServer.digestKey]).count == 3)
        #expect(atClient.sendingChain == Hashing.hash([UInt8](0...31), 1))
        #expect(atClient.receivingChain == Hashing.hash([UInt8](0...31), 2))
        #expect(atClient.digestKey == Hashing.hash([UInt8](0...31), 3))
    }

    @Test(
        arguments: [
            (1, 1, 1, 1, true), (1, 3, 2, 5, true), (1, 2, 2, 2, true), (1, 1, 2, 3, false), (4, 5, 1, 3, false),
        ] as [(UInt16, UInt16, UInt16, UInt16, Bool)])
    func versions(_ oldest: UInt16, _ newest: UInt16, _ peerOldest: UInt16, _ peerNewest: UInt16, _ isFine: Bool) {
        let own = ranges(client, oldest, newest)
        let peer = ranges(server, peerOldest, peerNewest)
        func check(_ receive: () throws(HandshakeFailure) -> Void) {
            do throws(HandshakeFailure) {
                try receive()
                #expect(isFine)
            } catch {
                guard case .version(let ours, let theirs, let software) = error else {
                    Issue.record("\(error)")
                    return
                }
                // Both ranges are named, so that a person can be told which end to renew.
                #expect(!isFine && ours == oldest...newest && theirs == peerOldest...peerNewest)
                #expect(software == "superlifter 9.9")
            }
        }
        check { () throws(HandshakeFailure) in
            _ = try ClientHandshake(own: own, job: Samples.push).receive(.hello(peer))
        }
        check { () throws(HandshakeFailure) in
            var handshake = ServerHandshake(own: own)
            _ = try handshake.receive(.hello(peer))
        }
    }

    private func wireError(_ body: () throws(HandshakeFailure) -> Void) -> WireError? {
        do throws(HandshakeFailure) { try body() } catch {
            if case .wire(let error) = error { return error }
        }
        return nil
    }

    @Test func otherFirstMessagesAreRefused() {
        for (name, message) in Samples.messages where ![.hello, .abort].contains(message.kind) {
            let found = wireError { () throws(HandshakeFailure) in
                _ = try ClientHandshake(own: client, job: Samples.push).receive(message)
            }
            #expect(found == .unexpected("the server's first message must be Hello"), "\(name)")
            let atServer = wireError { () throws(HandshakeFailure) in
                var handshake = ServerHandshake(own: server)
                _ = try handshake.receive(message)
            }
            #expect(atServer != nil, "\(name)")
        }
        let twice = wireError { () throws(HandshakeFailure) in
            var handshake = ServerHandshake(own: server)
            _ = try handshake.receive(.hello(client))
            _ = try handshake.receive(.hello(client))
        }
        #expect(twice == .unexpected("a second Hello"))
    }

    @Test func aReasonIsPassedOn() {
        let abort = Abort(exit: 4, text: "no")
        func reason(_ body: () throws(HandshakeFailure) -> Void) -> Abort? {
            do throws(HandshakeFailure) { try body() } catch {
                if case .aborted(let abort) = error { return abort }
            }
            return nil
        }
        #expect(
            reason { () throws(HandshakeFailure) in
                _ = try ClientHandshake(own: client, job: Samples.push).receive(.abort(abort))
            } == abort)
        #expect(
            reason { () throws(HandshakeFailure) in
                var handshake = ServerHandshake(own: server)
                _ = try handshake.receive(.abort(abort))
            } == abort)
    }

    /// What a server says of its modules rides in an even attribute of Hello: who does not know it, skips it.
    @Test func modulesInHello() throws {
        var hello = server
        hello.modules = [
            ModuleNote(name: Array("pub".utf8), comment: "für alle"), ModuleNote(name: [0xff, 0x20], comment: ""),
        ]
        #expect(try decoded(hello).modules == hello.modules)
        // What does not fit into a Hello is left out, from the end.
        hello.modules = (0..<200).map { ModuleNote(name: [UInt8($0)], comment: String(repeating: "x", count: 900)) }
        let kept = try decoded(hello).modules
        #expect(!kept.isEmpty && kept.count < 200 && kept == Array(hello.modules.prefix(kept.count)))
    }

    private func decoded(_ hello: Hello) throws -> Hello {
        let payload = try Message.hello(hello).encoded()
        #expect(payload.count <= ProtocolConstants.longestHandshakePayload)
        guard case .hello(let back) = try Message(kind: .hello, payload: payload) else {
            throw WireError.unexpected("no Hello")
        }
        return back
    }
}
