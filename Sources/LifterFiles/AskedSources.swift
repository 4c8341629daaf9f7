// What the user of a pull named, so that the server is held to it: it may give the contents of a directory only where
// a path means contents, and otherwise nothing but things that bear the last name of a path.

package import LifterProtocol

package struct AskedSources: Sendable {
    private var names: Set<[UInt8]> = []
    private var contents = 0
    private let count: Int

    package init(_ paths: [[UInt8]]) {
        count = paths.count
        for path in paths {
            let split = SplitPath(path)
            if split.meansContents {
                contents += 1
            } else {
                names.insert(split.last)
                // A confined server's word for the directory that it serves.
                if split.last == [UInt8(ascii: "~")], split.parent.isEmpty { contents += 1 }
            }
        }
    }

    /// Whether a server that was asked for these paths may answer with this shape.
    package func allow(_ shape: RootShape) -> Bool {
        switch shape {
        case .contents: count == 1 && contents == 1
        // The contents of one source among several are items, too, under names that only the server knows.
        case .items(let items): contents > 0 && count > 1 || items.allSatisfy { names.contains($0.name) }
        }
    }
}
