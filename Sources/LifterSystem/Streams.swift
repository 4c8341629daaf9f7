// Bytes in and out of pipes, sockets and terminals, and making such descriptors. What only some callers need of a
// stream (who is there, half-closing, buffer sizes) is in StreamCalls.

import CSuperlifter
import Glibc

/// What a read or write came to. Waiting is an ordinary answer, not an error.
package enum Transfer: Hashable, Sendable {
    /// That many bytes went through: fewer than asked for is normal.
    case bytes(Int)
    /// Nothing for now (EAGAIN): poll first.
    case wouldBlock
    /// Reading only: the other side has ended its direction.
    case end
}

package enum Streams {
    /// read(2). An empty buffer reads nothing and says `.bytes(0)`.
    package static func read(
        _ descriptor: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Transfer {
        let result = try transfer { outcome(Glibc.read(descriptor, buffer.baseAddress, buffer.count)) }
        return result == .bytes(0) && !buffer.isEmpty ? .end : result
    }

    /// write(2). EPIPE where nobody reads any more, provided SIGPIPE is ignored (`Signals.prepareProcess`).
    package static func write(
        _ descriptor: RawDescriptor, from buffer: UnsafeRawBufferPointer
    ) throws(Errno) -> Transfer {
        try transfer { outcome(Glibc.write(descriptor, buffer.baseAddress, buffer.count)) }
    }

    /// writev(2): several pieces in one call, in order; pieces beyond the kernel's 1024 wait for the next call.
    package static func write(
        _ descriptor: RawDescriptor, gathering pieces: [UnsafeRawBufferPointer]
    ) throws(Errno) -> Transfer {
        let count = min(pieces.count, 1024)
        return try transfer {
            withUnsafeTemporaryAllocation(of: iovec.self, capacity: count) { vectors in
                for index in 0..<count {
                    let base = UnsafeMutableRawPointer(mutating: pieces[index].baseAddress)
                    vectors.initializeElement(at: index, to: iovec(iov_base: base, iov_len: pieces[index].count))
                }
                return outcome(writev(descriptor, vectors.baseAddress, Int32(count)))
            }
        }
    }

    private static func transfer(_ call: () -> Int) throws(Errno) -> Transfer {
        do throws(Errno) {
            return .bytes(try retrying(call))
        } catch .again {
            return .wouldBlock
        }
    }

    /// Makes an open file non-blocking, or blocking again, and says what it was. The setting belongs to the open
    /// file: whoever shares it (a parent's terminal, the other number of a socket) is changed with it.
    @discardableResult
    package static func setNonBlocking(
        _ isNonBlocking: Bool, of descriptor: RawDescriptor
    ) throws(Errno) -> Bool {
        let flags = try StreamCalls.statusFlags(of: descriptor)
        let before = flags & O_NONBLOCK != 0
        if before != isNonBlocking {
            let wanted = isNonBlocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
            try StreamCalls.setStatusFlags(wanted, of: descriptor)
        }
        return before
    }

    /// pipe2(2), both ends close-on-exec.
    package static func makePipe() throws(Errno) -> DescriptorPair {
        try makePair(sl_pipe)
    }

    /// Two connected local stream sockets, close-on-exec. Both can read and write.
    package static func makeSocketPair() throws(Errno) -> DescriptorPair {
        try makePair(sl_socketpair)
    }

    private static func makePair(_ make: (UnsafeMutablePointer<Int32>) -> Int32) throws(Errno) -> DescriptorPair {
        let ends = UnsafeMutablePointer<Int32>.allocate(capacity: 2)
        defer { ends.deallocate() }
        ends.initialize(repeating: -1, count: 2)
        try check(Int(make(ends)))
        return DescriptorPair(reading: Descriptor(owning: ends[0]), writing: Descriptor(owning: ends[1]))
    }
}

/// The two ends of a pipe; of a socket pair, just two ends.
package struct DescriptorPair: ~Copyable, Sendable {
    package let reading: Descriptor
    package let writing: Descriptor

    init(reading: consuming Descriptor, writing: consuming Descriptor) {
        self.reading = reading
        self.writing = writing
    }

    /// Takes the pair apart, so that each end can go its own way: (reading, writing), for the caller to own.
    package consuming func release() -> (reading: RawDescriptor, writing: RawDescriptor) {
        (reading.release(), writing.release())
    }
}

/// A descriptor that another thread can make readable. Any thread may signal.
package final class WakeUp: Sendable {
    private let descriptor: Descriptor

    package init() throws(Errno) {
        descriptor = Descriptor(owning: RawDescriptor(truncatingIfNeeded: try check(Int(sl_eventfd()))))
    }

    /// To be polled for reading.
    package var raw: RawDescriptor { descriptor.raw }

    /// Makes it readable. Signals before the next `drain` count as one.
    package func signal() {
        // Fails only when the counter is full, and then it is readable anyway.
        var one: UInt64 = 1
        _ = Glibc.write(descriptor.raw, &one, 8)
    }

    /// Makes it quiet again. Look for work after this, not before, so that no signal is lost.
    package func drain() {
        var count: UInt64 = 0
        _ = Glibc.read(descriptor.raw, &count, 8)
    }
}
