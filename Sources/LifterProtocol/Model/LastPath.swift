// What happens to the entries of one directory is told one after the other, and a tree may be thousands of levels deep:
// so the path of the directory asked about last is kept, and the next one made of it where they are neighbours.

/// A directory as a machine knows it.
protocol TreeNode {
    var parent: DirectoryID { get }
    /// Within its parent.
    var name: [UInt8] { get }
}

struct LastPath: Sendable {
    private var directory: DirectoryID = 0
    private var parent: DirectoryID = 0
    /// The directory's path below the root, with a slash behind it; empty at the root.
    private var bytes: [UInt8] = []

    /// The path of a name in a directory that is among `nodes`, as are those above it.
    mutating func path(
        _ wanted: DirectoryID, _ name: some Collection<UInt8>, _ nodes: [DirectoryID: some TreeNode]
    ) -> [UInt8] {
        move(to: wanted, nodes)
        var path: [UInt8] = []
        path.reserveCapacity(bytes.count + name.count)
        path += bytes
        path += name
        return path
    }

    private mutating func move(to wanted: DirectoryID, _ nodes: [DirectoryID: some TreeNode]) {
        if wanted == directory { return }
        if directory != 0, wanted == parent {
            let end = bytes.dropLast().lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 }
            bytes.removeSubrange((end ?? 0)...)
        } else {
            var below: [[UInt8]] = []
            var above = wanted
            while above != 0, above != directory, let node = nodes[above] {
                below.append(node.name)
                above = node.parent
            }
            if above != directory { bytes.removeAll(keepingCapacity: true) }
            for name in below.reversed() {
                bytes += name
                bytes.append(UInt8(ascii: "/"))
            }
        }
        directory = wanted
        parent = nodes[wanted]?.parent ?? 0
    }
}
