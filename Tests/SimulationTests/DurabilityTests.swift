// What the model says a power cut, a kill and a fault leave behind. Every rule is shown twice: what may happen does
// happen for some seed, and what may not happen does not for any.

import LifterSystem
import Testing

@Suite struct DurabilityTests {
    private static let orders: [JournalOrder] = [.whole, .perObject]

    /// A process, its root, and what `act` did with both before the power went.
    private func outcomes(
        _ order: JournalOrder, seeds: Int = 300,
        _ act: (ModelFileSystem, RawDescriptor) throws -> Void, see: (TreeSnapshot) throws -> Void
    ) throws {
        for seed in 1...UInt64(seeds) {
            let system = ModelFileSystem()
            let root = try system.openRoot(Array("/".utf8), [.read, .directory])
            try act(system, root)
            var random = SeededRandom(seed: seed)
            let next = system.crash(random: &random, order: order)
            #expect(throws: Errno.io, "seed \(seed)") { try system.status(of: root) }
            try see(try #require(next.disk.snapshot(at: []), "seed \(seed)"))
        }
    }

    @Test("A written file without sync: any beginning, never the size without the data", arguments: orders)
    func shortButNeverHollow(order: JournalOrder) throws {
        let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 / 7 + 1) | 1 }
        var sizes: Set<Int?> = []
        try outcomes(order) { system, root in
            let file = try system.open(name("a"), in: root, [.write, .create], mode: 0o600)
            try system.reserve(file, size: 20_000)
            for start in stride(from: 0, to: 20_000, by: 5_000) {
                _ = try system.write(Array(bytes[start..<start + 5_000]), to: file, at: UInt64(start))
            }
        } see: { tree in
            let found = tree.items[path("a")]
            sizes.insert(found?.contents.count)
            #expect(found.map { bytes.starts(with: $0.contents) } ?? true)
        }
        #expect(sizes.contains(nil) && sizes.contains(0) && sizes.contains(20_000) && sizes.count > 5)
    }

    @Test("A file extended by truncate may be hollow", arguments: orders)
    func hollow(order: JournalOrder) throws {
        var hollow = 0
        try outcomes(order) { system, root in
            let file = try system.open(name("a"), in: root, [.write, .create], mode: 0o600)
            try system.truncate(file, to: 8_192)
            _ = try system.write([UInt8](repeating: 7, count: 8_192), to: file, at: 0)
        } see: { tree in
            if let item = tree.items[path("a")], item.contents.count == 8_192, item.contents.contains(0) { hollow += 1 }
        }
        #expect(hollow > 10)
    }

    @Test("A synced file is whole wherever its name survives, and a synced directory keeps the name", arguments: orders)
    func synced(order: JournalOrder) throws {
        var missing = 0
        try outcomes(order) { system, root in
            for item in ["kept", "perhaps"] {
                let file = try system.open(name(item), in: root, [.write, .create], mode: 0o600)
                _ = try system.write([1, 2, 3], to: file, at: 0)
                try system.setMode(0o640, of: file)
                try system.sync(file)
                if item == "kept" { try system.sync(root) }
            }
        } see: { tree in
            #expect(tree.items[path("kept")]?.contents == [1, 2, 3] && tree.items[path("kept")]?.mode == 0o640)
            if let perhaps = tree.items[path("perhaps")] {
                #expect(perhaps.contents == [1, 2, 3] && perhaps.mode == 0o640)
            } else {
                missing += 1
            }
        }
        #expect(missing > 10)
    }

    @Test("Replacing by rename shows the old or the new, never nothing and never both", arguments: orders)
    func replacing(order: JournalOrder) throws {
        var news = 0
        try outcomes(order) { system, root in
            let old = try system.open(name("a"), in: root, [.write, .create], mode: 0o600)
            _ = try system.write([1], to: old, at: 0)
            try system.makeDirectory(name("d"), in: root, mode: 0o700)
            try system.sync(old)
            try system.sync(root)
            let inside = try system.open(name("d"), in: root, [.read, .directory], mode: 0)
            let new = try system.open(name("p"), in: inside, [.write, .create], mode: 0o600)
            _ = try system.write([2], to: new, at: 0)
            try system.sync(new)
            try system.rename(name("p"), in: inside, to: name("a"), in: root, .replace)
        } see: { tree in
            let now = try #require(tree.items[path("a")])
            #expect(now.contents == [1] || now.contents == [2])
            if now.contents == [2] {
                news += 1
                #expect(tree.items[path("d/p")] == nil)
            }
        }
        #expect(news > 10)
    }

    @Test("Operations of one directory survive in their order", arguments: orders)
    func prefix(order: JournalOrder) throws {
        var counts: Set<Int> = []
        try outcomes(order) { system, root in
            for index in 0..<6 { try system.makeDirectory(name("d\(index)"), in: root, mode: 0o700) }
        } see: { tree in
            let found = (0..<6).map { tree.items[path("d\($0)")] != nil }
            #expect(found == found.sorted { $0 && !$1 })
            counts.insert(found.count { $0 })
        }
        #expect(counts == Set(0...6))
    }

    @Test("Overwritten pages are old or new, each by itself", arguments: orders)
    func overwritten(order: JournalOrder) throws {
        var mixed = 0
        try outcomes(order) { system, root in
            let file = try system.open(name("a"), in: root, [.write, .create], mode: 0o600)
            _ = try system.write([UInt8](repeating: 1, count: 16_384), to: file, at: 0)
            try system.sync(file)
            try system.sync(root)
            _ = try system.write([UInt8](repeating: 2, count: 16_384), to: file, at: 0)
        } see: { tree in
            let contents = try #require(tree.items[path("a")]).contents
            #expect(contents.count == 16_384)
            let pages = stride(from: 0, to: 16_384, by: 4_096).map { Set(contents[$0..<$0 + 4_096]) }
            #expect(pages.allSatisfy { $0.count == 1 })
            if Set(pages).count == 2 { mixed += 1 }
        }
        #expect(mixed > 10)
    }

    @Test("Random work: what survives is a sound tree, and what was removed before a sync stays removed")
    func randomWork() throws {
        for seed in Seeds.upTo(100) {
            var random = SeededRandom(seed: seed)
            var generator = TreeGenerator(seed: seed, limits: .init(entries: 30, largestFile: 9_000))
            let system = ModelFileSystem()
            system.disk.plant(generator.tree(), at: path("work"))
            let root = try system.openRoot(path("/work"), [.read, .directory])
            let names = ["a", "b", "c", "d"].map(name)
            try system.makeDirectory(name("d"), in: root, mode: 0o700)
            let inside = try system.open(name("d"), in: root, [.read, .directory], mode: 0)
            for _ in 0..<200 {
                stir(system, random.pick([root, inside]), random.pick([root, inside]), names, &random)
            }
            try? system.makeDirectory(name("gone"), in: root, mode: 0o700)
            try? system.remove(name("gone"), in: root, isDirectory: true)
            try system.sync(root)
            let next = system.crash(random: &random)
            let tree = try #require(next.disk.snapshot(at: path("work")), "seed \(seed)")
            #expect(tree.items[path("gone")] == nil, "seed \(seed)")
            for node in next.disk.nodes.values where node.kind == .directory {
                let below = node.entries.values.count { next.disk.node($0).kind == .directory }
                #expect(node.links == below + 2, "seed \(seed)")
                #expect(node.entries.values.allSatisfy { next.disk.nodes[$0] != nil }, "seed \(seed)")
            }
            #expect(Set(next.disk.nodes.values.map(\.number)).count == next.disk.nodes.count, "seed \(seed)")
        }
    }

    private func stir(
        _ system: ModelFileSystem, _ one: RawDescriptor, _ two: RawDescriptor, _ names: [ArraySlice<UInt8>],
        _ random: inout SeededRandom
    ) {
        let (first, second) = (random.pick(names), random.pick(names))
        switch random.below(7) {
        case 0: try? system.rename(first, in: one, to: second, in: two, random.pick([.replace, .noReplace, .exchange]))
        case 1: try? system.makeDirectory(first, in: one, mode: 0o700)
        case 2: try? system.remove(first, in: one, isDirectory: random.chance(50))
        case 3: try? system.makeHardLink(from: first, in: one, to: second, in: two)
        case 4:
            guard let file = try? system.open(first, in: one, [.write, .create], mode: 0o600) else { return }
            _ = try? system.write(random.bytes(random.below(9_000)), to: file, at: 0)
            if random.chance(20) { try? system.sync(file) }
            system.close(file)
        case 5: if random.chance(10) { try? system.sync(one) }
        default: try? system.setModified(FileTime(seconds: 5, nanoseconds: 6), of: first, in: one)
        }
    }

    @Test("A kill loses nothing")
    func kill() throws {
        let system = ModelFileSystem()
        let root = try system.openRoot(path("/"), [.read, .directory])
        let file = try system.open(name("a"), in: root, [.write, .create], mode: 0o600)
        _ = try system.write([1, 2, 3], to: file, at: 0)
        try system.remove(name("a"), in: root, isDirectory: false)
        let other = try system.open(name("b"), in: root, [.write, .create], mode: 0o600)
        _ = try system.write([4], to: other, at: 0)
        let next = system.kill()
        #expect(next.disk.snapshot(at: [])?.items[path("b")]?.contents == [4])
        #expect(next.disk.nodes.count == 2, "the unlinked file goes with its last descriptor")
    }

    // MARK: Faults

    @Test("A fault strikes the call it is meant for, and that call does nothing")
    func faults() throws {
        let system = ModelFileSystem(faults: .single(2, .fail(.quota)))
        system.isTracing = true
        let root = try system.openRoot(path("/"), [.read, .directory])
        #expect(throws: Errno.quota) { try system.makeDirectory(name("a"), in: root, mode: 0o700) }
        #expect(throws: Errno.noEntry) { try system.status(of: name("a"), in: root) }
        try system.makeDirectory(name("a"), in: root, mode: 0o700)
        #expect(system.trace.map(\.operation) == [.openRoot, .makeDirectory, .status, .makeDirectory])
        #expect(system.trace.map(\.failure) == [nil, .quota, .noEntry, nil])
        #expect(system.trace[1].description.contains("mkdirat(1048576</>, \"a\", 0700) = -1 EDQUOT"))
    }

    @Test("Crash at a call: it does not happen, and nothing after it does")
    func crashAtCall() throws {
        let system = ModelFileSystem(faults: .single(3, .crash))
        let root = try system.openRoot(path("/"), [.read, .directory])
        try system.makeDirectory(name("a"), in: root, mode: 0o700)
        #expect(throws: Errno.io) { try system.makeDirectory(name("b"), in: root, mode: 0o700) }
        #expect(system.crashed)
        #expect(throws: Errno.io) { try system.makeDirectory(name("c"), in: root, mode: 0o700) }
        system.close(root)
        #expect(system.callCount == 3)
        #expect(system.kill().disk.snapshot(at: [])?.items.keys.contains(path("a")) == true)
        #expect(system.disk.snapshot(at: [])?.items.count == 2)
    }

    @Test("Short and late calls; a failed close still gives the number back; the hook may let others act")
    func otherFaults() throws {
        var plan = FaultPlan.none
        plan.at = [3: .short(2), 4: .late(nanoseconds: 5_000_000_000), 5: .fail(.io)]
        let system = ModelFileSystem(faults: plan)
        let root = try system.openRoot(path("/"), [.read, .directory])
        let file = try system.open(name("a"), in: root, [.write, .create], mode: 0o600)
        #expect(try system.write([1, 2, 3], to: file, at: 0) == 2)
        let before = system.disk.now
        _ = try system.status(of: file)
        #expect(system.disk.now.seconds == before.seconds + 5)
        system.close(file)
        #expect(throws: Errno.badDescriptor) { try system.status(of: file) }

        let racer = system.anotherProcess()
        let racing = try racer.openRoot(path("/"), [.read, .directory])
        system.beforeCall = { _, call in
            if call.operation == .remove { try? racer.remove(name("a"), in: racing, isDirectory: false) }
        }
        #expect(throws: Errno.noEntry) { try system.remove(name("a"), in: root, isDirectory: false) }
    }
}

/// A name as the calls take it.
func name(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }

func path(_ text: String) -> [UInt8] { Array(text.utf8) }
