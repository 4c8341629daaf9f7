// What leaves first, and what must wait for credit.

import Testing

@testable import LifterProtocol

@Suite struct OutboxTests {
    private func limits(_ window: UInt32) -> Limits {
        var limits = Limits()
        limits.contentWindow = window
        limits.listingWindow = window
        limits.answerWindow = window
        return limits
    }

    /// A content message of exactly `length` bytes of payload.
    private func content(_ length: Int, id: FileID = 1) -> Message {
        var bytes = [UInt8](repeating: 0, count: length)
        while true {
            let segment = ContentSegment(id: id, offset: 0, payload: .bytes(bytes, 0..<bytes.count), end: nil)
            let message = Message.content(ContentMessage([segment]))
            if (try? message.encoded().count) ?? 0 <= length { return message }
            bytes.removeLast()
        }
    }

    private func kinds(_ outbox: inout Outbox) -> [MessageKind] {
        var kinds: [MessageKind] = []
        while let next = outbox.next() {
            switch next {
            case .encoded(let message): kinds.append(message.kind)
            case .value(let message, _): kinds.append(message.kind)
            }
        }
        return kinds
    }

    @Test(arguments: [true, false])
    func controlThenAnswersThenListingsThenContents(_ encodes: Bool) throws {
        var outbox = Outbox(encodes: encodes, peer: limits(4 << 20))
        #expect(outbox.isEmpty && !outbox.canSend)
        for message in [content(10), .listingEnd, .again, .ping(1), .same(upTo: 1), .goodbye, content(10)] {
            try outbox.send(message)
        }
        #expect(outbox.waiting(.content) == 2 && outbox.waiting(.listing) == 1 && outbox.waiting(.answer) == 2)
        #expect(outbox.canSend)
        // On a stream the answers share a frame, which bears the kind of the first.
        let answers: [MessageKind] = encodes ? [.again] : [.again, .same]
        #expect(kinds(&outbox) == [.ping, .goodbye] + answers + [.listingEnd, .content, .content])
        #expect(outbox.isEmpty && !outbox.canSend)
        #expect(outbox.listingsQueued == 1 && outbox.listingsLeft == 1)
    }

    @Test func orderWithinAClassIsKept() throws {
        var outbox = Outbox(encodes: false, peer: limits(4 << 20))
        for number in 0..<100 { try outbox.send(.same(upTo: UInt64(number))) }
        var seen: [UInt64] = []
        while case .value(.same(let number), _)? = outbox.next() { seen.append(number) }
        #expect(seen == Array(0..<100))
    }

    /// A message leaves when its whole weight is covered, to the byte; another class is not held up by it.
    @Test(arguments: [(-1, true), (0, true), (1, false)])
    func creditIsExact(_ offset: Int, _ leaves: Bool) throws {
        let window = 2 << 20
        var outbox = Outbox(encodes: true, peer: limits(UInt32(window)))
        try outbox.send(content(1 << 20))
        try outbox.send(content(1 << 19))
        try outbox.send(content((1 << 19) + offset))
        try outbox.send(.listingEnd)
        #expect(kinds(&outbox) == [.listingEnd, .content, .content] + (leaves ? [.content] : []))
        #expect(outbox.waiting(.content) == (leaves ? 0 : 1))
    }

    @Test func grantsLetTheNextGo() throws {
        var outbox = Outbox(encodes: true, peer: limits(2 << 20))
        for _ in 0..<3 { try outbox.send(content(1 << 20)) }
        #expect(kinds(&outbox).count == 2)
        try outbox.grant(Credit(creditClass: .content, amount: (1 << 20) - 1))
        #expect(!outbox.canSend)
        try outbox.grant(Credit(creditClass: .listing, amount: 1))
        #expect(!outbox.canSend)
        try outbox.grant(Credit(creditClass: .content, amount: 1))
        #expect(outbox.canSend)
        #expect(kinds(&outbox) == [.content])
        try outbox.grant(Credit(creditClass: .content, amount: 0))
    }

    /// A peer that grants beyond what a number of credit may hold has made a mistake.
    @Test func creditDoesNotOverflow() throws {
        var outbox = Outbox(encodes: true, peer: limits(2 << 20))
        try outbox.grant(Credit(creditClass: .content, amount: .max - (2 << 20)))
        #expect(throws: WireError.value("credit.amount")) {
            try outbox.grant(Credit(creditClass: .content, amount: 1))
        }
    }

    @Test func anEndLeavesOnlyControl() throws {
        var outbox = Outbox(encodes: true, peer: limits(2 << 20))
        for message in [content(10), .listingEnd, .again, .abort(Abort(exit: 1, text: ""))] { try outbox.send(message) }
        outbox.dropAllButControl()
        #expect(kinds(&outbox) == [.abort])
        #expect(outbox.isEmpty)
    }

    @Test func whatCannotBeEncodedIsNotQueued() {
        var outbox = Outbox(encodes: true, peer: limits(2 << 20))
        #expect(throws: WireError.self) { try outbox.send(content(1 << 21)) }
        #expect(outbox.isEmpty)
    }
}
