// Random trees, and for a tree a random earlier state of it: what a destination may look like.

import LifterSystem

struct TreeGenerator: Sendable {
    struct Limits: Sendable {
        /// Entries in the whole tree, about.
        var entries = 40
        var depth = 5
        var largestFile = 200 << 10
        /// Kinds besides directories and regular files.
        var otherKinds: [FileKind] = [.symlink, .fifo, .socket, .characterDevice, .blockDevice]
        var oddNames = true
        /// False: everything belongs to root, with plain modes.
        var oddOwners = true
        /// Some names stand for one object.
        var linksNames = false
    }

    var random: SeededRandom
    var limits: Limits

    init(seed: UInt64, limits: Limits = Limits()) {
        random = SeededRandom(seed: seed)
        self.limits = limits
    }

    mutating func tree() -> TreeSnapshot {
        var tree = TreeSnapshot()
        tree.items[[]] = attributed(TreeSnapshot.Item(kind: .directory))
        var directories: [[UInt8]] = [[]]
        for _ in 0..<random.within(0...limits.entries) {
            let parent = random.pick(directories)
            let path = TreeSnapshot.path(parent, name())
            if tree.items[path] != nil { continue }
            let depth = path.split(separator: ModelPath.slash).count
            let isDirectory = depth < limits.depth && random.chance(25)
            let item = isDirectory ? attributed(TreeSnapshot.Item(kind: .directory)) : leaf()
            tree.items[path] = item
            // Some directories stay empty.
            if isDirectory && random.chance(85) { directories.append(path) }
        }
        if limits.linksNames { linkSome(&tree, source: tree, about: 15) }
        return tree
    }

    /// A tree that this one may have been once: most is the same, some is older, missing, more, or of another kind.
    /// Contents never differ where both size and time are the same, since nothing could tell them apart.
    mutating func mutate(_ tree: TreeSnapshot) -> TreeSnapshot {
        var result = TreeSnapshot()
        for path in tree.paths {
            guard let item = tree.items[path] else { continue }
            if path.isEmpty {
                result.items[path] = random.chance(50) ? item : attributed(item)
                continue
            }
            guard result.items[TreeSnapshot.parent(of: path)]?.kind == .directory else { continue }
            switch random.below(100) {
            case ..<50: result.items[path] = item
            case ..<60: result.items[path] = attributed(item)
            case ..<75: result.items[path] = changed(item)
            case ..<85: break
            default:
                let other = random.chance(40) ? attributed(TreeSnapshot.Item(kind: .directory)) : leaf()
                result.items[path] = other
                if other.kind == .directory && item.kind != .directory { addExtras(below: path, to: &result) }
            }
        }
        let directories = result.paths.filter { result.items[$0]?.kind == .directory }
        for directory in directories where random.chance(25) { addExtras(below: directory, to: &result) }
        if limits.linksNames {
            // Some groups are as they are to be, some have lost names or got others, some are none yet.
            for group in tree.groups where random.chance(60) {
                join(group.filter { _ in random.chance(75) }, &result, tree)
            }
            linkSome(&result, source: tree, about: 6)
        }
        return result
    }

    /// Makes names of one object out of some names that have none of their own yet: one in so many.
    private mutating func linkSome(_ tree: inout TreeSnapshot, source: TreeSnapshot, about percent: Int) {
        var chosen = tree.paths.filter { tree.items[$0]?.kind != .directory && tree.links[$0] == nil }
            .filter { _ in random.chance(percent * 2) }
        while chosen.count > 1 {
            let count = min(chosen.count, random.pick([2, 2, 3, 5]))
            join((0..<count).map { _ in chosen.remove(at: random.below(chosen.count)) }, &tree, source)
        }
    }

    /// All get what the first holds, unless that could not be told from what the source has there.
    private func join(_ paths: [[UInt8]], _ tree: inout TreeSnapshot, _ source: TreeSnapshot) {
        guard let first = paths.first, let item = tree.items[first], item.kind != .directory else { return }
        let group = paths.filter { path in
            guard let own = tree.items[path], own.kind != .directory, tree.links[path] == nil else { return false }
            guard let wanted = source.items[path], wanted.kind == .regular, item.kind == .regular else { return true }
            let looksSame = wanted.contents.count == item.contents.count && wanted.modified == item.modified
            return path == first || !looksSame || areSame(wanted.contents, item.contents)
        }
        for path in group { tree.items[path] = item }
        tree.link(group)
    }

    private mutating func addExtras(below directory: [UInt8], to tree: inout TreeSnapshot) {
        for _ in 0..<random.within(1...3) {
            let path = TreeSnapshot.path(directory, name())
            if tree.items[path] != nil { continue }
            tree.items[path] = random.chance(25) ? attributed(TreeSnapshot.Item(kind: .directory)) : leaf()
            if tree.items[path]?.kind == .directory && random.chance(50) {
                tree.items[TreeSnapshot.path(path, name())] = leaf()
            }
        }
    }

