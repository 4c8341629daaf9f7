// A local user who swaps directories of the tree for links to elsewhere while a run is on, as fast as one thread can.
// The canary has the same names as the tree, so that whatever followed a link would change it, or take from it.

import Glibc
import LifterSystem
import Superlifter
import Synchronization
import Testing

@Suite(.serialized) struct RaceTests {
    /// What the runs do to the tree while it is flipped.
    enum Operation: String, CaseIterable, Sendable {
        case writing, deleting, attributes, kinds, reading
    }

    /// Seconds for each operation on each ancestor; more where SUPERLIFTER_RACE_SECONDS says so.
    private static let seconds: UInt64 =
        Environment.variable("SUPERLIFTER_RACE_SECONDS").flatMap { UInt64(String(decoding: $0, as: UTF8.self)) } ?? 2

    private static let ancestors = ["a", "a/b", "a/b/c"]

    /// Exchanges `path` and a link to the same place in the canary, again and again.
    private final class Flipper: Sendable {
        private let stopped = Atomic<Bool>(false)
        private let count = Atomic<Int>(0)
        private let thread = Mutex<Thread?>(nil)

        init(_ path: String, _ link: String) throws {
            let own = try Thread(name: "flipper") { [self] in
                let (directory, name) = Self.split(path)
                let (other, linkName) = Self.split(link)
                let kernel = KernelFileSystem()
                while !stopped.load(ordering: .relaxed) {
                    // Exchanged, and back again in the next round.
                    let done: Void? = try? kernel.rename(
                        name[...], in: directory, to: linkName[...], in: other, .exchange)
                    if done != nil { count.add(1, ordering: .relaxed) }
                }
                close(directory)
                close(other)
            }
            thread.withLock { $0 = own }
        }

        /// The directory, open, and the last name.
        private static func split(_ path: String) -> (RawDescriptor, [UInt8]) {
            let components = path.split(separator: "/")
            let parent = components.dropLast().reduce("") { $0 + "/" + $1 }
            return (open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC), bytes(String(components.last ?? "")))
        }

        /// How often it exchanged.
        func stop() -> Int {
            stopped.store(true, ordering: .relaxed)
            thread.withLock { $0 }?.join()
            return count.load(ordering: .relaxed)
        }
    }

    private static func makeTree(_ top: String, _ contents: String) {
        for path in ["", "/a", "/a/b", "/a/b/c", "/a/b/c/gone"] { mkdir(top + path, 0o755) }
        for directory in ["/a", "/a/b", "/a/b/c", "/a/b/c/gone"] {
            for file in 0..<4 { Arena.write(contents, to: "\(top)\(directory)/file\(file)") }
        }
    }

    /// A second state of the source, so that every run has something to do.
    private static func change(_ source: String, _ operation: Operation, _ round: Int) {
        let isOdd = round % 2 == 1
        for directory in ["/a", "/a/b", "/a/b/c"] {
            let file = source + directory + "/file1"
            switch operation {
            case .reading: break
            case .writing: Arena.write("new \(round)", to: file)
            case .attributes:
                chmod(file, isOdd ? 0o600 : 0o755)
                chown(file, UInt32(round % 7), UInt32(round % 5))
                chmod(source + directory, isOdd ? 0o700 : 0o755)
            case .deleting:
                if isOdd { unlink(file) } else { Arena.write("back", to: file) }
            case .kinds:
                unlink(file)
                rmdir(file)
                switch round % 3 {
                case 0: mkdir(file, 0o755)
                case 1: symlink("anywhere", file)
                default: Arena.write("a file", to: file)
                }
            }
        }
        if operation == .deleting {
            if isOdd { Arena.remove(source + "/a/b/c/gone") } else { makeTree(source, "new") }
        }
    }

    @Test("No run is led out of the tree", arguments: Operation.allCases, [true, false])
    func flip(operation: Operation, usesOpenat2: Bool) throws {
        for ancestor in Self.ancestors {
            let arena = try Arena(populated: false)
            let (source, canary) = (arena.top + "/source", arena.top + "/twin")
            Self.makeTree(source, "new")
            Self.makeTree(arena.destination, "old")
            Self.makeTree(canary, "canary")
            let before = Arena.identities(of: canary)
            // For reading it is the source that is flipped; its files are then looked for at the destination.
            let victim = operation == .reading ? source : arena.destination
            let link = arena.top + "/link"
            symlink(canary + "/" + ancestor, link)
            let flipper = try Flipper(victim + "/" + ancestor, link)
            let end = Clock.monotonic + Self.seconds * 1_000_000_000 / UInt64(Self.ancestors.count)
            var rounds = 0
            while Clock.monotonic < end {
                rounds += 1
                Self.change(source, operation, rounds)
                if operation == .reading {
                    // All of it is read again.
                    Arena.remove(arena.destination)
                    mkdir(arena.destination, 0o755)
                }
                var client = Client()
                client.usesOpenat2 = usesOpenat2
                client.options.deletion = .after
                client.options.force = rounds % 2 == 0
                // Failures of entries are what such a user gets; an error of the whole run may be, too.
                _ = try? client.push([bytes(source + "/")], to: bytes(arena.destination + "/")) { _ in }
            }
            let flips = flipper.stop()
            #expect(flips > 1000 && rounds > 1, "\(operation) \(ancestor): \(flips) flips in \(rounds) runs")
            #expect(Arena.identities(of: canary) == before, "\(operation) \(ancestor): the canary was changed")
            #expect(arena.harm() == nil, "\(operation) \(ancestor)")
            if operation == .reading {
                for case (let path, let identity) in Arena.identities(of: arena.destination)
                where identity.contents != nil {
                    #expect(Arena.contents(of: path) != bytes("canary"), "\(ancestor): \(path) was taken from outside")
                }
            }
        }
    }
}
