// Whole trees put on a disk and read from it directly: no process, no call, no fault, no trace.

import LifterSystem

extension ModelDisk {
    /// Makes a path from the root hold this tree, creating directories on the way; what was there goes. Everything
    /// on the disk is safe afterwards.
    func plant(_ tree: TreeSnapshot, at path: [UInt8]) {
        lock.held {
            let top = directory(path)
            uprootAll(of: top)
            var places: [[UInt8]: ModelNode] = [[]: top]
            var linked: [[UInt8]: ModelNode] = [:]
            for path in tree.paths {
                guard let item = tree.items[path] else { continue }
                let node: ModelNode
                if path.isEmpty {
                    node = top
                } else {
                    guard let parent = places[TreeSnapshot.parent(of: path)] else { continue }
                    let group = tree.links[path]
                    if let group, let known = linked[group] {
                        link(known, as: TreeSnapshot.name(of: path), in: parent)
                        continue
                    }
                    node = grow(item, TreeSnapshot.name(of: path), in: parent)
                    if let group { linked[group] = node }
                }
                if item.kind == .directory { places[path] = node }
            }
            // Entries moved the times of directories, so attributes come last.
            for (path, node) in places {
                if let item = tree.items[path] { node.attributes = attributes(item) }
            }
            makeAllSafe()
        }
    }

    /// What is at a path from the root; nil where nothing is.
    func snapshot(at path: [UInt8]) -> TreeSnapshot? {
        lock.held {
            var start = root
            for name in path.split(separator: ModelPath.slash) {
                guard let id = start.entries[Array(name)] else { return nil }
                start = node(id)
            }
            var tree = TreeSnapshot()
            var named: [Int: [[UInt8]]] = [:]
            var waiting: [([UInt8], ModelNode)] = [([], start)]
            while let (path, node) = waiting.popLast() {
                tree.items[path] = TreeSnapshot.Item(
                    kind: node.kind, mode: node.attributes.mode, user: node.attributes.user,
                    group: node.attributes.group, modified: node.attributes.modified, contents: node.data,
                    target: node.target, device: node.device)
                if node.kind != .directory && node.links > 1 { named[node.id, default: []].append(path) }
                for (name, id) in node.entries { waiting.append((TreeSnapshot.path(path, name), self.node(id))) }
            }
            for paths in named.values { tree.link(paths) }
            return tree
        }
    }

    private func directory(_ path: [UInt8]) -> ModelNode {
        var directory = root
        for name in path.split(separator: ModelPath.slash).map(Array.init) {
            if let id = directory.entries[name] {
                directory = node(id)
            } else {
                directory = grow(TreeSnapshot.Item(kind: .directory, mode: 0o755, modified: now), name, in: directory)
            }
        }
        return directory
    }

    private func attributes(_ item: TreeSnapshot.Item) -> ModelNode.Attributes {
        ModelNode.Attributes(
            mode: item.kind == .symlink ? 0o777 : item.mode, user: item.user, group: item.group,
            modified: stored(item.modified))
    }

    private func grow(_ item: TreeSnapshot.Item, _ name: [UInt8], in parent: ModelNode) -> ModelNode {
        guard let node = try? make(item.kind, attributes(item), in: parent) else {
            fatalError("model: no room for the tree to be planted")
        }
        node.target = item.target
        node.device = item.device
        resizing(node) { node.data = item.contents }
        enter(node, as: name, in: parent)
        return node
    }

    private func uproot(_ name: [UInt8], _ node: ModelNode, in parent: ModelNode) {
        uprootAll(of: node)
        unlink(name, in: parent, node)
    }

    /// By name, since new objects get the numbers of those that went, in order.
    private func uprootAll(of directory: ModelNode) {
        for (name, id) in directory.entries.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            uproot(name, node(id), in: directory)
        }
    }
}
