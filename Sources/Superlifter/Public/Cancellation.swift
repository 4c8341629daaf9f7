import LifterSystem
import Synchronization

/// A request to end a session cleanly: the peer is told, nothing half-done stays under a final name.
public final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)
    private let wakeUp: WakeUp?

    /// Not asked yet.
    public init() { wakeUp = try? WakeUp() }

    /// Any thread may ask, also more than once.
    public func cancel() {
        flag.store(true, ordering: .releasing)
        wakeUp?.signal()
    }

    /// Whether it was asked.
    public var isCancelled: Bool { flag.load(ordering: .acquiring) }

    /// Readable once cancelled.
    var raw: RawDescriptor { wakeUp?.raw ?? -1 }
}
