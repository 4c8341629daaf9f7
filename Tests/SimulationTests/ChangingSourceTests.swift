// A source that others write to while it is sent: what arrives was in the source at one time, what was missed is
// reported, and a run in peace afterwards makes both the same.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct ChangingSourceTests {
    @Test("Nothing arrives that was never there, and a quiet run converges", arguments: SessionSeeds.upTo(100))
    func changing(seed: UInt64) throws {
        var scenario = Scenario.plain(seed)
        scenario.plan.options.delete = .after
        let disks = scenario.disks()
        let clean = scenario.simulation(scenario.disks()).run()
        let meddler = try Meddler(disks.source.anotherProcess(), scenario.random.fork(), scenario.source)
        let run = scenario.simulation(disks)
        let pace = max(1, clean.steps / 12)
        var random = scenario.random.fork()
        run.beforeStep = { _ in if random.below(pace) == 0 { meddler.meddle() } }
        run.run()
        if let violation = run.violation {
            Issue.record("seed \(seed): \(violation)")
            return
        }
        #expect(run.isComplete, "seed \(seed): \(run.ends)")
        for (path, item) in scenario.result(disks).withoutReserved.items where item.kind == .regular {
            let known = meddler.versions.contains(item.contents) || scenario.old.items[path]?.contents == item.contents
            // What was overwritten in place, and could not be completed, says so.
            let isUnderway = scenario.plan.options.writing == .inPlace && item.modified.seconds == 0
            #expect(known || isUnderway, "seed \(seed): \(Display.escaped(path)) is of no time")
        }
        let now = try #require(disks.source.disk.snapshot(at: Array("src".utf8)))
        var quiet = scenario
        quiet.source = now
        let next = scenario.next(disks)
        let expected = quiet.expected(over: scenario.result(next))
        let rerun = quiet.simulation(next, run: 1).run()
        #expect(rerun.violation == nil && rerun.isComplete, "seed \(seed), rerun: \(rerun.violation ?? rerun.ends)")
        let differences = expected.differences(in: scenario.result(next))
        #expect(differences.isEmpty, "seed \(seed), rerun: \(rerun.failures)")
    }
}

/// Another program at work in the source.
final class Meddler {
    private let system: ModelFileSystem
    private var random: SeededRandom
    private let root: RawDescriptor
    private var paths: [[UInt8]]
    /// Contents that any file had at any time.
    private(set) var versions: Set<[UInt8]> = []

    init(_ system: ModelFileSystem, _ random: SeededRandom, _ tree: TreeSnapshot) throws {
        self.system = system
        self.random = random
        root = try system.openRoot(Array("/src".utf8), [.read, .directory])
        paths = tree.paths.filter { !$0.isEmpty }
        for item in tree.items.values where item.kind == .regular { versions.insert(item.contents) }
    }

    func meddle() {
        guard !paths.isEmpty else { return }
        let path = random.pick(paths)
        guard let directory = open(TreeSnapshot.parent(of: path)) else { return }
        defer { if directory != root { system.close(directory) } }
        let name = TreeSnapshot.name(of: path)[...]
        switch random.below(6) {
        case 0, 1, 2: rewrite(name, in: directory)
        case 3: try? system.remove(name, in: directory, isDirectory: random.chance(20))
        case 4: create(path, in: directory)
        default: try? system.rename(name, in: directory, to: Array("moved".utf8)[...], in: directory, .noReplace)
        }
    }

    private func open(_ path: [UInt8]) -> RawDescriptor? {
        path.isEmpty ? root : try? system.open(path[...], in: root, [.read, .directory], mode: 0)
    }

    /// The new contents are there from one moment to the other; a reader in between notices by the times.
    private func rewrite(_ name: ArraySlice<UInt8>, in directory: RawDescriptor) {
        guard (try? system.status(of: name, in: directory).kind) == .regular,
            let file = try? system.open(name, in: directory, [.write, .truncate], mode: 0)
        else { return }
        defer { system.close(file) }
        versions.insert([])
        let contents = random.bytes(random.below(5_000))
        versions.insert(contents)
        _ = try? system.write(contents, to: file, at: 0)
    }

    private func create(_ path: [UInt8], in directory: RawDescriptor) {
        let name = Array("new\(random.below(20))".utf8)
        guard let file = try? system.open(name[...], in: directory, [.write, .create], mode: 0o600) else { return }
        defer { system.close(file) }
        paths.append(TreeSnapshot.path(TreeSnapshot.parent(of: path), name))
        let contents = random.bytes(random.below(100_000))
        versions.insert([])
        versions.insert(contents)
        _ = try? system.write(contents, to: file, at: 0)
    }
}
