// The table of options and attributes: each attribute of each kind changed alone, under each set of options. What the
// job has to mend it mends, so the range's digest must have seen it; what it leaves alone is not seen as a difference
// for ever: the second run does nothing.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct DigestTableTests {
    struct Change: Sendable, CustomStringConvertible {
        var description: String
        var apply: @Sendable (inout TreeSnapshot) -> Void
    }

    private static let time = FileTime(seconds: 1_600_000_000, nanoseconds: 123_456_789)
    private static let names = ["block", "char", "dir", "fifo", "file", "link", "socket"]

    /// One entry of each kind: too many for being told outright.
    private static var tree: TreeSnapshot {
        var tree = TreeSnapshot(items: [[]: .init(kind: .directory, mode: 0o755, modified: time)])
        func add(_ name: String, _ kind: FileKind, _ change: (inout TreeSnapshot.Item) -> Void = { _ in }) {
            var item = TreeSnapshot.Item(kind: kind, mode: 0o644, user: 1000, group: 100, modified: time)
            change(&item)
            tree.items[path(name)] = item
        }
        add("block", .blockDevice) { $0.device = 7 << 32 | 9 }
        add("char", .characterDevice) { $0.device = 1 << 32 | 3 }
        add("dir", .directory) { $0.mode = 0o755 }
        add("fifo", .fifo)
        add("file", .regular) { $0.contents = [1, 2, 3, 4] }
        add("link", .symlink) {
            $0.target = path("to")
            $0.mode = 0o777
        }
        add("socket", .socket)
        return tree
    }

    private static func change(
        _ description: String, _ name: String, _ body: @escaping @Sendable (inout TreeSnapshot.Item) -> Void
    ) -> Change {
        Change(description: "\(name): \(description)") { tree in
            if var item = tree.items[path(name)] {
                body(&item)
                tree.items[path(name)] = item
            }
        }
    }

    private static var changes: [Change] {
        var list: [Change] = []
        for name in names {
            list.append(change("seconds", name) { $0.modified.seconds -= 100 })
            list.append(change("nanoseconds", name) { $0.modified.nanoseconds += 1 })
            list.append(change("user", name) { $0.user = 1001 })
            list.append(change("group", name) { $0.group = 0 })
            if name != "link" {
                list.append(change("mode", name) { $0.mode ^= 0o020 })
                list.append(change("set-user-id", name) { $0.mode |= 0o4000 })
                list.append(change("sticky", name) { $0.mode |= 0o1000 })
            }
            list.append(Change(description: "\(name): missing") { $0.items[path(name)] = nil })
            list.append(
                Change(description: "\(name): kind") { tree in
                    tree.items[path(name)] = .init(
                        kind: name == "fifo" ? .socket : .fifo, mode: 0o644, user: 1000, group: 100, modified: time)
                })
        }
        list.append(change("size", "file") { $0.contents = [1, 2, 3] })
        list.append(change("contents", "file") { $0.contents = [1, 2, 3, 5] })
        list.append(change("target", "link") { $0.target = path("ot") })
        list.append(change("target's length", "link") { $0.target = path("too") })
        list.append(change("device", "block") { $0.device = 7 << 32 | 10 })
        list.append(change("device", "char") { $0.device = 2 << 32 | 3 })
        return list
    }

    private static let plans: [(String, @Sendable (inout SessionPlan) -> Void)] = [
        ("nothing", { _ in }),
        ("checksum", { $0.options.checksum = true }),
        ("size only", { $0.options.sizeOnly = true }),
        ("update", { $0.options.update = true }),
        ("existing", { $0.options.existing = true }),
        ("ignore existing", { $0.options.ignoreExisting = true }),
        ("no permissions", { $0.options.keepPermissions = false }),
        ("no times", { $0.options.keepTimes = false }),
        ("no times, size only", { ($0.options.keepTimes, $0.options.sizeOnly) = (false, true) }),
        ("no times, checksum", { ($0.options.keepTimes, $0.options.checksum) = (false, true) }),
        ("no user", { $0.options.keepUser = false }),
        ("no group", { $0.options.keepGroup = false }),
        ("no directory times", { $0.options.omitDirectoryTimes = true }),
        ("numeric ids", { $0.options.numericIDs = true }),
        ("other numbers for names", { $0.ownerShift = 500 }),
        ("owners cannot be kept", { $0.abilities.remove(.owners) }),
        ("set-id bits cannot be kept", { $0.abilities.remove(.setIDs) }),
    ]

    @Test("Every difference that counts is seen and mended; then there is none", arguments: plans.indices)
    func table(index: Int) {
        let (name, configure) = Self.plans[index]
        for change in Self.changes {
            var scenario = Scenario(seed: 3)
            configure(&scenario.plan)
            scenario.source = Self.tree
            scenario.old = Self.tree
            if scenario.plan.ownerShift != 0 {
                // The destination as an earlier run left it.
                for (path, item) in scenario.old.items where item.user >= 1000 {
                    scenario.old.items[path]?.user += scenario.plan.ownerShift
                }
            }
            change.apply(&scenario.old)
            let disks = scenario.disks()
            let run = scenario.simulation(disks).run()
            let what = "\(name), \(change)"
            #expect(run.violation == nil && run.isSuccess, "\(what): \(run.violation ?? run.ends) \(run.failures)")
            #expect(run.receiver.received[.range] ?? 0 > 0, "\(what): told outright")
            let differences = scenario.expected(over: scenario.old).differences(in: scenario.result(disks))
            #expect(differences.isEmpty, "\(what)")
            if scenario.plan.options.keepTimes || scenario.plan.options.sizeOnly || scenario.plan.options.checksum {
                let second = scenario.simulation(scenario.next(disks), run: 1).run()
                #expect(second.receiver.pool.changes.isEmpty, "\(what): second run \(second.receiver.pool.changes)")
                #expect(second.receiver.machine?.summary.contentBytes == 0, "\(what)")
            }
        }
    }

    @Test(
        "Times are compared to the coarser granularity",
        arguments: [UInt32(100), 1_000_000, 1_000_000_000, 2_000_000_000])
    func granularity(step: UInt32) {
        for change in Self.changes where change.description.contains("seconds") {
            var scenario = Scenario(seed: 3)
            scenario.plan.granularity = step
            scenario.source = Self.tree
            scenario.old = Self.tree
            change.apply(&scenario.old)
            var settings = ModelDisk.Settings()
            settings.timeGranularity = step
            let disk = ModelDisk(settings: settings)
            disk.plant(scenario.old, at: path("dst"))
            var disks = scenario.disks()
            disks.destination = ModelFileSystem(disk: disk)
            let run = scenario.simulation(disks).run()
            #expect(run.violation == nil && run.isSuccess, "\(change): \(run.violation ?? run.ends)")
            for (place, item) in scenario.result(disks).items {
                let wanted = Self.tree.items[place].map { disk.stored($0.modified) }
                #expect(item.modified == wanted, "\(change): \(Display.escaped(place))")
            }
            let second = scenario.simulation(scenario.next(disks), run: 1).run()
            #expect(second.receiver.pool.changes.isEmpty, "\(step), \(change): \(second.receiver.pool.changes)")
        }
    }
}
