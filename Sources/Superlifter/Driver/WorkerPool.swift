// The threads that touch the disk. Effects go in, results come back to whoever gave the effect, with a wake-up.

import LifterFiles
import LifterProtocol
import LifterSystem
import Synchronization

/// Where the results of one session's effects are put. A session that is woken for each small effect does little else
/// than to wake up; so while there is more to do it is told of what is done only now and then.
final class Completions: Sendable {
    private struct State {
        var results: [(EffectID, FileResult)] = []
        /// The session was woken, and has not looked yet.
        var isTold = false
        var toldAt: UInt64 = 0
    }

    private let state = Mutex(State())
    let wakeUp: WakeUp

    /// The least time between two wake-ups while there is more to do, in nanoseconds.
    private static let interval: UInt64 = 100_000

    init() throws(Errno) { wakeUp = try WakeUp() }

    /// False: the session was not woken now, and whoever puts must `tell` before waiting for other work.
    func put(_ id: EffectID, _ result: FileResult) -> Bool {
        let now = Clock.monotonic
        let (isTold, wakes) = state.withLock { state in
            state.results.append((id, result))
            if state.isTold { return (true, false) }
            guard now >= state.toldAt + Self.interval else { return (false, false) }
            state.isTold = true
            state.toldAt = now
            return (true, true)
        }
        if wakes { wakeUp.signal() }
        return isTold
    }

    /// Wakes the session for what it does not know of yet.
    func tell() {
        let wakes = state.withLock { state in
            if state.isTold || state.results.isEmpty { return false }
            state.isTold = true
            state.toldAt = Clock.monotonic
            return true
        }
        if wakes { wakeUp.signal() }
    }

    /// Everything that has finished since the last time.
    func takeAll() -> [(EffectID, FileResult)] {
        state.withLock { state in
            let all = state.results
            state.results = []
            state.isTold = false
            return all
        }
    }
}

final class WorkerPool: Sendable {
    private struct Work: Sendable {
        let effect: NumberedEffect
        let layer: FileLayer
        let completions: Completions
    }

    private let queue = WorkQueue<Work>()
    private let threads: [Thread]

    /// As many threads as processors, at least two; `SUPERLIFTER_WORKERS` says otherwise. One where descriptors are
    /// very few, since each thread needs some.
    static var defaultSize: Int {
        let asked = Environment.variable("SUPERLIFTER_WORKERS").flatMap { Int(String(decoding: $0, as: UTF8.self)) }
        return min(64, max(1, asked ?? (isCramped ? 1 : max(2, Thread.processorCount))))
    }

    private static var isCramped: Bool { Environment.openFileLimit.current < 64 }

    init(size: Int = WorkerPool.defaultSize) throws(Errno) {
        let queue = queue
        var threads: [Thread] = []
        for _ in 0..<size {
            threads.append(
                try Thread(name: "lifter-worker") { Self.work(queue) })
        }
        self.threads = threads
    }

    private static func work(_ queue: WorkQueue<Work>) {
        // Sessions that may have to be told of something.
        var untold: [Completions] = []
        while true {
            var next = queue.takeIfAny()
            if next == nil {
                for completions in untold { completions.tell() }
                untold.removeAll(keepingCapacity: true)
                // Whoever was told may have more in a moment; to sleep and to be woken costs more than to let it run.
                Thread.yield()
                next = queue.takeIfAny() ?? queue.take()
            }
            guard let work = next else { return }
            let isTold = work.completions.put(work.effect.id, work.layer.perform(work.effect.effect))
            if !isTold, !untold.contains(where: { $0 === work.completions }) { untold.append(work.completions) }
        }
    }

    func submit(_ effects: [NumberedEffect], to layer: FileLayer, _ completions: Completions) {
        queue.add(effects.map { Work(effect: $0, layer: layer, completions: completions) })
    }

    /// Lets the threads finish what is queued and waits for them.
    func finish() {
        queue.close()
        for thread in threads { thread.join() }
    }

    deinit { queue.close() }
}
