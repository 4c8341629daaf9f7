// Trees as values: planted and read back, compared, merged, and judged by the promise "whole or old".

import LifterSystem
import Testing

@Suite struct TreeSnapshotTests {
    @Test("A planted tree reads back as it was", arguments: Seeds.upTo(60))
    func roundTrip(seed: UInt64) throws {
        var generator = TreeGenerator(seed: seed)
        let tree = generator.tree()
        let disk = ModelDisk()
        disk.plant(generator.tree(), at: path("some/where"))
        disk.plant(tree, at: path("some/where"))
        let found = try #require(disk.snapshot(at: path("some/where")))
        #expect(found.differences(from: tree).isEmpty, "seed \(seed)")
        #expect(found == tree, "seed \(seed)")
        // The same seed makes the same tree; a mutation can be told apart by kind, size, time or target alone.
        var again = TreeGenerator(seed: seed)
        #expect(again.tree() == tree, "seed \(seed)")
        let old = generator.mutate(tree)
        for (path, item) in old.items {
            guard let new = tree.items[path], new.kind == .regular, item.kind == .regular else { continue }
            if !areSame(new.contents, item.contents) {
                #expect(
                    new.contents.count != item.contents.count || new.modified != item.modified,
                    "seed \(seed), \(Display.escaped(path))")
            }
            #expect(old.items[TreeSnapshot.parent(of: path)]?.kind == .directory)
        }
    }

    @Test("Seeds bring every kind of entry and of change")
    func variety() {
        var kinds: Set<FileKind> = []
        var (same, changed, missing, extra, retyped, ancient, late, odd) = (0, 0, 0, 0, 0, 0, 0, 0)
        for seed in UInt64(1)...50 {
            var generator = TreeGenerator(seed: seed)
            let tree = generator.tree()
            let old = generator.mutate(tree)
            for (path, item) in tree.items {
                kinds.insert(item.kind)
                if item.modified.seconds < 0 { ancient += 1 }
                if item.modified.seconds > 1 << 32 { late += 1 }
                if String(validating: path, as: UTF8.self) == nil { odd += 1 }
                switch old.items[path] {
                case nil: missing += 1
                case item?: same += 1
                case let other?: if other.kind == item.kind { changed += 1 } else { retyped += 1 }
                }
            }
            extra += old.items.keys.count { tree.items[$0] == nil }
        }
        #expect(kinds.count == 7)
        for count in [same, changed, missing, extra, retyped, ancient, late, odd] { #expect(count > 20) }
    }

    @Test("Differences name the path and the attribute")
    func differences() {
        var one = TreeSnapshot(items: [[]: .init(kind: .directory, mode: 0o755)])
        one.items[path("a")] = .init(kind: .regular, mode: 0o644, contents: [1, 2, 3])
        one.items[path("b")] = .init(kind: .fifo)
        var two = one
        two.items[path("a")]?.contents = [1, 9, 3]
        two.items[path("b")] = nil
        two.items[path("c")] = .init(kind: .symlink, target: path("x"))
        two.items[[]]?.mode = 0o700
        #expect(
            one.differences(from: two) == [
                "(root): mode 0755, not 0700", "a: contents differ, 3 bytes, not 3, first at byte 1",
                "b: only here (fifo)", "c: missing (symlink)",
            ])
        #expect(one.differences(from: one).isEmpty)
    }

    @Test("Laying a source over a destination keeps or deletes the rest")
    func laying() {
        let directory = TreeSnapshot.Item(kind: .directory)
        let file = TreeSnapshot.Item(kind: .regular, contents: [1])
        let source = TreeSnapshot(items: [[]: directory, path("a"): file, path("d"): directory, path("d/x"): file])
        let old = TreeSnapshot(items: [
            []: directory, path("a"): directory, path("a/inside"): file, path("d"): directory, path("d/y"): file,
        ])
        #expect(source.laid(over: old, deleting: true) == source)
        let kept = source.laid(over: old, deleting: false)
        #expect(Set(kept.items.keys) == Set(["", "a", "d", "d/x", "d/y"].map(path)))
    }

    @Test("Whole or old: what is allowed, and what is not")
    func wholeOrOld() {
        let time = FileTime(seconds: 9, nanoseconds: 9)
        let directory = TreeSnapshot.Item(kind: .directory, mode: 0o755)
        let before = TreeSnapshot.Item(kind: .regular, mode: 0o600, contents: [1, 1, 1])
        let after = TreeSnapshot.Item(kind: .regular, mode: 0o644, modified: time, contents: [2, 2, 2])
        let old = TreeSnapshot(items: [[]: directory, path("a"): before, path("gone"): before])
        let new = TreeSnapshot(items: [[]: directory, path("a"): after, path("n"): after])
        let promise = WholeOrOld(old: old, new: new)
        #expect(promise.violations(in: old).isEmpty)
        #expect(promise.violations(in: new).isEmpty)

        func problems(_ change: (inout TreeSnapshot) -> Void, short: Bool = false) -> Int {
            var now = old
            change(&now)
            return WholeOrOld(old: old, new: new, allowsShort: short).violations(in: now).count
        }
        #expect(problems { $0.items[path("a")] = nil } == 1)
        #expect(problems { $0.items[path("gone")] = nil } == 0)
        #expect(problems { $0.items[path("n")] = after } == 0)
        #expect(problems { $0.items[path("n")] = before } == 1)
        #expect(problems { $0.items[path("stranger")] = before } == 1)
        #expect(problems { $0.items[path(".sl-part-0011223344556677")] = before } == 0)
        #expect(problems { $0.items[path("a")]?.contents = [1, 2, 2] } == 1)
        #expect(problems { $0.items[path("a")]?.contents = [2, 2] } == 1)
        #expect(problems({ $0.items[path("a")]?.contents = [2, 2] }, short: true) == 0)
        #expect(problems({ $0.items[path("a")]?.contents = [2, 2, 0] }, short: true) == 1)
        #expect(problems { $0.items[path("a")]?.contents = [2, 2, 2] } == 1, "new contents, old mode")
        #expect(problems { $0.items[path("a")]?.mode = 0o640 } == 1)
        #expect(problems { $0.items[[]]?.mode = 0o700 } == 0)
    }
}
