// The threads that touch the disk. Effects go in, results come back to whoever gave the effect, with a wake-up.

import LifterFiles
import LifterProtocol
import LifterSystem
import Synchronization

/// Where the results of one session's effects are put.
final class Completions: Sendable {
    private let results = Mutex<[(EffectID, FileResult)]>([])
    let wakeUp: WakeUp

    init() throws(Errno) { wakeUp = try WakeUp() }

    func put(_ id: EffectID, _ result: FileResult) {
        let wasEmpty = results.withLock { results in
            results.append((id, result))
            return results.count == 1
        }
        if wasEmpty { wakeUp.signal() }
    }

    /// Everything that has finished since the last time.
    func takeAll() -> [(EffectID, FileResult)] {
        results.withLock { results in
            let all = results
            results = []
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
                try Thread(name: "lifter-worker") {
                    while let work = queue.take() {
                        work.completions.put(work.effect.id, work.layer.perform(work.effect.effect))
                    }
                })
        }
        self.threads = threads
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
