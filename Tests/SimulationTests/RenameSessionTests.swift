// Files that are at the destination under other names: they are copied there, and nothing of them travels; and whatever
// else turns out to be the case, what arrives is what the source has.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct RenameSessionTests {
    private let time = FileTime(seconds: 1_700_000_000, nanoseconds: 5)
    private let earlier = FileTime(seconds: 1_600_000_000, nanoseconds: 5)

    /// Files by path, and every directory on the way.
    private func tree(_ files: [String: [UInt8]], modified: FileTime? = nil) -> TreeSnapshot {
        var tree = TreeSnapshot(items: [[]: .init(kind: .directory, mode: 0o755, modified: time)])
        for (name, contents) in files {
            let path = Array(name.utf8)
            var parent = TreeSnapshot.parent(of: path)
            while !parent.isEmpty {
                tree.items[parent] = .init(kind: .directory, mode: 0o755, modified: time)
                parent = TreeSnapshot.parent(of: parent)
            }
            tree.items[path] = .init(kind: .regular, mode: 0o644, modified: modified ?? time, contents: contents)
        }
        return tree
    }

    private func bytes(_ count: Int, _ seed: UInt64 = 1) -> [UInt8] {
        var random = SeededRandom(seed: seed)
        return random.bytes(count)
    }

    private func scenario(_ new: TreeSnapshot, over old: TreeSnapshot, seed: UInt64 = 1) -> Scenario {
        var scenario = Scenario(seed: seed)
        scenario.source = new
        scenario.old = old
        scenario.plan.direction = seed % 2 == 0 ? .push : .pull
        scenario.plan.poolSize = Int(seed % 4) + 1
        return scenario
    }

    private func expectCopied(_ run: Simulation, _ scenario: Scenario, _ disks: Scenario.Disks) {
        #expect(run.violation == nil && run.isSuccess, "\(scenario.seed): \(run.violation ?? run.ends) \(run.failures)")
        #expect(scenario.expected(over: scenario.old).differences(in: scenario.result(disks)).isEmpty)
    }

    private func summary(_ run: Simulation) throws -> Summary { try #require(run.receiver.machine?.summary) }

    /// Twenty files of 40,000 bytes and two large ones below a directory.
    private func album(_ name: String, in place: String = "") -> [String: [UInt8]] {
        var files = ["\(place)\(name)/big": bytes(400_000, 100), "\(place)\(name)/below/big": bytes(300_000, 101)]
        for number in 0..<20 { files["\(place)\(name)/f\(number)"] = bytes(40_000, UInt64(number)) }
        return files
    }

    // MARK: Little travels

    @Test("Of a directory that was renamed only names and digests travel", arguments: 1...6 as ClosedRange<UInt64>)
    func renamed(seed: UInt64) throws {
        var scenario = scenario(tree(album("new")), over: tree(album("old", in: "elsewhere/")), seed: seed)
        scenario.plan.options.delete = seed % 3 == 0 ? .after : .none
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try summary(run).contentBytes == 0)
        #expect(try summary(run).matchedBytes == 1_500_000)
        let carried = run.toServer.carried + run.toClient.carried
        #expect(carried < 7_000, "\(carried) bytes for 22 files")
    }

    @Test("A file that was copied at the source is copied here, with any number of names")
    func copied() throws {
        let contents = bytes(100_000)
        let new = Dictionary(uniqueKeysWithValues: (0..<50).map { ("d\($0 % 5)/copy\($0)", contents) })
        let scenario = scenario(tree(new.merging(["a": contents]) { one, _ in one }), over: tree(["a": contents]))
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try summary(run).contentBytes == 0)
    }

    @Test("Where several files agree in size and time, the one of the same name is taken")
    func sameName() throws {
        let old = Dictionary(uniqueKeysWithValues: (0..<40).map { ("old/f\($0)", bytes(50_000, UInt64($0))) })
        let new = Dictionary(uniqueKeysWithValues: (0..<40).map { ("new/f\($0)", bytes(50_000, UInt64($0))) })
        let scenario = scenario(tree(new), over: tree(old))
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try summary(run).contentBytes == 0)
    }

    @Test("Of named items only what is in the job is looked through", arguments: [1, 2] as [UInt64])
    func items(seed: UInt64) throws {
        var scenario = scenario(tree(album("new")), over: tree(album("old")), seed: seed)
        scenario.plan.source = Array("/src".utf8)
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try summary(run).contentBytes == 0)
    }

    @Test("Of thousands of names here the tree is looked through in steps")
    func largeTree() throws {
        let old = Dictionary(uniqueKeysWithValues: (0..<5_000).map { ("many/n\($0)", [UInt8(1)]) })
        let scenario = scenario(
            tree(old.merging(["new/big": bytes(100_000)]) { one, _ in one }),
            over: tree(old.merging(["old/big": bytes(100_000)]) { one, _ in one }), seed: 2)
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try summary(run).contentBytes == 0)
        #expect(run.receiver.pool.counts["indexTree"] ?? 0 > 2)
    }

    @Test("It takes one more round trip than sending", arguments: [Direction.push, .pull])
    func roundTrips(direction: Direction) throws {
        var scenario = scenario(tree(album("new")), over: tree(album("old")))
        scenario.plan.direction = direction
        scenario.plan.latency = 50_000_000
        scenario.plan.capacity = 1 << 30
        scenario.plan.outputBuffer = 1 << 30
        scenario.plan.poolSize = 4
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try #require(run.roundTrips) <= 5)
    }

    // MARK: What only looks so

    @Test("Equal in size and time, and something else", arguments: [40_000, 300_000], [1, 2] as [UInt64])
    func trap(size: Int, seed: UInt64) throws {
        var other = bytes(size)
        other[size / 2] ^= 1
        let scenario = scenario(tree(["new/a": bytes(size)]), over: tree(["old/a": other]), seed: seed)
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try summary(run).contentBytes == UInt64(size))
        #expect(try summary(run).matchedBytes == 0)
        #expect(run.receiver.sent[.request] == 1)
    }

    @Test("Not under --whole-file, --no-detect-renames, --inplace, to a peer that does not know it, or in one process")
    func notAlways() throws {
        let changes: [(inout SessionPlan) -> Void] = [
            { $0.options.delta = .never }, { $0.options.detectRenames = false }, { $0.options.writing = .inPlace },
            { $0.knowsRenames = false }, { $0.isInProcess = true },
        ]
        for change in changes {
            var scenario = scenario(tree(album("new")), over: tree(album("old")))
            change(&scenario.plan)
            let disks = scenario.disks()
            let run = scenario.simulation(disks).run()
            expectCopied(run, scenario, disks)
            #expect(try summary(run).matchedBytes == 0)
        }
    }

    @Test("What --delete-before has deleted cannot be copied any more")
    func deletedBefore() throws {
        var scenario = scenario(tree(album("new")), over: tree(album("old").merging(["x": [1]]) { one, _ in one }))
        scenario.plan.options.delete = .before
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try summary(run).contentBytes == 1_500_000)
    }

    // MARK: What changes meanwhile

    /// After the request has left: removed, overwritten, cut short, replaced by a link, by a fifo, or its directory is
    /// replaced by a link.
    @Test("A file that changes after it was digested is not taken", arguments: [40_000, 300_000], 0...5)
    func changing(size: Int, variant: Int) throws {
        let contents = bytes(size)
        let scenario = scenario(
            tree(["new/a": contents]), over: tree(["old/b": contents, "z": bytes(size, 9)]), seed: UInt64(variant))
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        let other = disks.destination.anotherProcess()
        var isDone = false
        run.beforeStep = { run in
            guard !isDone, (run.receiver.sent[.request] ?? 0) > 0 else { return }
            isDone = true
            Self.change(other, variant)
        }
        #expect(run.run().violation == nil && run.isSuccess, "\(run.violation ?? run.ends) \(run.failures)")
        #expect(isDone)
        #expect(scenario.result(disks).items[Array("new/a".utf8)]?.contents == contents)
        #expect(try summary(run).contentBytes == UInt64(size))
    }

    private static func change(_ disk: ModelFileSystem, _ variant: Int) {
        let (b, old) = (Array("b".utf8), Array("old".utf8))
        guard let root = try? disk.openRoot(Array("/dst".utf8), [.read, .directory]),
            let place = try? disk.open(old[...], in: root, [.read, .directory], mode: 0)
        else { return }
        if variant == 1 || variant == 2, let file = try? disk.open(b[...], in: place, [.write], mode: 0) {
            if variant == 1 { _ = try? disk.write([9, 9, 9], to: file, at: 1000) }
            if variant == 2 { try? disk.truncate(file, to: 700) }
            return
        }
        try? disk.remove(b[...], in: place, isDirectory: false)
        switch variant {
        case 3: try? disk.makeLink(to: Array("../z".utf8), named: b[...], in: place)
        case 4: try? disk.makeNode(.fifo, named: b[...], in: place, mode: 0o644, device: 0)
        case 5:
            try? disk.remove(old[...], in: root, isDirectory: true)
            try? disk.makeLink(to: Array("/src/new".utf8), named: old[...], in: root)
        default: break
        }
    }

    // MARK: Similar names

    @Test("--fuzzy starts from a similar name beside it", arguments: [5_000, 200_000], [1, 2] as [UInt64])
    func fuzzy(size: Int, seed: UInt64) throws {
        var edited = bytes(size)
        edited[size / 2] ^= 1
        let old = tree(["release-1.0.tar": bytes(size), "other": bytes(size, 7)], modified: earlier)
        var scenario = scenario(tree(["release-1.1.tar": edited]), over: old, seed: seed)
        scenario.plan.options.fuzzy = true
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try summary(run).contentBytes < UInt64(size) / 2)
        scenario.plan.options.fuzzy = false
        let plain = scenario.disks()
        let whole = scenario.simulation(plain).run()
        expectCopied(whole, scenario, plain)
        #expect(try summary(whole).contentBytes == UInt64(size))
    }

    /// The similar one is a file of the source, too, and gets other contents in the same run.
    @Test("--fuzzy: a neighbour that is replaced meanwhile does no harm", arguments: 1...8 as ClosedRange<UInt64>)
    func replacedNeighbour(seed: UInt64) throws {
        for size in [5_000, 200_000] {
            var (new, old): ([String: [UInt8]], [String: [UInt8]]) = ([:], [:])
            for number in 0..<10 {
                old["file\(number)"] = bytes(size, UInt64(number))
                new["file\(number)"] = bytes(size, UInt64(number + 1))
                new["file\(number)x"] = bytes(size, UInt64(number))
            }
            var scenario = scenario(tree(new), over: tree(old, modified: earlier), seed: seed)
            scenario.plan.options.fuzzy = true
            let disks = scenario.disks()
            expectCopied(scenario.simulation(disks).run(), scenario, disks)
        }
    }

    // MARK: At random

    @Test("Scenarios do find files under other names")
    func isDrawn() {
        var found = 0
        for seed in 1...60 as ClosedRange<UInt64> {
            let scenario = Scenario.plain(seed)
            let run = scenario.simulation(scenario.disks()).run()
            found += run.receiver.pool.counts["search"] ?? 0
        }
        #expect(found > 10, "\(found) searches in 60 sessions")
    }
}
