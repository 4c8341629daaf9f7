// Waiting for several descriptors at once: poll(2), which has no limit on their numbers.

import CSuperlifter
import Glibc

package struct PollEvents: OptionSet, Sendable {
    package let rawValue: Int16
    package init(rawValue: Int16) { self.rawValue = rawValue }

    package static let readable = PollEvents(rawValue: Int16(POLLIN))
    package static let writable = PollEvents(rawValue: Int16(POLLOUT))
    /// Told without being asked for: the other side is gone; what it sent before can still be read.
    package static let hangUp = PollEvents(rawValue: Int16(POLLHUP))
    /// Told without being asked for; for the write end of a pipe, that nobody reads it.
    package static let error = PollEvents(rawValue: Int16(POLLERR))
    /// Told without being asked for: the descriptor is not open.
    package static let invalid = PollEvents(rawValue: Int16(POLLNVAL))
}

/// A list of descriptors and what is awaited of each; kept by the caller and reused. Borrows the descriptors.
///
///     poller.removeAll()
///     let input = poller.add(fd, .readable)
///     _ = try poller.wait(timeout: nanoseconds)
///     if !poller.events(at: input).isEmpty { ... }
package struct Poller: Sendable {
    private var entries: [pollfd] = []

    package init() {}

    package mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    /// Its place in the list, to ask by later. A negative descriptor is passed over by the kernel.
    @discardableResult
    package mutating func add(_ descriptor: RawDescriptor, _ events: PollEvents) -> Int {
        entries.append(pollfd(fd: descriptor, events: events.rawValue, revents: 0))
        return entries.count - 1
    }

    /// Changes what is awaited of a place; nothing at all still tells of hang-ups and errors.
    package mutating func await(_ events: PollEvents, at index: Int) {
        entries[index].events = events.rawValue
    }

    /// Waits until something has happened, at most `timeout` nanoseconds (nil: without end), and says how many
    /// descriptors have news. 0 after the time-out, and also when a signal came: look at the clock.
    package mutating func wait(timeout: UInt64?) throws(Errno) -> Int {
        let timeout = timeout.map { Int64(clamping: $0) } ?? -1
        let result = entries.withUnsafeMutableBufferPointer {
            Int(sl_ppoll(UnsafeMutableRawPointer($0.baseAddress), $0.count, timeout))
        }
        if result == -Int(EINTR) {
            for index in entries.indices { entries[index].revents = 0 }
            return 0
        }
        return try check(result)
    }

    /// What the last `wait` found at a place.
    package func events(at index: Int) -> PollEvents { PollEvents(rawValue: entries[index].revents) }
}
