// The one loop that owns a machine. Each turn gives every source its share: finished effects, arrived messages, the
// clock; then drains the machine: effects to the pool, events to the channel, messages to the link; then waits for
// whichever comes first. No turn is long, and nothing but poll(2) waits.

import LifterFiles
import LifterProtocol
import LifterSystem

/// A value that cannot be copied, and neither can its machine while it runs: reading one of its properties would copy
/// all of it otherwise.
struct SessionLoop<Machine: SessionMachine>: ~Copyable {
    private(set) var machine: Machine
    private let link: any Link
    private let layer: FileLayer
    private let pool: WorkerPool
    private let completions: Completions
    /// Nil: nobody listens.
    private let channel: EventChannel?
    private let showsProgress: Bool
    private let cancellation: Cancellation?
    private var poller = Poller()
    private var lastProgress: UInt64 = 0
    private var running = 0
    /// More messages have arrived than one turn takes.
    private var hasMore = false

    /// How often progress is shown, in nanoseconds.
    private static var progressInterval: UInt64 { 100_000_000 }
    /// Messages taken in one turn: many may lie in few bytes, and nothing else is looked at meanwhile.
    private static var messagesInTurn: Int { 1024 }
    /// Events handed on at once.
    private static var batch: Int { 128 }
    /// How long the last words may take to leave.
    private static var farewell: UInt64 { 2_000_000_000 }

    init(
        _ machine: consuming Machine, link: any Link, layer: FileLayer, pool: WorkerPool,
        cancellation: Cancellation?, channel: EventChannel? = nil, showsProgress: Bool = false
    ) throws(Errno) {
        self.machine = machine
        self.link = link
        self.layer = layer
        self.pool = pool
        self.cancellation = cancellation
        self.channel = channel
        self.showsProgress = showsProgress && channel != nil
        completions = try Completions()
        channel?.wake(completions.wakeUp)
    }

    /// Runs the session to its end. `first`: messages that the handshake has already taken from the stream.
    mutating func run(first: [ReceivedMessage] = []) throws(Errno) -> SessionEnd {
        for message in first { machine.receive(message.message, weight: message.weight, now: Clock.monotonic) }
        if let rate = link.rate { machine.paced(rate) }
        // The handshake may have read further than its own messages.
        receive()
        drain()
        while !machine.isOver {
            try wait()
            takeResults()
            if cancellation?.isCancelled == true { machine.cancel() }
            receive()
            machine.tick(Clock.monotonic)
            if let rate = link.rate { machine.paced(rate) }
            drain()
            showProgressIfDue()
        }
        layer.stop()
        try sayFarewell()
        settleEffects()
        // What a broken session left in work has no use: names hold what they held, or what was committed.
        if machine.end?.isComplete != true { layer.abandonAll() }
        tellTheRest()
        return machine.end ?? .cut
    }

    // MARK: One turn

    private mutating func wait() throws(Errno) {
        poller.removeAll()
        link.register(in: &poller)
        let results = poller.add(completions.wakeUp.raw, .readable)
        if let cancellation { poller.add(cancellation.raw, .readable) }
        _ = try poller.wait(timeout: timeout)
        if !poller.events(at: results).isEmpty { completions.wakeUp.drain() }
        link.turn(poller)
    }

    /// Until the machine's deadline or the next look at progress; not at all while something can be done at once.
    private var timeout: UInt64? {
        if link.wantsTurn || hasMore { return 0 }
        let now = Clock.monotonic
        var until: UInt64?
        for moment in [machine.deadline?.at, link.wakesAt] {
            if let moment { until = min(until ?? .max, moment > now ? moment - now : 0) }
        }
        if showsProgress { until = min(until ?? .max, Self.progressInterval) }
        return until
    }

    private mutating func takeResults() {
        for (id, result) in completions.takeAll() {
            running -= 1
            machine.finished(id, result)
        }
    }

    private mutating func receive() {
        if link.heardSomething { machine.heard(Clock.monotonic) }
        let now = Clock.monotonic
        var left = Self.messagesInTurn
        do throws(WireError) {
            while !machine.isOver, left > 0, let message = try link.nextReceived() {
                machine.receive(message.message, weight: message.weight, now: now)
                left -= 1
            }
        } catch {
            machine.fail(error)
        }
        hasMore = left == 0 && !machine.isOver
        if link.inputHasEnded, !hasMore, !machine.isOver { machine.inputEnded() }
    }

    /// Drains the machine: a message that leaves may make room for effects, so until nothing comes any more.
    private mutating func drain() {
        var isIdle = false
        while !isIdle {
            isIdle = true
            while link.hasRoom, let message = machine.nextMessage() {
                isIdle = false
                do throws(WireError) { try link.send(message) } catch { machine.fail(error) }
            }
            // What leaves makes room for more; a full stream ends the draining, and poll tells when it has room. But
            // where all has left at once nothing would be told, and who waited for room would wait for ever.
            let wasFull = !link.hasRoom
            link.flush()
            if wasFull, link.hasRoom { isIdle = false }
            var effects: [NumberedEffect] = []
            while let effect = machine.nextEffect() { effects.append(effect) }
            if !effects.isEmpty {
                isIdle = false
                running += effects.count
                pool.submit(effects, to: layer, completions)
            }
            if tellEvents() { isIdle = false }
        }
    }

    /// Hands events on while there is room for them. True if there were any: a machine that held back may go on.
    private mutating func tellEvents() -> Bool {
        guard let channel else {
            while machine.nextEvent() != nil {}
            return false
        }
        var batch: [Told] = []
        while channel.hasRoom, batch.count < Self.batch, let event = machine.nextEvent() { batch.append(.event(event)) }
        channel.put(batch)
        return !batch.isEmpty
    }

    private mutating func showProgressIfDue() {
        guard showsProgress, let channel, channel.hasRoom else { return }
        let now = Clock.monotonic
        if now >= lastProgress + Self.progressInterval {
            lastProgress = now
            channel.put([.progress(machine.progress)])
        }
    }

    // MARK: The end

    /// Gives the last words (a Goodbye, or the reason of an abort) time to leave, and a peer's reason to arrive.
    private mutating func sayFarewell() throws(Errno) {
        let end = Clock.monotonic + Self.farewell
        link.beginFarewell()
        // Last words go past contents, however many of them wait: a slow stream has no room for anything else.
        while let message = machine.nextMessage() {
            do throws(WireError) { try link.send(message) } catch { break }
        }
        drain()
        while !link.isFlushed, !link.inputHasEnded || machine.end?.isComplete == true {
            let now = Clock.monotonic
            guard now < end else { return }
            poller.removeAll()
            link.register(in: &poller)
            _ = try poller.wait(timeout: end - now)
            link.turn(poller)
        }
    }

    /// The session is over; what it has to tell is bounded, and the caller takes it when he likes.
    private mutating func tellTheRest() {
        guard let channel else { return }
        var rest: [Told] = []
        while let event = machine.nextEvent() { rest.append(.event(event)) }
        if showsProgress { rest.append(.progress(machine.progress)) }
        channel.put(rest)
    }

    /// Waits for effects that are still out, so that nothing touches the disk after the session.
    private mutating func settleEffects() {
        while running > 0 {
            poller.removeAll()
            poller.add(completions.wakeUp.raw, .readable)
            guard (try? poller.wait(timeout: nil)) != nil else { return }
            completions.wakeUp.drain()
            running -= completions.takeAll().count
        }
    }
}
