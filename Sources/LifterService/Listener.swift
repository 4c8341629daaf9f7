// The listener: accept, wait for the first byte, hand the connection to a process of its own.
//
// A worker process is this program again, `serve --inetd`, with the connection as its standard input and output: the
// way that ssh and inetd start it. Whatever happens in a session happens to that process alone. A client speaks first,
// so one that says nothing is worth no process yet: it waits here, at the cost of a descriptor, until it speaks or its
// time for the handshake is over. The worker gets what is left of that time.
//
//     accept -> waiting -> worker            it has spoken, and there is room
//                       -> leaving           no room, too late, or the server stops: it is told why
//                       -> closed            it has gone
//
// The first SIGTERM, SIGINT or SIGHUP closes the doors and ends the sessions, each of which tells its client; a second
// one ends the program at once. This process never reads what a client means, holds no file of anybody's, and has one
// thread.

import LifterSystem
import LifterTransport
import Superlifter

/// What a listener does, apart from where.
struct ListenPlan: Sendable {
    /// The words behind the program's name that start a worker.
    var worker: [[UInt8]]
    /// Sessions at once.
    var maxConnections: Int
    /// From accept to the end of the handshake, in nanoseconds.
    var handshakeTime: UInt64
    /// From 1 on each connection is told.
    var verbosity: Int
}

final class Listener {
    private let plan: ListenPlan
    private let say: (String) -> Void
    private var doors: Doors
    private var workers: Workers
    /// Oldest first, so the first has the nearest deadline.
    private var waiting: [Visitor] = []
    /// Told why they are not served; kept until they have read it, or for `farewell`.
    private var leaving: [Visitor] = []
    private var poller = Poller()
    private var stopsAt: UInt64?
    private var pause = Pause()
    private var roomComplaint = Complaint()
    private var spawnComplaint = Complaint()
    private let busyAnswer: [UInt8]

    private static let farewell: UInt64 = 2_000_000_000
    /// How long sessions have to end when the server stops.
    private static let stopPatience: UInt64 = 10_000_000_000
    private static let mostLeaving = 256
    /// Connections accepted in one turn, so that everything else has its turn, too.
    private static let acceptsPerTurn = 64

    init(_ doors: Doors, _ plan: ListenPlan, say: @escaping (String) -> Void) {
        self.doors = doors
        self.plan = plan
        self.say = say
        workers = Workers(plan.worker)
        busyAnswer = Server.refusal(
            exitCode: 5, isTemporary: true,
            "the server is busy (\(plan.maxConnections) connections, its limit); try again later")
    }

    /// Listens until a signal says to stop; then 0.
    func run() throws(Errno) -> Int32 {
        let signals = try SignalWatch(secondIsFatal: true)
        while !isDone {
            try turn(signals)
        }
        workers.killAll()
        return 0
    }

    private var isDone: Bool {
        guard let stopsAt else { return false }
        return workers.isEmpty && leaving.isEmpty || Clock.monotonic >= stopsAt
    }

    // MARK: One turn

    private func turn(_ signals: SignalWatch) throws(Errno) {
        poller.removeAll()
        let signal = poller.add(signals.raw, .readable)
        let isAccepting = Clock.monotonic >= pause.until
        let firstDoor = doors.add(to: &poller, isAccepting: isAccepting)
        let firstWaiting = poller.add(-1, .readable) + 1
        for visitor in waiting { poller.add(visitor.raw, .readable) }
        let firstLeaving = poller.add(-1, .readable) + 1
        for visitor in leaving { poller.add(visitor.raw, .readable) }
        workers.add(to: &poller)
        _ = try poller.wait(timeout: timeout)

        let seen = poller
        // How many there are in `seen`: stopping moves those who wait to those who leave.
        let (heard, left) = (waiting.count, leaving.count)
        if !seen.events(at: signal).isEmpty, let number = signals.next() { stop(number) }
        for ended in workers.reap(seen) { tellEnd(ended) }
        let now = Clock.monotonic
        bid(farewellTo: left, from: firstLeaving, seen, now)
        listen(to: heard, from: firstWaiting, seen, now)
        if isAccepting { accept(seen, firstDoor, now) }
    }

