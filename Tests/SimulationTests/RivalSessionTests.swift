// Two runs from different sources into one destination at once: whatever they do to each other, no file is a mixture.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct RivalSessionTests {
    @Test("Two runs into one destination never commit a mixture", arguments: SessionSeeds.upTo(100))
    func rivals(seed: UInt64) throws {
        var first = Scenario.plain(seed)
        first.plan.isInProcess = false
        first.plan.clones = false
        first.plan.source = Array("/src/".utf8)
        first.plan.lateEffects = 0
        first.old = seed % 3 == 0 ? TreeSnapshot(items: [[]: .init(kind: .directory, mode: 0o755)]) : first.old
        var second = first
        var generator = TreeGenerator(seed: seed &+ 77, limits: .init(entries: 30, largestFile: 9_000))
        second.source = generator.mutate(first.source)
        let disks = first.disks()
        var others = second.disks()
        others.destination = disks.destination.anotherProcess()
        let one = first.simulation(disks)
        let two = second.simulation(others, run: 1)
        var random = SeededRandom(seed: seed &* 31)
        // Between any two calls of the one, the other may do some steps.
        var isNested = false
        let pace = max(1, random.pick([3, 20, 200]))
        disks.destination.beforeCall = { _, _ in
            guard !isNested, random.below(pace) == 0 else { return }
            isNested = true
            two.start()
            for _ in 0..<random.below(60) where !two.step() { break }
            isNested = false
        }
        one.run()
        disks.destination.beforeCall = nil
        two.run()
        #expect(
            one.violation == nil && two.violation == nil, "seed \(seed): \(one.violation ?? "") \(two.violation ?? "")")
        let found = first.result(disks).withoutReserved
        for (path, item) in found.items where item.kind == .regular {
            let origins = [first.source, second.source, first.old].compactMap { $0.items[path]?.contents }
            #expect(origins.contains(item.contents), "seed \(seed): \(Display.escaped(path)) is a mixture")
        }
        // Peace again: one more run of the first.
        let expected = first.expected(over: first.result(disks))
        let next = first.next(disks)
        let rerun = first.simulation(next, run: 2).run()
        #expect(rerun.violation == nil && rerun.isComplete, "seed \(seed), rerun: \(rerun.violation ?? rerun.ends)")
        let differences = expected.differences(in: first.result(next))
        #expect(differences.isEmpty, "seed \(seed), rerun \(rerun.failures)")
    }
}
