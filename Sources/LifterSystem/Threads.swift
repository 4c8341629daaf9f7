// Threads of our own, for calls that block: never Swift's pool, never Dispatch.

import CSuperlifter
import Glibc
import Synchronization

/// A running thread. Dropped without `join`, it runs on to its end by itself.
package final class Thread: Sendable {
    private let handle: pthread_t
    private let isJoined = Atomic<Bool>(false)

    /// Starts `body`. `name` shows in ps and top (15 bytes at most); `stackSize` is in bytes, 64 KiB at least.
    /// EAGAIN where the system allows no more threads.
    package init(
        name: String, stackSize: Int = 512 << 10, _ body: @escaping @Sendable () -> Void
    ) throws(Errno) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        let page = 4096
        pthread_attr_setstacksize(&attributes, (max(stackSize, 64 << 10) + page - 1) / page * page)
        var handle = pthread_t()
        let result = pthread_create(&handle, &attributes, runThread, start.toOpaque())
        if result != 0 {
            start.release()
            throw Errno(rawValue: result)
        }
        self.handle = handle
    }

    deinit {
        if !isJoined.load(ordering: .relaxed) { pthread_detach(handle) }
    }

    /// Waits for the end of the thread; a second call returns at once.
    package func join() {
        if !isJoined.exchange(true, ordering: .acquiringAndReleasing) { pthread_join(handle, nil) }
    }

    /// Lets other threads of this processor run first.
    package static func yield() { sched_yield() }

    /// Processors this process may run on; at least 1.
    package static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}

private final class Start {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

private func runThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
    _ = sl_name_thread(start.name)
    start.body()
    return nil
}
