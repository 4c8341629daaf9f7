// Parts that earlier runs have left, and those that this one leaves: what a session clears away, and what it keeps.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct LeftoverTests {
    private let time = FileTime(seconds: 1_700_000_000, nanoseconds: 5)

    private func tree(_ files: [String: [UInt8]], linked: [String] = []) -> TreeSnapshot {
        var tree = TreeSnapshot(items: [[]: .init(kind: .directory, mode: 0o755, modified: time)])
        for (name, contents) in files {
            tree.items[path(name)] = .init(kind: .regular, mode: 0o644, modified: time, contents: contents)
        }
        tree.link(linked.map { path($0) })
        return tree
    }

    private func scenario(_ source: TreeSnapshot, over old: TreeSnapshot, seed: UInt64 = 1) -> Scenario {
        var scenario = Scenario(seed: seed)
        scenario.plan.options.keepHardLinks = true
        scenario.plan.poolSize = Int(seed % 4) + 1
        scenario.source = source
        scenario.old = old
        return scenario
    }

    /// Names of ours at the destination.
    private func parts(_ scenario: Scenario, _ disks: Scenario.Disks) -> [String] {
        scenario.result(disks).paths.filter { TreeSnapshot.isReserved($0) }.map { Display.escaped($0) }
    }

    private func part(of name: String) -> String { String(decoding: Names.part(of: Array(name.utf8)), as: UTF8.self) }

    @Test("A link that could not be looked at once it was made does not stay under its part name")
    func unseenLink() throws {
        let scenario = scenario(tree(["a": [1], "b": [1]], linked: ["a", "b"]), over: tree(["a": [1], "b": [9, 9]]))
        let traced = scenario.disks()
        traced.destination.isTracing = true
        scenario.simulation(traced).run()
        let link = try #require(traced.destination.trace.first { $0.operation == .makeHardLink })
        let looks = traced.destination.trace.filter { $0.operation == .status && $0.name == link.otherName }
        let look = try #require(looks.first { $0.number > link.number })
        let disks = scenario.disks(faults: .single(look.number, .fail(.io)))
        let run = scenario.simulation(disks).run()
        #expect(run.isComplete && !run.claimsSuccess, "\(run.failures)")
        #expect(parts(scenario, disks).isEmpty)
    }

    @Test("A first name that cannot be looked at is a failure, not a reason for another copy")
    func unseenFirst() throws {
        let scenario = scenario(tree(["a": [1], "b": [1]], linked: ["a", "b"]), over: tree(["a": [1]]))
        let traced = scenario.disks()
        traced.destination.isTracing = true
        scenario.simulation(traced).run()
        let trace = traced.destination.trace
        let link = try #require(trace.first { $0.operation == .makeHardLink }?.number)
        let looks = trace.filter { $0.operation == .status && $0.name == path("a") && $0.number < link }
        for errno in [Errno.io, .crossDevice] {
            let disks = scenario.disks(faults: .single(try #require(looks.last).number, .fail(errno)))
            let run = scenario.simulation(disks).run()
            #expect(run.isComplete && !run.claimsSuccess, "\(run.ends)")
            #expect(scenario.result(disks).items[path("b")] == nil)
            let next = scenario.next(disks)
            #expect(scenario.simulation(next, run: 1).run().isSuccess)
            #expect(scenario.result(next).links.count == 2)
        }
    }

    /// They were met when their targets were still missing, and nobody came back to them.
    @Test("What a killed run left for a name that is now linked, or of another kind, goes", arguments: 1...8)
    func madeOtherwise(schedule: Int) {
        var source = tree(["a": [1, 2], "b": [1, 2], "c": [3]], linked: ["a", "b"])
        source.items[path("l")] = .init(kind: .symlink, mode: 0o777, modified: time, target: [0x78])
        let linkPart = part(of: "b/")
        let old = tree(["a": [1, 2], part(of: "b"): [1], linkPart: [7], part(of: "l"): [4]])
        let scenario = scenario(source, over: old, seed: UInt64(schedule))
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        #expect(run.isSuccess, "\(run.failures)")
        #expect(parts(scenario, disks).isEmpty)
        #expect(scenario.expected(over: old).differences(in: scenario.result(disks)).isEmpty)
    }

    @Test("A run that is killed between making a link and naming it leaves nothing for good", arguments: 1...4)
    func killedWhileLinking(schedule: Int) throws {
        let source = tree(["a": [1], "b": [1], "c": [1]], linked: ["a", "b", "c"])
        let scenario = scenario(source, over: tree(["a": [1], "b": [9]]), seed: UInt64(schedule))
        let traced = scenario.disks()
        traced.destination.isTracing = true
        scenario.simulation(traced).run()
        for link in traced.destination.trace.filter({ $0.operation == .makeHardLink }) {
            let disks = scenario.disks(faults: .single(link.number + 1, .crash))
            let run = scenario.simulation(disks)
            run.beforeStep = { run in if disks.destination.crashed && !run.receiver.isDead { run.kill(run.receiver) } }
            run.run()
            #expect(parts(scenario, disks).count == 1)
            let next = Scenario.Disks(source: disks.source.anotherProcess(), destination: disks.destination.kill())
            #expect(scenario.simulation(next, run: 1).run().isSuccess)
            #expect(parts(scenario, next).isEmpty)
        }
    }

    @Test("One leftover that cannot be removed keeps no other one")
    func oneStays() throws {
        let names = ["a", "b", "c", "d"]
        let files = Dictionary(uniqueKeysWithValues: names.map { ($0, [UInt8(1)]) })
        let source = tree(files)
        let old = tree(files.merging(names.map { (part(of: $0), [UInt8(2)]) }) { one, _ in one })
        let scenario = scenario(source, over: old)
        let traced = scenario.disks()
        traced.destination.isTracing = true
        scenario.simulation(traced).run()
        let first = try #require(traced.destination.trace.first { $0.operation == .remove }?.number)
        for errno in [Errno.io, .access, .permission] {
            let disks = scenario.disks(faults: .single(first, .fail(errno)))
            #expect(scenario.simulation(disks).run().isSuccess)
            #expect(parts(scenario, disks).count <= 1)
        }
    }

    @Test("What this run itself leaves of a large file is not swept with what it has found")
    func ownPart() throws {
        var random = SeededRandom(seed: 5)
        let contents = random.bytes(600_000)
        let source = tree(["f": contents])
        // Too short to be continued, so it is met as a leftover; and its target is there.
        let old = tree(["f": [1], part(of: "f"): [2, 2]])
        var scenario = scenario(source, over: old)
        scenario.plan.options.delta = .never
        let traced = scenario.disks()
        traced.source.isTracing = true
        scenario.simulation(traced).run()
        let reads = traced.source.trace.filter { $0.operation == .read }
        let disks = scenario.disks(sourceFaults: .single(try #require(reads.last).number, .fail(.io)))
        let run = scenario.simulation(disks).run()
        #expect(run.isComplete && !run.claimsSuccess)
        let left = scenario.result(disks).items[path(part(of: "f"))]?.contents.count ?? 0
        #expect(left >= 100_000, "\(left) bytes are left")
    }

    /// One byte at its beginning is not as it is at the source now.
    @Test("What was left is compared with, alone or in front of what is there", arguments: [false, true])
    func basis(hasOld: Bool) throws {
        var random = SeededRandom(seed: 6)
        let contents = random.bytes(600_000)
        var left = Array(contents[..<400_000])
        left[10] ^= 1
        var files = [part(of: "f"): left]
        if hasOld { files["f"] = random.bytes(100_000) + contents[400_000...] }
        let source = tree(["f": contents])
        for place in [nil, SessionPlan.partialName] {
            var scenario = scenario(source, over: tree(files))
            scenario.plan.options.partialDirectory = place
            let disks = scenario.disks()
            let run = scenario.simulation(disks).run()
            #expect(run.isSuccess, "\(run.failures)")
            #expect(parts(scenario, disks).isEmpty)
            #expect(scenario.expected(over: scenario.old).differences(in: scenario.result(disks)).isEmpty)
            let carried = run.toServer.carried + run.toClient.carried
            #expect(carried < (hasOld ? 50_000 : 250_000), "\(carried) bytes were carried")
        }
    }

    @Test("What is longer than the source is now is compared with, and what it was longer by goes")
    func longer() throws {
        var random = SeededRandom(seed: 7)
        let contents = random.bytes(600_000)
        let source = tree(["f": Array(contents[50_000..<350_000])])
        let scenario = scenario(source, over: tree([part(of: "f"): contents]))
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        #expect(run.isSuccess, "\(run.failures)")
        #expect(parts(scenario, disks).isEmpty)
        #expect(scenario.expected(over: scenario.old).differences(in: scenario.result(disks)).isEmpty)
        #expect(run.toServer.carried + run.toClient.carried < 50_000)
    }

    @Test("Of two parts the longer one is taken up, and both go")
    func two() throws {
        var random = SeededRandom(seed: 8)
        let contents = random.bytes(600_000)
        let prior = String(decoding: Names.priorPart(of: Array("f".utf8)), as: UTF8.self)
        for (one, other) in [(part(of: "f"), prior), (prior, part(of: "f"))] {
            let old = tree([one: Array(contents[..<100_000]), other: Array(contents[..<500_000])])
            let scenario = scenario(tree(["f": contents]), over: old)
            let disks = scenario.disks()
            let run = scenario.simulation(disks).run()
            #expect(run.isSuccess, "\(run.failures)")
            #expect(parts(scenario, disks).isEmpty)
            #expect(scenario.expected(over: old).differences(in: scenario.result(disks)).isEmpty)
            #expect(run.toServer.carried + run.toClient.carried < 150_000)
        }
    }

    @Test("Parts of files that are no more go when they are old, all of them")
    func strangers() {
        var random = SeededRandom(seed: 9)
        let source = tree(["a": [1]])
        var old = source
        for number in 0..<4 {
            old.items[path(part(of: "gone\(number)"))] = .init(
                kind: .regular, mode: 0o600, modified: time, contents: random.bytes(5_000))
        }
        let scenario = scenario(source, over: old)
        for (days, left) in [(6, 4), (8, 0)] as [(Int64, Int)] {
            let disks = scenario.disks()
            disks.destination.disk.advance(nanoseconds: days * 86_400 * 1_000_000_000)
            #expect(scenario.simulation(disks).run().isSuccess)
            #expect(parts(scenario, disks).count == left)
        }
    }

    @Test("Where nothing is compared, a part that does not fit is overwritten from its front", arguments: 1...4)
    func anotherBeginning(schedule: Int) throws {
        var random = SeededRandom(seed: 10)
        let contents = random.bytes(600_000)
        let old = tree([part(of: "f"): random.bytes(400_000), part(of: "g"): Array(contents[..<400_000])])
        var scenario = scenario(tree(["f": contents, "g": contents]), over: old, seed: UInt64(schedule))
        scenario.plan.options.delta = .never
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        #expect(run.isSuccess, "\(run.failures)")
        #expect(parts(scenario, disks).isEmpty)
        #expect(scenario.expected(over: old).differences(in: scenario.result(disks)).isEmpty)
        #expect(run.receiver.machine?.summary.contentBytes == 800_000)
    }

    /// Some of them stand open in line, others are still to be compared.
    @Test("Files that would be continued are refused when the disk is full", arguments: 1...6)
    func fullDisk(schedule: Int) {
        var random = SeededRandom(seed: 11)
        let names = (0..<16).map { "f\($0)" }
        let contents = random.bytes(600_000)
        let left = Dictionary(uniqueKeysWithValues: names.map { (part(of: $0), Array(contents[..<300_000])) })
        var scenario = scenario(
            tree(Dictionary(uniqueKeysWithValues: names.map { ($0, contents) })), over: tree(left),
            seed: UInt64(schedule))
        scenario.plan.options.delta = .never
        let disks = scenario.disks(faults: .from(1, .noSpace, only: [.write]))
        let run = scenario.simulation(disks).run()
        #expect(run.violation == nil && run.isComplete && !run.claimsSuccess, "\(run.violation ?? run.ends)")
        #expect(run.receiver.machine?.summary.failed == 16)
        for item in scenario.result(disks).items.values where item.kind == .regular {
            #expect(areSame(item.contents, Array(contents[..<300_000])))
        }
        let next = scenario.next(disks)
        next.destination.faults = .none
        #expect(scenario.simulation(next, run: 1).run().isSuccess)
        #expect(scenario.expected(over: scenario.old).differences(in: scenario.result(next)).isEmpty)
    }
}
