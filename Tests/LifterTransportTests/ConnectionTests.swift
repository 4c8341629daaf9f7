import Glibc
import LifterSystem
import LifterTransport
import Testing

/// Everything that arrives until the end of the stream or `limit` bytes.
private func readAll(_ descriptor: RawDescriptor, limit: Int = .max) throws -> [UInt8] {
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while received.count < limit {
        let transfer = try buffer.withUnsafeMutableBytes { try Streams.read(descriptor, into: $0) }
        switch transfer {
        case .bytes(let count): received += buffer[..<count]
        case .end: return received
        case .wouldBlock: Clock.sleep(nanoseconds: 1_000_000)
        }
    }
    return received
}

private func writeAll(_ bytes: [UInt8], to descriptor: RawDescriptor) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
        switch try rest.withUnsafeBytes({ try Streams.write(descriptor, from: $0) }) {
        case .bytes(let count): rest = rest.dropFirst(count)
        case .wouldBlock, .end: Clock.sleep(nanoseconds: 1_000_000)
        }
    }
}

private func child(_ words: [String], pipes: Bool = false) throws -> Connection {
    try ChildConnection.open(words.map { Array($0.utf8) }, usesPipes: pipes)
}

/// Why it failed, or nil where it did not.
private func failure(_ body: () throws(ConnectFailure) -> Void) -> ConnectFailure? {
    do throws(ConnectFailure) {
        try body()
        return nil
    } catch {
        return error
    }
}

private func seconds(since start: UInt64) -> Double { Double(Clock.monotonic - start) / 1e9 }

struct ChildConnectionTests {
    @Test(arguments: [false, true])
    func bytesGoRoundAndTheEndIsSeen(pipes: Bool) throws {
        var connection = try child(["cat"], pipes: pipes)
        #expect((connection.inputDescriptor == connection.outputDescriptor) == !pipes)
        #expect(connection.peer == .child(command: Array("cat".utf8)))
        let sent = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try writeAll(sent, to: connection.outputDescriptor)
        connection.halfClose()
        #expect(connection.outputDescriptor == -1)
        connection.halfClose()
        #expect(try readAll(connection.inputDescriptor) == sent)
        #expect(connection.finish() == .clean)
    }

    @Test(arguments: [false, true])
    func buffersHoldAtLeast200KiB(pipes: Bool) throws {
        var connection = try child(["sleep", "60"], pipes: pipes)
        let flags = connection.makeNonBlocking()
        #expect(flags == (true, true))
        var held = 0
        let chunk = [UInt8](repeating: 7, count: 16_384)
        while case .bytes(let count) = try chunk.withUnsafeBytes({
            try Streams.write(connection.outputDescriptor, from: $0)
        }) {
            held += count
        }
        #expect(held >= 200_000)
        #expect(connection.finish(patience: 20_000_000) == .childSignaled(15))
    }

    /// A descriptor that is not close-on-exec must not reach the child either.
    @Test(arguments: [false, true])
    func theChildHasNothingButItsThreeStreams(pipes: Bool) throws {
        let leak = try StreamCalls.openNull()
        defer { withExtendedLifetime(leak) {} }
        var connection = try child(["ls", "/proc/self/fd"], pipes: pipes)
        connection.halfClose()
        let listed = String(decoding: try readAll(connection.inputDescriptor), as: UTF8.self)
        // 3 is the directory that ls itself has open.
        #expect(listed.split(separator: "\n") == ["0", "1", "2", "3"])
        #expect(connection.finish() == .clean)
    }

    @Test func theChildHasSignalsAsTheyShouldBe() throws {
        Signals.prepareProcess()
        let connection = try child(["grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"])
        let status = String(decoding: try readAll(connection.inputDescriptor), as: UTF8.self)
        let masks = status.split(separator: "\n").compactMap { UInt64($0.dropFirst(8), radix: 16) }
        // Signals 32 and 33 belong to the C library and pass through as they are.
        #expect(masks.map { $0 & 0x7fff_ffff } == [0, 0])
        #expect(connection.finish() == .clean)
    }

    @Test(arguments: [(0, ConnectionEnd.clean), (3, .childExited(3)), (127, .childExited(127))])
    func exitCodes(code: Int, end: ConnectionEnd) throws {
        let connection = try child(["sh", "-c", "exit \(code)"])
        #expect(connection.finish() == end)
    }

