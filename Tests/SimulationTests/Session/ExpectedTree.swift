// What a job must leave, worked out from the two trees and the options alone, by the rules that the manual gives:
// an oracle that shares nothing with the machines.

import LifterProtocol
import LifterSystem

struct ExpectedTree {
    let source: TreeSnapshot
    let old: TreeSnapshot
    let options: JobOptions
    var abilities: Abilities = [.owners, .devices, .setIDs]
    var ownerShift: UInt32 = 0

    private(set) var tree = TreeSnapshot()
    /// Attributes that the job leaves to chance or to the system: taken as they are found.
    private(set) var open: [[UInt8]: Set<Attribute>] = [:]
    /// Names that cannot become what they should (a directory in the way).
    private(set) var conflicts = 0
    /// Names that are the source's, of which links are expected as they are there.
    private(set) var settled: Set<[UInt8]> = []
    private(set) var deletions: UInt64 = 0

    enum Attribute: Hashable { case mode, setIDs, user, group, time }

    init(
        source: TreeSnapshot, old: TreeSnapshot, options: JobOptions,
        abilities: Abilities = [.owners, .devices, .setIDs], ownerShift: UInt32 = 0
    ) {
        self.source = source
        self.old = old
        self.options = options
        self.abilities = abilities
        self.ownerShift = ownerShift
        if options.dryRun {
            tree = old
            return
        }
        deletions = countDeletions()
        let isRefused = options.maxDelete.map { deletions > $0 } ?? false
        walk(mayDelete: deletes && !isRefused, mayClear: clears && !isRefused)
        if options.keepHardLinks { openLinked() }
    }

    /// What is not kept of names with others is whatever the first of them has; and a name that is none of the source's
    /// has what is set by others of its file.
    private mutating func openLinked() {
        for path in tree.items.keys where source.links[path] != nil || old.links[path] != nil {
            var chance: Set<Attribute> = settled.contains(path) ? [] : [.mode, .setIDs, .user, .group, .time]
            if !options.keepPermissions { chance.formUnion([.mode, .setIDs]) }
            if !abilities.contains(.setIDs) { chance.insert(.setIDs) }
            if !options.keepTimes { chance.insert(.time) }
            if !keepsUser { chance.insert(.user) }
            if !keepsGroup { chance.insert(.group) }
            open[path, default: []].formUnion(chance)
        }
    }

    private var deletes: Bool {
        options.delete != .none && (source.hasEntries([]) || options.deleteFromEmpty)
    }

    private var clears: Bool { options.force || options.delete != .none }

    // MARK: The walk

    private mutating func walk(mayDelete: Bool, mayClear: Bool) {
        var live: Set<[UInt8]> = []
        for path in source.paths {
            guard let wanted = source.items[path] else { continue }
            if path.isEmpty {
                merge(path, wanted, old.items[path])
                live.insert(path)
                continue
            }
            guard live.contains(TreeSnapshot.parent(of: path)) else { continue }
            if decide(path, wanted, mayClear: mayClear) { live.insert(path) }
        }
        for path in old.paths where tree.items[path] == nil && !path.isEmpty && source.items[path] == nil {
            let parent = TreeSnapshot.parent(of: path)
            guard tree.items[parent]?.kind == .directory, old.items[parent]?.kind == .directory else { continue }
            // What is extraneous beneath a directory of the source goes; deeper levels go with their top.
            if mayDelete && live.contains(parent) { continue }
            tree.items[path] = old.items[path]
        }
    }

    /// What becomes of one name; whether the walk goes on beneath it.
    private mutating func decide(_ path: [UInt8], _ wanted: TreeSnapshot.Item, mayClear: Bool) -> Bool {
        guard let own = old.items[path], isReached(path) else {
            if options.existing { return false }
            create(path, wanted)
            return wanted.kind == .directory
        }
        if own.kind == .directory && wanted.kind == .directory {
            merge(path, wanted, own)
            return true
        }
        if options.ignoreExisting {
            keep(path)
            return false
        }
        if own.kind != wanted.kind {
            if own.kind == .directory && old.hasEntries(path) && !mayClear {
                conflicts += 1
                keep(path)
                return false
            }
            create(path, wanted)
            return wanted.kind == .directory
        }
        // What bears the time 0 was being overwritten, and counts as old.
        let isNewer = own.modified > wanted.modified && own.modified.seconds != 0
        if options.update && wanted.kind == .regular && isNewer {
            keep(path)
            return false
        }
        if isTransferred(wanted, own) { replace(path, wanted, own) } else { merge(path, wanted, own) }
        return false
    }

    /// Whether what was there is still there when the walk comes: its parent was not replaced.
    private func isReached(_ path: [UInt8]) -> Bool {
        var parent = path
        while !parent.isEmpty {
            parent = TreeSnapshot.parent(of: parent)
            if old.items[parent]?.kind != .directory { return false }
        }
        return true
    }

    /// An old entry stays with all that is beneath it.
    private mutating func keep(_ path: [UInt8]) {
        tree.items[path] = old.items[path]
        let prefix = path + [UInt8(ascii: "/")]
        for (other, item) in old.items where other.starts(with: prefix) { tree.items[other] = item }
    }

    private func isTransferred(_ wanted: TreeSnapshot.Item, _ own: TreeSnapshot.Item) -> Bool {
        guard wanted.kind == .regular else { return !wanted.hasSameSubstance(as: own) }
        if options.ignoreTimes && !options.checksum { return true }
        if options.checksum { return !areSame(wanted.contents, own.contents) }
        if wanted.contents.count != own.contents.count { return true }
        return !options.sizeOnly && wanted.modified != own.modified
    }