    private mutating func changed(_ item: TreeSnapshot.Item) -> TreeSnapshot.Item {
        var item = item
        switch item.kind {
        case .regular:
            let before = item
            if random.chance(40) {
                for _ in 0..<random.within(1...4) where !item.contents.isEmpty {
                    item.contents[random.below(item.contents.count)] ^= UInt8(random.within(1...255))
                }
            } else if random.chance(50) {
                item.contents.removeLast(random.below(item.contents.count + 1))
            } else {
                let place = random.below(item.contents.count + 1)
                item.contents.insert(contentsOf: random.bytes(random.within(1...5000)), at: place)
            }
            while item.modified == before.modified { item.modified = time() }
        case .symlink: item.target = target()
        case .characterDevice, .blockDevice: item.device = device()
        case .directory, .fifo, .socket: return attributed(item)
        }
        return item
    }

    // MARK: Pieces

    private mutating func leaf() -> TreeSnapshot.Item {
        let kind = limits.otherKinds.isEmpty || random.chance(75) ? .regular : random.pick(limits.otherKinds)
        var item = TreeSnapshot.Item(kind: kind)
        switch kind {
        case .regular: item.contents = contents()
        case .symlink: item.target = target()
        case .characterDevice, .blockDevice: item.device = device()
        case .directory, .fifo, .socket: break
        }
        return attributed(item)
    }

    /// Sizes crowd around those where the program changes its ways.
    private mutating func contents() -> [UInt8] {
        let size: Int
        switch random.below(10) {
        case 0: size = 0
        case 1...4: size = random.within(1...3000)
        case 5...7:
            let edge = random.pick([4 << 10, 16 << 10, 64 << 10, 128 << 10, 256 << 10])
            size = edge + random.within(-1...1)
        default: size = random.below(limits.largestFile + 1)
        }
        let count = min(size, max(limits.largestFile, 0))
        if random.chance(20) { return Array(repeating: UInt8(random.below(3)), count: count) }
        return random.bytes(count)
    }

    private mutating func target() -> [UInt8] {
        switch random.below(4) {
        case 0: name()
        case 1: Array("../".utf8) + name()
        case 2: Array("/nowhere/".utf8) + random.bytes(random.within(1...20)).map { $0 == 0 ? 1 : $0 }
        default: random.bytes(random.pick([1, 59, 60, 61, 200])).map { $0 == 0 ? 1 : $0 }
        }
    }

    private mutating func device() -> UInt64 {
        UInt64(random.within(1...4095)) << 32 | UInt64(random.pick([0, 1, 255, 256, 1_048_575]))
    }

    private mutating func attributed(_ item: TreeSnapshot.Item) -> TreeSnapshot.Item {
        var item = item
        item.modified = time()
        if limits.oddOwners {
            item.mode = random.pick([0o644, 0o755, 0o600, 0o444, 0o000, 0o777, 0o4755, 0o2755, 0o6711, 0o1777, 0o2644])
            item.user = random.pick([0, 0, 1, 1000, 65534, 4_294_967_294])
            item.group = random.pick([0, 0, 1, 100, 65534, 4_294_967_294])
        } else {
            item.mode = item.kind == .directory ? 0o755 : 0o644
        }
        if item.kind == .symlink { item.mode = 0o777 }
        return item
    }

    /// Mostly of these years; some before 1970, at its very beginning, around 2038 and after 2106.
    private mutating func time() -> FileTime {
        let seconds: Int64
        switch random.below(10) {
        case 0: seconds = -Int64(random.below(1 << 31) + 1) + 1
        case 1: seconds = random.pick([-1, 0, 1])
        case 2: seconds = (1 << 31) + Int64(random.within(-2...2))
        case 3: seconds = (1 << 32) + Int64(random.below(1 << 32))
        default: seconds = 1_500_000_000 + Int64(random.below(280_000_000))
        }
        let nanoseconds = random.pick([0, 1, 999_999_999, random.below(1_000_000_000)])
        return FileTime(seconds: seconds, nanoseconds: UInt32(nanoseconds))
    }

    private mutating func name() -> [UInt8] {
        guard limits.oddNames && random.chance(30) else {
            return Array("\(random.pick(["a", "file", "dir", "x.txt", "Data"]))\(random.below(30))".utf8)
        }
        switch random.below(8) {
        case 0:
            let nasty = ["-rf", " ", "...", "..a", "~", "*", "a b", "new\nline", "\u{1b}[2J", "\\#012"]
            return Array(random.pick(nasty).utf8)
        case 1: return Array(repeating: UInt8(ascii: "n"), count: random.pick([254, 255]))
        case 2: return Array(random.pick([".sl-part", ".sl-parts-1", ".sl-displaced", "x.sl-part-1"]).utf8)
        case 3: return Array(random.pick(["grün", "日本", "e\u{301}", "\u{202e}evil"]).utf8)
        default:
            let bytes = random.bytes(random.within(1...12)).map { $0 == 0 || $0 == ModelPath.slash ? 0xff : $0 }
            return bytes.allSatisfy { $0 == ModelPath.dot } ? [0xfe] : bytes
        }
    }
}
