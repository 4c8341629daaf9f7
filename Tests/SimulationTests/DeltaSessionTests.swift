// Files that the receiver has in another version: only what differs travels, whatever the stream is like, and whatever
// becomes of the old version meanwhile.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct DeltaSessionTests {
    private let time = FileTime(seconds: 1_700_000_000, nanoseconds: 5)
    private let earlier = FileTime(seconds: 1_600_000_000, nanoseconds: 5)

    private func tree(_ files: [String: [UInt8]], _ modified: FileTime) -> TreeSnapshot {
        var tree = TreeSnapshot(items: [[]: .init(kind: .directory, mode: 0o755, modified: time)])
        for (name, contents) in files {
            tree.items[Array(name.utf8)] = .init(kind: .regular, mode: 0o644, modified: modified, contents: contents)
        }
        return tree
    }

    private func bytes(_ count: Int, _ seed: UInt64 = 1) -> [UInt8] {
        var random = SeededRandom(seed: seed)
        return random.bytes(count)
    }

    /// Changes one byte in `every`, and puts a few in front.
    private func edited(_ contents: [UInt8], every: Int) -> [UInt8] {
        var result = contents
        for index in stride(from: every / 2, to: result.count, by: every) { result[index] ^= 0xff }
        return [1, 2, 3] + result
    }

    private func scenario(_ new: [String: [UInt8]], over old: [String: [UInt8]], seed: UInt64 = 1) -> Scenario {
        var scenario = Scenario(seed: seed)
        scenario.source = tree(new, time)
        scenario.old = tree(old, earlier)
        scenario.plan.direction = seed % 2 == 0 ? .push : .pull
        scenario.plan.poolSize = Int(seed % 4) + 1
        return scenario
    }

    private func expectCopied(_ run: Simulation, _ scenario: Scenario, _ disks: Scenario.Disks) {
        #expect(run.violation == nil && run.isSuccess, "\(scenario.seed): \(run.violation ?? run.ends) \(run.failures)")
        #expect(scenario.expected(over: scenario.old).differences(in: scenario.result(disks)).isEmpty)
    }

    private func summary(_ run: Simulation) throws -> Summary { try #require(run.sender.machine?.summary) }

    // MARK: Less travels

    @Test("Of a large file that was edited little travels", arguments: 1...6 as ClosedRange<UInt64>)
    func large(seed: UInt64) throws {
        let old = bytes(400_000)
        var scenario = scenario(["a": edited(old, every: 100_000)], over: ["a": old], seed: seed)
        scenario.plan.options.refine = .never
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        let (sender, receiver) = (try summary(run), try #require(run.receiver.machine?.summary))
        #expect(sender.contentBytes < 12_000)
        #expect(sender.contentBytes + sender.matchedBytes == 400_003)
        #expect(receiver.contentBytes == sender.contentBytes && receiver.matchedBytes == sender.matchedBytes)
        #expect(run.toServer.carried + run.toClient.carried < 24_000)
    }

    @Test("What is the same over megabytes is copied in pieces")
    func longCopies() throws {
        let old = bytes(9 << 20)
        var scenario = scenario(["a": [1] + old], over: ["a": old])
        scenario.plan.outputBuffer = 1 << 17
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try summary(run).contentBytes < 1 << 20)
    }

    @Test("Many small files share messages both ways, and take no more round trips than others")
    func manySmall() throws {
        let old = Dictionary(uniqueKeysWithValues: (0..<1000).map { ("f\($0)", bytes(4000, UInt64($0))) })
        var scenario = scenario(old.mapValues { edited($0, every: 8000) }, over: old, seed: 2)
        scenario.plan.latency = 50_000_000
        scenario.plan.outputBuffer = 1 << 17
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try summary(run).contentBytes < 600_000)
        #expect((run.receiver.sent[.signature] ?? 0) < 40 && (run.sender.sent[.delta] ?? 0) < 40)
        #expect((run.receiver.sent[.request] ?? 0) == 0)
        let delta = try #require(run.roundTrips)
        scenario.plan.options.delta = .never
        let plain = scenario.disks()
        let whole = scenario.simulation(plain).run()
        expectCopied(whole, scenario, plain)
        #expect(delta <= (try #require(whole.roundTrips)) + 1)
    }

    @Test("Sizes around the thresholds, each against each", arguments: [1, 2, 3] as [UInt64])
    func thresholds(seed: UInt64) throws {
        let sizes = [0, 1, 511, 512, 1023, 1024, 1025, 4096, 65_535, 65_536, 65_537, 200_000]
        let whole = bytes(200_000)
        var (new, old): ([String: [UInt8]], [String: [UInt8]]) = ([:], [:])
        for (row, oldSize) in sizes.enumerated() {
            for (column, newSize) in sizes.enumerated() {
                old["\(row)-\(column)"] = Array(whole[..<oldSize])
                new["\(row)-\(column)"] = edited(Array(whole[..<newSize]), every: 50_000)
            }
        }
        var scenario = scenario(new, over: old, seed: seed)
        if seed == 2 {
            scenario.plan.clientLimits = SessionPlan.smallestLimits
            scenario.plan.serverLimits = SessionPlan.smallestLimits
        }
        if seed == 3 { scenario.plan.options.blockLength = 64 }
        let disks = scenario.disks()
        expectCopied(scenario.simulation(disks).run(), scenario, disks)
    }

    @Test("Within one process only where it is asked for")
    func inProcess() throws {
        let old = bytes(100_000)
        var scenario = scenario(["a": edited(old, every: 50_000)], over: ["a": old])
        scenario.plan.isInProcess = true
        for choice in [DeltaChoice.auto, .always] {
            scenario.plan.options.delta = choice
            let disks = scenario.disks()
            let run = scenario.simulation(disks).run()
            expectCopied(run, scenario, disks)
            #expect((try summary(run).matchedBytes > 0) == (choice == .always))
        }
    }

    @Test("Not under --whole-file, and not to a peer that does not know it")
    func notAlways() throws {
        let old = bytes(100_000)
        var scenario = scenario(["a": edited(old, every: 50_000)], over: ["a": old])
        scenario.plan.options.delta = .never
        for knows in [true, false] {
            scenario.plan.knowsDelta = knows
            let disks = scenario.disks()
            let run = scenario.simulation(disks).run()
            expectCopied(run, scenario, disks)
            #expect(try summary(run).matchedBytes == 0)
            scenario.plan.options.delta = .auto
        }
    }

    // MARK: A basis that does not serve

    /// Hashes of two blocks change places on the way: what is matched is wrong, and the digest tells.
    @Test("A false match is noticed, and the file is sent whole once", arguments: [3000, 300_000])
    func falseMatch(size: Int) throws {
        let old = bytes(size)
        var scenario = scenario(["a": edited(old, every: size)], over: ["a": old])
        scenario.plan.isInProcess = true
        scenario.plan.options.delta = .always
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        run.outgoing(run.receiver).tamper = { message in
            guard case .signature(var signature) = message, signature.segments[0].blocks.count > 1 else { return }
            signature.segments[0].blocks.rolling.swapAt(0, 1)
            signature.segments[0].blocks.strong.swapAt(0, 1)
            message = .signature(signature)
        }
        expectCopied(run.run(), scenario, disks)
        #expect(run.receiver.sent[.request] == 1)
        #expect(try summary(run).contentBytes > UInt64(size))
    }

    @Test("An old version that changes after it was signed is not trusted", arguments: [5000, 300_000], [1, 2, 3])
    func changingBasis(size: Int, variant: Int) throws {
        let old = bytes(size)
        let scenario = scenario(["a": edited(old, every: size)], over: ["a": old], seed: UInt64(variant))
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        let other = disks.destination.anotherProcess()
        var isDone = false
        run.beforeStep = { run in
            guard !isDone, (run.receiver.sent[.signature] ?? 0) > 0 else { return }
            isDone = true
            guard let root = try? other.openRoot(Array("/dst".utf8), [.read, .directory]) else { return }
            if variant == 1 { return try! other.remove(Array("a".utf8)[...], in: root, isDirectory: false) }
            guard let file = try? other.open(Array("a".utf8)[...], in: root, [.write], mode: 0) else { return }
            if variant == 2 { try! other.truncate(file, to: 700) }
            _ = try? other.write([9, 9, 9], to: file, at: 10)
            other.close(file)
        }
        expectCopied(run.run(), scenario, disks)
        #expect(isDone)
    }

    /// Only while it is read: the source is watched as for whole files.
    @Test("A source that vanishes or changes ends its file alone", arguments: [5000, 300_000])
    func changingSource(size: Int) throws {
        let old = bytes(size)
        let scenario = scenario(["a": edited(old, every: size), "b": [1]], over: ["a": old])
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        let other = disks.source.anotherProcess()
        var isDone = false
        run.beforeStep = { run in
            guard !isDone, (run.receiver.sent[.signature] ?? 0) > 0 else { return }
            isDone = true
            guard let root = try? other.openRoot(Array("/src".utf8), [.read, .directory]) else { return }
            try? other.remove(Array("a".utf8)[...], in: root, isDirectory: false)
        }
        run.run()
        #expect(run.violation == nil && run.isComplete, "\(run.violation ?? run.ends)")
        let result = scenario.result(disks)
        let contents = result.items[Array("a".utf8)]?.contents
        #expect(contents == old || contents == scenario.source.items[Array("a".utf8)]?.contents)
        #expect(result.items[Array("b".utf8)]?.contents == [1])
    }
}
