// What a session may be for besides copying a tree into another, and what it must not touch on the way: a list, a
// comparison, one file under another name, kinds that cannot be kept, and what becomes newer meanwhile.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct PurposeTests {
    private let time = TreeSnapshot.plainTime
    private let later = FileTime(seconds: 1_900_000_000, nanoseconds: 0)

    private func scenario(_ source: TreeSnapshot, _ old: TreeSnapshot, seed: UInt64 = 1) -> Scenario {
        var scenario = Scenario(seed: seed)
        scenario.source = source
        scenario.old = old
        return scenario
    }

    private func expectSuccess(_ run: Simulation) {
        #expect(run.violation == nil && run.isSuccess, "\(run.violation ?? run.ends) \(run.failures)")
    }

    // MARK: Purposes

    @Test("A list tells one directory, with its sizes, and touches nothing")
    func list() {
        let source = TreeSnapshot.plain(["a": [1, 2, 3], "d/below": [4], "z": []], directories: ["d"])
        var scenario = scenario(source, TreeSnapshot.plain(["mine": [9]]))
        scenario.plan.purpose = .list
        scenario.plan.options.topOnly = true
        scenario.plan.direction = .pull
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectSuccess(run)
        var listed: [String: UInt64] = [:]
        for case .listed(let path, let entry) in run.receiver.events {
            let name = String(decoding: path, as: UTF8.self)
            listed[name] = entry.attributes.kind == .regular ? entry.attributes.size : 0
        }
        #expect(listed["a"] == 3 && listed["z"] == 0 && listed["d"] == 0 && listed["d/below"] == nil, "\(listed)")
        #expect(scenario.result(disks) == scenario.old)
    }

    @Test("Where only the top was asked for, a directory below it ends the session")
    func belowTheTop() {
        let root = Attributes(
            kind: .directory, mode: 0o755, userID: 0, groupID: 0, size: 0,
            modified: Timestamp(seconds: 0, nanoseconds: 0))
        for topOnly in [true, false] {
            var plan = SessionPlan()
            plan.options.topOnly = topOnly
            var job = plan.job
            job.shape = .contents(root)
            let agreement = Agreement(
                job: job, peerLimits: Limits(), ownLimits: Limits(), receiverAbilities: [], digestKey: 1,
                isInProcess: true)
            var machine = ReceiverMachine(
                agreement, destination: Ready(isEmpty: true, timeGranularity: 1), rootExists: true, renamedTo: nil,
                reportsEvents: false, now: 0)
            for (id, name) in [(0, ""), (1, "d")] {
                let opened = DirectoryOpened(id: DirectoryID(id), parent: 0, name: path(name), streams: true)
                machine.receive(.directory(opened), weight: 10, now: 1)
            }
            #expect(machine.end == (topOnly ? .broken(.unexpected("a directory below the top")) : nil))
        }
    }

    @Test("A comparison tells every difference and touches nothing", arguments: [DeleteMode.none, .after, .before])
    func compare(mode: DeleteMode) {
        let source = TreeSnapshot.plain(
            ["same": [1], "other": [2, 2], "new": [3], "d/new": [4]], directories: ["d", "e"])
        let old = TreeSnapshot.plain(["same": [1], "other": [2], "extra": [5], "e/extra": [6]], directories: ["e"])
        for direction in [Direction.push, .pull] {
            var scenario = scenario(source, old)
            scenario.plan.purpose = .compare
            scenario.plan.direction = direction
            scenario.plan.options.delete = mode
            scenario.plan.options.deleteFromEmpty = true
            let disks = scenario.disks()
            let run = scenario.simulation(disks).run()
            expectSuccess(run)
            var told: Set<String> = []
            for event in run.receiver.events {
                switch event {
                case .item(let path, _, _, _), .linked(let path, _, _, _), .deleted(let path, _):
                    told.insert(String(decoding: path, as: UTF8.self))
                case .listed, .failed, .warning: Issue.record("\(event)")
                }
            }
            let deleted: Set<String> = mode == .none ? [] : ["extra", "e/extra"]
            #expect(told.isSuperset(of: deleted.union(["other", "new", "d", "d/new"])), "\(told)")
            #expect(told.isDisjoint(with: mode == .none ? ["same", "extra", "e/extra"] : ["same"]), "\(told)")
            #expect(scenario.result(disks) == old)
        }
    }

    @Test("A dry run into a place that is not there tells all, and makes nothing")
    func nowhere() {
        for direction in [Direction.push, .pull] {
            var scenario = scenario(TreeSnapshot.plain(["a": [1], "d/b": [2]], directories: ["d"]), TreeSnapshot())
            scenario.plan.options.dryRun = true
            scenario.plan.direction = direction
            var disks = scenario.disks()
            disks.destination = ModelFileSystem(disk: ModelDisk())
            let run = scenario.simulation(disks).run()
            expectSuccess(run)
            #expect(run.receiver.machine?.summary.settled ?? 0 >= 3)
            #expect(disks.destination.disk.snapshot(at: [])?.items.count == 1)
        }
    }

    @Test("One file, under the name that the destination gives it", arguments: [100, 300_000])
    func renamed(size: Int) {
        var random = SeededRandom(seed: 3)
        let contents = random.bytes(size)
        for isThere in [false, true] {
            var scenario = scenario(
                TreeSnapshot.plain(["a": contents, "b": [1]]), TreeSnapshot.plain(isThere ? ["b": [7, 7]] : ["c": [7]]))
            scenario.plan.source = path("/src/a")
            scenario.plan.destination = path("/dst/b")
            scenario.plan.isSingleFile = true
            let disks = scenario.disks()
            disks.destination.disk.plant(scenario.old, at: path("dst"))
            expectSuccess(scenario.simulation(disks).run())
            let found = disks.destination.disk.snapshot(at: path("dst"))
            #expect(found?.items[path("b")]?.contents == contents)
            #expect(found?.items[path("a")] == nil)
        }
    }

    // MARK: What is left out

    @Test("A source that is empty deletes nothing unless it is told to, and says so once", arguments: [false, true])
    func emptySource(deletes: Bool) {
        let old = TreeSnapshot.plain(["a": [1], "b": [2]])
        var scenario = scenario(TreeSnapshot.plain([:]), old)
        scenario.plan.options.delete = .after
        scenario.plan.options.deleteFromEmpty = deletes
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectSuccess(run)
        let warnings = run.receiver.events.count { if case .warning = $0 { true } else { false } }
        #expect(warnings == (deletes ? 0 : 1))
        #expect((scenario.result(disks).items[path("a")] == nil) == deletes)
    }

    @Test("Devices that the receiver cannot make are left out, and told")
    func devices() {
        var source = TreeSnapshot.plain(["a": [1]])
        source.items[path("null")] = .init(kind: .characterDevice, mode: 0o600, modified: time)
        var scenario = scenario(source, TreeSnapshot.plain([:]))
        scenario.plan.abilities.remove(.devices)
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        #expect(run.violation == nil && run.isComplete, "\(run.violation ?? run.ends)")
        #expect(scenario.result(disks).items[path("a")]?.contents == [1])
        #expect(scenario.result(disks).items[path("null")] == nil)
    }

    /// A file stands where a directory is to be made, or named.
    @Test("Under --ignore-existing what appears meanwhile stays, whatever it is", arguments: ["dir", "link", "large"])
    func appearsMeanwhile(name: String) throws {
        var source = TreeSnapshot.plain(
            ["small": [1, 2], "large": Array(repeating: 5, count: 200_000), "dir/in": [3], "dir/below/in": [4]],
            directories: ["dir", "dir/below"])
        source.items[path("link")] = .init(kind: .symlink, mode: 0o777, modified: time, target: path("somewhere"))
        var made = 0
        for step in stride(from: 5, to: 400, by: 5) {
            var isMade = false
            var scenario = scenario(source, TreeSnapshot.plain(["old": [1]]), seed: UInt64(step))
            scenario.plan.options.ignoreExisting = true
            scenario.plan.capacity = 200
            let disks = scenario.disks()
            let run = scenario.simulation(disks)
            let other = disks.destination.anotherProcess()
            run.beforeStep = { run in
                guard run.steps == step, let root = try? other.openRoot(path("/dst"), [.read, .directory]),
                    let file = try? other.open(path(name)[...], in: root, [.write, .create], mode: 0o600)
                else { return }
                isMade = true
                _ = try? other.write([6, 6, 6], to: file, at: 0)
                other.close(file)
            }
            run.run()
            made += isMade ? 1 : 0
            #expect(run.violation == nil && run.isComplete, "step \(step): \(run.violation ?? run.ends)")
            let found = scenario.result(disks)
            let item = found.items[path(name)]
            #expect(
                isMade ? item?.contents == [6, 6, 6] : item?.kind == source.items[path(name)]?.kind, "step \(step)")
            #expect(found.items[path("small")]?.contents == [1, 2], "step \(step)")
            #expect(!found.paths.contains { TreeSnapshot.isReserved($0) }, "step \(step)")
        }
        #expect(made > 3, "\(made) made")
    }

    @Test(
        "A source that vanishes before it is listed is counted as vanished at both ends", arguments: [1, 2] as [UInt64])
    func vanishes(seed: UInt64) {
        for direction in [Direction.push, .pull] {
            var scenario = scenario(TreeSnapshot.plain(["a": [1]]), TreeSnapshot.plain(["a": [1]]), seed: seed)
            scenario.plan.source = path("/src")
            scenario.plan.direction = direction
            let disks = scenario.disks()
            let run = scenario.simulation(disks)
            let other = disks.source.anotherProcess()
            run.beforeStep = { run in
                guard run.sender.machine != nil, run.sender.pool.counts.isEmpty,
                    let root = try? other.openRoot(path("/"), [.read, .directory])
                else { return }
                try? other.rename(path("src")[...], in: root, to: path("gone")[...], in: root, .noReplace)
            }
            run.run()
            #expect(run.violation == nil && run.isComplete && !run.claimsSuccess, "\(run.violation ?? run.ends)")
            for side in run.sides {
                let summary = side.machine?.summary
                #expect(summary?.vanished == 1 && summary?.failed == 0, "\(side.name): \(String(describing: summary))")
            }
            #expect(scenario.result(disks) == scenario.old)
        }
    }

    @Test("One file was announced: a directory in its place ends the session")
    func directoryForFile() {
        var job = SessionPlan().job
        job.shape = .items([.init(name: path("a"), kind: .regular)])
        let agreement = Agreement(
            job: job, peerLimits: Limits(), ownLimits: Limits(), receiverAbilities: [], digestKey: 1, isInProcess: true)
        var machine = ReceiverMachine(
            agreement, destination: Ready(isEmpty: true, timeGranularity: 1), rootExists: true, renamedTo: path("b"),
            reportsEvents: false, now: 0)
        let opened = DirectoryOpened(id: 1, parent: 0, name: path("a"), streams: true)
        machine.receive(.directory(opened), weight: 10, now: 1)
        #expect(machine.end == .broken(.unexpected("a directory where a file was announced")))
    }

    private func machine(ofDirectory: Bool) -> ReceiverMachine {
        let attributes = Attributes(
            kind: .directory, mode: 0o755, userID: 0, groupID: 0, size: 0,
            modified: Timestamp(seconds: 0, nanoseconds: 0))
        var job = SessionPlan().job
        job.shape = .contents(attributes)
        let agreement = Agreement(
            job: job, peerLimits: Limits(), ownLimits: Limits(), receiverAbilities: [], digestKey: 1, isInProcess: true)
        var machine = ReceiverMachine(
            agreement, destination: Ready(isEmpty: false, timeGranularity: 1), rootExists: true, renamedTo: nil,
            reportsEvents: false, now: 0)
        let opened = DirectoryOpened(id: 0, parent: 0, name: [], streams: false)
        if ofDirectory { machine.receive(.directory(opened), weight: 1, now: 1) }
        return machine
    }

    @Test("More ranges, or owners, than anybody has end the session")
    func tooMany() {
        var ranges = machine(ofDirectory: true)
        for sequence in 1...UInt64(4 * Tuning.unansweredRanges) + 1 {
            #expect(ranges.end == nil)
            let range = RangeMessage(
                sequence: sequence, directory: 0, lastName: path("\(sequence)"), count: 1,
                digest: ContentDigest(low: 0, high: 0), isLast: false, isIncomplete: false)
            ranges.receive(.range(range), weight: 1, now: 1)
        }
        #expect(ranges.end == .broken(.unexpected("too many ranges unanswered")))
        var owners = machine(ofDirectory: false)
        let owner = OwnerName(isGroup: false, id: 1, name: [])
        owners.receive(.owners(Owners(Array(repeating: owner, count: Tuning.mostOwners + 1))), weight: 1, now: 1)
        #expect(owners.end == .broken(.unexpected("too many owners")))
    }

    @Test("A directory that comes before what the job is about ends the session")
    func tooEarly() {
        var plan = SessionPlan()
        plan.direction = .pull
        let agreement = Agreement(
            job: plan.job, peerLimits: Limits(), ownLimits: Limits(), receiverAbilities: [], digestKey: 1,
            isInProcess: true)
        var machine = ReceiverMachine(
            agreement, destination: Ready(isEmpty: true, timeGranularity: 1), rootExists: true, renamedTo: nil,
            reportsEvents: false, now: 0)
        machine.receive(.directory(DirectoryOpened(id: 0, parent: 0, name: [], streams: true)), weight: 10, now: 1)
        #expect(machine.end == .broken(.unexpected("Directory before Roots")))
    }

    // MARK: What becomes newer meanwhile

    /// Somebody makes a newer file of the same name while the session is under way. A link or a directory of the source
    /// takes its place all the same: what is newer stays among files only.
    @Test(
        "Under --update a file that becomes newer meanwhile stays",
        arguments: ["small", "large", "twin", "link", "dir"])
    func newerMeanwhile(name: String) throws {
        var source = TreeSnapshot.plain(
            ["small": [1, 2], "large": Array(repeating: 5, count: 200_000), "dir/in": [3], "one": [8]],
            directories: ["dir"])
        source.items[path("link")] = .init(kind: .symlink, mode: 0o777, modified: time, target: path("somewhere"))
        source.items[path("twin")] = source.items[path("one")]
        source.link([path("one"), path("twin")])
        let kind = source.items[path(name)]?.kind
        var kept = 0
        for step in stride(from: 5, to: 400, by: 5) {
            var scenario = scenario(source, TreeSnapshot.plain([:]), seed: UInt64(step))
            scenario.plan.options.update = true
            scenario.plan.options.keepHardLinks = true
            scenario.plan.capacity = 200
            let disks = scenario.disks()
            let run = scenario.simulation(disks)
            let other = disks.destination.anotherProcess()
            run.beforeStep = { run in
                guard run.steps == step, let root = try? other.openRoot(path("/dst"), [.read, .directory]),
                    let file = try? other.open(path(name)[...], in: root, [.write, .create], mode: 0o600)
                else { return }
                _ = try? other.write([6, 6, 6], to: file, at: 0)
                try? other.setModified(later, of: file)
                other.close(file)
            }
            run.run()
            #expect(run.violation == nil && run.isComplete, "step \(step): \(run.violation ?? run.ends)")
            let found = try #require(scenario.result(disks).items[path(name)], "step \(step)")
            if found.contents == [6, 6, 6] {
                kept += 1
                #expect(found.modified == later, "step \(step)")
            } else {
                #expect(found.kind == kind, "step \(step)")
            }
        }
        #expect((kept > 0) == (kind == .regular), "\(kept) kept")
    }
}
