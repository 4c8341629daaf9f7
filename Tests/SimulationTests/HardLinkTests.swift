// `--hard-links` in simulated sessions: the smallest trees for each thing that can happen to a group of names.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct HardLinkTests {
    private let time = FileTime(seconds: 1_700_000_000, nanoseconds: 5)

    /// Directories are made as needed. Names in one string belong together: "a=d/b".
    private func tree(_ groups: [String: [UInt8]], time: FileTime? = nil) -> TreeSnapshot {
        var tree = TreeSnapshot(items: [[]: .init(kind: .directory, mode: 0o755, modified: self.time)])
        for (group, contents) in groups {
            let paths = group.split(separator: "=").map { Array($0.utf8) }
            for path in paths {
                var parent = TreeSnapshot.parent(of: path)
                while !parent.isEmpty {
                    tree.items[parent] = .init(kind: .directory, mode: 0o755, modified: self.time)
                    parent = TreeSnapshot.parent(of: parent)
                }
                tree.items[path] = .init(
                    kind: .regular, mode: 0o644, modified: time ?? self.time, contents: contents)
            }
            tree.link(paths)
        }
        return tree
    }

    /// Under several schedules, both ways and in one process. The figures are of the last.
    @discardableResult
    private func expectDone(
        _ source: TreeSnapshot, over old: TreeSnapshot, links: UInt64? = nil, contents: UInt64? = nil,
        _ configure: (inout SessionPlan) -> Void = { _ in }
    ) -> TreeSnapshot {
        var result = TreeSnapshot()
        for seed: UInt64 in 1...9 {
            var scenario = Scenario(seed: seed)
            scenario.plan.options.keepHardLinks = true
            scenario.plan.direction = seed % 2 == 0 ? .push : .pull
            scenario.plan.isInProcess = seed % 3 == 0
            scenario.plan.poolSize = Int(seed % 4) + 1
            if seed % 4 == 1 && seed % 3 != 0 {
                scenario.plan.clientLimits = SessionPlan.smallestLimits
                scenario.plan.serverLimits = SessionPlan.smallestLimits
            }
            configure(&scenario.plan)
            scenario.source = source
            scenario.old = old
            let disks = scenario.disks()
            let run = scenario.simulation(disks).run()
            #expect(run.violation == nil && run.isSuccess, "\(seed): \(run.violation ?? run.ends) \(run.failures)")
            result = scenario.result(disks)
            let differences = scenario.expected(over: old).differences(in: result)
            #expect(differences.isEmpty, "schedule \(seed)")
            let summary = run.receiver.machine?.summary
            if let links { #expect(summary?.links == links, "schedule \(seed)") }
            if let contents { #expect(summary?.contentBytes == contents, "schedule \(seed)") }
        }
        return result
    }

    private var nothing: TreeSnapshot { tree([:]) }

    @Test("A first copy sends the contents of a group once")
    func firstCopy() {
        let source = tree(["a=b=c": [1, 2, 3], "d/x=e/f/y": [4], "z": [5]])
        expectDone(source, over: nothing, links: 3, contents: 5)
        expectDone(source, over: source, links: 0, contents: 0)
    }

    @Test("Names that came apart are joined, within a directory and across")
    func join() {
        let source = tree(["a=b=c": [1, 2, 3], "d/x=e/y": [4]])
        expectDone(
            source, over: tree(["a=b": [1, 2, 3], "c": [1, 2, 3], "d/x": [4], "e/y": [4]]), links: 2, contents: 0)
        expectDone(source, over: tree(["a=c": [1, 2, 3], "b=d/x": [9, 9], "e/y": [4]]))
    }

    @Test("A new name before one that is here is linked to it; no contents travel")
    func newNames() {
        expectDone(tree(["a=file": [1, 2]]), over: tree(["file": [1, 2]]), links: 1, contents: 0)
        expectDone(
            tree(["d/z=file": [1, 2], "d/x": [3]]), over: tree(["file": [1, 2], "d/x": [3]]), links: 1, contents: 0)
    }

    @Test("Names that are not of one file any more come apart, also where all else is the same")
    func split() {
        let source = tree(["a": [1, 2], "b": [1, 2], "d/x": [3], "e/y": [3]])
        expectDone(source, over: tree(["a=b": [1, 2], "d/x=e/y": [3]]), links: 0, contents: 3)
        let swapped = tree(["a=d/x": [1], "b=e/y": [1]])
        expectDone(swapped, over: tree(["a=e/y": [1], "b=d/x": [1]]))
        expectDone(swapped, over: tree(["a=b=d/x=e/y": [1]]), links: 1, contents: 1)
    }

    @Test("Other names of a file outside of the tree cost nothing: they are neither told nor copied")
    func namesElsewhere() {
        let source = tree(["a": [1], "b": [2], "c": [3]])
        var scenario = Scenario(seed: 2)
        scenario.plan.options.keepHardLinks = true
        scenario.source = source
        scenario.old = source
        let disks = scenario.disks()
        let disk = disks.destination.disk
        disk.plant(tree(["snapshot/a=dst/a": [1], "snapshot/b=dst/b": [2], "snapshot/c=dst/c": [3]]), at: [])
        let run = scenario.simulation(disks).run()
        #expect(run.isSuccess && run.receiver.machine?.summary.contentBytes == 0)
        #expect(run.receiver.pool.changes.keys.allSatisfy { $0 == "finishDirectory" }, "\(run.receiver.pool.changes)")
        #expect(disk.snapshot(at: [])?.links.count == 6)
    }

    @Test("Without the option a change breaks the link, and what did not change keeps it")
    func withoutTheOption() {
        let later = FileTime(seconds: 1_700_000_001, nanoseconds: 0)
        var source = tree(["a=b": [1], "c=d": [2]])
        source.items[path("a")]?.modified = later
        source.items[path("a")]?.contents = [7]
        source.links[path("a")] = nil
        source.links[path("b")] = nil
        let result = expectDone(source, over: tree(["a=b": [1], "c=d": [2]])) { $0.options.keepHardLinks = false }
        #expect(result.groups == [[path("c"), path("d")]])
    }

    @Test("The first name is left alone: the next is the first, and contents are asked for under it")
    func firstLeftAlone() {
        let source = tree(["a=b=c": [1, 2, 3]])
        expectDone(source, over: tree(["a": [9]]), links: 1, contents: 3) { $0.options.ignoreExisting = true }
        let newer = FileTime(seconds: 1_800_000_000, nanoseconds: 0)
        expectDone(source, over: tree(["a": [9]], time: newer), links: 1, contents: 3) { $0.options.update = true }
        expectDone(source, over: tree(["b": [9], "c": [8]]), links: 1, contents: 3) { $0.options.existing = true }
    }

    @Test("Under --update what is newer here stays as it is and out of its group; the others are of one file")
    func newerHere() {
        let newer = FileTime(seconds: 1_800_000_000, nanoseconds: 0)
        let source = tree(["a=b=d/c=e/z": [1, 2, 3]])
        for kept in [["b"], ["d/c"], ["a", "e/z"], ["b", "d/c"]] {
            for delete in [DeleteMode.after, .before] {
                var old = tree(["b": [7], "d/c": [1, 2, 3], "e/x": [6]])
                for name in kept {
                    old.items[path(name)] = .init(kind: .regular, mode: 0o600, modified: newer, contents: [9, 9])
                }
                let result = expectDone(source, over: old) {
                    $0.options.update = true
                    $0.options.delete = delete
                }
                for name in kept { #expect(result.items[path(name)] == old.items[path(name)]) }
                #expect(result.links.count == 4 - kept.count)
            }
        }
    }

    /// What the first pass had made was newer than the source's, so the second pass left it out of its group.
    @Test("Under --update without times a group whose names come in both passes is one file")
    func newerInTheSecondPass() {
        for names in ["a=d/c=e", "d/c=a=e", "a/c=b=e"] {
            let blocked = names.contains("d/c") ? "d/c" : "a/c"
            expectDone(tree([names: [1, 2, 3]]), over: tree(["\(blocked)/x/y": [5]])) {
                $0.options.update = true
                $0.options.keepTimes = false
                $0.options.delete = .after
            }
        }
    }

    /// The time set through the first name made the second one look newer than its source.
    @Test("Under --update names of one file here are judged by what was there, whichever is told first")
    func judgedByWhatWasThere() {
        func at(_ seconds: Int64) -> FileTime { FileTime(seconds: seconds, nanoseconds: 0) }
        var source = tree(["a/x": [1, 2], "b/c/d/y": [3, 4]])
        source.items[path("a/x")]?.modified = at(2_000)
        source.items[path("b/c/d/y")]?.modified = at(1_500)
        let old = tree(["a/x=b/c/d/y": [1, 2]], time: at(1_000))
        expectDone(source, over: old) {
            $0.options.update = true
            $0.options.checksum = true
            $0.heldDirectories = 2
        }
    }

    @Test("A name gives way to a link, whatever it is; also in the second pass")
    func replaced() {
        let source = tree(["a=b=d/c": [1, 2, 3]])
        for delete in [DeleteMode.after, .before] {
            expectDone(source, over: tree(["a/x": [5], "b": [6], "d/c/y/z": [7]])) { $0.options.delete = delete }
        }
    }

    @Test("Where a file gets no further name another copy goes on with the group")
    func tooManyNames() {
        let names = (0..<7).map { "n\($0)" }.joined(separator: "=")
        for seed: UInt64 in 1...4 {
            var scenario = Scenario(seed: seed)
            scenario.plan.options.keepHardLinks = true
            scenario.plan.poolSize = Int(seed)
            scenario.source = tree([names: [1, 2]])
            scenario.old = nothing
            scenario.mostLinks = 3
            let disks = scenario.disks()
            let run = scenario.simulation(disks).run()
            #expect(run.isSuccess, "\(run.failures)")
            let result = scenario.result(disks)
            #expect(result.differences(from: scenario.source).isEmpty)
            #expect(result.groups.allSatisfy { $0.count <= 3 } && result.groups.count >= 2)
        }
    }

    @Test("A group larger than all ids under way")
    func manyNames() {
        let names = (0..<300).map { "d\($0 % 7)/n\($0)" }.joined(separator: "=")
        expectDone(tree([names: [1, 2, 3]]), over: nothing, links: 299, contents: 3) {
            $0.clientLimits = SessionPlan.smallestLimits
            $0.serverLimits = SessionPlan.smallestLimits
        }
    }

    @Test("Links, fifos and devices have several names like files")
    func otherKinds() {
        var source = tree(["a=b": [1]])
        for (kind, name) in [(FileKind.symlink, "link"), (.fifo, "fifo"), (.characterDevice, "device")] {
            let paths = ["\(name)1", "\(name)2", "sub/\(name)3"].map { path($0) }
            source.items[path("sub")] = .init(kind: .directory, mode: 0o755, modified: time)
            for path in paths {
                source.items[path] = .init(
                    kind: kind, mode: kind == .symlink ? 0o777 : 0o600, modified: time,
                    target: kind == .symlink ? [0x78] : [], device: kind == .characterDevice ? 1 << 32 | 3 : 0)
            }
            source.link(paths)
        }
        expectDone(source, over: nothing, links: 7, contents: 1)
        expectDone(source, over: source, links: 0, contents: 0)
    }

    @Test("Names of one file are told only where that was asked for")
    func unasked() {
        var scenario = Scenario(seed: 1)
        scenario.source = tree(["a": [1]])
        scenario.old = nothing
        let run = scenario.simulation(scenario.disks())
        run.receiver.distort = { message, weight in
            guard case .entries(var entries) = message else { return [(message, weight)] }
            entries.entries[0].link = FileIdentity(device: 0, inode: 1, names: 2)
            return [(.entries(entries), weight)]
        }
        run.run()
        #expect(run.violation == nil && run.receiver.machine?.end == .broken(.value("entries.flags")))
    }

    @Test("On a server that only adds a name that would have to leave its file stays, and is refused")
    func addingServer() {
        let old = tree(["a=b": [1, 2], "d/x=e/y": [3]])
        for seed: UInt64 in 1...6 {
            var scenario = Scenario(seed: seed)
            scenario.plan.options.keepHardLinks = true
            scenario.plan.protection = .server
            scenario.plan.poolSize = Int(seed % 4) + 1
            scenario.source = tree(["a": [1, 2], "b": [1, 2], "d/x": [3], "e/y": [3], "new": [4]])
            scenario.old = old
            let disks = scenario.disks()
            let run = scenario.simulation(disks).run()
            #expect(run.violation == nil && run.isComplete && !run.claimsSuccess, "\(run.violation ?? run.ends)")
            #expect(run.receiver.machine?.summary.failed == 2, "\(run.failures)")
            let result = scenario.result(disks)
            #expect(result.groups == old.groups)
            #expect(result.items[path("a")] == old.items[path("a")] && result.items[path("new")]?.contents == [4])
        }
    }

    @Test("A dry run foretells the links")
    func dryRun() {
        let source = tree(["a=b=d/c": [1, 2, 3], "e=f": [4]])
        for old in [nothing, tree(["a": [1, 2, 3], "b": [9], "e=f": [4]]), tree(["a=e": [1, 2, 3], "b=f": [4]])] {
            var told: [Set<String>] = []
            for isDry in [true, false] {
                var scenario = Scenario(seed: 4)
                scenario.plan.options.keepHardLinks = true
                scenario.plan.options.dryRun = isDry
                scenario.source = source
                scenario.old = old
                let disks = scenario.disks()
                let run = scenario.simulation(disks).run()
                #expect(run.isSuccess)
                let summary = run.receiver.machine?.summary
                told.append(["\(summary?.links ?? 99) links", "\(summary?.settled ?? 99) settled"])
                if isDry { #expect(scenario.result(disks) == old) }
            }
            #expect(told[0] == told[1])
        }
    }
}
