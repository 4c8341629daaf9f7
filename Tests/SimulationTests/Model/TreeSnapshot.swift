// A directory tree as a value: every path with what is kept of it. Taken from a model disk, made by a generator,
// compared, merged.

import Glibc
import LifterSystem

struct TreeSnapshot: Hashable, Sendable {
    struct Item: Hashable, Sendable {
        var kind: FileKind
        var mode: UInt32 = 0
        var user: UInt32 = 0
        var group: UInt32 = 0
        var modified = FileTime(seconds: 0, nanoseconds: 0)
        /// A regular file's bytes.
        var contents: [UInt8] = []
        /// A link's target.
        var target: [UInt8] = []
        /// major << 32 | minor.
        var device: UInt64 = 0

        static func == (left: Item, right: Item) -> Bool {
            left.hasSameSubstance(as: right) && left.mode == right.mode && left.user == right.user
                && left.group == right.group && left.modified == right.modified
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(kind)
            hasher.combine(modified)
            hasher.combine(contents.count)
        }

        /// Equal but for mode, owner and time.
        func hasSameSubstance(as other: Item) -> Bool {
            kind == other.kind && areSame(contents, other.contents) && target == other.target && device == other.device
        }
    }

    /// Paths relative to the root, which itself has the empty path.
    var items: [[UInt8]: Item] = [:]
    /// Paths that stand for one object with others (hard links): each with the first path of its group.
    var links: [[UInt8]: [UInt8]] = [:]

    /// Paths so that each directory comes before what is in it, and its entries in the order of their names.
    var paths: [[UInt8]] {
        items.keys.map { ($0.split(separator: ModelPath.slash), $0) }
            .sorted { left, right in
                for (l, r) in zip(left.0, right.0) where !l.elementsEqual(r) { return l.lexicographicallyPrecedes(r) }
                return left.0.count < right.0.count
            }.map(\.1)
    }

    static func parent(of path: [UInt8]) -> [UInt8] {
        path.lastIndex(of: ModelPath.slash).map { Array(path[..<$0]) } ?? []
    }

    static func name(of path: [UInt8]) -> [UInt8] {
        path.lastIndex(of: ModelPath.slash).map { Array(path[($0 + 1)...]) } ?? path
    }

    static func path(_ directory: [UInt8], _ name: [UInt8]) -> [UInt8] {
        directory.isEmpty ? name : directory + [ModelPath.slash] + name
    }

    /// One of the two patterns of names that belong to Superlifter, or where it was told to keep parts, anywhere on the path.
    static func isReserved(_ path: [UInt8]) -> Bool {
        path.split(separator: ModelPath.slash).contains {
            $0.starts(with: ".sl-part-".utf8) || $0.starts(with: ".sl-displaced-".utf8)
                || $0.elementsEqual(SessionPlan.partialName)
        }
    }

    /// Without our own leftovers.
    var withoutReserved: TreeSnapshot { filtered { !Self.isReserved($0) } }

    func filtered(_ isKept: ([UInt8]) -> Bool) -> TreeSnapshot {
        var tree = TreeSnapshot(items: items.filter { isKept($0.key) })
        for group in groups { tree.link(group.filter(isKept)) }
        return tree
    }

    /// The paths of each object with several.
    var groups: [[[UInt8]]] {
        Dictionary(grouping: links.keys) { links[$0] ?? [] }.values.map {
            $0.sorted { $0.lexicographicallyPrecedes($1) }
        }
        .sorted { $0[0].lexicographicallyPrecedes($1[0]) }
    }

    /// Makes these paths one object; they are in no other group.
    mutating func link(_ paths: [[UInt8]]) {
        guard paths.count > 1, let first = paths.min(by: { $0.lexicographicallyPrecedes($1) }) else { return }
        for path in paths { links[path] = first }
    }

    /// Whether there is something below this path.
    func hasEntries(_ path: [UInt8]) -> Bool {
        items.keys.contains { !$0.isEmpty && Self.parent(of: $0) == path }
    }

    /// What a run from this source leaves where `old` was: every path of the source, and of the old tree what is
    /// neither deleted nor below something that is no directory any more. The root's own attributes are the source's.
    func laid(over old: TreeSnapshot, deleting: Bool) -> TreeSnapshot {
        if deleting { return self }
        var result = self
        for path in old.paths where result.items[path] == nil {
            if let parent = result.items[Self.parent(of: path)], parent.kind == .directory {
                result.items[path] = old.items[path]
            }
        }
        return result
    }

    /// The first differences in words; none when both are the same. Attributes only where asked; the time of
    /// directories can be left out, since an ended run may have had no time to set it.
    func differences(
        from other: TreeSnapshot, attributes: Bool = true, directoryTimes: Bool = true, limit: Int = 10
    ) -> [String] {
        var found: [String] = []
        for path in TreeSnapshot(items: items.merging(other.items) { one, _ in one }).paths {
            let name = path.isEmpty ? "(root)" : Display.escaped(path, limit: 120)
            switch (items[path], other.items[path]) {
            case (let mine?, let theirs?):
                found += mine.differences(from: theirs, attributes, times: directoryTimes).map { "\(name): \($0)" }
            case (let mine?, nil): found.append("\(name): only here (\(mine.kind))")
            case (nil, let theirs?): found.append("\(name): missing (\(theirs.kind))")
            case (nil, nil): break
            }
            if found.count >= limit { break }
        }
        return Array(found.prefix(limit))
    }
}

extension TreeSnapshot.Item {
    fileprivate func differences(from other: Self, _ attributes: Bool, times: Bool) -> [String] {
        if kind != other.kind { return ["kind \(kind), not \(other.kind)"] }
        var found: [String] = []
        if !areSame(contents, other.contents) {
            let place = zip(contents, other.contents).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            let words = place.map { "first at byte \($0)" } ?? "one is the beginning of the other"
            found.append("contents differ, \(contents.count) bytes, not \(other.contents.count), \(words)")
        }
        if target != other.target {
            found.append("target \(Display.escaped(target)), not \(Display.escaped(other.target))")
        }
        if device != other.device { found.append("device \(device), not \(other.device)") }
        guard attributes else { return found }
        if kind != .symlink && mode != other.mode { found.append("mode \(mode.octal), not \(other.mode.octal)") }
        if user != other.user { found.append("user \(user), not \(other.user)") }
        if group != other.group { found.append("group \(group), not \(other.group)") }
        if modified != other.modified && (times || kind != .directory) {
            found.append("time \(modified), not \(other.modified)")
        }
        return found
    }
}

/// Byte by byte; `==` on arrays takes its time in builds without optimisation.
func areSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count
        && left.withUnsafeBytes { left in
            right.withUnsafeBytes { right in
                left.isEmpty || memcmp(left.baseAddress!, right.baseAddress!, left.count) == 0
            }
        }
}

extension TreeSnapshot {
    static let plainTime = FileTime(seconds: 1_700_000_000, nanoseconds: 5)

    /// A directory with these files, and these directories below it; all with the usual modes and one time.
    static func plain(_ files: [String: [UInt8]], directories: [String] = []) -> TreeSnapshot {
        var tree = TreeSnapshot(items: [[]: Item(kind: .directory, mode: 0o755, modified: plainTime)])
        for name in directories {
            tree.items[Array(name.utf8)] = Item(kind: .directory, mode: 0o755, modified: plainTime)
        }
        for (name, contents) in files {
            tree.items[Array(name.utf8)] = Item(
                kind: .regular, mode: 0o644, modified: plainTime, contents: contents)
        }
        return tree
    }
}
