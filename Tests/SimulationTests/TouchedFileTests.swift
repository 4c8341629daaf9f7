// Files that got another time, and kept their size: small ones are compared by their digests before anything is sent,
// since most of them have the contents that they had.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct TouchedFileTests {
    private let time = FileTime(seconds: 1_700_000_000, nanoseconds: 5)
    private let earlier = FileTime(seconds: 1_600_000_000, nanoseconds: 5)

    private func bytes(_ count: Int, _ seed: UInt64) -> [UInt8] {
        var random = SeededRandom(seed: seed)
        return random.bytes(count)
    }

    /// The files of `old`, later; `change` may give one other contents.
    private func scenario(
        _ old: [String: [UInt8]], seed: UInt64 = 1, _ change: (String, [UInt8]) -> [UInt8] = { $1 }
    ) -> Scenario {
        var scenario = Scenario(seed: seed)
        scenario.source = TreeSnapshot(items: [[]: .init(kind: .directory, mode: 0o755, modified: time)])
        scenario.old = scenario.source
        for (name, contents) in old {
            let path = Array(name.utf8)
            scenario.old.items[path] = .init(kind: .regular, mode: 0o644, modified: earlier, contents: contents)
            scenario.source.items[path] = .init(
                kind: .regular, mode: 0o644, modified: time, contents: change(name, contents))
        }
        scenario.plan.direction = seed % 2 == 0 ? .push : .pull
        return scenario
    }

    private func copied(_ scenario: Scenario) -> Simulation {
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        #expect(run.violation == nil && run.isSuccess, "\(run.violation ?? run.ends) \(run.failures)")
        #expect(scenario.expected(over: scenario.old).differences(in: scenario.result(disks)).isEmpty)
        return run
    }

    @Test("What they hold stays where it is, and a digest for each is all that travels", arguments: [1, 2] as [UInt64])
    func kept(seed: UInt64) throws {
        let sizes = [0, 1, 100, 1024, 5000, 65_536, 65_537, Int(Tuning.comparedFirst)]
        var old: [String: [UInt8]] = [:]
        for index in 0..<200 { old["\(index)"] = bytes(index < 8 ? sizes[index] : 3000, UInt64(index)) }
        let run = copied(scenario(old, seed: seed))
        #expect(run.sender.sent[.content] == nil && run.sender.sent[.delta] == nil)
        #expect(run.receiver.sent[.signature] == nil && run.receiver.sent[.request] == nil)
        #expect(run.receiver.pool.counts["setAttributes"] == 200 && run.receiver.pool.counts["writeSmall"] == nil)
        let summary = try #require(run.receiver.machine?.summary)
        let whole = UInt64(old.values.reduce(0) { $0 + $1.count })
        #expect(summary.files == 200 && summary.matchedBytes == whole && summary.contentBytes == 0)
        #expect(run.toServer.carried + run.toClient.carried < 200 * 60)
    }

    @Test("Those that differ all the same are told by their difference", arguments: [1, 2] as [UInt64])
    func changed(seed: UInt64) throws {
        var old: [String: [UInt8]] = [:]
        for index in 0..<60 { old["\(index)"] = bytes([50, 3000, 200_000][index % 3], UInt64(index)) }
        let scenario = scenario(old, seed: seed) { name, contents in
            var contents = contents
            if name.count == 1 { contents[contents.count / 2] ^= 1 }
            return contents
        }
        let run = copied(scenario)
        #expect((run.sender.sent[.fileDigests] ?? 0) > 0)
        #expect(run.receiver.pool.counts["setAttributes"] == 50)
        let summary = try #require(run.receiver.machine?.summary)
        #expect(summary.files == 60 && summary.contentBytes > 0 && summary.contentBytes < 20_000)
    }

    /// What it is given it would be given under its other name, too, and that one was left as it is.
    @Test("One that has another name here is made anew", arguments: [1, 2] as [UInt64])
    func linked(seed: UInt64) {
        var scenario = scenario(["a": bytes(3000, 1), "b": bytes(3000, 1)], seed: seed)
        scenario.old.link([Array("a".utf8), Array("b".utf8)])
        scenario.source.items[Array("b".utf8)]?.modified = earlier
        let run = copied(scenario)
        #expect(run.receiver.pool.counts["setAttributes"] == nil)
    }

    @Test("Larger ones are read once, and so are all where nothing is changed or all travels whole")
    func notAlways() {
        let large = scenario(["a": bytes(Int(Tuning.comparedFirst) + 1, 1)])
        #expect(copied(large).sender.sent[.fileDigests] == nil)
        var scenario = scenario(["a": bytes(3000, 1)])
        scenario.plan.options.delta = .never
        #expect(copied(scenario).sender.sent[.fileDigests] == nil)
        scenario.plan.options.delta = .auto
        scenario.plan.options.dryRun = true
        #expect(copied(scenario).sender.sent[.fileDigests] == nil)
    }
}