    private var timeout: UInt64? {
        var next: UInt64?
        func consider(_ moment: UInt64?) {
            if let moment { next = min(next ?? .max, moment) }
        }
        consider(waiting.first?.deadline)
        consider(leaving.first?.deadline)
        consider(stopsAt)
        if pause.until > 0 { consider(pause.until) }
        let now = Clock.monotonic
        if workers.needsLooking { consider(now + 50_000_000) }
        return next.map { $0 > now ? $0 - now : 0 }
    }

    /// Whoever has spoken gets a worker; whoever has gone is forgotten; whose time is over is sent away.
    private func listen(to count: Int, from place: Int, _ seen: Poller, _ now: UInt64) {
        let isLate = waiting.first.map { $0.deadline <= now } ?? false
        guard isLate || (0..<count).contains(where: { !seen.events(at: place + $0).isEmpty }) else { return }
        let visitors = waiting
        waiting.removeAll(keepingCapacity: true)
        for (index, visitor) in visitors.enumerated() {
            if index < count, !seen.events(at: place + index).isEmpty {
                do throws(Errno) {
                    if try Sockets.hasBytes(visitor.raw) { serve(visitor, now) }
                } catch .again {
                    waiting.append(visitor)
                } catch {
                    // Reset before it said anything: nothing to answer.
                }
            } else if visitor.deadline <= now {
                let text = "the handshake took too long"
                sendAway(visitor, Server.refusal(exitCode: 35, text), now)
            } else {
                waiting.append(visitor)
            }
        }
    }

    private func serve(_ visitor: Visitor, _ now: UInt64) {
        guard workers.count < plan.maxConnections else {
            if roomComplaint.isDue(now) {
                say(
                    "\(plan.maxConnections) connections are being served, the limit (--max-connections); "
                        + "further ones are told to try again later")
            }
            return sendAway(visitor, busyAnswer, now)
        }
        do throws(Errno) {
            let process = try start(visitor, now)
            if plan.verbosity > 0 { say("\(visitor.peer): connected, served by process \(process)") }
        } catch {
            if spawnComplaint.isDue(now) { say("no process for a connection: \(error); it is told to try again later") }
            sendAway(visitor, busyAnswer, now)
        }
    }

    private func start(_ visitor: Visitor, _ now: UInt64) throws(Errno) -> Int32 {
        let left = visitor.deadline > now ? visitor.deadline - now : 0
        do throws(Errno) {
            return try workers.start(visitor.raw, peer: visitor.peer, handshakeTime: left)
        } catch .tooManyOpen {
            guard letGo(8) else { throw .tooManyOpen }
            return try workers.start(visitor.raw, peer: visitor.peer, handshakeTime: left)
        }
    }

    /// Tells some who need no process that there is no room, and forgets them: those on their way out, and those
    /// silent longest, since an honest client speaks at once. False where there are none.
    private func letGo(_ count: Int) -> Bool {
        guard !waiting.isEmpty || !leaving.isEmpty else { return false }
        leaving.removeAll()
        for visitor in waiting.prefix(count) { Sockets.sendAtOnce(busyAnswer, to: visitor.raw) }
        waiting.removeFirst(min(count, waiting.count))
        return true
    }

    private func sendAway(_ visitor: Visitor, _ answer: [UInt8], _ now: UInt64) {
        Sockets.sendAtOnce(answer, to: visitor.raw)
        // Closing while something unread has come makes the system throw our answer away.
        try? StreamCalls.shutdownSending(visitor.raw)
        if leaving.count >= Self.mostLeaving { leaving.removeFirst() }
        visitor.deadline = now + Self.farewell
        leaving.append(visitor)
    }

