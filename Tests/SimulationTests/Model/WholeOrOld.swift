// The promise that holds at every instant and after every kill: each name has its old entry or its new one, or, if
// it is to go or to come, nothing. Names of ours (`.sl-part-*`, `.sl-displaced-*`) are not looked at.

import LifterSystem

struct WholeOrOld: Sendable {
    /// The destination before the run, and what the finished run would leave (`TreeSnapshot.laid(over:)`).
    var old: TreeSnapshot
    var new: TreeSnapshot
    /// After a power cut without fsync a new file may be short in size: the next run sends it again.
    var allowsShort = false
    /// Whether a replaced file, link or device must have the new entry's mode, owner and time from its first moment.
    /// Entries whose substance did not change may have any mixture of old and new attributes.
    var checksAttributes = true
    /// Files that are there are written in place: a mixture bears the time 0 until it is whole.
    var writesInPlace = false
    /// The process may have gone between a write and setting the time back: then a mixture has any time but the new one.
    var diesInEffects = false

    /// The first violations in words; none when the promise is kept.
    func violations(in now: TreeSnapshot, limit: Int = 10) -> [String] {
        var found: [String] = []
        var all = old.items
        all.merge(new.items) { one, _ in one }
        all.merge(now.items) { one, _ in one }
        for path in TreeSnapshot(items: all).paths where !TreeSnapshot.isReserved(path) {
            if let problem = violation(at: path, now.items[path]) {
                found.append("\(path.isEmpty ? "(root)" : Display.escaped(path, limit: 120)): \(problem)")
                if found.count == limit { break }
            }
        }
        return found
    }

    private func violation(at path: [UInt8], _ now: TreeSnapshot.Item?) -> String? {
        let (old, new) = (old.items[path], new.items[path])
        guard let now else {
            return old != nil && new != nil ? "lost: neither the old entry nor the new one" : nil
        }
        if writesInPlace, let old, let new, [old, new, now].allSatisfy({ $0.kind == .regular }) {
            // What is written under one of several names is written under all of them.
            return self.old.links[path] == nil ? overwritten(now, old, new) : nil
        }
        if let old, now.hasSameSubstance(as: old) {
            // Of a name with others, attributes are set by any of them.
            return checksAttributes && self.old.links[path] == nil ? mixture(now, old, new) : nil
        }
        if let new, now.hasSameSubstance(as: new) {
            return checksAttributes ? wrongAttributes(now, new) : nil
        }
        if allowsShort, let new, now.kind == .regular, new.kind == .regular, now.contents.count < new.contents.count {
            return nil
        }
        return "neither the old entry nor the new one: \(now.kind) of \(now.contents.count) bytes "
            + "(old \(Self.words(old)), new \(Self.words(new)))"
    }

    /// Whoever believes in the time must not take a mixture for the new contents; nor whoever looks for what is newer.
    private func overwritten(
        _ now: TreeSnapshot.Item, _ old: TreeSnapshot.Item, _ new: TreeSnapshot.Item
    ) -> String? {
        if now.hasSameSubstance(as: new) || now.modified.seconds == 0 && now.modified != new.modified { return nil }
        let isTouched = !now.hasSameSubstance(as: old)
        if diesInEffects && now.modified != new.modified { return nil }
        if isTouched { return "a mixture with the time \(now.modified.seconds)" }
        // Only attributes were set, or nothing.
        let isSame = old.contents.count == new.contents.count && old.hasSameSubstance(as: new)
        return now.modified == old.modified || isSame ? nil : "the old contents with another time"
    }

    /// Each attribute is the old entry's or the new one's. Directories are worked in, so their mode and time may
    /// be anything meanwhile; set-id bits may be missing for a moment.
    private func mixture(_ now: TreeSnapshot.Item, _ old: TreeSnapshot.Item, _ new: TreeSnapshot.Item?) -> String? {
        let new = new?.kind == now.kind ? new ?? old : old
        if now.user != old.user && now.user != new.user { return "user \(now.user) is of neither entry" }
        if now.group != old.group && now.group != new.group { return "group \(now.group) is of neither entry" }
        if now.kind == .directory || now.kind == .symlink { return nil }
        let modes = [old.mode, new.mode, old.mode & 0o1777, new.mode & 0o1777]
        if !modes.contains(now.mode) { return "mode \(now.mode.octal) is of neither entry" }
        if now.modified != old.modified && now.modified != new.modified { return "time is of neither entry" }
        return nil
    }

    private func wrongAttributes(_ now: TreeSnapshot.Item, _ new: TreeSnapshot.Item) -> String? {
        // A new directory shows at once and gets its attributes last.
        if now.kind == .directory { return nil }
        if now.kind != .symlink && now.mode != new.mode { return "new with mode \(now.mode.octal)" }
        if now.user != new.user || now.group != new.group { return "new with owner \(now.user):\(now.group)" }
        return now.modified == new.modified ? nil : "new with another time"
    }

    private static func words(_ item: TreeSnapshot.Item?) -> String {
        item.map { $0.kind == .regular ? "\($0.contents.count) bytes" : "\($0.kind)" } ?? "nothing"
    }
}
