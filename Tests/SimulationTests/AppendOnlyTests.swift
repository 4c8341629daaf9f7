// A server that only adds: whatever a job says, and whatever happens to the session, what was there is there as it was.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct AppendOnlyTests {
    @Test("The disk alone keeps what is there, whatever the machines want", arguments: SessionSeeds.upTo(300))
    func disk(seed: UInt64) {
        var scenario = Scenario.withOptions(seed)
        scenario.plan.protection = .disk
        if scenario.random.chance(15) { scenario.plan.options.writing = .append }
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        if isBroken(run, "seed \(seed): \(scenario.plan)") { return }
        checkKept(scenario.old, scenario.result(disks), "seed \(seed): \(scenario.plan.options)")
    }

    @Test("New names come, and a second run finds nothing to do", arguments: SessionSeeds.upTo(300))
    func server(seed: UInt64) {
        let scenario = adding(Scenario.withOptions(seed))
        let disks = scenario.disks()
        let first = scenario.simulation(disks).run()
        let what = "seed \(seed): \(scenario.plan.options)"
        if isBroken(first, what) { return }
        #expect(first.isComplete, "\(what)\n\(first.ends)")
        let result = scenario.result(disks)
        checkKept(scenario.old, result, what)
        if scenario.plan.options.dryRun {
            #expect(result == scenario.old, "\(what): a dry run changed something")
            return
        }
        checkAdded(scenario, result, what)
        let second = scenario.simulation(scenario.next(disks), run: 1).run()
        if isBroken(second, "\(what), again") { return }
        let differences = scenario.result(disks).differences(from: result)
        #expect(differences.isEmpty, "\(what)\nthe second run: \(second.failures)")
        #expect(second.receiver.machine?.summary.contentBytes == 0, "\(what): contents were sent again")
    }

    @Test("Interrupted and continued", arguments: SessionSeeds.upTo(200))
    func interrupted(seed: UInt64) {
        var scenario = adding(Scenario.plain(seed))
        scenario.plan.isInProcess = false
        scenario.plan.clones = false
        let clean = scenario.simulation(scenario.disks()).run()
        if isBroken(clean, "seed \(seed), undisturbed") { return }
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        let step = scenario.random.within(1...max(1, clean.steps))
        run.disturbance = .kill(client: scenario.random.chance(50), step: step)
        run.run()
        let what = "seed \(seed), \(run.disturbance)"
        if isBroken(run, what) { return }
        checkKept(scenario.old, scenario.result(disks), what)
        var next = disks
        next.destination = disks.destination.kill()
        next.source = disks.source.anotherProcess()
        let before = scenario.result(next)
        let rerun = scenario.simulation(next, run: 2).run()
        if isBroken(rerun, "\(what), rerun") { return }
        #expect(rerun.isComplete, "\(what), rerun: \(rerun.ends)")
        let found = scenario.result(next)
        // What the first run has committed is as safe as what was there before it.
        checkKept(before.withoutReserved, found, "\(what), rerun")
        checkAdded(scenario, found, "\(what), rerun")
        // Nothing that the first run left under its name is other than the source has it, but for times.
        let differs = scenario.old.items.contains { path, item in
            guard !path.isEmpty || scenario.isNamed, let new = scenario.sentTree.items[path] else { return false }
            return item.kind == .directory ? !item.hasSameMode(as: new) : item != new
        }
        if !differs && scenario.old.links.isEmpty { #expect(rerun.isSuccess, "\(what), rerun: \(rerun.failures)") }
    }

    // MARK: What must hold

    private func adding(_ scenario: Scenario) -> Scenario {
        var scenario = scenario
        scenario.plan.protection = .server
        scenario.plan.options.delete = .none
        scenario.plan.options.force = false
        scenario.plan.options.writing = .aside
        return scenario
    }

    private func isBroken(_ run: Simulation, _ what: String) -> Bool {
        if let violation = run.violation { Issue.record("\(what)\n\(violation)") }
        return run.violation != nil
    }

    /// Adding to a directory changes its time.
    private func checkKept(_ old: TreeSnapshot, _ now: TreeSnapshot, _ what: String) {
        for (path, item) in old.items {
            guard let found = now.items[path] else {
                Issue.record("\(what)\n\(Display.escaped(path)) is gone")
                return
            }
            let isDirectory = item.kind == .directory
            let isKept = isDirectory ? item.hasSameMode(as: found) && found.kind == .directory : item == found
            #expect(isKept, "\(what)\n\(Display.escaped(path)) was \(item), is \(found)")
        }
        for (path, first) in old.links {
            #expect(now.links[path] == now.links[first], "\(what)\n\(Display.escaped(path)) is another file")
        }
    }

    private func checkAdded(_ scenario: Scenario, _ now: TreeSnapshot, _ what: String) {
        if scenario.plan.options.existing { return }
        for (path, item) in scenario.sentTree.items where !path.isEmpty && scenario.old.items[path] == nil {
            guard isReachable(path, scenario.old) else { continue }
            guard let found = now.items[path] else {
                Issue.record("\(what)\n\(Display.escaped(path)) is not there")
                return
            }
            #expect(found.hasSameSubstance(as: item), "\(what)\n\(Display.escaped(path)) is \(found)")
        }
    }

    /// Nothing but directories is in the way.
    private func isReachable(_ path: [UInt8], _ old: TreeSnapshot) -> Bool {
        var parent = TreeSnapshot.parent(of: path)
        while !parent.isEmpty {
            if let item = old.items[parent], item.kind != .directory { return false }
            parent = TreeSnapshot.parent(of: parent)
        }
        return true
    }
}

extension TreeSnapshot.Item {
    fileprivate func hasSameMode(as other: Self) -> Bool {
        mode == other.mode && user == other.user && group == other.group
    }
}
