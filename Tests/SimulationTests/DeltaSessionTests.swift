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

    // MARK: Many hashes

    /// The same with the smallest blocks there are.
    private func fine(_ new: [String: [UInt8]], over old: [String: [UInt8]], seed: UInt64) -> Scenario {
        var scenario = scenario(new, over: old, seed: seed)
        scenario.plan.options.blockLength = 64
        scenario.plan.options.refine = .never
        return scenario
    }

    @Test("Hashes of large files take turns in the smallest windows", arguments: 1...4 as ClosedRange<UInt64>)
    func manyHashes(seed: UInt64) throws {
        let old = Dictionary(uniqueKeysWithValues: (0..<5).map { ("f\($0)", bytes(2 << 20, UInt64($0))) })
        var scenario = fine(old.mapValues { edited($0, every: 500_000) }, over: old, seed: seed)
        scenario.plan.clientLimits = SessionPlan.smallestLimits
        scenario.plan.serverLimits = SessionPlan.smallestLimits
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try summary(run).contentBytes < 20_000)
        #expect(run.receiver.sent[.signature] ?? 0 > 5)
    }

    @Test("The hashes of the beginning come last, and fill more than one frame")
    func lateHashes() throws {
        let old = bytes(12 << 20)
        var scenario = fine(["a": edited(old, every: 4 << 20)], over: ["a": old], seed: 3)
        scenario.plan.outputBuffer = 1 << 17
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        run.beforeStep = { run in
            for (index, work) in run.receiver.pool.working.enumerated() where work.readyAt == 0 {
                guard case .signRanges(_, _, _, let ranges) = work.effect, ranges.first?.offset == 0 else { continue }
                run.receiver.pool.working[index].readyAt = run.now + 100_000_000_000
            }
        }
        expectCopied(run.run(), scenario, disks)
        #expect(try summary(run).contentBytes < 20_000)
        #expect(run.receiver.sent[.signature] == 2)
    }

    @Test("Hashes of small files wait for room in the middle of a batch", arguments: 1...6 as ClosedRange<UInt64>)
    func manySmallHashes(seed: UInt64) throws {
        let old = Dictionary(uniqueKeysWithValues: (0..<80).map { ("f\($0)", bytes(60_000, UInt64($0))) })
        var scenario = fine(old.mapValues { edited($0, every: 30_000) }, over: old, seed: seed)
        scenario.plan.capacity = 2_000
        scenario.plan.poolSize = 4
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try summary(run).contentBytes < 80 * 400)
        #expect(run.receiver.sent[.signature] ?? 0 > 8)
    }

    /// Each block of each file is in another place, so that each is a copy of its own.
    @Test("Copies of many small files fill more than one message")
    func manyCopies() throws {
        var (new, old): ([String: [UInt8]], [String: [UInt8]]) = ([:], [:])
        for number in 0..<500 {
            let contents = bytes(163 * 64 + 1, UInt64(number))
            old["f\(number)"] = contents
            let blocks = (0..<163).reversed().map { contents[$0 * 64..<$0 * 64 + 64] }
            new["f\(number)"] = [7] + blocks.flatMap { $0 } + contents.suffix(1)
        }
        var scenario = fine(new, over: old, seed: 2)
        scenario.plan.outputBuffer = 1 << 17
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        // While the first files are read the others come together.
        run.beforeStep = { run in
            for (index, work) in run.sender.pool.working.enumerated() where work.readyAt == 0 {
                guard case .matchSmall = work.effect, run.sender.pool.counts["matchSmall"] == nil else { continue }
                run.sender.pool.working[index].readyAt = run.now + 100_000_000_000
            }
        }
        var most = 0
        run.receiver.watch = { message in
            guard case .delta(let delta) = message else { return }
            most = max(most, delta.segments.reduce(0) { $0 + $1.copies.count })
        }
        expectCopied(run.run(), scenario, disks)
        #expect(try summary(run).contentBytes < 500 * 100)
        #expect(most > ProtocolConstants.mostCopies / 2 && most <= ProtocolConstants.mostCopies, "\(most) copies")
    }

    /// Three of four blocks differ, so that there is a lot to ask about and something to find it by.
    private func patched(_ contents: [UInt8], blocks length: Int) -> [UInt8] {
        var result = contents
        for block in 0..<contents.count / length where block % 4 != 3 { result[block * length + 9] ^= 0xff }
        return result
    }

    @Test("Finer hashes of megabytes are made in several steps", arguments: 1...3 as ClosedRange<UInt64>)
    func longQuestion(seed: UInt64) throws {
        let old = bytes(4 << 20)
        var scenario = scenario(["a": patched(old, blocks: 4096)], over: ["a": old], seed: seed)
        scenario.plan.options.blockLength = 4096
        scenario.plan.options.refine = .always
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try summary(run).contentBytes < 1 << 20)
        let questions = run.sender.sent[.refine] ?? 0
        #expect(questions > 0 && run.receiver.sent[.signature] ?? 0 > questions + 1)
    }

    /// As an archive of small files: between the headers, which differ, there is no block of the first signature. Some of
    /// the files begin alike, some were left out and some are new.
    @Test("An archive whose headers are all new is followed to its end", arguments: 1...3 as ClosedRange<UInt64>)
    func archive(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let alike = random.bytes(4096)
        var (old, new): ([UInt8], [UInt8]) = ([], [])
        for number in 0..<1000 {
            let body = (number % 5 == 0 ? alike : []) + random.bytes(512 * (8 + random.below(17)))
            if !(600..<630).contains(number) { old += random.bytes(512) + body }
            if !(300..<320).contains(number) { new += random.bytes(512) + body }
        }
        var scenario = scenario(["a": new], over: ["a": old], seed: seed)
        scenario.plan.options.refine = .always
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        let sent = try summary(run).contentBytes
        #expect(sent < UInt64(new.count / 4), "\(sent) of \(new.count)")
    }

    @Test("A question whose answer would find no room is not asked")
    func noRoom() throws {
        let old = bytes(2 << 20)
        var scenario = scenario(["a": patched(old, blocks: 512)], over: ["a": old])
        scenario.plan.options.blockLength = 512
        scenario.plan.options.refine = .always
        scenario.plan.clientLimits = SessionPlan.smallestLimits
        scenario.plan.serverLimits = SessionPlan.smallestLimits
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(run.sender.sent[.refine] == nil)
        #expect(try summary(run).contentBytes > 1 << 20)
    }

    // MARK: What cannot be read

    private let unreadable = FileProblem(.system, errno: 5, doing: "reading")

    /// At once, in the middle, and while what was told of it has not left yet.
    @Test("An old version that cannot be read on is given up, and the file comes whole", arguments: [1, 3, 6, 8])
    func unreadableBasis(last: Int) throws {
        let old = bytes(8 << 20)
        for capacity in [1_000, 1 << 16] {
            var scenario = fine(["a": edited(old, every: 4 << 20)], over: ["a": old], seed: UInt64(last))
            scenario.plan.capacity = capacity
            let disks = scenario.disks()
            let run = scenario.simulation(disks)
            var signed = 0
            run.receiver.exchange = { [unreadable] effect, result in
                guard case .signRanges = effect else { return result }
                signed += 1
                return signed == last ? .signedRanges(.failure(unreadable)) : result
            }
            expectCopied(run.run(), scenario, disks)
            #expect(signed >= last)
            #expect(try summary(run).contentBytes == 3 + 8 << 20)
        }
    }

    @Test("Finer hashes that cannot be had leave the coarse ones")
    func unreadableRanges() throws {
        let old = bytes(4 << 20)
        var scenario = scenario(["a": patched(old, blocks: 4096)], over: ["a": old])
        scenario.plan.options.blockLength = 4096
        scenario.plan.options.refine = .always
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        run.receiver.exchange = { [unreadable] effect, result in
            guard case .signRanges(_, let length, _, _) = effect, length < 4096 else { return result }
            return .signedRanges(.failure(unreadable))
        }
        expectCopied(run.run(), scenario, disks)
        #expect(try summary(run).contentBytes > 2 << 20)
    }

    @Test("A source that cannot be matched fails alone", arguments: [5_000, 300_000])
    func unreadableSource(size: Int) throws {
        let old = bytes(size)
        let scenario = scenario(["a": edited(old, every: size), "b": [1]], over: ["a": old])
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        run.sender.exchange = { [unreadable] effect, result in
            switch effect {
            case .matchChunk: .matchedChunk(.failure(unreadable))
            case .matchSmall(let files, _): .matchedSmall(buffer: [], files.map { _ in .failed(unreadable) })
            default: result
            }
        }
        run.run()
        #expect(run.violation == nil && run.isComplete && !run.claimsSuccess, "\(run.violation ?? run.ends)")
        let found = scenario.result(disks)
        #expect(found.items[path("a")]?.contents == old && found.items[path("b")]?.contents == [1])
    }

    /// Questions about it, and their answers, are under way then.
    @Test(
        "A file that cannot be written fails alone, whatever was asked about it",
        arguments: 1...8 as ClosedRange<UInt64>)
    func unwritable(seed: UInt64) throws {
        let old = bytes(12 << 20)
        var scenario = scenario(["a": patched(old, blocks: 4096), "b": [1]], over: ["a": old], seed: seed)
        scenario.plan.options.blockLength = 4096
        scenario.plan.options.refine = .always
        scenario.plan.capacity = seed > 4 ? 1 << 20 : 1 << 16
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        var hasFailed = false
        run.receiver.exchange = { [unreadable] effect, result in
            guard case .writeChunk = effect else { return result }
            hasFailed = true
            return .wroteChunk(.failed(unreadable))
        }
        run.run()
        #expect(run.violation == nil && run.isComplete && !run.claimsSuccess, "\(run.violation ?? run.ends)")
        #expect(hasFailed && run.receiver.machine?.summary.failed == 1)
        let found = scenario.result(disks)
        #expect(areSame(found.items[path("a")]?.contents ?? [], old) && found.items[path("b")]?.contents == [1])
    }
}