    @Test func wordsReachTheChildWithoutAShell() throws {
        let connection = try child(["printf", "%s|", "a b", "$HOME", "*", "", "'"])
        #expect(try readAll(connection.inputDescriptor) == Array("a b|$HOME|*||'|".utf8))
        #expect(connection.finish() == .clean)
    }

    /// What ssh does with ControlPersist: a process in the background keeps standard error (and here everything).
    @Test(arguments: ["sleep 30 >&2 <&2 &", "sleep 30 &"])
    func aGrandchildThatHoldsOnDoesNotHoldUs(background: String) throws {
        let start = Clock.monotonic
        let connection = try child(["sh", "-c", "\(background) echo $!"])
        let line = try readAll(connection.inputDescriptor, limit: 2)
        #expect(connection.finish() == .clean)
        #expect(seconds(since: start) < 2)
        let digits = String(decoding: line, as: UTF8.self).filter(\.isNumber)
        if let grandchild = Int32(digits) { try? Signals.send(.kill, to: grandchild) }
    }

    @Test func aChildThatWaitsForTheEndIsNotHurried() throws {
        let connection = try child(["sh", "-c", "cat >/dev/null; sleep 0.3; exit 5"])
        #expect(connection.finish() == .childExited(5))
    }

    @Test func aChildThatWillNotGoIsAskedThenKilled() throws {
        var start = Clock.monotonic
        let asked = try child(["sleep", "60"])
        #expect(asked.finish() == .childSignaled(15))
        #expect((1.9...3.9).contains(seconds(since: start)))

        let stubborn = try child(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.2; done"])
        #expect(try readAll(stubborn.inputDescriptor, limit: 6) == Array("ready\n".utf8))
        start = Clock.monotonic
        #expect(stubborn.finish() == .childSignaled(9))
        #expect((3.9...6).contains(seconds(since: start)))
    }

    @Test(arguments: ["/nonexistent/ssh", "superlifter-no-such-program", "/etc/passwd", "/etc"])
    func aProgramThatIsNotThere(program: String) throws {
        let reason = failure { () throws(ConnectFailure) in
            _ = try ChildConnection.open([Array(program.utf8)], usesPipes: false)
        }
        #expect(reason?.kind == .programNotFound)
        #expect(reason?.message.contains(program) == true)
    }
}

struct RegistryTests {
    private func hints(_ written: [String]) throws -> [Hint] {
        try written.map { try Hint.parse(Array($0.utf8), from: .local) }
    }

    @Test func theFirstThatAnswersProperlyIsTaken() throws {
        let list = try hints([
            "tor:x.onion:1", "tcp:127.0.0.1:1", "unix:/nonexistent/socket", "command:sh -c 'echo Welcome'",
            "command:echo SUPER", "command:echo never",
        ])
        var greeted = 0
        let connection = try HintRegistry.standard.connect(list, context: ConnectContext()) {
            (connection: inout Connection) throws(ConnectFailure) in
            greeted += 1
            guard let line = try? readAll(connection.inputDescriptor), line.starts(with: "SUPER".utf8) else {
                throw ConnectFailure(.stream, "no greeting")
            }
        }
        #expect(greeted == 2)
        #expect(connection.finish() == .clean)
    }

    @Test func whenNoneWorksEachHasItsReason() throws {
        let list = try hints([
            "tor:x.onion:1", "tcp:127.0.0.1:1", "unix:/nonexistent/socket", "command:sh -c 'exit 127'",
            "command:/nonexistent/x",
        ])
        let reason = failure { () throws(ConnectFailure) in
            _ = try HintRegistry.standard.connect(list, context: ConnectContext()) {
                (_: inout Connection) throws(ConnectFailure) in
                throw ConnectFailure(.stream, "closed too early")
            }
        }
        let message = try #require(reason?.message)
        for part in [
            "tor:x.onion:1: this release has no handler",
            "tcp:127.0.0.1:1: cannot connect: 127.0.0.1:1: Connection refused",
            "unix:/nonexistent/socket: cannot connect: No such file", "closed too early; the program was not found",
            "--remote-path", "SUPERLIFTER_REMOTE_PATH", "command:/nonexistent/x: cannot start",
        ] {
            #expect(message.contains(part), "\(message)")
        }
        #expect(reason?.kind == .socket)
    }

