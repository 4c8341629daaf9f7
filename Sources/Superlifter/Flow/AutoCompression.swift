// `--compress auto`: whether contents are compressed, and how hard. Three things are measured while the session runs: how
// fast the stream takes bytes while it keeps some waiting, how fast each level makes them smaller, and what the
// processors have left.
//
// - A stream that keeps nothing waiting has no use for compression: something else is the bottleneck.
// - A stream that is not clearly slower than the fastest level gets plain bytes: what compression would save on it, the
//   processors of both ends would pay. Where they have nothing left, it may be slow because its other end waits for one
//   of them; then it must be slower still.
// - Otherwise the highest level is taken that is still twice as fast as the stream needs, so that compression never
//   holds up a stream and leaves at least half a processor alone. It is reached step by step: an error is cheap.
//
// A value with the caller's clock. Whether a single frame gets smaller at all is judged by a sample of it, in the
// thread that compresses (`CodecThreads`).

package struct AutoCompression: Sendable {
    /// Levels of zstd with their usual speed in bytes a second on one processor, on frames of 128 KiB of text; from 3 on
    /// with history.
    package static let ladder: [(level: Int, speed: Double)] = [
        (1, 400e6), (3, 190e6), (5, 85e6), (7, 60e6), (9, 40e6), (12, 18e6),
    ]

    /// What the fastest level compresses in a second with the processors that a session may count on.
    private let processors: Double
    /// How this machine's speed compares with the usual one.
    private var factor = 1.0
    /// What is left of a byte, of those that can be compressed.
    private var left = 0.5
    /// Where on the ladder; nil: off.
    private var step: Int?
    /// When that was changed last.
    private var since: UInt64 = 0

    /// So many times slower than the fastest level a stream must be; and where no processor is idle.
    private static let clearly = (idle: 3.0, busy: 20.0)
    private static let stepTime: UInt64 = 50_000_000

    package init(processors: Int) { self.processors = Double(min(4, max(1, processors - 2))) }

    /// The level for the next frames; nil: plain. `rate`: bytes a second, nil where nothing has to wait. `idle`:
    /// processors that have nothing else to do, nil while that is not known.
    package mutating func level(rate: UInt64?, idle: Double?, now: UInt64) -> Int? {
        recover(now)
        let fastest = Self.ladder[0].speed * factor * processors
        let times = (idle ?? 0) >= 0.5 ? Self.clearly.idle : Self.clearly.busy
        guard let rate, Double(rate) * times / (step == nil ? 1 : 1.5) < fastest else {
            if step != nil { since = now }
            step = nil
            return nil
        }
        let needed = Double(rate) / left * 2
        let best = Self.ladder.lastIndex { $0.speed * factor >= needed } ?? 0
        if let current = step {
            if best < current { step = best }
            if best > current, now >= since &+ Self.stepTime {
                step = current + 1
                since = now
            }
        } else {
            step = 0
            since = now
        }
        return step.map { Self.ladder[$0].level }
    }

    /// While nothing is compressed nothing is measured: a bad moment of this machine is forgotten in some seconds.
    private mutating func recover(_ now: UInt64) {
        guard step == nil, factor < 1, now >= since &+ 1_000_000_000 else { return }
        since = now
        factor += (1 - factor) / 4
    }

    /// A frame that got smaller: from so many bytes to so many, in so many nanoseconds.
    package mutating func measured(level: Int, from plain: Int, to compressed: Int, time: UInt64) {
        guard plain >= 4096, let usual = Self.ladder.first(where: { $0.level == level })?.speed else { return }
        let speed = Double(plain) * 1e9 / Double(max(1, time))
        factor += (min(4, max(0.01, speed / usual)) - factor) / 8
        left += (min(1, max(0.02, Double(compressed) / Double(plain))) - left) / 8
    }
}
