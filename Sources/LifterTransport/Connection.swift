// A connection: bytes in, bytes out, who is there, and how it is properly ended.
//
// Everything above this target sees no difference between a child behind two pipes, a socket, and the standard
// streams of a server. What differs is hidden in three places: one descriptor may serve both directions (and is then
// closed once), ending the sending direction is a call on a socket and a close on a pipe, and a child has to be
// waited for, asked to go, and in the end made to.

package import LifterSystem

/// Who is at the other end. There is no "unknown": a rule about addresses must never meet an absent one.
package enum PeerFacts: Hashable, Sendable {
    /// The numeric address as text, without port; IPv4 also where it came inside IPv6.
    case tcp(address: [UInt8])
    /// The user at the other end of a Unix socket, where the kernel knows it.
    case unix(userID: UInt32?)
    /// Something started us with pipes or files; it is as trustworthy as whoever did so.
    case pipe
    /// A child of ours; its program name, fit for a terminal.
    case child(command: [UInt8])
}

package struct Connection: ~Copyable, Sendable {
    package let peer: PeerFacts
    private var input: StreamEnd?
    private var output: Output
    private var child: ChildProcess?

    private enum Output: ~Copyable, Sendable {
        case sameAsInput
        case separate(StreamEnd)
        case closed
    }

    /// One descriptor for both directions.
    package init(duplex: consuming StreamEnd, peer: PeerFacts, child: consuming ChildProcess? = nil) {
        self.peer = peer
        self.input = consume duplex
        self.output = .sameAsInput
        self.child = consume child
    }

    /// A descriptor for each direction.
    package init(
        input: consuming StreamEnd, output: consuming StreamEnd, peer: PeerFacts, child: consuming ChildProcess? = nil
    ) {
        self.peer = peer
        self.input = consume input
        self.output = .separate(consume output)
        self.child = consume child
    }

    /// The descriptor to read from. Lent: it is closed by `finish`, or when this value goes.
    package var inputDescriptor: RawDescriptor {
        switch input {
        case .some(let end): end.descriptor.raw
        case .none: -1
        }
    }

    /// The descriptor to write to, perhaps the same number. After `halfClose` it is -1, which poll(2) passes over.
    package var outputDescriptor: RawDescriptor {
        switch output {
        case .sameAsInput: inputDescriptor
        case .separate(let end): end.descriptor.raw
        case .closed: -1
        }
    }

    /// Makes both directions non-blocking until the connection ends. Each flag is false where the kernel refused:
    /// then that direction needs a thread of its own.
    package mutating func makeNonBlocking() -> (input: Bool, output: Bool) {
        let inputDone = input?.makeNonBlocking() ?? true
        // Taken out and put back: an enum's payload is changed only by replacing it.
        let old = exchange(&output, with: .closed)
        switch consume old {
        case .sameAsInput:
            output = .sameAsInput
            return (inputDone, inputDone)
        case .separate(var end):
            let outputDone = end.makeNonBlocking()
            output = .separate(end)
            return (inputDone, outputDone)
        case .closed:
            return (inputDone, true)
        }
    }

    /// Ends the sending direction: the peer reads to the end of the stream and can still answer.
    package mutating func halfClose() {
        switch output {
        case .sameAsInput: try? StreamCalls.shutdownSending(inputDescriptor)
        // A socket is told so also when another process holds it open; a pipe answers ENOTSOCK and is closed.
        case .separate(let end): try? StreamCalls.shutdownSending(end.descriptor.raw)
        case .closed: return
        }
        output = .closed
    }

    /// Ends the connection. Our ends are closed first. A child then has `patience` (nanoseconds) to go by itself, as
    /// much again after SIGTERM, and is killed if need be; it is always reaped. Only the child itself is waited for,
    /// never the end of its standard error: an ssh ControlPersist master may hold that open for hours. A connection
    /// that is merely dropped closes too, but kills its child at once.
    package consuming func finish(patience: UInt64 = 2_000_000_000) -> ConnectionEnd {
        output = .closed
        input = nil
        guard var child = child.take() else { return .clean }
        do {
            switch try child.terminatePolitely(grace: patience) {
            case .exited(0): return .clean
            case .exited(let code): return .childExited(code)
            case .signaled(let number): return .childSignaled(number)
            }
        } catch {
            // Somebody else has reaped it; how it ended is not known any more.
            return .clean
        }
    }
}

private func exchange<Value: ~Copyable>(_ place: inout Value, with new: consuming Value) -> Value {
    let old = place
    place = new
    return old
}
