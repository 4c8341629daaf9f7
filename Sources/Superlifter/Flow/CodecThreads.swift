// The threads that compress contents. They are started with the first frame that needs them, and end with the session.

import LifterCodec
import LifterProtocol
import LifterSystem
import Synchronization

/// One frame's contents on their way through a thread.
struct CodecWork: Sendable {
    let number: UInt64
    var message: EncodedMessage
    let method: ContentMethod
    /// What the frame is compressed against.
    let history: ContentHistory
    /// Look at a sample first, and leave plain what does not promise to get smaller.
    let looksFirst: Bool
}

struct CodecResult: Sendable {
    var number: UInt64
    var message: EncodedMessage
    var method: ContentMethod
    /// Nanoseconds.
    var time: UInt64
}

/// What has come out of the threads, with a wake-up for whoever waits for it.
final class CodecResults: Sendable {
    private let results = Mutex<[CodecResult]>([])
    let wakeUp: WakeUp

    init() throws(Errno) { wakeUp = try WakeUp() }

    func put(_ result: CodecResult) {
        let isFirst = results.withLock { results in
            results.append(result)
            return results.count == 1
        }
        if isFirst { wakeUp.signal() }
    }

    func takeAll() -> [CodecResult] {
        results.withLock { results in
            let all = results
            results.removeAll(keepingCapacity: true)
            return all
        }
    }
}

final class CodecThreads: Sendable {
    private let queue = WorkQueue<CodecWork>()
    private let threads: [Thread]
    let results: CodecResults

    /// More than this share of a sample must not be left for a frame to be worth its time.
    private static let worthwhile = 0.95

    static var defaultSize: Int { min(4, max(1, Thread.processorCount)) }

    init(size: Int = CodecThreads.defaultSize) throws(Errno) {
        let results = try CodecResults()
        let queue = queue
        self.results = results
        var threads: [Thread] = []
        for _ in 0..<size {
            threads.append(
                try Thread(name: "lifter-codec") {
                    let compressor = ContentCompressor()
                    while let work = queue.take() { results.put(Self.carryOut(work, compressor)) }
                })
        }
        self.threads = threads
    }

    deinit { queue.close() }

    func submit(_ work: CodecWork) { queue.add([work]) }

    private static func carryOut(_ work: CodecWork, _ compressor: ContentCompressor) -> CodecResult {
        var message = work.message
        let start = Clock.monotonic
        do throws(CodecError) {
            if work.looksFirst, try compressor.probe(&message) > worthwhile {
                message.leavePlain()
            } else {
                try compressor.compress(&message, work.method, after: work.history)
            }
        } catch {
            // Without memory for compression it travels as it is.
            message.leavePlain()
        }
        return CodecResult(
            number: work.number, message: message, method: work.method, time: Clock.monotonic - start)
    }
}
