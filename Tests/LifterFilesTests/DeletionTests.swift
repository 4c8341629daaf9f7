import Glibc
import LifterProtocol
import LifterSystem
import Testing

@testable import LifterFiles

@Suite struct DeletionTests {
    /// Plans one name of the root; the count.
    private func plan(_ name: String, _ layer: FileLayer, countOnly: Bool = false) -> (UInt64, FileProblem?) {
        guard
            case .plannedDeletion(let count, let problem) = layer.perform(
                .planDeletion(directory: 0, name: bytes(name), countOnly: countOnly))
        else { return (0, FileProblem(.stopped, doing: "wrong result")) }
        return (count, problem)
    }

    private func carryOut(_ layer: FileLayer) -> (paths: [String], failures: [(String, FileProblem)]) {
        var paths: [String] = []
        var failures: [(String, FileProblem)] = []
        for _ in 0..<100_000 {
            guard case .deleted(let gone, let failed, let more) = layer.perform(.deletePlanned) else { break }
            #expect(gone.count <= 512)
            paths += gone.map { String(decoding: $0, as: UTF8.self) }
            failures += failed.map { (String(decoding: $0.path, as: UTF8.self), $0.problem) }
            if !more { break }
        }
        return (paths, failures)
    }

    @Test func aTreeGoesWholeAndNothingElse() throws {
        let place = Destination()
        Thing.fullDirectory.make("gone", in: place)
        place.write("stays", "x")
        place.makeLink("gone/out", to: "../stays")
        let layer = try place.layer()
        #expect(plan("gone", layer, countOnly: true).0 == 5)
        #expect(carryOut(layer).paths == [])
        let (count, problem) = plan("gone", layer)
        #expect(count == 5 && problem == nil)
        let before = place.status(".")?.st_mtim.tv_nsec
        let result = carryOut(layer)
        #expect(Set(result.paths) == ["gone/", "gone/inside", "gone/sub/", "gone/sub/deep", "gone/out"])
        #expect(result.failures.isEmpty)
        #expect(place.names() == ["stays"])
        #expect(place.status(".")?.st_mtim.tv_nsec == before)
    }

    @Test func aDryRunSaysTheSameAndRemovesNothing() throws {
        let place = Destination()
        Thing.fullDirectory.make("gone", in: place)
        place.write("file", "x")
        let layer = try place.layer { $0.dryRun = true }
        #expect(plan("gone", layer).0 == 4)
        #expect(plan("file", layer).0 == 1)
        let before = place.names()
        #expect(Set(carryOut(layer).paths) == ["gone/", "gone/inside", "gone/sub/", "gone/sub/deep", "file"])
        #expect(place.names() == before)
    }

    @Test func protectedNamesKeepTheirDirectories() throws {
        let place = Destination()
        for directory in ["a", "a/keep", "a/gone", "a/gone/deep"] { place.makeDirectory(directory) }
        for file in ["a/1", "a/keep/2", "a/keep/x.safe", "a/gone/3", "a/gone/deep/4"] { place.write(file, "x") }
        let layer = try place.layer { _ = $0.filter.add(bytes("*.safe")[...], as: .exclude) }
        let (count, problem) = plan("a", layer)
        #expect(count == 6 && problem == nil)
        #expect(plan("a", layer, countOnly: true).1?.code == .inTheWay)
        let result = carryOut(layer)
        #expect(Set(result.paths) == ["a/1", "a/keep/2", "a/gone/", "a/gone/3", "a/gone/deep/", "a/gone/deep/4"])
        #expect(place.names() == ["a", "a/keep", "a/keep/x.safe"])
        let excluding = try place.layer {
            _ = $0.filter.add(bytes("*.safe")[...], as: .exclude)
            $0.deletesExcluded = true
        }
        #expect(plan("a", excluding).0 == 3)
        _ = carryOut(excluding)
        #expect(place.names() == [])
    }

    @Test func whatChangedAfterThePlanIsSkipped() throws {
        let place = Destination()
        place.write("same", "x")
        place.write("rewritten", "x")
        place.write("replaced", "x")
        place.write("linked", "x")
        #expect(link("\(place.path)/linked", "\(place.path)/linked2") == 0)
        place.makeDirectory("directory")
        let layer = try place.layer()
        for name in ["same", "rewritten", "replaced", "linked", "linked2", "directory"] {
            #expect(plan(name, layer).0 == 1)
        }
        usleep(30_000)
        place.write("rewritten", "y")
        place.write("fresh", "z")
        #expect(rename("\(place.path)/fresh", "\(place.path)/replaced") == 0)
        #expect(rmdir("\(place.path)/directory") == 0)
        place.write("directory", "now a file")
        let result = carryOut(layer)
        // Two names of one file: removing the first changes the other's change time, and that is no change.
        #expect(result.paths == ["same", "linked", "linked2"])
        #expect(result.failures.map(\.0) == ["rewritten", "replaced", "directory"])
        #expect(result.failures.allSatisfy { $0.1.code == .changed })
        #expect(place.names() == ["directory", "replaced", "rewritten"])
    }

