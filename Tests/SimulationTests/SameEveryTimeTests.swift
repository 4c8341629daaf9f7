// A seed means one session: the same calls in the same order, however a process happens to order its sets and
// dictionaries. Swift orders each of them by chance, so two runs beside each other tell.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct SameEveryTimeTests {
    /// What one session does to both disks, and a next one after it.
    private func traces(_ seed: UInt64, withOptions: Bool, faults: Bool) -> [[String]] {
        var scenario = withOptions ? Scenario.withOptions(seed) : Scenario.plain(seed)
        let (first, second) = (scenario.random.next(), scenario.random.next())
        let disks =
            faults
            ? scenario.disks(
                faults: .random(seed: first, oneIn: 60), sourceFaults: .random(seed: second, oneIn: 200))
            : scenario.disks()
        let again = Scenario.Disks(
            source: disks.source.anotherProcess(), destination: disks.destination.anotherProcess())
        for system in [disks.source, disks.destination, again.source, again.destination] { system.isTracing = true }
        let run = scenario.simulation(disks).run()
        let rerun = scenario.simulation(again, run: 1).run()
        return [disks.source, disks.destination, again.source, again.destination].map { $0.trace.map(words) }
            + [[run.ends, "\(run.steps)"] + run.failures, [rerun.ends, "\(rerun.steps)"] + rerun.failures]
    }

    private func words(_ call: ModelCall) -> String {
        let names = [call.name, call.otherName].map { $0.map { Display.escaped($0, limit: 80) } ?? "" }
        let place = "\(call.descriptor ?? 0) \(names[0]) \(call.otherDescriptor ?? 0) \(names[1])"
        return "\(call.operation.rawValue) \(place) \(call.detail) \(call.failure?.name ?? "")"
    }

    @Test("A seed makes the same calls every time", arguments: SessionSeeds.upTo(60))
    func same(seed: UInt64) {
        let (options, faults) = (seed % 2 == 0, seed % 4 < 2)
        let first = traces(seed, withOptions: options, faults: faults)
        let second = traces(seed, withOptions: options, faults: faults)
        for (index, (one, two)) in zip(first, second).enumerated() where one != two {
            let place = zip(one, two).enumerated().first { $0.element.0 != $0.element.1 }
            let differing =
                place.map { "\($0.element.0)\nand\n\($0.element.1)" } ?? "\(one.count) and \(two.count) calls"
            Issue.record("seed \(seed), trace \(index), line \(place?.offset ?? 0): \(differing)")
            return
        }
    }
}
