// The sender's root, made from the sources as they were written.
//
// One `SOURCE/` is the root itself. Anything else makes up a root of items: `SOURCE` is one item under its last
// name, and where several sources are given the contents of each `SOURCE/` are items too. Every item is reached
// through the directory it was found in, which stays open for the session.

package import LifterProtocol
package import LifterSystem

package struct SourceRoots: Sendable {
    package struct Item: Sendable {
        package let name: [UInt8]
        package let kind: EntryKind
        let base: RawDescriptor
    }

    package enum Shape: Sendable {
        /// One `SOURCE/`: its attributes are those of the root.
        case contents(Attributes)
        /// In the order of their names.
        case items([Item])
    }

    package let shape: Shape
    private let bases: HeldDescriptors
    private let rootStatus: FileStatus?

    /// One thing that is not a directory, and so may get another name at the destination.
    package var isSingleFile: Bool {
        switch shape {
        case .contents: false
        case .items(let items): items.count == 1 && items[0].kind != .directory && namedSources == 1
        }
    }

    private let namedSources: Int
    /// A root of names that stand for nothing on this disk.
    let names: [Entry]?

    /// A root that can only be listed: these entries, whatever the disk holds.
    package init(names: [Entry]) {
        let sorted = names.sorted { Names.isBefore($0.name[...], $1.name[...]) }
        self.names = sorted
        shape = .items(sorted.map { Item(name: $0.name, kind: $0.attributes.kind, base: -1) })
        bases = HeldDescriptors(KernelFileSystem())
        rootStatus = nil
        namedSources = sorted.count
    }

    /// Opens every source. `filter` leaves out items that would never be sent, so that two of them cannot clash.
    package static func open(
        _ paths: [[UInt8]], base: PathBase, fileSystem: any FileSystem, filter: FilterRules = FilterRules()
    ) throws(RootProblem) -> SourceRoots {
        if paths.isEmpty { throw .noSources }
        let opener = PathOpener(fileSystem: fileSystem, base: base)
        if paths.count == 1, SplitPath(try opener.normalized(paths[0])).meansContents {
            return try SourceRoots(contentsOf: paths[0], opener)
        }
        return try SourceRoots(items: paths, opener, filter)
    }

    private init(contentsOf path: [UInt8], _ opener: PathOpener) throws(RootProblem) {
        let bases = HeldDescriptors(opener.fileSystem)
        let normal = try opener.normalized(path)
        do throws(Errno) {
            let root = bases.hold(try opener.openDirectory(normal))
            let status = try opener.fileSystem.status(of: root)
            shape = .contents(Attributes(status))
            rootStatus = status
        } catch {
            throw .system(path: path, error, doing: "opening the source")
        }
        self.bases = bases
        namedSources = 1
        names = nil
    }

    private init(items paths: [[UInt8]], _ opener: PathOpener, _ filter: FilterRules) throws(RootProblem) {
        let bases = HeldDescriptors(opener.fileSystem)
        var collector = ItemCollector(opener: opener, filter: filter, bases: bases)
        for path in paths {
            let split = SplitPath(try opener.normalized(path))
            do throws(Errno) {
                if split.meansContents {
                    try collector.addContents(of: path)
                } else {
                    try collector.add(split, of: path)
                }
            } catch {
                throw .system(path: path, error, doing: "opening the source")
            }
            if let clash = collector.clash { throw clash }
        }
        shape = .items(collector.items.sorted { Names.isBefore($0.name[...], $1.name[...]) })
        self.bases = bases
        rootStatus = nil
        namedSources = paths.count
        names = nil
    }

    /// The root's own attributes; of a root made of items nothing is kept.
    var attributes: Attributes {
        switch shape {
        case .contents(let attributes): attributes
        case .items:
            Attributes(
                kind: .directory, mode: 0o755, userID: 0, groupID: 0, size: 0,
                modified: Timestamp(seconds: 0, nanoseconds: 0))
        }
    }

    /// Tells the table where directory 0 is. These roots must outlive the table's use.
    package func register(in table: DirectoryTable) {
        switch shape {
        case .contents:
            if let rootStatus, let root = bases.first { table.setRoot(root, status: rootStatus) }
        case .items(let items):
            table.setRoot(items: Dictionary(items.map { ($0.name, $0.base) }, uniquingKeysWith: { first, _ in first }))
        }
    }
}

/// Collects items and notices when two would get the same name.
private struct ItemCollector {
    let opener: PathOpener
    let filter: FilterRules
    let bases: HeldDescriptors
    private(set) var items: [SourceRoots.Item] = []
    private(set) var clash: RootProblem?
    /// Which source each name came from.
    private var origins: [[UInt8]: [UInt8]] = [:]
    /// A parent is opened once, however many sources are in it (`push dir/* ...`).
    private var parents: [[UInt8]: RawDescriptor] = [:]

    init(opener: PathOpener, filter: FilterRules, bases: HeldDescriptors) {
        self.opener = opener
        self.filter = filter
        self.bases = bases
    }

    mutating func add(_ split: SplitPath, of path: [UInt8]) throws(Errno) {
        let base: RawDescriptor
        if let known = parents[split.parent] {
            base = known
        } else {
            base = bases.hold(try opener.openPassage(split.parent))
            parents[split.parent] = base
        }
        let status = try opener.fileSystem.status(of: split.last[...], in: base)
        add(split.last, status.kind, base, from: path)
    }

    mutating func addContents(of path: [UInt8]) throws(Errno) {
        let normal: [UInt8]
        do throws(RootProblem) {
            normal = try opener.normalized(path)
        } catch {
            clash = error
            return
        }
        let base = bases.hold(try opener.openDirectory(normal))
        var names = DirectoryNames()
        while try opener.fileSystem.readNames(of: base, into: &names) {}
        for index in 0..<names.count where !Names.isReserved(names[index]) {
            let name = names[index]
            do throws(Errno) {
                if let kind = names.kinds[index] {
                    add(Array(name), kind, base, from: path)
                } else {
                    add(Array(name), try opener.fileSystem.status(of: name, in: base).kind, base, from: path)
                }
            } catch {
                if error != .noEntry { throw error }
            }
        }
    }

    private mutating func add(_ name: [UInt8], _ kind: FileKind, _ base: RawDescriptor, from path: [UInt8]) {
        guard filter.decision(for: name[...], isDirectory: kind == .directory) == .included else { return }
        if let first = origins.updateValue(path, forKey: name) {
            clash = clash ?? .sameName(name: name, first: first, second: path)
            return
        }
        items.append(SourceRoots.Item(name: name, kind: EntryKind(kind), base: base))
    }
}
