// What a sender and a receiver have in common: credit in both directions, keepalive, the orderly end and the abrupt
// one. The machines hand every control message here.

/// How a session ended, as this side knows it.
package enum SessionEnd: Hashable, Sendable {
    /// Both Goodbyes were said; what the peer summed up.
    case complete(peer: Summary)
    /// The peer aborted and said why.
    case aborted(Abort)
    /// This side aborted: the peer broke the protocol.
    case broken(WireError)
    /// The stream ended before the Goodbyes.
    case cut
    /// Nothing was heard for too long.
    case silent
    /// The user or the program asked to stop.
    case cancelled
    /// This side refused to go on (and told the peer why).
    case refused(Abort)
}

/// Why a machine wants to be woken, and when.
package struct Deadline: Hashable, Sendable {
    package var at: UInt64
    package var reason: String
}

package struct SessionCore {
    package var outbox: Outbox
    package private(set) var end: SessionEnd? { didSet { isOver = end != nil } }
    /// There is an end: asked at every step, where to look at the end itself would copy it.
    package private(set) var isOver = false
    private var allowance: [Int64] = [0, 0, 0, 0, 0]
    private var toReturn: [Int64] = [0, 0, 0, 0, 0]
    private var windows: [Int64] = [0, 0, 0, 0, 0]
    /// The time of the last input that had one.
    private(set) var now: UInt64
    private var lastHeard: UInt64 = 0
    private var lastPing: UInt64 = 0
    private var owesPong: UInt64?
    private let keepsAlive: Bool
    private let silenceEnds: UInt64
    private var holdsCredit = false
    package var peerSummary = Summary()
    package private(set) var peerSaidGoodbye = false
    package private(set) var saidGoodbye = false
    private var goodbyeHasLeft = false

    init(_ agreement: Agreement, now: UInt64) {
        outbox = Outbox(encodes: !agreement.isInProcess, peer: agreement.peerLimits)
        let own = agreement.ownLimits
        for (creditClass, window) in [
            (CreditClass.content, own.contentWindow), (.listing, own.listingWindow), (.answer, own.answerWindow),
            (.signature, own.signatureWindow),
        ] {
            windows[Int(creditClass.rawValue)] = Int64(window)
            allowance[Int(creditClass.rawValue)] = Int64(window)
        }
        keepsAlive = !agreement.isInProcess
        let asked = agreement.job.options.timeout.map { UInt64($0) * 1_000_000_000 } ?? Tuning.silenceEnds
        silenceEnds = asked == 0 ? Tuning.silenceEnds : min(asked, Tuning.silenceEnds)
        self.now = now
        lastHeard = now
        lastPing = now
    }

    // MARK: Credit

    /// Counts an arriving message against its class; the byte beyond the window ends the session.
    mutating func arrive(_ kind: MessageKind, weight: Int) throws(WireError) {
        guard let creditClass = kind.creditClass else { return }
        let index = Int(creditClass.rawValue)
        guard Int64(weight) <= allowance[index] else { throw .credit(creditClass.name) }
        allowance[index] -= Int64(weight)
    }

    /// Bytes of a class have left memory; they are granted again at half a window.
    mutating func release(_ creditClass: CreditClass, _ weight: Int) {
        let index = Int(creditClass.rawValue)
        toReturn[index] += Int64(weight)
        grantIfDue(creditClass)
    }

    /// While the user takes no events, the peer gets no credit: what it can still send is bounded.
    mutating func holdCredit(_ holds: Bool) {
        guard holds != holdsCredit else { return }
        holdsCredit = holds
        for creditClass in [CreditClass.content, .listing, .answer, .signature] { grantIfDue(creditClass) }
    }

    private mutating func grantIfDue(_ creditClass: CreditClass) {
        let index = Int(creditClass.rawValue)
        // Signatures of several files share a window in which each must be complete: little of it may lie idle.
        let share: Int64 = creditClass == .signature ? 8 : 2
        guard !holdsCredit, toReturn[index] * share >= windows[index], !isOver, toReturn[index] > 0 else { return }
        let amount = UInt32(clamping: toReturn[index])
        toReturn[index] -= Int64(amount)
        allowance[index] += Int64(amount)
        send(.credit(Credit(creditClass: creditClass, amount: amount)))
    }

    // MARK: Messages

    mutating func send(_ message: Message) {
        do throws(WireError) { try outbox.send(message) } catch { fail(error) }
    }

    /// Handles what belongs to the session itself; false: the message is the machine's own business.
    mutating func handle(_ message: Message) throws(WireError) -> Bool {
        switch message {
        case .abort(let abort): finish(.aborted(abort))
        case .ping(let value): owesPong = value
        case .pong: break
        case .credit(let credit): try outbox.grant(credit)
        case .summary(let summary): peerSummary = summary
        case .goodbye: peerSaidGoodbye = true
        case .hello, .job: throw .unexpected("\(message.kind) after the handshake")
        case .ready, .stop, .roots, .owners, .directory, .range, .entries, .listingEnd, .rangeDigest, .fileDigests,
            .sourceProblem, .same, .expand, .subtree, .request, .outcomes, .digestRequest, .again, .deleted,
            .targetProblem, .content, .delta, .signature, .refine:
            return false
        }
        return true
    }

    // MARK: Time

    /// Any byte from the peer counts as life; so does any byte that could be written.
    mutating func heard(_ now: UInt64) {
        self.now = max(self.now, now)
        lastHeard = max(lastHeard, now)
    }

    mutating func tick(_ now: UInt64) {
        self.now = max(self.now, now)
        guard keepsAlive, !isOver else { return }
        if now >= lastHeard &+ silenceEnds {
            finish(.silent)
            return
        }
        if now >= max(lastHeard, lastPing) &+ pingInterval {
            lastPing = now
            send(.ping(now))
        }
    }

    private var pingInterval: UInt64 { min(Tuning.pingAfter, silenceEnds / 3) }

    var deadline: Deadline? {
        guard keepsAlive, !isOver else { return nil }
        let ping = max(lastHeard, lastPing) &+ pingInterval
        let silence = lastHeard &+ silenceEnds
        return silence < ping
            ? Deadline(at: silence, reason: "silence") : Deadline(at: ping, reason: "keepalive")
    }

    /// The earlier of that and the end of a short wait.
    func deadline(_ lingering: Lingering) -> Deadline? {
        guard let deadline, let until = lingering.until, until < deadline.at else { return deadline }
        return Deadline(at: until, reason: "others to travel with")
    }

    mutating func next() -> OutgoingMessage? {
        if let value = owesPong {
            owesPong = nil
            send(.pong(value))
        }
        let message = outbox.next()
        if message?.kind == .goodbye { goodbyeHasLeft = true }
        return message
    }

    var hasOutput: Bool { owesPong != nil || outbox.canSend }

    // MARK: Ends

    /// Summary and Goodbye, once; only when nothing else waits to leave.
    mutating func sayGoodbye(_ summary: Summary) {
        guard !saidGoodbye, !isOver else { return }
        saidGoodbye = true
        send(.summary(summary))
        send(.goodbye)
    }

    /// Both Goodbyes are said and ours has been handed out.
    mutating func completeIfDone() {
        if !isOver, saidGoodbye, peerSaidGoodbye, outbox.isEmpty { end = .complete(peer: peerSummary) }
    }

    mutating func finish(_ end: SessionEnd) {
        if !isOver { self.end = end }
    }

    /// The peer broke the protocol (or we could not encode): say so, and end.
    mutating func fail(_ error: WireError) {
        guard !isOver else { return }
        outbox.dropAllButControl()
        try? outbox.send(.abort(Abort(exit: 12, text: error.text)))
        end = .broken(error)
    }

    mutating func refuse(_ abort: Abort) {
        guard !isOver else { return }
        outbox.dropAllButControl()
        try? outbox.send(.abort(abort))
        end = .refused(abort)
    }

    mutating func cancel() {
        guard !isOver else { return }
        outbox.dropAllButControl()
        try? outbox.send(.abort(Abort(exit: 20, text: "interrupted at the other end")))
        end = .cancelled
    }

    /// A peer that has said all, and was told all, closes: that is no cut. What waits to leave behind our Goodbye is
    /// credit that it has no use for.
    mutating func inputEnded() {
        if !isOver { end = goodbyeHasLeft && peerSaidGoodbye ? .complete(peer: peerSummary) : .cut }
    }
}
