// A whole session under a fake clock: two machines, two links, two disks, two pools, and a scheduler that chooses
// each next step at random. Everything follows from the plan and one seed.
//
//     run      steps until both ends are done
//     act      one of the steps that are possible now
//     sleep    nothing is possible: the clock goes to the next arrival, the next late effect or the next deadline
//
// What no session may do is found here: sleeping while something is queued, waiting for each other forever, going
// on without end.

import LifterProtocol
import LifterSystem

/// Something that happens to a session from outside, at one step.
enum Disturbance: Hashable, Sendable {
    case none
    /// The stream goes dead after so many bytes in one direction (and with them, in both).
    case cut(toServer: Bool, after: Int)
    case kill(client: Bool, step: Int)
    case freeze(client: Bool, step: Int)
    case cancel(client: Bool, step: Int)
    /// The receiver's host loses its power.
    case powerCut(step: Int)
}

final class Simulation {
    let plan: SessionPlan
    let client: SimulatedSide
    let server: SimulatedSide
    let toServer: SimulatedLink
    let toClient: SimulatedLink
    private(set) var now: UInt64 = 1_000_000_000
    let startedAt: UInt64 = 1_000_000_000
    private(set) var steps = 0
    /// What must not happen, in words.
    private(set) var violation: String?
    var disturbance = Disturbance.none
    /// The receiver's host after a power cut.
    private(set) var restarted: ModelFileSystem?
    /// Where both ends wait for each other one of them hangs from then on, so that the other one notices; and how it was
    /// when it came to this.
    var mayStandStill = false
    private(set) var standstill: String?
    /// Called before each step.
    var beforeStep: ((Simulation) -> Void)?
    private var random: SeededRandom
    private var actions: [Action] = []
    private var isStarted = false
    private static let mostSteps = 3_000_000

    /// Only the client's own steps count; with latency nothing else takes time.
    var roundTrips: Int? {
        guard plan.latency > 0, let endedAt = client.endedAt else { return nil }
        let trip = 2 * plan.latency
        return Int((endedAt - startedAt + trip - 1) / trip)
    }

    private enum Action {
        case pump(SimulatedSide)
        case send(SimulatedSide)
        case deliver(SimulatedSide)
        case perform(SimulatedSide, Int)
        case report(SimulatedSide, Int)
        case close(SimulatedSide)
    }

    init(_ plan: SessionPlan, seed: UInt64, source: ModelFileSystem, destination: ModelFileSystem) {
        self.plan = plan
        random = SeededRandom(seed: seed)
        let isPush = plan.direction == .push
        client = SimulatedSide(plan, isClient: true, fileSystem: isPush ? source : destination)
        server = SimulatedSide(plan, isClient: false, fileSystem: isPush ? destination : source)
        toServer = SimulatedLink(capacity: plan.capacity, latency: plan.latency)
        toClient = SimulatedLink(capacity: plan.capacity, latency: plan.latency)
    }

    var sides: [SimulatedSide] { [client, server] }
    var sender: SimulatedSide { client.isSender ? client : server }
    var receiver: SimulatedSide { client.isSender ? server : client }

    func outgoing(_ side: SimulatedSide) -> SimulatedLink { side.isClient ? toServer : toClient }
    func incoming(_ side: SimulatedSide) -> SimulatedLink { side.isClient ? toClient : toServer }

    // MARK: Running

    /// Runs to the end; self for chaining.
    @discardableResult
    func run() -> Simulation {
        start()
        while step() {}
        return self
    }

    func start() {
        guard !isStarted else { return }
        isStarted = true
        if plan.isInProcess {
            client.startInProcess(client, now: now)
            if client.failure == nil { server.startInProcess(client, now: now) }
            if client.failure != nil || server.failure != nil { endBoth() }
        } else {
            client.start(now: now)
            if client.failure != nil { endBoth() }
        }
        if case .cut(let isToServer, let after) = disturbance {
            (isToServer ? toServer : toClient).breaksAfter = after
        }
    }

    private func endBoth() {
        for side in sides { side.isDone = true }
    }

