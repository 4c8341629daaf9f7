// How often a session waits for the other end, counted with nothing but latency: (client's end - opening) / 2L,
// rounded up. The first flight and both Goodbyes are in it.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct RoundTripTests {
    private func trips(
        _ direction: Direction, source: TreeSnapshot, old: TreeSnapshot, change: (inout SessionPlan) -> Void = { _ in }
    ) throws -> (trips: Int, bytes: Int) {
        var scenario = Scenario(seed: 1)
        scenario.plan.direction = direction
        scenario.plan.latency = 10_000_000
        scenario.plan.capacity = 1 << 30
        scenario.plan.outputBuffer = 1 << 30
        scenario.plan.poolSize = 4
        change(&scenario.plan)
        scenario.source = source
        scenario.old = old
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        #expect(run.violation == nil && run.isSuccess, "\(run.violation ?? run.ends)")
        let differences = scenario.expected(over: old).differences(in: scenario.result(disks))
        #expect(differences.isEmpty)
        return (try #require(run.roundTrips), run.toServer.carried + run.toClient.carried)
    }

    private func tree(files: Int, directories: Int = 1, deep: Bool = false) -> TreeSnapshot {
        var random = SeededRandom(seed: 5)
        let time = FileTime(seconds: 1_700_000_000, nanoseconds: 5)
        var tree = TreeSnapshot(items: [[]: .init(kind: .directory, mode: 0o755, modified: time)])
        var place: [UInt8] = []
        for number in 0..<directories {
            if directories > 1 {
                place = TreeSnapshot.path(deep ? place : [], Array("d\(number)".utf8))
                tree.items[place] = .init(kind: .directory, mode: 0o755, modified: time)
            }
            for file in 0..<files / directories {
                tree.items[TreeSnapshot.path(place, Array("f\(file)".utf8))] = .init(
                    kind: .regular, mode: 0o644, modified: time, contents: random.bytes(1024))
            }
        }
        return tree
    }

    private var nothing: TreeSnapshot { TreeSnapshot(items: [[]: .init(kind: .directory, mode: 0o755)]) }

    @Test("1,000 small files into an empty directory: at most 3", arguments: [Direction.push, .pull])
    func firstCopy(direction: Direction) throws {
        #expect(try trips(direction, source: tree(files: 1000), old: nothing).trips <= 3)
        #expect(try trips(direction, source: tree(files: 1000, directories: 100), old: nothing).trips <= 3)
        #expect(try trips(direction, source: tree(files: 60, directories: 30, deep: true), old: nothing).trips <= 3)
    }

    @Test("Nothing to do: at most 2, and few bytes", arguments: [Direction.push, .pull])
    func noChange(direction: Direction) throws {
        let flat = tree(files: 1000)
        let wide = tree(files: 2000, directories: 200)
        let one = try trips(direction, source: flat, old: flat)
        #expect(one.trips <= 2)
        #expect(one.bytes < 1500, "\(one.bytes) bytes for one directory")
        let many = try trips(direction, source: wide, old: wide)
        #expect(many.trips <= 2)
        // About 25 bytes a directory, as for 50 kB in 2,000 of them.
        #expect(many.bytes < 1500 + 200 * 40, "\(many.bytes) bytes for 200 directories")
    }

    @Test("Nothing to do under --checksum and --delete: one question more", arguments: [Direction.push, .pull])
    func noChangeOtherwise(direction: Direction) throws {
        let wide = tree(files: 2000, directories: 50)
        #expect(try trips(direction, source: wide, old: wide) { $0.options.checksum = true }.trips <= 3)
        #expect(try trips(direction, source: wide, old: wide) { $0.options.delete = .after }.trips <= 2)
    }

    @Test(
        "Scattered changes, and new directories among old ones: a constant number", arguments: [Direction.push, .pull])
    func changes(direction: Direction) throws {
        let now = tree(files: 2000, directories: 50)
        var old = now
        for path in now.paths where path.starts(with: Array("d2".utf8)) { old.items[path] = nil }
        for (index, path) in now.paths.enumerated() where index % 7 == 0 && now.items[path]?.kind == .regular {
            old.items[path]?.contents = [1]
        }
        #expect(try trips(direction, source: now, old: old).trips <= 5)
    }
}
