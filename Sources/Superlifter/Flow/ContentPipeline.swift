// Contents between the machine and their frames. Each message gets a place in line; what is to be compressed goes
// through a thread and comes back into its place. So the order of contents stays, and everything that may overtake them
// does. Belongs to one thread, the loop's.
//
//     add        a message takes its place, and goes to the threads where the method says so
//     collect    what the threads have finished comes back
//     next       the front of the line, once it is ready

import LifterProtocol
import LifterSystem

struct ContentPipeline {
    private enum Place {
        /// Nothing was done with it; it may leave like that.
        case plain(EncodedMessage)
        case compressing(weight: Int)
        case ready(EncodedMessage)
    }

    private let choice: CompressionChoice
    /// The peer knows frames that are compressed against those before them.
    private let usesHistory: Bool
    /// What the next message follows; empty while nothing is compressed.
    private var history = ContentHistory()
    private var line = Queue<Place>()
    /// The number of the front.
    private var front: UInt64 = 0
    private var threads: CodecThreads?
    private var auto = AutoCompression(processors: Thread.processorCount)
    private var idleness = Idleness()
    private var starvation = Starvation()
    /// Bytes that wait here, before compression where it is not done.
    private(set) var bytes = 0

    /// Levels from which `auto` uses history: at the lowest it costs too much of the speed.
    private static let historyLevel = 3

    init(_ choice: CompressionChoice, usesHistory: Bool) {
        self.choice = choice
        switch choice {
        case .none, .zlib: self.usesHistory = false
        case .auto, .standard, .zstd: self.usesHistory = usesHistory
        }
    }

    var isEmpty: Bool { line.isEmpty }

    /// Bytes that may wait here: one frame, or enough that each thread has one, one is being written and one is read.
    var room: Int { threads == nil ? Tuning.chunk : (CodecThreads.defaultSize + 2) * Tuning.chunk }

    /// Readable when `collect` finds something; negative while there are no threads.
    var wakeUp: WakeUp? { threads?.results.wakeUp }

    // MARK: In

    mutating func add(_ message: EncodedMessage, rate: UInt64?, now: UInt64) {
        let number = front + UInt64(line.count)
        bytes += message.wireLength
        line.append(.plain(message))
        guard let method = method(of: message, rate, now) else { return history.removeAll() }
        compress(number, method)
        if usesHistory { history.append(message) }
    }

    private mutating func method(of message: EncodedMessage, _ rate: UInt64?, _ now: UInt64) -> ContentMethod? {
        choice == .auto ? autoMethod(rate, now) : ContentMethod(choice, for: message.kind)
    }

    private mutating func autoMethod(_ rate: UInt64?, _ now: UInt64) -> ContentMethod? {
        auto.level(rate: rate, idle: idleness.measure(now), now: now).map { .zstd(level: $0) }
    }

    /// The stream has turned out to be slow: what still waits is compressed after all.
    mutating func reconsider(rate: UInt64?, now: UInt64) {
        guard choice == .auto, rate != nil, !line.isEmpty, let method = autoMethod(rate, now) else { return }
        var waited = false
        for index in 0..<line.count {
            if case .plain(let message) = line[index] {
                // Of what went before only what waited, too, is still at hand.
                if !waited { history.removeAll() }
                waited = true
                compress(front + UInt64(index), method)
                if usesHistory { history.append(message) }
            } else if waited {
                history.removeAll()
            }
        }
    }

    private mutating func compress(_ number: UInt64, _ method: ContentMethod) {
        let index = Int(number - front)
        guard case .plain(let message)? = line[index], let threads = startedThreads() else { return }
        line[index] = .compressing(weight: message.wireLength)
        threads.submit(
            CodecWork(
                number: number, message: message, method: method,
                history: isWorthHistory(method) ? history : ContentHistory(), looksFirst: choice == .auto))
    }

    private func isWorthHistory(_ method: ContentMethod) -> Bool {
        switch method {
        case .none, .zlib: false
        case .zstd(let level): choice != .auto || level >= Self.historyLevel
        }
    }

    /// Nil where the system gives no more threads: then nothing is compressed.
    private mutating func startedThreads() -> CodecThreads? {
        if threads == nil { threads = try? CodecThreads() }
        return threads
    }

    // MARK: Back

    mutating func collect() {
        guard let threads else { return }
        threads.results.wakeUp.drain()
        for result in threads.results.takeAll() {
            // What was dropped meanwhile is gone.
            guard result.number >= front, case .compressing(let weight)? = line[Int(result.number - front)] else {
                continue
            }
            idleness.spent(result.time)
            let length = result.message.wireLength
            bytes += length - weight
            line[Int(result.number - front)] = .ready(result.message)
            if choice == .auto, case .zstd(let level) = result.method, length < weight {
                auto.measured(level: level, from: weight, to: length, time: result.time)
            }
        }
    }

    // MARK: Out

    /// The next message in order; nil while it is being compressed, or where there is none. `isIdle`: the stream has
    /// nothing else to do.
    mutating func next(isIdle: Bool, now: UInt64) -> EncodedMessage? {
        let message: EncodedMessage
        switch line.first {
        case nil: return nil
        case .compressing:
            if isIdle { starvation.begin(now) }
            return nil
        case .plain(let waiting), .ready(let waiting): message = waiting
        }
        starvation.end(now)
        _ = line.popFirst()
        front += 1
        bytes -= message.wireLength
        return message
    }

    /// Whether the stream has waited for compression most of the last second. Then it may be faster than was measured.
    mutating func hasStarvedStream(_ now: UInt64) -> Bool { choice == .auto && starvation.prevails(now) }

    /// No contents leave any more.
    mutating func drop() {
        front += UInt64(line.count)
        line.removeAll()
        history.removeAll()
        bytes = 0
    }
}

/// How many processors have nothing to do but compression, looked at ten times a second.
private struct Idleness {
    private var last: (time: UInt64, idle: UInt64)?
    private var compressing: UInt64 = 0
    private var processors: Double?

    private static let interval: UInt64 = 100_000_000

    mutating func spent(_ time: UInt64) { compressing += time }

    mutating func measure(_ now: UInt64) -> Double? {
        if let last, now < last.time + Self.interval { return processors }
        guard let idle = ProcessorTime.idle else { return nil }
        if let last {
            processors = Double(idle &- last.idle &+ compressing) / Double(now - last.time)
        }
        last = (now, idle)
        compressing = 0
        return processors
    }
}

/// For how long a stream had nothing to do but to wait for compression.
private struct Starvation {
    private var since: UInt64?
    private var total: UInt64 = 0
    private var windowStart: UInt64 = 0

    private static let window: UInt64 = 1_000_000_000

    mutating func begin(_ now: UInt64) { since = since ?? now }

    mutating func end(_ now: UInt64) {
        guard let since else { return }
        total += now - since
        self.since = nil
    }

    /// Asked often; true at most once a second.
    mutating func prevails(_ now: UInt64) -> Bool {
        guard now >= windowStart + Self.window else { return false }
        defer {
            windowStart = now
            total = 0
        }
        return windowStart > 0 && total > (now - windowStart) / 2
    }
}
