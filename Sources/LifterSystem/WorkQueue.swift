// Work between threads: one queue, many takers. Takers sleep on a condition, never in a loop of looks.

public import Glibc

/// First in, first out; `take` waits. Closed, it gives what is left and then nil.
///
/// Public and inlinable, so that it is made for its elements in the modules that use it.
public final class WorkQueue<Element: Sendable>: @unchecked Sendable {
    // Unchecked: everything below is touched under `mutex` only.
    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline let arrived: UnsafeMutablePointer<pthread_cond_t>
    @usableFromInline var items: [Element?] = []
    @usableFromInline var front = 0
    @usableFromInline var isClosed = false
    @usableFromInline var sleeping = 0

    @inlinable package init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        arrived = .allocate(capacity: 1)
        arrived.initialize(to: pthread_cond_t())
        pthread_cond_init(arrived, nil)
    }

    @inlinable deinit {
        pthread_cond_destroy(arrived)
        pthread_mutex_destroy(mutex)
        arrived.deallocate()
        mutex.deallocate()
    }

    /// Adds a batch under one lock; wakes as many takers as there is work for.
    @inlinable package func add(_ batch: [Element]) {
        guard !batch.isEmpty else { return }
        pthread_mutex_lock(mutex)
        for item in batch { items.append(item) }
        let wake = min(sleeping, items.count - front)
        pthread_mutex_unlock(mutex)
        for _ in 0..<wake { pthread_cond_signal(arrived) }
    }

    /// The next item; waits for one. Nil once the queue is closed and empty.
    @inlinable package func take() -> Element? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while front == items.count && !isClosed {
            sleeping += 1
            pthread_cond_wait(arrived, mutex)
            sleeping -= 1
        }
        return next()
    }

    /// The next item if there is one at once.
    @inlinable package func takeIfAny() -> Element? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return next()
    }

    @inlinable func next() -> Element? {
        guard front < items.count else { return nil }
        let item = items[front].take()
        front += 1
        if front == items.count {
            items.removeAll(keepingCapacity: true)
            front = 0
        }
        return item
    }

    /// No more will be added; takers end when nothing is left.
    @inlinable package func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_mutex_unlock(mutex)
        pthread_cond_broadcast(arrived)
    }
}
