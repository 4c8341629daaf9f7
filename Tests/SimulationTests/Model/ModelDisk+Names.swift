// Entries that come, go and move. Each function here is one journalled operation: after a power cut it happened in
// every directory it concerns, or in none.

import LifterSystem

/// One entry set (or, with a nil child, taken away) in one directory.
struct NameChange {
    var directory: Int
    var name: [UInt8]
    var child: Int?
}

struct NameOperation {
    var sequence: Int
    var changes: [NameChange]

    func concerns(_ directories: Set<Int>) -> Bool { changes.contains { directories.contains($0.directory) } }
}

extension ModelDisk {
    /// Gives a new object its first name.
    func enter(_ node: ModelNode, as name: [UInt8], in directory: ModelNode) {
        apply([NameChange(directory: directory.id, name: name, child: node.id)])
        if node.kind == .directory { directory.links += 1 }
        touch(directory)
    }

    /// Gives an object one more name.
    func link(_ node: ModelNode, as name: [UInt8], in directory: ModelNode) {
        apply([NameChange(directory: directory.id, name: name, child: node.id)])
        node.links += 1
        node.changed = stamp
        touch(directory)
    }

    func unlink(_ name: [UInt8], in directory: ModelNode, _ node: ModelNode) {
        apply([NameChange(directory: directory.id, name: name, child: nil)])
        touch(directory)
        loseName(node, in: directory)
    }

    /// Moves an entry; what has the new name loses it in the same moment.
    func move(
        _ node: ModelNode, from old: [UInt8], in oldDirectory: ModelNode, to new: [UInt8],
        in newDirectory: ModelNode, replacing victim: ModelNode?
    ) {
        apply([
            NameChange(directory: oldDirectory.id, name: old, child: nil),
            NameChange(directory: newDirectory.id, name: new, child: node.id),
        ])
        node.changed = stamp
        touch(oldDirectory)
        if newDirectory !== oldDirectory { touch(newDirectory) }
        if node.kind == .directory {
            node.parent = newDirectory.id
            oldDirectory.links -= 1
            newDirectory.links += 1
        }
        if let victim { loseName(victim, in: newDirectory) }
    }

    func exchange(
        _ first: ModelNode, _ firstName: [UInt8], in firstDirectory: ModelNode, _ second: ModelNode,
        _ secondName: [UInt8], in secondDirectory: ModelNode
    ) {
        apply([
            NameChange(directory: firstDirectory.id, name: firstName, child: second.id),
            NameChange(directory: secondDirectory.id, name: secondName, child: first.id),
        ])
        first.changed = stamp
        second.changed = stamp
        touch(firstDirectory)
        if secondDirectory !== firstDirectory { touch(secondDirectory) }
        for (node, from, to) in [
            (first, firstDirectory, secondDirectory), (second, secondDirectory, firstDirectory),
        ] where node.kind == .directory {
            node.parent = to.id
            from.links -= 1
            to.links += 1
        }
    }

    /// Whether `node` is `directory` or one of those it is in.
    func isAncestor(_ node: ModelNode, of directory: ModelNode) -> Bool {
        var current = directory
        while current.id != node.id {
            if current.id == Self.rootID { return false }
            current = self.node(current.parent)
        }
        return true
    }

    /// The path from the root, for people; a removed object shows as gone.
    func path(of node: ModelNode) -> [UInt8] {
        if node.id == Self.rootID { return [ModelPath.slash] }
        var parts: [[UInt8]] = []
        var current = node
        while current.id != Self.rootID, let parent = nodes[current.parent] ?? ghosts[current.parent] {
            let id = current.id
            parts.append(parent.entries.first { $0.value == id }?.key ?? Array("(gone)".utf8))
            current = parent
        }
        return parts.reversed().reduce(into: []) { $0 += [UInt8(ascii: "/")] + $1 }
    }

    private func loseName(_ node: ModelNode, in directory: ModelNode) {
        node.changed = stamp
        if node.kind == .directory {
            node.links = 0
            node.isDead = true
            directory.links -= 1
        } else {
            node.links -= 1
        }
        releaseIfUnused(node)
    }

    private func apply(_ changes: [NameChange]) {
        for change in changes { node(change.directory).entries[change.name] = change.child }
        noteNames(changes)
    }
}
