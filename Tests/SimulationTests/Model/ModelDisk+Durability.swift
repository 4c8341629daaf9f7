// What is safe, and what a power cut leaves.
//
// Every object has a safe state; changes since then wait, in order. `sync` makes one object safe: a file's contents
// and attributes, a directory's attributes and entries. It makes nothing else safe but what it cannot be separated
// from: an operation on two directories drags the earlier operations of the second along, and one on a name brings what
// was done before it to a link, a fifo or a device, which nobody can sync by itself: journals keep an operation together
// with what it rests on.
//
// A power cut keeps what is safe and a random legal part of the rest:
// - names: either all operations up to one moment (one journal for everything), or for each directory a beginning
//   of its own operations, where an operation on two directories happens in both or in neither;
// - attributes: likewise up to one moment, or for each object up to a moment of its own;
// - contents: a beginning of the file's own changes, the last write perhaps cut at a page. A file's size never
//   runs ahead of its data: what a write added to the size is there with its bytes. Pages that were overwritten
//   below the size may be the old ones, each by itself, and a size set by `truncate` is followed by zeros.

import LifterSystem

/// In which order the journal keeps operations.
enum JournalOrder: Sendable {
    /// One order for the whole disk, as ext4.
    case whole
    /// One order for each object: the least that a file system may promise.
    case perObject
}

extension ModelDisk {
    func noteNames(_ changes: [NameChange]) {
        guard settings.tracksDurability else { return }
        sequence += 1
        unsafeNames.append(NameOperation(sequence: sequence, changes: changes))
    }

    func noteAttributes(_ node: ModelNode) {
        guard settings.tracksDurability else { return }
        sequence += 1
        node.unsafeAttributes.append((sequence, node.attributes))
    }

    func noteData(_ node: ModelNode, _ change: @autoclosure () -> ModelNode.DataChange) {
        guard settings.tracksDurability else { return }
        node.unsafeData.append(change())
    }

    // MARK: Making safe

    func makeSafe(_ node: ModelNode) {
        guard settings.tracksDurability else { return }
        node.safeAttributes = node.attributes
        node.unsafeAttributes.removeAll()
        if node.kind == .directory { return makeNamesSafe(of: node) }
        node.safeData = node.data
        node.unsafeData.removeAll()
    }

    /// Everything, as `sync -f` or a quiet minute does.
    func makeAllSafe() {
        for node in nodes.values {
            node.safeAttributes = node.attributes
            node.unsafeAttributes.removeAll()
            node.safeData = node.data
            node.unsafeData.removeAll()
            node.safeEntries = node.entries
        }
        unsafeNames.removeAll()
        ghosts.removeAll()
    }

    private func makeNamesSafe(of directory: ModelNode) {
        var wanted: Set<Int> = [directory.id]
        var chosen: Set<Int> = []
        for operation in unsafeNames.reversed() where operation.concerns(wanted) {
            chosen.insert(operation.sequence)
            wanted.formUnion(operation.changes.map(\.directory))
        }
        for operation in unsafeNames where chosen.contains(operation.sequence) { makeSafe(operation) }
        unsafeNames.removeAll { chosen.contains($0.sequence) }
        if unsafeNames.isEmpty { ghosts.removeAll() }
    }

    private func makeSafe(_ operation: NameOperation) {
        for change in operation.changes {
            (nodes[change.directory] ?? ghosts[change.directory])?.safeEntries[change.name] = change.child
            guard let child = change.child, let node = nodes[child] else { continue }
            let canBeSynced = node.kind == .regular || node.kind == .directory
            if !canBeSynced { makeAttributesSafe(of: node, before: operation.sequence) }
        }
    }

    private func makeAttributesSafe(of node: ModelNode, before sequence: Int) {
        while let change = node.unsafeAttributes.first, change.sequence < sequence {
            node.safeAttributes = change.value
            node.unsafeAttributes.removeFirst()
        }
    }

    // MARK: Power cut

    /// The disk as it is found after the power comes back; this one is down for everybody.
    func powerCut(random: inout SeededRandom, order: JournalOrder) -> ModelDisk {
        lock.held {
            isDown = true
            let lastMoment = random.below(sequence + 2)
            let entries = survivingEntries(random: &random, order: order, lastMoment: lastMoment)
            let disk = ModelDisk(settings: settings, now: now.advanced(byNanoseconds: 60_000_000_000))
            rebuild(disk, entries, random: &random) { node, random in
                var kept = node.safeAttributes
                let moment = order == .whole ? lastMoment : random.below(node.unsafeAttributes.count + 1)
                for (index, change) in node.unsafeAttributes.enumerated()
                where order == .whole ? change.sequence < moment : index < moment { kept = change.value }
                return kept
            }
            disk.makeAllSafe()
            return disk
        }
    }