    /// One step; false when the session is over.
    func step() -> Bool {
        if isOver || violation != nil { return false }
        steps += 1
        if steps > Self.mostSteps {
            violation = "no end after \(steps) steps\n\(situation)"
            return false
        }
        beforeStep?(self)
        strike()
        if isOver { return false }
        if !act() { sleep() }
        return violation == nil
    }

    var isOver: Bool {
        sides.allSatisfy { $0.isDone || $0.isDead || $0.isFrozen }
    }

    private func act() -> Bool {
        collect()
        guard !actions.isEmpty else { return false }
        if plan.latency == 0 { now += UInt64(random.below(2_000)) }
        switch random.pick(actions) {
        case .pump(let side): violation = side.pump(outgoing(side), now: now)
        case .send(let side): side.send(upTo: portion(), outgoing(side), now: now)
        case .deliver(let side): deliver(to: side)
        case .perform(let side, let index): side.perform(index)
        case .report(let side, let index): side.report(index)
        case .close(let side):
            side.close()
            outgoing(side).close()
        }
        return true
    }

    /// Random pieces, now and then everything.
    private func portion() -> Int {
        if plan.latency > 0 || random.chance(30) { return Int.max }
        return random.within(1...max(1, min(plan.capacity, 1 << random.below(18))))
    }

    private func deliver(to side: SimulatedSide) {
        let link = incoming(side)
        if let message = link.readMessage() {
            if !side.isEnded { side.receive(message.message, weight: message.weight, now: now) }
        } else if link.isEmpty {
            side.inputEnded()
        } else {
            let bytes = link.read(upTo: portion(), now: now)
            side.receive(bytes, now: now)
        }
    }

    private func collect() {
        actions.removeAll(keepingCapacity: true)
        for side in sides where !side.isDead && !side.isFrozen {
            let (output, input) = (outgoing(side), incoming(side))
            if side.canPump { actions.append(.pump(side)) }
            if side.hasOutgoing && output.room > 0 && !side.isDone { actions.append(.send(side)) }
            let isAtEnd = input.isClosed && input.isEmpty && !side.hasSeenEnd
            if input.hasArrived(now) || isAtEnd { actions.append(.deliver(side)) }
            side.pool.fill(plan.poolSize) { readyAt() }
            for (index, work) in side.pool.working.enumerated() {
                if work.result != nil {
                    actions.append(.report(side, index))
                } else if work.readyAt <= now {
                    actions.append(.perform(side, index))
                }
            }
            if canClose(side) { actions.append(.close(side)) }
        }
    }

    private func readyAt() -> UInt64 {
        guard plan.lateEffects > 0, random.below(plan.lateEffects) == 0 else { return 0 }
        return now + UInt64(random.within(1...200)) * 1_000_000_000
    }

    /// All is said, and nothing is in work any more. A peer that does not read holds nobody up for ever, but here
    /// every peer does.
    private func canClose(_ side: SimulatedSide) -> Bool {
        guard !side.isDone, side.isEnded, !side.isStirred, !side.hasOutgoing else { return false }
        if side.end?.isComplete == true { return side.pool.isIdle }
        return side.pool.working.isEmpty && side.pool.waiting.isEmpty
    }

    // MARK: Sleeping

