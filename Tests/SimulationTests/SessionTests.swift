// Random jobs over random streams: what must hold after every session that nothing disturbed.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct SessionTests {
    @Test(
        "A session does what its options say, and a second one finds nothing to do", arguments: SessionSeeds.upTo(300))
    func options(seed: UInt64) {
        let scenario = Scenario.withOptions(seed)
        let disks = scenario.disks()
        let first = scenario.simulation(disks).run()
        guard check(first, scenario) else { return }
        let expected = scenario.expected(over: scenario.old)
        let differences = expected.differences(in: scenario.result(disks))
        #expect(differences.isEmpty, "seed \(seed): \(scenario.plan.options)\n\(first.failures)")
        if expected.conflicts == 0 || scenario.plan.options.dryRun {
            #expect(first.isSuccess, "seed \(seed): \(first.failures)")
        } else {
            #expect(
                !first.claimsSuccess,
                "seed \(seed): \(expected.conflicts) names could not be made\n\(scenario.plan.options)")
        }
        #expect(
            disks.source.disk.snapshot(at: Array("src".utf8)) == scenario.source, "seed \(seed): the source changed")
        if scenario.plan.options.dryRun {
            #expect(scenario.result(disks) == scenario.old, "seed \(seed): a dry run changed something")
        } else if isSettled(scenario, expected) {
            checkNothingToDo(scenario, disks)
        }
    }

    @Test("Progress only goes on, never beyond its end, and reaches it", arguments: SessionSeeds.upTo(100))
    func progress(seed: UInt64) {
        let scenario = Scenario.withOptions(seed)
        let run = scenario.simulation(scenario.disks())
        var last: [String: Progress] = [:]
        run.beforeStep = { run in
            for side in run.sides {
                guard let machine = side.machine, machine.end == nil else { continue }
                let (now, before) = (machine.progress, last[side.name] ?? Progress())
                #expect(now.bytesDone >= before.bytesDone && now.filesDone >= before.filesDone, "seed \(seed)")
                #expect(now.bytesDone <= now.bytesToSend && now.filesDone <= now.filesToSend, "seed \(seed)")
                #expect(machine.effectsRunning == side.pool.working.count + side.pool.waiting.count, "seed \(seed)")
                last[side.name] = now
            }
        }
        guard check(run.run(), scenario) else { return }
        for side in run.sides {
            guard let end = side.machine?.progress else { continue }
            let isWhole = end.filesDone == end.filesToSend && end.bytesDone == end.bytesToSend && end.isScanned
            #expect(isWhole, "seed \(seed): \(side.name): \(end)")
        }
    }

    @Test("An end that refuses tells why")
    func refused() {
        for isClient in [true, false] {
            let scenario = Scenario.plain(2)
            let run = scenario.simulation(scenario.disks())
            run.beforeStep = { run in
                let side = isClient ? run.client : run.server
                guard run.sides.allSatisfy({ $0.machine != nil }), side.machine?.end == nil else { return }
                side.machine?.refuse(Abort(exit: 11, text: "enough"))
                side.stir()
            }
            run.run()
            let (own, other) = isClient ? (run.client, run.server) : (run.server, run.client)
            #expect(run.violation == nil && own.machine?.end == .refused(Abort(exit: 11, text: "enough")))
            #expect(other.machine?.end == .aborted(Abort(exit: 11, text: "enough")), "\(run.ends)")
        }
    }

    private func check(_ run: Simulation, _ scenario: Scenario) -> Bool {
        if let violation = run.violation {
            Issue.record("seed \(scenario.seed): \(violation)\n\(scenario.plan)")
            return false
        }
        #expect(run.isComplete, "seed \(scenario.seed): \(run.ends)\n\(scenario.plan)")
        return run.isComplete
    }

    /// Whether the job leaves nothing that it would do again.
    private func isSettled(_ scenario: Scenario, _ expected: ExpectedTree) -> Bool {
        let options = scenario.plan.options
        let comparesTimes = !options.sizeOnly && !options.checksum && !options.keepTimes
        let setsModes = options.keepPermissions && !scenario.plan.abilities.contains(.setIDs)
        return expected.conflicts == 0 && !comparesTimes && !(options.ignoreTimes && !options.checksum)
            && !setsModes && options.maxDelete == nil
    }

    private func checkNothingToDo(_ scenario: Scenario, _ disks: Scenario.Disks) {
        let seed = scenario.seed
        let again = scenario.next(disks)
        let second = scenario.simulation(again, run: 1).run()
        guard check(second, scenario) else { return }
        let changes = second.receiver.pool.changes
        #expect(changes.isEmpty, "seed \(seed): the second run did \(changes)\n\(scenario.plan.options)")
        #expect(second.receiver.machine?.summary.contentBytes == 0, "seed \(seed): contents were sent again")
        #expect(second.receiver.machine?.summary.links == 0, "seed \(seed): names were linked again")
        let carried = second.toServer.carried + second.toClient.carried
        if !scenario.plan.options.checksum && !scenario.plan.options.ignoreTimes && scenario.plan.ownerShift == 0
            && !scenario.plan.options.existing && !scenario.plan.options.update && scenario.plan.options.delete != .none
        {
            let links = scenario.plan.options.keepHardLinks ? scenario.source.links.count : 0
            let directories = scenario.source.items.values.count { $0.kind == .directory }
            #expect(carried < 4_000 + directories * 1_000 + links * 600, "seed \(seed): \(carried) bytes for nothing")
        }
    }
}
