// Names that are odd but honest arrive byte for byte: every byte but the slash, the longest names, paths beyond what
// the kernel takes in one piece, five thousand directories in each other.

import Glibc
import LifterSystem
import Superlifter
import Testing

@Suite(.serialized) struct OddNamesTests {
    /// A directory for odd things, opened: names go to the kernel as bytes.
    private static func makeSource(_ path: String) -> RawDescriptor {
        mkdir(path, 0o755)
        return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }

    private static func make(_ name: [UInt8], in directory: RawDescriptor) {
        let path = (name + [0]).map { CChar(bitPattern: $0) }
        let file = openat(directory, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        _ = name.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        close(file)
    }

    private static func client(_ usesOpenat2: Bool) -> Client {
        var client = Client()
        client.usesOpenat2 = usesOpenat2
        client.options.deletion = .after
        return client
    }

    /// Nothing may fail; what did is told.
    private final class Failures {
        var told: [String] = []

        func note(_ event: TransferEvent) {
            if case .failed(let failure) = event, told.count < 5 {
                told.append("\(Display.escaped(failure.path.suffix(40))): \(failure.reason)")
            }
        }
    }

    private static func push(_ source: String, _ destination: String, usesOpenat2: Bool) throws -> TransferSummary {
        let failures = Failures()
        let summary = try client(usesOpenat2).push([bytes(source + "/")], to: bytes(destination + "/")) {
            failures.note($0)
        }
        #expect(failures.told.isEmpty && summary.failed == 0)
        return summary
    }

    /// The same over a stream, into a confined server.
    private static func pushOverStream(_ source: String, _ destination: String, usesOpenat2: Bool) throws {
        signal(SIGPIPE, SIG_IGN)
        let (mine, theirs) = try Streams.makeSocketPair().release()
        let thread = try Thread(name: "server", stackSize: 8 << 20) {
            var server = Server(.root(bytes(destination), access: .write))
            server.usesOpenat2 = usesOpenat2
            try? server.serve(input: theirs, output: theirs)
            close(theirs)
        }
        defer { close(mine) }
        let failures = Failures()
        let summary = try client(usesOpenat2).push(
            [bytes(source + "/")], toPath: bytes("/"), input: mine, output: mine
        ) { failures.note($0) }
        #expect(failures.told.isEmpty && summary.failed == 0)
        thread.join()
    }

    /// diff(1) knows nothing of ours.
    private static func expectSame(_ source: String, _ destination: String) throws {
        var child = try ChildProcess(["diff", "-r", source, destination].map(bytes), output: .null)
        #expect(try child.wait(timeout: 60_000_000_000) == .exited(0))
    }

    @Test("Every byte and the longest names", arguments: waysOfOpening)
    func names(usesOpenat2: Bool) throws {
        let arena = try Arena(populated: false)
        let source = arena.top + "/source"
        let directory = Self.makeSource(source)
        for byte in 1...255 as ClosedRange<UInt8> where byte != UInt8(ascii: "/") {
            if byte != UInt8(ascii: ".") { Self.make([byte], in: directory) }
            Self.make([0x61, byte, 0x62], in: directory)
            Self.make([UInt8](repeating: byte, count: 255), in: directory)
        }
        for name in HostileNames.odd { Self.make(name, in: directory) }
        close(directory)
        _ = try Self.push(source, arena.destination, usesOpenat2: usesOpenat2)
        try Self.expectSame(source, arena.destination)
        let again = try Self.push(source, arena.destination, usesOpenat2: usesOpenat2)
        #expect(again.files == 0 && again.deleted == 0)
        mkdir(arena.top + "/beyond", 0o755)
        try Self.pushOverStream(source, arena.top + "/beyond", usesOpenat2: usesOpenat2)
        try Self.expectSame(source, arena.top + "/beyond")
    }

    /// How far down the same names and the file at the end are found.
    private static func depth(of path: String, _ name: String) -> (depth: Int, file: [UInt8]?) {
        var directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        var depth = 0
        while case let next = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), next >= 0 {
            close(directory)
            directory = next
            depth += 1
        }
        defer { close(directory) }
        let file = openat(directory, "bottom", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return (depth, nil) }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(file, &buffer, buffer.count)
        return (depth, Array(buffer[..<max(0, count)]))
    }

    /// How deep: the time for a level grows with the depth, so without optimisation less has to do.
    private static var deepest: Int { _isDebugAssertConfiguration() ? 1200 : 5000 }

    @Test("Deep trees and long paths", arguments: [(deepest, 1), (300, 255)] as [(Int, Int)], [true, false])
    func depth(_ shape: (depth: Int, length: Int), usesOpenat2: Bool) throws {
        let arena = try Arena(populated: false)
        let source = arena.top + "/source"
        let name = String(repeating: "d", count: shape.length)
        var directory = Self.makeSource(source)
        for _ in 0..<shape.depth {
            mkdirat(directory, name, 0o755)
            let next = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            close(directory)
            directory = next
        }
        Self.make(bytes("bottom"), in: directory)
        close(directory)
        _ = try Self.push(source, arena.destination, usesOpenat2: usesOpenat2)
        let local = Self.depth(of: arena.destination, name)
        #expect(local.depth == shape.depth && local.file == bytes("bottom"))
        mkdir(arena.top + "/streamed", 0o755)
        try Self.pushOverStream(source, arena.top + "/streamed", usesOpenat2: usesOpenat2)
        let streamed = Self.depth(of: arena.top + "/streamed", name)
        #expect(streamed.depth == shape.depth && streamed.file == bytes("bottom"))
        // All of it goes again.
        let empty = arena.top + "/empty"
        mkdir(empty, 0o755)
        var client = Self.client(usesOpenat2)
        client.options.deletesFromEmptySource = true
        _ = try client.push([bytes(empty + "/")], to: bytes(arena.destination + "/")) { _ in }
        #expect(Arena.names(in: arena.destination).isEmpty)
    }
}
