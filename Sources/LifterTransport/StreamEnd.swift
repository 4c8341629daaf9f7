// One direction of a stream: a descriptor, and the state it must be left in.
//
// Whether reads and writes wait is a property of the open file, and others may hold that file too: the shell that
// started us, the terminal's next program, ssh. So O_NONBLOCK is set only when a driver asks, what was there before
// is remembered, and it comes back when this value goes, whichever way that happens.

package import LifterSystem

package struct StreamEnd: ~Copyable, Sendable {
    package let descriptor: Descriptor
    /// O_NONBLOCK was off when we found it and has been set by us.
    private var restoresBlocking = false

    package init(_ descriptor: consuming Descriptor) {
        self.descriptor = descriptor
    }

    deinit {
        if restoresBlocking { _ = try? Streams.setNonBlocking(false, of: descriptor.raw) }
    }

    /// Makes reads and writes return at once instead of waiting. False where the kernel would not have it: then they
    /// need a thread of their own.
    package mutating func makeNonBlocking() -> Bool {
        do {
            let wasNonBlocking = try Streams.setNonBlocking(true, of: descriptor.raw)
            restoresBlocking = restoresBlocking || !wasNonBlocking
            return try StreamCalls.statusFlags(of: descriptor.raw) & StreamCalls.nonBlocking != 0
        } catch {
            return false
        }
    }
}
