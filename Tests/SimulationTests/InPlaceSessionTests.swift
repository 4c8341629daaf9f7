// Files that are made of themselves, in place: little travels, the file stays the one it was, and whatever goes wrong while
// they are told leaves them alone.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct InPlaceSessionTests {
    private let time = FileTime(seconds: 1_700_000_000, nanoseconds: 5)
    private let earlier = FileTime(seconds: 1_600_000_000, nanoseconds: 5)
    private let old: [UInt8] = {
        var random = SeededRandom(seed: 8)
        return random.bytes(400_000)
    }()

    /// Ten bytes in front, two thirds changed places, some bytes edited, and longer.
    private var new: [UInt8] {
        var new = Array((0..<10) + old[130_001..<260_000] + old[..<130_001] + old[260_000...] + old[..<5_000])
        for index in stride(from: 50_000, to: new.count, by: 100_000) { new[index] ^= 0xff }
        return new
    }

    private func tree(_ contents: [UInt8], _ modified: FileTime) -> TreeSnapshot {
        var tree = TreeSnapshot(items: [[]: .init(kind: .directory, mode: 0o755, modified: time)])
        tree.items[Array("a".utf8)] = .init(kind: .regular, mode: 0o644, modified: modified, contents: contents)
        return tree
    }

    private func scenario(seed: UInt64 = 1) -> Scenario {
        var scenario = Scenario(seed: seed)
        scenario.source = tree(new, time)
        scenario.old = tree(old, earlier)
        scenario.plan.options.writing = .inPlace
        scenario.plan.direction = seed % 2 == 0 ? .push : .pull
        scenario.plan.poolSize = Int(seed % 4) + 1
        scenario.plan.movedArea = [500, 4096, 256 << 10][Int(seed % 3)]
        scenario.plan.movedByEffect = [1, 40_000, 4 << 20][Int(seed / 3 % 3)]
        return scenario
    }

    private func file(_ scenario: Scenario, _ disks: Scenario.Disks) -> TreeSnapshot.Item? {
        scenario.result(disks).items[Array("a".utf8)]
    }

    private func inode(_ disks: Scenario.Disks) throws -> UInt64 {
        let root = try disks.destination.openRoot(Array("/dst".utf8), [.read, .directory])
        defer { disks.destination.close(root) }
        return try disks.destination.status(of: Array("a".utf8)[...], in: root).inode
    }

    private func expectCopied(_ run: Simulation, _ scenario: Scenario, _ disks: Scenario.Disks) {
        #expect(run.violation == nil && run.isSuccess, "\(scenario.seed): \(run.violation ?? run.ends) \(run.failures)")
        #expect(scenario.expected(over: scenario.old).differences(in: scenario.result(disks)).isEmpty)
    }

    @Test(
        "Where everything has moved little travels, and the file stays the same one",
        arguments: 1...9 as ClosedRange<UInt64>)
    func moved(seed: UInt64) throws {
        let scenario = scenario(seed: seed)
        let disks = scenario.disks()
        let before = try inode(disks)
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect(try inode(disks) == before)
        let summary = try #require(run.sender.machine?.summary)
        #expect(summary.contentBytes < 30_000 && summary.matchedBytes > 370_000)
    }

    /// Hashes of two blocks change places on the way: what is matched is wrong, and the digest tells.
    @Test("A false match is noticed before anything is overwritten, and the file is sent whole once")
    func falseMatch() throws {
        var scenario = scenario()
        scenario.source = tree(old + [1], time)
        scenario.plan.isInProcess = true
        scenario.plan.options.delta = .always
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        var kept: Bool?
        run.outgoing(run.receiver).tamper = { message in
            switch message {
            case .signature(var signature):
                guard signature.segments[0].blocks.count > 1 else { return }
                signature.segments[0].blocks.rolling.swapAt(0, 1)
                signature.segments[0].blocks.strong.swapAt(0, 1)
                message = .signature(signature)
            case .request: kept = file(scenario, disks)?.contents.starts(with: old)
            default: break
            }
        }
        expectCopied(run.run(), scenario, disks)
        #expect(run.receiver.sent[.request] == 1 && kept == true)
    }

    @Test(
        "Whenever a stream is cut the file is the old one, the new one, or says that it is neither", arguments: 0..<24)
    func cut(part: Int) throws {
        let scenario = scenario(seed: UInt64(part))
        let clean = scenario.simulation(scenario.disks()).run()
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        run.disturbance = .kill(client: part % 2 == 0, step: max(1, clean.steps * (part + 1) / 25))
        run.run()
        var next = disks
        next.destination = disks.destination.kill()
        let left = try #require(file(scenario, next))
        let isOld = left.contents == old && (left.modified == earlier || left.modified.seconds == 0)
        #expect(isOld || left.contents == new || left.modified.seconds == 0, "\(part): \(left.modified)")
        let before = try inode(next)
        let again = Scenario.Disks(source: disks.source.anotherProcess(), destination: next.destination)
        let rerun = scenario.simulation(again, run: 1).run()
        #expect(rerun.isSuccess, "\(part): \(rerun.violation ?? rerun.ends) \(rerun.failures)")
        #expect(file(scenario, again)?.contents == new)
        #expect(try inode(again) == before)
        #expect((rerun.sender.machine?.summary.contentBytes ?? .max) < 60_000, "\(part)")
    }
}
