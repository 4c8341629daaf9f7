// Events on their way from the loop, on its own thread, to the caller, who may take his time: he may be writing to a pipe
// that nobody reads. Then the channel fills, the loop leaves further events with the machine, and the machine asks for
// nothing more from its peer; but it goes on reading, answering signs of life and noticing interrupts.

import LifterProtocol
import LifterSystem
import Synchronization

/// What a loop tells.
enum Told: Sendable {
    case event(MachineEvent)
    case progress(Progress)
}

final class EventChannel: Sendable {
    private let queue = WorkQueue<[Told]>()
    private let waiting = Atomic<Int>(0)
    private let loop = Mutex<WakeUp?>(nil)

    /// Events that may wait for the caller.
    private static let room = 1024

    // MARK: The loop's end

    /// Who is to be woken when there is room again.
    func wake(_ wakeUp: WakeUp) { loop.withLock { $0 = wakeUp } }

    var hasRoom: Bool { waiting.load(ordering: .acquiring) < Self.room }

    func put(_ batch: [Told]) {
        guard !batch.isEmpty else { return }
        waiting.add(batch.count, ordering: .acquiringAndReleasing)
        queue.add([batch])
    }

    /// Nothing comes any more.
    func close() { queue.close() }

    // MARK: The caller's end

    /// Gives the caller everything, on his own thread, until the channel is closed.
    func deliver(_ observe: (TransferEvent) -> Void) {
        while let batch = queue.take() {
            for told in batch {
                switch told {
                case .event(let event): observe(TransferEvent(event))
                case .progress(let progress): observe(TransferEvent(progress))
                }
            }
            let before = waiting.subtract(batch.count, ordering: .acquiringAndReleasing).oldValue
            if before >= Self.room, let wakeUp = loop.withLock({ $0 }) { wakeUp.signal() }
        }
    }
}

/// Runs a session on a thread of its own while this one delivers its events.
enum ToldSession {
    /// What is handed to the other thread, and comes back from it; never touched by both at once.
    private final class Parcel<Value>: @unchecked Sendable {
        var value: Value?
        init(_ value: Value?) { self.value = value }
    }

    /// `body` runs on the new thread; nothing of what it holds may be used here before it has returned.
    static func run<Outcome>(
        _ observe: (TransferEvent) -> Void, _ body: @escaping (EventChannel) throws(Errno) -> Outcome
    ) throws(Errno) -> Outcome {
        let channel = EventChannel()
        let work = Parcel(body)
        let result = Parcel<Result<Outcome, Errno>>(nil)
        let thread = try Thread(name: "lifter-session") {
            if let body = work.value {
                do throws(Errno) { result.value = .success(try body(channel)) } catch { result.value = .failure(error) }
            }
            work.value = nil
            channel.close()
        }
        channel.deliver(observe)
        thread.join()
        guard let outcome = result.value else { throw .invalid }
        return try outcome.get()
    }
}