    private func sleep() {
        // A peer that does not read any more is not waited for after the end.
        if let side = sides.first(where: { $0.isEnded && !$0.isDone && !$0.isDead && !$0.isFrozen && $0.pool.isIdle }),
            sides.contains(where: { $0.isFrozen })
        {
            side.close()
            outgoing(side).close()
            return
        }
        var times: [UInt64] = []
        for side in sides where !side.isDead && !side.isFrozen {
            if side.end == nil, !side.hasOutgoing, side.machine?.hasOutput == true {
                violation = "\(side.name) sleeps, but has output\n\(situation)"
                return
            }
            if let arrival = incoming(side).nextArrival { times.append(arrival) }
            times += side.pool.working.filter { $0.result == nil }.map(\.readyAt)
        }
        // Somebody hangs: only the keepalive will tell.
        let someoneHangs = sides.contains { $0.isFrozen }
        if times.isEmpty && !someoneHangs {
            if mayStandStill && standstill == nil { return endStandstill() }
            violation = "nothing can happen any more\n\(situation)"
            return
        }
        let deadlines = sides.filter { !$0.isDead && !$0.isFrozen && !$0.isDone }.compactMap {
            $0.machine?.deadline?.at
        }
        guard let next = (times + deadlines).min() else {
            // During the first flight the driver itself looks at the clock.
            if someoneHangs && sides.contains(where: { $0.machine == nil }) {
                return endBoth()
            }
            violation = "nobody will wake up\n\(situation)"
            return
        }
        now = max(now, next)
        for side in sides where !side.isDead && !side.isFrozen {
            guard let deadline = side.machine?.deadline, deadline.at <= now else { continue }
            side.tick(now: now)
            if let deadline = side.machine?.deadline, deadline.at <= now {
                violation = "\(side.name): a deadline has passed and nothing came of it\n\(situation)"
            }
        }
    }

    /// Within one process nobody hangs; there the user has to stop it.
    private func endStandstill() {
        standstill = situation
        // A deadline may have passed while they still talked.
        for side in sides { side.tick(now: now) }
        if plan.isInProcess { client.cancel() } else { (random.chance(50) ? client : server).freeze() }
    }

    // MARK: Disturbances

    private func strike() {
        switch disturbance {
        case .none: break
        case .cut(let isToServer, _):
            let (broken, other) = isToServer ? (toServer, toClient) : (toClient, toServer)
            if broken.isBroken && !other.isBroken { other.cut() }
        case .kill(let isClient, let step) where step == steps:
            kill(isClient ? client : server)
        case .freeze(let isClient, let step) where step == steps: (isClient ? client : server).freeze()
        case .cancel(let isClient, let step) where step == steps: (isClient ? client : server).cancel()
        case .powerCut(let step) where step == steps:
            restarted = receiver.fileSystem.crash(random: &random)
            for side in sides where side === receiver || plan.isInProcess { side.kill() }
            outgoing(receiver).cut()
            incoming(receiver).cut()
        case .kill, .freeze, .cancel, .powerCut: break
        }
    }

    /// `kill -9` of one end.
    func kill(_ side: SimulatedSide) {
        side.kill()
        outgoing(side).close()
        incoming(side).cut()
        for side in sides where plan.isInProcess { side.kill() }
    }

    // MARK: Reports

    /// Both ends are satisfied: nothing failed, nothing vanished.
    var isSuccess: Bool {
        sides.allSatisfy { side in
            guard case .complete = side.end, let own = side.machine?.summary else { return false }
            return own.failed == 0 && own.vanished == 0
        }
    }

    /// One end believes so.
    var claimsSuccess: Bool {
        sides.contains { side in
            guard case .complete(let peer) = side.end, let own = side.machine?.summary else { return false }
            return [own, peer].allSatisfy { $0.failed == 0 && $0.vanished == 0 && $0.refusedDeletions == 0 }
        }
    }

    var isComplete: Bool { sides.allSatisfy { $0.end?.isComplete == true } }

    var ends: String {
        sides.map { side in
            let end = side.end.map { "\($0)" } ?? side.failure ?? "none"
            return "\(side.name): \(end.prefix(400))"
        }.joined(separator: "; ")
    }

    /// The failures that the user of the receiving side was told.
    var failures: [String] {
        sides.flatMap { side in
            side.events.compactMap { event in
                guard case .failed(let path, let problem, let atSource) = event else { return nil }
                return
                    "\(side.name): \(Display.escaped(path, limit: 100)): \(problem) \(atSource ? "at the source" : "")"
            }
        }
    }

    var situation: String {
        let texts = sides.map { side in
            "  \(side.name): outgoing \(side.outgoing.count), pool \(side.pool.working.count)"
                + "+\(side.pool.waiting.count), stirred \(side.isStirred), link out \(outgoing(side).count), "
                + "sent \(side.sent), counts \(side.pool.counts)\n" + (side.machine?.situation ?? "no machine")
        }
        return texts.joined(separator: "\n")
    }
}