    @Test func oneHintKeepsItsOwnKind() throws {
        func kind(_ hint: String) throws -> ConnectFailure.Kind? {
            let list = try hints([hint])
            let reason = failure { () throws(ConnectFailure) in
                _ = try HintRegistry.standard.connect(list, context: ConnectContext()) {
                    (_: inout Connection) throws(ConnectFailure) in
                    throw ConnectFailure(.refused, "no")
                }
            }
            return reason?.kind
        }
        #expect(try kind("tcp:127.0.0.1:1") == .socket)
        #expect(try kind("command:true") == .refused)
        #expect(try kind("command:sh -c 'exit 127'") == .programNotFound)
        #expect(try kind("unix:/\(String(repeating: "x", count: 200))") == .socket)
    }

    /// A stand-in for ssh that shows what it was given.
    @Test func sshIsStartedThroughTheRegistry() throws {
        var context = ConnectContext()
        context.rshCommand = try CommandWords.split(Array("printf '%s,'".utf8))
        let connection = try HintRegistry.standard.open(try hints(["ssh:u@box"])[0], context: context)
        let shown = String(decoding: try readAll(connection.inputDescriptor), as: UTF8.self)
        #expect(shown == "-l,u,box,superlifter,serve,--inetd,--unconfined,")
        #expect(connection.finish() == .clean)
    }

    @Test func adviceNamesTheNextStep() {
        let ssh = PeerFacts.child(command: Array("ssh".utf8))
        #expect(ConnectionEnd.childExited(127).advice(for: ssh)?.contains("--remote-path") == true)
        #expect(ConnectionEnd.childExited(255).advice(for: ssh)?.contains("ssh itself failed") == true)
        #expect(ConnectionEnd.clean.advice(for: ssh) == nil)
        #expect(ConnectionEnd.childExited(1).advice(for: .pipe) == nil)
    }
}

struct StreamTests {
    @Test func nonBlockingIsTakenBackAtTheEnd() throws {
        let pair = try Streams.makeSocketPair()
        func isNonBlocking() throws -> Bool {
            try StreamCalls.statusFlags(of: pair.reading.raw) & StreamCalls.nonBlocking != 0
        }
        for wasSet in [false, true] {
            try Streams.setNonBlocking(wasSet, of: pair.reading.raw)
            var end = StreamEnd(try StreamCalls.duplicate(pair.reading.raw))
            #expect(end.makeNonBlocking() && end.makeNonBlocking())
            #expect(try isNonBlocking())
            _ = consume end
            #expect(try isNonBlocking() == wasSet)
        }
    }

    /// Two numbers that are one socket: both directions stay usable after each other's change, nothing closes twice.
    @Test func halfCloseOnSeparateNumbersOfOneSocket() throws {
        let pair = try Streams.makeSocketPair()
        var connection = Connection(
            input: StreamEnd(try StreamCalls.duplicate(pair.reading.raw)),
            output: StreamEnd(try StreamCalls.duplicate(pair.reading.raw)), peer: .unix(userID: nil))
        connection.halfClose()
        #expect(try readAll(pair.writing.raw) == [])
        try writeAll([1, 2], to: pair.writing.raw)
        #expect(try readAll(connection.inputDescriptor, limit: 2) == [1, 2])
        #expect(connection.finish() == .clean)
    }

    /// In a process of its own, where nothing else opens or closes.
    @Test func everyDescriptorIsClosedOnceAndNoneIsLeft() async {
        await #expect(processExitsWith: .success) {
            func open() -> Set<RawDescriptor> { Set((0..<1_024).filter { DescriptorKind(of: $0) != .closed }) }
            for pipes in [false, true] {
                _ = try child(["true"], pipes: pipes).finish()
                let before = open()
                // What another thread had open for a moment is not missed.
                _ = usleep(10_000)
                let lasting = before.intersection(open())
                for _ in 0..<20 {
                    var connection = try child(["true"], pipes: pipes)
                    connection.halfClose()
                    _ = connection.makeNonBlocking()
                    // Numbers that a second close would hit.
                    let bystander = try StreamCalls.openNull()
                    _ = connection.finish()
                    precondition(DescriptorKind(of: bystander.raw) == .null)
                    _ = try? ChildConnection.open([Array("/nonexistent".utf8)], usesPipes: pipes)
                    precondition(DescriptorKind(of: bystander.raw) == .null)
                }
                // Whatever else lives in this process may have a file open for a moment.
                precondition((0..<100).contains { _ in open().isSubset(of: before) || usleep(10_000) != 0 })
                precondition(lasting.isSubset(of: open()))
            }
        }
    }
}