    /// Which operations on names are there after the cut, as every directory's entries.
    private func survivingEntries(
        random: inout SeededRandom, order: JournalOrder, lastMoment: Int
    ) -> [Int: [[UInt8]: Int]] {
        var entries: [Int: [[UInt8]: Int]] = [:]
        for node in [nodes, ghosts].joined().map(\.value) where node.kind == .directory {
            entries[node.id] = node.safeEntries
        }
        var counts: [Int: Int] = [:]
        for operation in unsafeNames {
            for id in Set(operation.changes.map(\.directory)) { counts[id, default: 0] += 1 }
        }
        var left: [Int: Int] = [:]
        for id in counts.keys.sorted() { left[id] = random.below(counts[id, default: 0] + 1) }

        for operation in unsafeNames {
            let directories = Set(operation.changes.map(\.directory))
            switch order {
            case .whole:
                if operation.sequence >= lastMoment { return entries }
            case .perObject:
                guard directories.allSatisfy({ left[$0, default: 0] > 0 }) else {
                    for id in directories { left[id] = 0 }
                    continue
                }
                for id in directories { left[id, default: 0] -= 1 }
            }
            for change in operation.changes { entries[change.directory, default: [:]][change.name] = change.child }
        }
        return entries
    }

    /// Puts on `disk` what can be reached from the root.
    private func rebuild(
        _ disk: ModelDisk, _ entries: [Int: [[UInt8]: Int]], random: inout SeededRandom,
        attributes: (ModelNode, inout SeededRandom) -> ModelNode.Attributes
    ) {
        var numbers: Set<UInt64> = [root.number]
        disk.root.attributes = attributes(root, &random)
        var waiting = [Self.rootID]
        while let directory = waiting.popLast() {
            let parent = disk.node(directory)
            let names = entries[directory, default: [:]].sorted { $0.key.lexicographicallyPrecedes($1.key) }
            for (name, id) in names {
                if let known = disk.nodes[id] {
                    // One more name of a file. A directory can have only one; per-object order could tell of two.
                    if known.kind == .directory { continue }
                    known.links += 1
                } else {
                    guard let old = nodes[id] ?? ghosts[id] else { fatalError("model: object \(id) was forgotten") }
                    let number = numbers.contains(old.number) ? (numbers.max() ?? 2) + 1_000 : old.number
                    numbers.insert(number)
                    let node = ModelNode(
                        id: id, number: number, kind: old.kind, attributes: attributes(old, &random), now: old.changed,
                        parent: directory)
                    node.target = old.target
                    node.device = old.device
                    if old.kind == .regular { node.data = survivingData(of: old, random: &random) }
                    disk.adopt(node)
                    if node.kind == .directory {
                        node.links = 2
                        parent.links += 1
                        waiting.append(id)
                    }
                }
                parent.entries[name] = id
            }
        }
    }

    private func survivingData(of node: ModelNode, random: inout SeededRandom) -> [UInt8] {
        var data = node.safeData
        if node.unsafeData.isEmpty { return data }
        let kept = random.below(node.unsafeData.count + 1)
        let lostPages = random.pick([0, 50, 100])
        for (index, change) in node.unsafeData.enumerated() {
            switch change {
            case .resize(let size):
                // What comes after a lost resizing lies on blocks that were never the file's.
                if index >= kept { return data }
                ModelNode.resize(&data, to: size)
            case .write(let offset, let bytes):
                var length = bytes.count
                if index == kept {
                    let end = (offset + random.below(length + 1)) / ModelNode.pageSize * ModelNode.pageSize
                    length = max(0, end - offset)
                } else if index > kept {
                    length = min(length, max(0, data.count - offset))
                }
                Self.write(bytes[..<length], at: offset, into: &data, lostPages: lostPages, random: &random)
            }
        }
        return data
    }

    /// Of pages that lie below the size, each may stay as it was; what extends the file is always there.
    private static func write(
        _ bytes: ArraySlice<UInt8>, at offset: Int, into data: inout [UInt8], lostPages: Int,
        random: inout SeededRandom
    ) {
        let oldSize = data.count
        var start = offset
        while start < offset + bytes.count {
            let end = min(offset + bytes.count, (start / ModelNode.pageSize + 1) * ModelNode.pageSize)
            if end > oldSize || !random.chance(lostPages) {
                bytes[start - offset..<end - offset].withUnsafeBytes { ModelNode.put($0, at: start, into: &data) }
            }
            start = end
        }
    }
}
