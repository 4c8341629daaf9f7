// Children: how they start, what they inherit, how they end.

import Glibc
import LifterSystem
import Testing

@Suite struct SpawnTests {
    init() { Signals.prepareProcess() }

    private func run(_ arguments: String..., environment: [String]? = nil) throws -> (ChildStatus?, String) {
        let pipe = try Streams.makePipe().release()
        let reading = Descriptor(owning: pipe.reading)
        let writing = Descriptor(owning: pipe.writing)
        var child = try ChildProcess(
            arguments.map(\.bytes), environment: environment?.map(\.bytes), input: .null,
            output: .descriptor(writing.raw))
        try writing.close()
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case .bytes(let count) = try buffer.withUnsafeMutableBytes({ try Streams.read(reading.raw, into: $0) }) {
            text += buffer[..<count]
        }
        return (try child.wait(timeout: nil), String(decoding: text, as: UTF8.self))
    }

    @Test func exitCodesAndSignals() throws {
        #expect(try run("true").0 == .exited(0))
        #expect(try run("sh", "-c", "exit 255").0 == .exited(255))
        #expect(try run("sh", "-c", "no-such-command-here 2>/dev/null").0 == .exited(127))
        #expect(try run("sh", "-c", "kill -KILL $$").0 == .signaled(9))
        #expect(try run("sh", "-c", "kill -PIPE $$").0 == .signaled(13), "SIGPIPE is at its default in children")
    }

    @Test func failureToStartIsAnErrno() throws {
        #expect(throws: Errno.noEntry) { _ = try ChildProcess(["no-such-program-anywhere".bytes]) }
        #expect(throws: Errno.noEntry) { _ = try ChildProcess(["/nowhere/at/all".bytes]) }
        #expect(throws: Errno.noEntry) { _ = try ChildProcess([]) }
        #expect(throws: Errno.access) { _ = try ChildProcess(["/etc/passwd".bytes]) }
        #expect(throws: Errno.invalid) { _ = try ChildProcess(["true".bytes, [65, 0, 66]]) }
        #expect(throws: Errno.badDescriptor) { _ = try ChildProcess(["true".bytes], output: .descriptor(99_999)) }
    }

    @Test func argumentsAndEnvironmentAreBytes() throws {
        #expect(try run("printf", "%s|", "a b", "", "$x", "\u{1}").1 == "a b||$x|\u{1}|")
        #expect(try run("env", environment: ["ONE=1", "TWO=a=b"]).1 == "ONE=1\nTWO=a=b\n")
        #expect(try run("sh", "-c", "echo $HOME").1 == String(cString: getenv("HOME") ?? strdup("")) + "\n")
    }

    /// Even a descriptor somebody else left open across exec stays with us.
    @Test func nothingLeaks() throws {
        let leaky = Descriptor(owning: dup(0))
        #expect(fcntl(leaky.raw, F_GETFD) & FD_CLOEXEC == 0)
        // 3 is the directory that ls reads.
        #expect(try run("ls", "/proc/self/fd").1 == "0\n1\n2\n3\n")
        // Signals 32 and 33 are the C library's own; its posix_spawn ignores them in every child.
        for (field, allowed) in [("SigBlk", UInt64(0)), ("SigIgn", 0x1_8000_0000)] {
            let line = try run("grep", field, "/proc/self/status").1
            let set = try #require(UInt64(line.split(separator: "\t").last?.dropLast() ?? "", radix: 16))
            #expect(set & ~allowed == 0, "\(line)")
        }
    }

    @Test func standardDescriptorsMayBeCrossed() throws {
        let first = try Streams.makePipe().release()
        let second = try Streams.makePipe().release()
        let in1 = Descriptor(owning: first.reading)
        let out1 = Descriptor(owning: first.writing)
        let in2 = Descriptor(owning: second.reading)
        let out2 = Descriptor(owning: second.writing)
        var child = try ChildProcess(
            ["sh", "-c", "cat; echo error >&2"].map(\.bytes), input: .descriptor(in1.raw),
            output: .descriptor(out2.raw), error: .descriptor(out2.raw))
        try out2.close()
        _ = try "text ".bytes.withUnsafeBytes { try Streams.write(out1.raw, from: $0) }
        try out1.close()
        var buffer = [UInt8](repeating: 0, count: 100)
        #expect(try child.wait(timeout: nil) == .exited(0))
        let result = try buffer.withUnsafeMutableBytes { try Streams.read(in2.raw, into: $0) }
        #expect(result == .bytes(11) && buffer.starts(with: "text error\n".utf8))
        try in1.close()
    }

    @Test func waitingHasALimit() throws {
        var child = try ChildProcess(["sleep".bytes, "60".bytes])
        #expect(try child.wait(timeout: 0) == nil)
        let start = Clock.monotonic
        #expect(try child.wait(timeout: 30_000_000) == nil)
        #expect(Clock.monotonic - start >= 30_000_000)
        try child.send(.terminate)
        #expect(try child.wait(timeout: 10_000_000_000) == .signaled(15))
        #expect(try child.wait(timeout: nil) == .signaled(15), "asked again, the same answer")
        try child.send(.kill)
    }

    @Test func politeEnds() throws {
        var willing = try ChildProcess(["true".bytes])
        #expect(try willing.terminatePolitely(grace: 10_000_000_000) == .exited(0))
        var asked = try ChildProcess(["sleep".bytes, "60".bytes])
        #expect(try asked.terminatePolitely(grace: 50_000_000) == .signaled(15))

        let pipe = try Streams.makePipe().release()
        let reading = Descriptor(owning: pipe.reading)
        let writing = Descriptor(owning: pipe.writing)
        var deaf = try ChildProcess(
            ["sh", "-c", "trap '' TERM; echo; while :; do sleep 0.05; done"].map(\.bytes),
            output: .descriptor(writing.raw))
        var byte = [UInt8](repeating: 0, count: 1)
        _ = try byte.withUnsafeMutableBytes { try Streams.read(reading.raw, into: $0) }
        let start = Clock.monotonic
        #expect(try deaf.terminatePolitely(grace: 100_000_000) == .signaled(9))
        #expect(Clock.monotonic - start >= 200_000_000)
        try writing.close()
    }

    @Test func droppedChildrenAreReaped() throws {
        let process: Int32
        do {
            let child = try ChildProcess(["sleep".bytes, "60".bytes])
            process = child.processID
            #expect(kill(process, 0) == 0)
        }
        #expect(kill(process, 0) == -1 && errno == ESRCH)
    }
}
