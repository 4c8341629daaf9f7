// The program itself as the real end: every list once more against a process, so that a trap is seen as what it is;
// few descriptors, a kernel without openat2, a receiver that is not root, a server that may only be read.

import Glibc
import LifterProtocol
import LifterSystem
import Superlifter
import Testing

@Suite(.serialized) struct ProgramTests {
    private static func has(_ name: String) -> Bool {
        ["/usr/bin/", "/bin/", "/usr/sbin/"].contains { access($0 + name, X_OK) == 0 }
    }

    private static func serve(_ arena: borrowing Arena, _ more: [String] = []) -> [String] {
        [RealEnd.binary, "serve", "--inetd", "--root", arena.destination] + more
    }

    @Test("Every list against the program")
    func sweep() throws {
        try Sweep.all(.program) { list in
            let arena = try Arena()
            let ending = try RealEnd.child(Self.serve(arena)) { $0.push(list, to: bytes("/")) }
            return judgement(list, ending, arena, "against the program")
        }
    }

    /// strace makes the kernel say ENOSYS; it is slow, so a part of the lists has to do.
    @Test("A part of the lists on a kernel without openat2", .enabled(if: ProgramTests.has("strace")))
    func withoutOpenat2() throws {
        let lists = (AllLists.table + AllLists.random).enumerated().filter { $0.offset % 12 == 0 }.map(\.element)
        for list in lists {
            let arena = try Arena()
            let command =
                ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=openat2", "-e", "inject=openat2:error=ENOSYS"]
                + Self.serve(arena)
            let ending = try RealEnd.child(command) { $0.push(list, to: bytes("/")) }
            judge(list, ending, arena, "without openat2")
        }
    }

    @Test("A receiver that is not root makes no devices and gives nothing away", .enabled(if: ProgramTests.isRoot))
    func notRoot() throws {
        let list = HostileList("devices and programs of others") { key in
            [
                .opened(0),
                .entries(
                    [
                        .device(bytes("a"), .characterDevice, number: 1 << 32 | 3),
                        .device(bytes("b"), .blockDevice, number: 8 << 32),
                        RawEntry(name: bytes("program"), mode: 0o6755, user: 0, group: 0, size: 3),
                    ], flags: 20), .contents([.honest(3, "bad", key: key)]), .listingEnd,
            ]
        }
        let arena = try Arena(populated: false)
        chmod(arena.top, 0o755)
        chown(arena.destination, 65_534, 65_534)
        let prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        let ending = try RealEnd.child(prefix + Self.serve(arena)) { $0.push(list, to: bytes("/")) }
        judge(list, ending, arena, "as nobody")
        #expect(Arena.names(in: arena.destination) == ["program"])
        let program = Arena.identities(of: arena.destination + "/program").values.first
        #expect(program?.user == 65_534 && program?.group == 65_534)
    }

    private static var isRoot: Bool { geteuid() == 0 && has("setpriv") }

    @Test(
        "Two dozen descriptors are enough for a confined server that is pushed to",
        .enabled(if: ProgramTests.has("prlimit")))
    func fewDescriptors() throws {
        let arena = try Arena(populated: false)
        let source = arena.top + "/source"
        mkdir(source, 0o755)
        for outer in 0..<20 {
            mkdir("\(source)/d\(outer)", 0o755)
            for inner in 0..<20 {
                mkdir("\(source)/d\(outer)/e\(inner)", 0o755)
                for file in 0..<3 {
                    Arena.write("\(outer) \(inner) \(file)", to: "\(source)/d\(outer)/e\(inner)/f\(file)")
                }
            }
        }
        Arena.write(String(repeating: "large ", count: 100_000), to: source + "/large")
        for round in 1...2 {
            let ending = try RealEnd.client(
                ["prlimit", "--nofile=24"] + Self.serve(arena)
            ) { (descriptor) throws(SuperlifterError) in
                var client = Client()
                client.options.deletion = .after
                var failures: [String] = []
                _ = try client.push(
                    [bytes(source + "/")], toPath: bytes("/"), input: descriptor, output: descriptor
                ) { event in
                    if case .failed(let failure) = event, failures.count < 5 {
                        failures.append("\(Display.escaped(failure.path)): \(failure.reason)")
                    }
                }
                #expect(failures.isEmpty, "round \(round)")
            }
            #expect(!ending.isFailure && ending.isSafe, "round \(round): \(ending)")
        }
        var differences = try ChildProcess(["diff", "-r", source, arena.destination].map(bytes), output: .null)
        #expect(try differences.wait(timeout: 60_000_000_000) == .exited(0))
        #expect(arena.harm() == nil)
    }

    @Test("What a hostile peer says reaches a terminal without escapes")
    func escapes() throws {
        let arena = try Arena()
        let log = arena.top + "/errors"
        let words = bytes("\u{1b}]0;owned\u{7}\n\u{9b}2J")
        for number in [0, UInt64(UInt32.max), 1 << 31] as [UInt64] {
            var writer = ByteWriter()
            writer.u8(23)
            writer.varint(number)
            writer.string(words)
            let payload = writer.bytes
            let ending = try RealEnd.child(Self.serve(arena, ["-v"]), errors: log) { peer in
                guard peer.greetServer(job: RawJob.push(to: bytes("/"))) else { return }
                peer.send(HostileFrame(.abort, payload))
            }
            #expect(ending.isFailure, "\(ending)")
            let said = try #require(Arena.contents(of: log))
            #expect(!said.isEmpty && !said.dropLast().contains { $0 < 0x20 || $0 == 0x7f })
            #expect(!String(decoding: said, as: UTF8.self).unicodeScalars.contains { (0x80...0x9f).contains($0.value) })
        }
    }
}

extension RealEnd {
    /// A server as a child, and a client of the library on a thread of its own at the other end.
    static func client(
        _ command: [String], _ body: @escaping @Sendable (RawDescriptor) throws(SuperlifterError) -> Void
    ) throws -> Ending {
        signal(SIGPIPE, SIG_IGN)
        let (mine, theirs) = try Streams.makeSocketPair().release()
        var child = try ChildProcess(
            command.map(bytes), input: .descriptor(theirs), output: .descriptor(theirs), error: .null)
        close(theirs)
        defer { close(mine) }
        do throws(SuperlifterError) { try body(mine) } catch { return .failed(error.description) }
        shutdown(mine, Int32(SHUT_WR))
        switch try child.wait(timeout: 60_000_000_000) {
        case nil: return .hung
        case .exited(0)?: return .complete
        case .exited(let code)?: return code > 128 ? .killed(code - 128) : .failed("exit \(code)")
        case .signaled(let signal)?: return .killed(signal)
        }
    }
}
