import LifterSystem
import LifterTransport
import Testing

// Each test gives a process of its own chosen standard streams, takes them over, and looks at what became of them.
// `must` ends that process, which the test outside sees.

/// unshare(2), which Glibc's module leaves out.
@_silgen_name("unshare") private func unshare(_ flags: Int32) -> Int32
/// CLONE_FILES of sched.h.
private let ownDescriptors: Int32 = 0x400

private func prepare() {
    Signals.prepareProcess()
    // A number that is free for a moment must not be taken by another thread of the process.
    must(unshare(ownDescriptors) == 0)
}

private func must(_ condition: Bool, line: UInt = #line) {
    precondition(condition, "line \(line)")
}

struct StdioTests {
    @Test func oneSocketForEverythingAsUnderInetd() async {
        await #expect(processExitsWith: .success) {
            prepare()
            let pair = try Streams.makeSocketPair()
            for number in RawDescriptor(0)...2 { try StreamCalls.place(pair.reading.raw, onStandard: number) }
            let stdio = try StdioConnection.take()
            must(stdio.stderrIsStream)
            must(stdio.connection.inputDescriptor == stdio.connection.outputDescriptor)
            must(stdio.connection.inputDescriptor >= 3)
            guard case .unix(.some) = stdio.connection.peer else { preconditionFailure("no user") }
            for number in RawDescriptor(0)...2 { must(DescriptorKind(of: number) == .null) }
            // What anybody prints now must not reach the peer.
            print("noise")
            try Streams.setNonBlocking(true, of: pair.writing.raw)
            var buffer: [UInt8] = [0]
            let seen = try buffer.withUnsafeMutableBytes { try Streams.read(pair.writing.raw, into: $0) }
            must(seen == .wouldBlock)
        }
    }

    @Test func pipesWithSeparateErrors() async {
        await #expect(processExitsWith: .success) {
            prepare()
            let down = try Streams.makePipe()
            let up = try Streams.makePipe()
            let errors = try Streams.makePipe()
            try StreamCalls.place(down.reading.raw, onStandard: 0)
            try StreamCalls.place(up.writing.raw, onStandard: 1)
            try StreamCalls.place(errors.writing.raw, onStandard: 2)
            var stdio = try StdioConnection.take()
            must(!stdio.stderrIsStream && stdio.connection.peer == .pipe)
            must(DescriptorKind(of: 0) == .null)
            must(DescriptorKind.areSameObject(1, 2) && DescriptorKind.areSameObject(2, errors.writing.raw))
            must(DescriptorKind.areSameObject(stdio.connection.inputDescriptor, down.reading.raw))
            must(DescriptorKind.areSameObject(stdio.connection.outputDescriptor, up.writing.raw))
            // The flag belongs to the open file that others share, so it must be off again afterwards.
            let done = stdio.connection.makeNonBlocking()
            must(done.input && done.output)
            must(try StreamCalls.statusFlags(of: up.writing.raw) & StreamCalls.nonBlocking != 0)
            _ = stdio.release().finish()
            must(try StreamCalls.statusFlags(of: up.writing.raw) & StreamCalls.nonBlocking == 0)
            must(try StreamCalls.statusFlags(of: down.reading.raw) & StreamCalls.nonBlocking == 0)
        }
    }

    @Test func errorsJoinedToTheStreamOrClosed() async {
        await #expect(processExitsWith: .success) {
            prepare()
            let down = try Streams.makePipe()
            let up = try Streams.makePipe()
            try StreamCalls.place(down.reading.raw, onStandard: 0)
            try StreamCalls.place(up.writing.raw, onStandard: 1)
            try StreamCalls.place(up.writing.raw, onStandard: 2)
            let stdio = try StdioConnection.take()
            must(stdio.stderrIsStream && DescriptorKind(of: 1) == .null && DescriptorKind(of: 2) == .null)
        }
        await #expect(processExitsWith: .success) {
            prepare()
            let down = try Streams.makePipe()
            let up = try Streams.makePipe()
            try StreamCalls.place(down.reading.raw, onStandard: 0)
            try StreamCalls.place(up.writing.raw, onStandard: 1)
            _ = Descriptor(owning: 2)
            let stdio = try StdioConnection.take()
            must(stdio.stderrIsStream && DescriptorKind(of: 2) == .null)
            must(stdio.connection.inputDescriptor > 2 && stdio.connection.outputDescriptor > 2)
        }
    }

    @Test(arguments: RawDescriptor(0)...1)
    func aClosedStreamIsAnErrorNotASurprise(number: RawDescriptor) async {
        await #expect(processExitsWith: .success) { [number] in
            prepare()
            let down = try Streams.makePipe()
            let up = try Streams.makePipe()
            try StreamCalls.place(down.reading.raw, onStandard: 0)
            try StreamCalls.place(up.writing.raw, onStandard: 1)
            _ = Descriptor(owning: number)
            do throws(ConnectFailure) {
                _ = try StdioConnection.take()
                preconditionFailure("served a closed stream")
            } catch {
                must(error.kind == .socket)
            }
        }
    }

    @Test func peersAreNamed() throws {
        let pair = try Streams.makeSocketPair()
        guard case .unix(.some) = try StdioConnection.peerFacts(of: pair.reading.raw) else {
            Issue.record("a Unix socket has a user")
            return
        }
        let pipe = try Streams.makePipe()
        #expect(try StdioConnection.peerFacts(of: pipe.reading.raw) == .pipe)
        #expect(throws: Errno.self) { try StdioConnection.peerFacts(of: 999_999) }
    }
}
