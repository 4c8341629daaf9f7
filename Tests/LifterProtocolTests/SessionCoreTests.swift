// What both machines share: credit to the byte, keepalive, and the ways a session ends.

import Testing

@testable import LifterProtocol

@Suite struct SessionCoreTests {
    private static let second: UInt64 = 1_000_000_000

    private func core(timeout: UInt32? = nil, isInProcess: Bool = false) -> SessionCore {
        var job = Samples.pull
        job.options.timeout = timeout
        var limits = Limits()
        limits.contentWindow = 2 << 20
        limits.listingWindow = 4 << 20
        limits.answerWindow = 2 << 20
        return SessionCore(
            Agreement(
                job: job, peerLimits: limits, ownLimits: limits, receiverAbilities: [], digestKey: 1,
                isInProcess: isInProcess), now: 0)
    }

    private func sent(_ core: inout SessionCore) throws -> [Message] {
        var messages: [Message] = []
        var encoder = try FrameEncoder(content: .none, listings: false)
        var decoder = FrameDecoder()
        decoder.longestPayload = ProtocolConstants.longestPayload
        while let next = core.next() {
            switch next {
            case .value(let message, _): messages.append(message)
            case .encoded(let encoded):
                decoder.push(try encoder.frame(encoded).bytes)
                messages.append(try #require(try decoder.next()).message)
            }
        }
        return messages
    }

    /// The clock may be looked at late; the silence ends when it does.
    @Test func theSilenceMayEndBeforeTheNextPing() throws {
        var core = core()
        #expect(core.deadline == Deadline(at: 60 * Self.second, reason: "keepalive"))
        core.tick(250 * Self.second)
        #expect(core.deadline == Deadline(at: 300 * Self.second, reason: "silence"))
        core.tick(300 * Self.second)
        #expect(core.end == .silent)
    }

    // MARK: Credit

    @Test(
        arguments: [
            (.content, 2 << 20), (.range, 4 << 20), (.same, 2 << 20), (.signature, Int(Limits().signatureWindow)),
        ] as [(MessageKind, Int)])
    func theByteBeyondTheWindowEndsTheSession(_ kind: MessageKind, _ window: Int) throws {
        var core = core()
        try core.arrive(kind, weight: window - 1)
        try core.arrive(kind, weight: 1)
        try core.arrive(kind, weight: 0)
        let name = try #require(kind.creditClass).name
        #expect(throws: WireError.credit(name)) { try core.arrive(kind, weight: 1) }
        // The others have windows of their own, and control needs none.
        for other in [MessageKind.content, .range, .same, .signature] where other != kind {
            try core.arrive(other, weight: 1 << 20)
        }
        try core.arrive(.ping, weight: 1 << 30)
    }

    /// Credit comes back at half of a window, all of it, and then covers as much again.
    @Test func creditIsGrantedAtHalf() throws {
        var core = core()
        try core.arrive(.content, weight: 2 << 20)
        core.release(.content, (1 << 20) - 1)
        #expect(try sent(&core).isEmpty)
        core.release(.content, 1)
        let messages = try sent(&core)
        guard messages.count == 1, case .credit(let credit)? = messages.first else {
            Issue.record("\(messages)")
            return
        }
        #expect(credit == Credit(creditClass: .content, amount: 1 << 20))
        try core.arrive(.content, weight: 1 << 20)
        #expect(throws: WireError.credit("content")) { try core.arrive(.content, weight: 1) }
    }

    /// Whatever is released in whatever pieces, what is granted never passes it, and lags by less than half a window.
    @Test(arguments: [4, 5, 6] as [UInt64])
    func creditIsConserved(_ seed: UInt64) throws {
        var random = SeededNumbers(seed: seed)
        var core = core()
        var arrived = 0
        var released = 0
        var granted = 0
        for _ in 0..<5000 {
            let room = (2 << 20) + granted - arrived
            if random.next(below: 2) == 0, room > 0 {
                let weight = 1 + Int(random.next(below: UInt64(min(room, 300_000))))
                try core.arrive(.content, weight: weight)
                arrived += weight
            } else if arrived > released {
                let weight = 1 + Int(random.next(below: UInt64(arrived - released)))
                core.release(.content, weight)
                released += weight
            }
            for case .credit(let credit) in try sent(&core) { granted += Int(credit.amount) }
            #expect(granted <= released && released - granted < 1 << 20, "seed \(seed)")
        }
    }

    // MARK: Time

    @Test func aPingAfterAMinuteAndAnEndAfterFive() throws {
        var core = core()
        #expect(core.deadline == Deadline(at: 60 * Self.second, reason: "keepalive"))
        core.tick(60 * Self.second - 1)
        #expect(try sent(&core).isEmpty)
        for minute in 1...4 as ClosedRange<UInt64> {
            core.tick(minute * 60 * Self.second)
            #expect(try sent(&core).map(\.kind) == [.ping])
        }
        #expect(core.deadline?.at == 300 * Self.second)
        core.tick(300 * Self.second - 1)
        #expect(core.end == nil)
        core.tick(300 * Self.second)
        #expect(core.end == .silent && core.deadline == nil)
    }

    @Test func anyByteIsLife() throws {
        var core = core()
        core.heard(250 * Self.second)
        // An older time does not turn the clock back.
        core.heard(1)
        core.tick(300 * Self.second)
        #expect(core.end == nil)
        #expect(try sent(&core).isEmpty)
        #expect(core.deadline?.at == 310 * Self.second)
        core.tick(550 * Self.second)
        #expect(core.end == .silent)
    }

    /// A peer may ask for less patience, never for more.
    @Test(arguments: [(30, 30), (300, 300), (100_000, 300), (0, 300)] as [(UInt32, UInt64)])
    func timeouts(_ timeout: UInt32, _ seconds: UInt64) {
        var core = core(timeout: timeout)
        core.tick(seconds * Self.second - 1)
        #expect(core.end == nil)
        core.tick(seconds * Self.second)
        #expect(core.end == .silent)
    }

    @Test func inOneProcessNobodyFallsSilent() {
        var core = core(isInProcess: true)
        core.tick(.max)
        #expect(core.end == nil && core.deadline == nil)
    }

    /// A thousand Pings are owed one Pong.
    @Test func onePongIsOwed() throws {
        var core = core()
        for number in 0..<1000 as Range<UInt64> { #expect(try core.handle(.ping(number))) }
        #expect(core.hasOutput)
        let messages = try sent(&core)
        #expect(messages.map(described) == [described(.pong(999))])
        #expect(!core.hasOutput)
    }

    // MARK: Ends

    @Test func bothGoodbyesCompleteASession() throws {
        var core = core()
        core.sayGoodbye(Samples.summary)
        core.sayGoodbye(Summary())
        core.completeIfDone()
        #expect(core.end == nil)
        #expect(try core.handle(.summary(Samples.summary)) && core.handle(.goodbye))
        core.completeIfDone()
        // Its own Goodbye has not left yet.
        #expect(core.end == nil)
        #expect(try sent(&core).map(\.kind) == [.summary, .goodbye])
        core.completeIfDone()
        #expect(core.end == .complete(peer: Samples.summary))
        core.inputEnded()
        core.cancel()
        core.fail(.check)
        #expect(core.end?.isComplete == true)
    }

    /// What still waits to leave is credit that the peer has no use for.
    @Test(arguments: [true, false])
    func aPeerThatHasSaidAllMayClose(wasTold: Bool) throws {
        var core = core()
        core.sayGoodbye(Samples.summary)
        if wasTold { #expect(try sent(&core).map(\.kind) == [.summary, .goodbye]) }
        #expect(try core.handle(.summary(Samples.summary)) && core.handle(.goodbye))
        core.release(.content, 2 << 20)
        core.completeIfDone()
        #expect(core.end == nil)
        core.inputEnded()
        #expect(core.end == (wasTold ? .complete(peer: Samples.summary) : .cut))
    }

    @Test func everyAbruptEndSaysWhyAndDropsTheRest() throws {
        let ends: [(SessionEnd, UInt8, (inout SessionCore) -> Void)] = [
            (.broken(.check), 12, { $0.fail(.check) }), (.cancelled, 20, { $0.cancel() }),
            (.refused(Abort(exit: 7, text: "no")), 7, { $0.refuse(Abort(exit: 7, text: "no")) }),
        ]
        for (end, exit, act) in ends {
            var core = core()
            core.send(.listingEnd)
            core.send(.again)
            act(&core)
            act(&core)
            core.release(.content, 4 << 20)
            #expect(core.end == end)
            let messages = try sent(&core)
            guard messages.count == 1, case .abort(let abort)? = messages.first else {
                Issue.record("\(messages)")
                continue
            }
            #expect(abort.exit == exit && !abort.text.isEmpty)
        }
    }

    @Test func thePeersEnds() throws {
        var cut = core()
        cut.inputEnded()
        #expect(cut.end == .cut)
        var aborted = core()
        #expect(try aborted.handle(.abort(Abort(exit: 3, text: "x"))))
        aborted.inputEnded()
        #expect(aborted.end == .aborted(Abort(exit: 3, text: "x")))
    }

    @Test func whoseMessageIsIt() throws {
        for (name, message) in Samples.messages {
            var core = core()
            switch message.kind {
            case .hello, .job:
                #expect(throws: WireError.self) { _ = try core.handle(message) }
            case .abort, .ping, .pong, .credit, .summary, .goodbye: #expect(try core.handle(message), "\(name)")
            default: #expect(try !core.handle(message), "\(name)")
            }
        }
    }

    @Test func whatCannotBeSentEndsTheSession() throws {
        var core = core()
        core.send(
            .owners(
                Owners((0..<5000).map { OwnerName(isGroup: false, id: $0, name: [UInt8](repeating: 1, count: 250)) })))
        guard case .broken(.tooLong) = core.end else {
            Issue.record("\(String(describing: core.end))")
            return
        }
        #expect(try sent(&core).map(\.kind) == [.abort])
    }
}