    @Test func mountPointsAreNotEntered() throws {
        guard geteuid() == 0 else { return }
        let place = Destination()
        for directory in ["a", "a/mounted", "a/other"] { place.makeDirectory(directory) }
        guard mount("tmpfs", "\(place.path)/a/mounted", "tmpfs", 0, "size=1m") == 0 else { return }
        defer { umount2("\(place.path)/a/mounted", Int32(MNT_DETACH)) }
        place.write("a/mounted/precious", "x")
        place.write("a/other/file", "x")
        let layer = try place.layer()
        let (count, problem) = plan("a", layer)
        #expect(count == 2)
        #expect(problem?.errno == EBUSY)
        #expect(Set(carryOut(layer).paths) == ["a/other/", "a/other/file"])
        #expect(place.contents("a/mounted/precious") == "x")
    }

    @Test func aDeepTreeGoesWithFewDescriptors() throws {
        let place = Destination()
        let depth = 5_000
        makeDeepTree(place, depth: depth)
        let system = FaultingFileSystem()
        let layer = try place.layer(system)
        let (count, problem) = plan("d", layer)
        #expect(count == UInt64(2 * depth) && problem == nil)
        let result = carryOut(layer)
        #expect(result.paths.count == 2 * depth && result.failures.isEmpty)
        #expect(system.openCount <= 8)
        #expect(place.names() == [])
    }

    @Test func aDeepTreeWithSomethingProtectedAtTheBottomStays() throws {
        let place = Destination()
        let depth = 600
        makeDeepTree(place, depth: depth, bottom: "safe")
        let layer = try place.layer { _ = $0.filter.add(bytes("safe")[...], as: .exclude) }
        #expect(plan("d", layer).0 == UInt64(depth))
        let result = carryOut(layer)
        #expect(result.paths.count == depth && result.failures.isEmpty)
        let open = try place.layer()
        #expect(plan("d", open).0 == UInt64(depth + 1))
        _ = carryOut(open)
        #expect(place.names() == [])
    }

    /// Each level holds a file beside the next level.
    private func makeDeepTree(_ place: Destination, depth: Int, bottom: String? = nil) {
        var directory = Glibc.open(place.path, O_DIRECTORY | O_CLOEXEC)
        for level in 0..<depth {
            precondition(mkdirat(directory, "d", 0o755) == 0)
            let next = openat(directory, "d", O_DIRECTORY | O_CLOEXEC)
            Glibc.close(directory)
            directory = next
            precondition(symlinkat("x", directory, "f") == 0)
            if level == depth - 1, let bottom { precondition(symlinkat("x", directory, bottom) == 0) }
        }
        Glibc.close(directory)
    }

    @Test func aLongPlanIsSpooled() throws {
        let place = Destination()
        let system = KernelFileSystem()
        var spool = DeletionSpool(limit: 1_000)
        let root = try system.openRoot(bytes(place.path), [.read, .directory])
        defer { system.close(root) }
        var status = try system.status(of: root)
        for index in 0..<5_000 {
            status.inode = UInt64(index)
            spool.append(
                DeletionRecord(path: bytes("some/path/\(index)"), status: status), fileSystem: system,
                makeFile: { try? system.open(bytes("spool")[...], in: root, [.read, .write, .create], mode: 0o600) })
        }
        for index in 0..<5_000 {
            let record = try #require(try spool.next())
            #expect(record.path == bytes("some/path/\(index)") && record.inode == UInt64(index))
            #expect(record.changed == status.changed && record.kind == .directory)
        }
        #expect(try spool.next() == nil)
        spool.clear()
    }

    @Test func aDeletionThatIsBrokenOffLeavesNothingOpen() throws {
        let place = Destination()
        place.makeDirectory("many")
        for index in 0..<2_000 { place.write("many/\(index)", "") }
        let system = FaultingFileSystem()
        do {
            let layer = try place.layer(system)
            #expect(plan("many", layer).0 == 2_001)
            _ = layer.perform(.deletePlanned)
            let wanted = entry("d", .directory)
            _ = layer.perform(.makeDirectory(id: 1, parent: 0, entry: wanted, rule: ReplaceRule()))
        }
        #expect(system.openCount == 0)
        #expect(place.names("many").count > 0)
    }

    @Test func manyNamesGoInPortions() throws {
        let place = Destination()
        place.makeDirectory("many")
        for index in 0..<2_000 { place.write("many/\(index)", "") }
        let layer = try place.layer()
        #expect(plan("many", layer).0 == 2_001)
        let result = carryOut(layer)
        #expect(result.paths.count == 2_001 && result.failures.isEmpty)
        #expect(place.names() == [])
    }
}