    private func bid(farewellTo count: Int, from place: Int, _ seen: Poller, _ now: UInt64) {
        guard count > 0 else { return }
        var stays: [Visitor] = []
        for (index, visitor) in leaving.enumerated() {
            let isSilent = index >= count || seen.events(at: place + index).isEmpty
            if visitor.deadline > now, isSilent || Sockets.discard(from: visitor.raw) { stays.append(visitor) }
        }
        leaving = stays
    }

    private func tellEnd(_ ended: Workers.Ended) {
        switch ended.status {
        case .signaled(let number) where stopsAt == nil:
            say("\(ended.peer): process \(ended.process) was ended by signal \(number)")
        case .exited, .signaled:
            if plan.verbosity > 0 { say("\(ended.peer): process \(ended.process) has ended") }
        }
    }

    // MARK: Accepting

    private func accept(_ seen: Poller, _ firstDoor: Int, _ now: UInt64) {
        for place in doors.indices where !seen.events(at: firstDoor + place).isEmpty {
            for _ in 0..<Self.acceptsPerTurn {
                do throws(Errno) {
                    guard let descriptor = try Sockets.accept(doors[place]) else { break }
                    pause.reset()
                    waiting.append(Visitor(descriptor, deadline: now + plan.handshakeTime))
                } catch {
                    if error.concernsOneConnection { continue }
                    makeRoom(error, now)
                    return
                }
            }
        }
        if waiting.count > waitingRoom { _ = letGo(waiting.count - waitingRoom) }
    }

    /// Accepting has failed for want of something, most often descriptors: whoever is silent goes; where nobody is,
    /// it has to wait.
    private func makeRoom(_ error: Errno, _ now: UInt64) {
        if pause.complaint.isDue(now) { say("no room for another connection: \(error); trying again") }
        if !letGo(8) { pause.extend(now) }
    }

    /// How many may wait in silence: what descriptors are left when every worker has its own.
    private var waitingRoom: Int {
        let others = 64 + 4 * plan.maxConnections + Self.mostLeaving
        return max(16, Environment.openFileLimit.current - others)
    }

    // MARK: Stopping

    private func stop(_ signal: Signal) {
        guard stopsAt == nil else { return }
        let now = Clock.monotonic
        stopsAt = now + Self.stopPatience
        doors.close()
        let count = workers.count
        say("stopping (\(signal.name)): " + (count == 0 ? "no session is open" : "ending \(count) sessions"))
        let answer = Server.refusal(exitCode: 5, isTemporary: true, "the server is stopping; try again later")
        for visitor in waiting { sendAway(visitor, answer, now) }
        waiting.removeAll()
        workers.endAll()
    }
}

/// A connection that no process serves (yet).
private final class Visitor {
    private let descriptor: Descriptor
    var deadline: UInt64

    init(_ descriptor: consuming Descriptor, deadline: UInt64) {
        self.descriptor = descriptor
        self.deadline = deadline
    }

    var raw: RawDescriptor { descriptor.raw }

    /// For messages.
    var peer: String { (try? StdioConnection.peerFacts(of: raw))?.text ?? "a peer that has gone" }
}

/// How long accepting rests after it failed: longer each time, up to a second.
private struct Pause {
    private(set) var until: UInt64 = 0
    private var length: UInt64 = 0
    var complaint = Complaint()

    mutating func extend(_ now: UInt64) {
        length = min(max(length * 2, 50_000_000), 1_000_000_000)
        until = now + length
    }

    mutating func reset() { (until, length) = (0, 0) }
}

/// One line a minute at most about one kind of trouble.
struct Complaint {
    private var quietUntil: UInt64 = 0

    init() {}

    mutating func isDue(_ now: UInt64) -> Bool {
        guard now >= quietUntil else { return false }
        quietUntil = now + 60_000_000_000
        return true
    }
}

extension Errno {
    /// What accept(2) says of a connection that was lost in the queue, or of the network it came by.
    fileprivate var concernsOneConnection: Bool {
        switch self {
        case .connectionAborted, .connectionReset, .permission, .networkUnreachable, .hostUnreachable, .timedOut,
            .notSupported, .protocolError, .networkDown, .hostDown:
            true
        default: false
        }
    }
}