    // MARK: One entry

    private func keepsTime(_ item: TreeSnapshot.Item) -> Bool {
        options.keepTimes && !(item.kind == .directory && options.omitDirectoryTimes)
    }

    private var keepsUser: Bool { options.keepUser && abilities.contains(.owners) }
    private var keepsGroup: Bool { options.keepGroup && abilities.contains(.owners) }

    private func mapped(_ id: UInt32) -> UInt32 {
        options.numericIDs || id < 1000 ? id : id &+ ownerShift
    }

    private mutating func create(_ path: [UInt8], _ wanted: TreeSnapshot.Item) {
        if wanted.kind != .directory { settled.insert(path) }
        tree.items[path] = local(wanted)
        var chance: Set<Attribute> = []
        if !options.keepPermissions {
            tree.items[path]?.mode = wanted.mode & 0o755
            chance.insert(.setIDs)
        }
        if !keepsTime(wanted) { chance.insert(.time) }
        if !keepsUser { chance.insert(.user) }
        if !keepsGroup { chance.insert(.group) }
        open[path] = chance
    }

    /// Another file takes the place of one of its kind.
    private mutating func replace(_ path: [UInt8], _ wanted: TreeSnapshot.Item, _ own: TreeSnapshot.Item) {
        create(path, wanted)
        if !options.keepPermissions {
            tree.items[path]?.mode = wanted.kind == .regular ? own.mode : wanted.mode & 0o755
        }
    }

    /// The same object with other attributes.
    private mutating func merge(_ path: [UInt8], _ wanted: TreeSnapshot.Item, _ own: TreeSnapshot.Item?) {
        guard let own else { return create(path, wanted) }
        if wanted.kind != .directory { settled.insert(path) }
        let wanted = local(wanted)
        var item = own
        var chance: Set<Attribute> = []
        if options.keepPermissions { item.mode = wanted.mode }
        // A new owner takes the set-id bits away.
        let isGivenAway = keepsUser && wanted.user != own.user || keepsGroup && wanted.group != own.group
        if !abilities.contains(.setIDs) || (!options.keepPermissions && isGivenAway) { chance.insert(.setIDs) }
        if keepsUser { item.user = wanted.user }
        if keepsGroup { item.group = wanted.group }
        if keepsTime(wanted) {
            item.modified = wanted.modified
        } else if wanted.kind == .directory {
            chance.insert(.time)
        }
        tree.items[path] = item
        open[path] = chance
    }

    private func local(_ wanted: TreeSnapshot.Item) -> TreeSnapshot.Item {
        var item = wanted
        item.user = mapped(wanted.user)
        item.group = mapped(wanted.group)
        if !abilities.contains(.setIDs) { item.mode &= 0o1777 }
        return item
    }

    // MARK: Deletions

    /// Names that would go: extraneous ones with all beneath them, and full directories in the way of other things.
    private func countDeletions() -> UInt64 {
        guard clears else { return 0 }
        var count: UInt64 = 0
        for path in old.paths where !path.isEmpty {
            var top = path
            var state = Fate.live
            // The topmost place where the two trees part decides.
            var places: [[UInt8]] = []
            while !top.isEmpty {
                places.append(top)
                top = TreeSnapshot.parent(of: top)
            }
            for place in places.reversed() where state == .live { state = fate(place) }
            switch state {
            case .live, .kept: break
            case .extraneous: if deletes { count += 1 }
            case .inTheWay: count += 1
            }
        }
        return count
    }

    private enum Fate { case live, kept, extraneous, inTheWay }

    private func fate(_ path: [UInt8]) -> Fate {
        guard let wanted = source.items[path] else { return .extraneous }
        guard let own = old.items[path] else { return .kept }
        if own.kind == .directory && wanted.kind == .directory { return .live }
        if own.kind != .directory || options.ignoreExisting || !old.hasEntries(path) { return .kept }
        return .inTheWay
    }

    // MARK: Judging

    /// How a tree differs from this one, leaving out what the job leaves open.
    func differences(in now: TreeSnapshot) -> [String] {
        var expected = tree
        for (path, attributes) in open {
            guard let found = now.items[path], expected.items[path] != nil else { continue }
            for attribute in attributes {
                switch attribute {
                case .mode: expected.items[path]?.mode = found.mode
                case .setIDs where !attributes.contains(.mode):
                    expected.items[path]?.mode = (tree.items[path]?.mode ?? 0) & 0o1777 | found.mode & 0o6000
                case .setIDs: break
                case .user: expected.items[path]?.user = found.user
                case .group: expected.items[path]?.group = found.group
                case .time: expected.items[path]?.modified = found.modified
                }
            }
        }
        return now.withoutReserved.differences(from: expected) + wrongLinks(in: now)
    }

    /// Names that should be of one file and are not, or the reverse.
    private func wrongLinks(in now: TreeSnapshot) -> [String] {
        guard options.keepHardLinks, !options.dryRun else { return [] }
        let wanted = Dictionary(grouping: settled) { source.links[$0] ?? $0 }.values.map { Set($0) }
        let found = Dictionary(grouping: settled) { now.links[$0] ?? $0 }.values.map { Set($0) }
        let words = { (group: Set<[UInt8]>) in
            group.map { Display.escaped($0, limit: 60) }.sorted().joined(separator: " = ")
        }
        return Set(wanted).subtracting(found).map { "not linked so: \(words($0))" }.sorted()
    }
}

extension FileTime {
    static func > (left: FileTime, right: FileTime) -> Bool {
        (left.seconds, left.nanoseconds) > (right.seconds, right.nanoseconds)
    }
}
