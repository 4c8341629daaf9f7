// Where in the destination files of which size and time are, so that a new file can be made of one that is there under
// another name.
//
//     indexTree   goes through the tree once, some names at a time (`TreeWalk`), and notes every larger regular file
//     search      looks whether a file of the same size and time was noted, and digests it, step by step
//     open        the file that was found, to be copied from
//
// What is noted lies in a table that goes to a file without a name where it becomes long, and is a hint and no more: a
// file is what it is when it is opened, strictly beneath the root, and its digest decides.

import LifterCodec
import LifterDelta
import LifterProtocol
import LifterSystem
import Synchronization

final class TreeIndex: Sendable {
    /// A file that is being digested. Used by one thread at a time, hence unchecked.
    final class Search: @unchecked Sendable {
        let file: FoundFile
        let source: WatchedSource
        let hasher: ContentHasher
        var position: UInt64 = 0

        init(_ file: FoundFile, _ source: WatchedSource, key: UInt64) {
            self.file = file
            self.source = source
            hasher = ContentHasher(key: key)
        }
    }

    /// Files that are noted at most: two million take about 150 MB of disk.
    private static let mostFiles = 2_000_000
    /// Pages and chunks of names in memory: 4 MiB and 512 KiB.
    private static let pages = 1024
    private static let chunks = 8

    private let table: Mutex<LinkTable>
    private let walk = Mutex<TreeWalk?>(nil)
    private let searches = Mutex<[FileID: Search]>([:])

    init(fileSystem: any FileSystem, spool: UnnamedFiles) {
        // Where records come to lie is nobody's to choose, though a peer may choose what is looked up.
        let seed = UInt64.random(in: 0 ... .max)
        table = Mutex(
            LinkTable(fileSystem: fileSystem, pageLimit: Self.pages, chunkLimit: Self.chunks, seed: seed) {
                spool.make()
            })
    }

    // MARK: The walk

    /// The walk that is under way.
    func takeWalk() -> TreeWalk? { walk.withLock { $0.take() } }

    func putBack(_ going: TreeWalk) { walk.withLock { $0 = going } }

    // MARK: The table

    /// Keeps the path of a directory; the number it is found by.
    func add(directory path: [UInt8]) -> UInt64 { table.withLock { $0.append(path) } }

    /// Of several files that agree in size and time the first is kept, and of each name the first.
    func add(_ name: ArraySlice<UInt8>, in directory: UInt64, size: UInt64, modified: Timestamp) {
        table.withLock { table in
            guard table.count < Self.mostFiles else { return }
            var key = Self.key(size, modified, [])
            if table[key] != nil {
                key = Self.key(size, modified, name)
                if table[key] != nil { return }
            }
            let place = table.append(Array(name))
            table.set(key, LinkTableValue(low: directory, high: place))
        }
    }

    /// One of the same name rather than any.
    func find(_ file: SoughtFile) -> FoundFile? {
        table.withLock { table in
            let value =
                table[Self.key(file.size, file.modified, file.name[...])]
                ?? table[Self.key(file.size, file.modified, [])]
            return value.map { FoundFile(directory: $0.low, name: $0.high) }
        }
    }

    func path(of file: FoundFile) -> (directory: [UInt8], name: [UInt8])? {
        table.withLock { table in
            guard let directory = table.bytes(at: file.directory), let name = table.bytes(at: file.name),
                !name.isEmpty
            else { return nil }
            return (directory, name)
        }
    }

    private static func key(_ size: UInt64, _ modified: Timestamp, _ name: ArraySlice<UInt8>) -> LinkTableKey {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(20 + name.count)
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: size >> UInt64(8 * shift))) }
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: modified.seconds >> Int64(8 * shift))) }
        for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: modified.nanoseconds >> UInt32(8 * shift))) }
        bytes.append(contentsOf: name)
        let digest = XXH3.hash128(bytes, seed: 0)
        return LinkTableKey(.digest, device: digest.low, inode: digest.high)
    }

    // MARK: Searches

    func take(_ id: FileID) -> Search? { searches.withLock { $0.removeValue(forKey: id) } }

    func put(_ search: Search, of id: FileID) { searches.withLock { $0[id] = search } }

    func closeSearches() { searches.withLock { $0.removeAll() } }
}

extension FileLayer {
    /// Names looked at in one step.
    private static let portion = 2_000

    // MARK: Noting

    /// True while there is more. Nothing is said of what cannot be read: there is nothing to be had there.
    func indexTree(smallest: UInt64, entering names: [[UInt8]]?) -> Bool {
        // Who may only add must not get copies of what was never his.
        guard !settings.appendOnly, let walk = treeIndex.takeWalk() ?? startWalk(entering: names) else { return false }
        let more = walk.step(names: Self.portion) { name, status, directory in
            guard status.size >= smallest else { return }
            if directory.number == nil { directory.number = treeIndex.add(directory: directory.path()) }
            treeIndex.add(name, in: directory.number ?? 0, size: status.size, modified: Timestamp(status.modified))
        }
        if more { treeIndex.putBack(walk) }
        return more
    }

    private func startWalk(entering names: [[UInt8]]?) -> TreeWalk? {
        let filter = settings.deletesExcluded ? FilterRules() : settings.filter
        // The root is held for as long as this layer.
        return try? directories.withDirectory(0) { root throws(FileProblem) in
            try attempting("looking through the destination") { () throws(Errno) in
                try TreeWalk(root, fileSystem: fileSystem, filter: filter, entering: names)
            }
        }
    }

    // MARK: Looking for

    func search(_ files: [SoughtFile]) -> [SearchResult] {
        var left = UInt64(settings.digestStep)
        var patience = Patience()
        return files.map { file in left > 0 ? search(file, &left, &patience) : .more }
    }

    private func search(_ file: SoughtFile, _ left: inout UInt64, _ patience: inout Patience) -> SearchResult {
        do throws(FileProblem) {
            var search = treeIndex.take(file.id)
            if search == nil { search = try begin(file, &patience) }
            guard let search else { return .none }
            try stages.withBuffer { buffer throws(FileProblem) in
                while search.position < file.size, left > 0 {
                    let wanted = Int(min(UInt64(buffer.count), file.size - search.position))
                    let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
                    let count = try attempting("reading a file of another name") { () throws(Errno) in
                        try fileSystem.read(search.source.descriptor, into: piece, at: search.position)
                    }
                    guard count > 0, count <= wanted else { throw FileProblem(.changed, doing: "reading") }
                    search.hasher.update(UnsafeRawBufferPointer(rebasing: piece[..<count]))
                    search.position += UInt64(count)
                    left -= min(left, UInt64(count))
                }
            }
            guard search.position >= file.size else {
                treeIndex.put(search, of: file.id)
                return .more
            }
            if let problem = search.source.verify() { throw problem }
            return .found(search.file, ContentDigest(search.hasher.digest()))
        } catch {
            return .none
        }
    }

    private func begin(_ file: SoughtFile, _ patience: inout Patience) throws(FileProblem) -> TreeIndex.Search? {
        guard let found = treeIndex.find(file) else { return nil }
        let source = try open(found, size: file.size, &patience)
        guard Timestamp(source.status.modified) == file.modified else { return nil }
        return TreeIndex.Search(found, source, key: digestKey)
    }

    /// Opens a file that was found, if it still is one of that size.
    func open(_ found: FoundFile, size: UInt64, _ patience: inout Patience) throws(FileProblem) -> WatchedSource {
        guard let path = treeIndex.path(of: found), let directory = try? openBelowRoot(path.directory[...]) else {
            throw FileProblem(.vanished, doing: "opening a file of another name")
        }
        // The root itself is only lent.
        defer { if !path.directory.isEmpty { fileSystem.close(directory) } }
        let source = try reader.openWatched(path.name, at: directory, &patience)
        guard source.status.size == size else {
            throw FileProblem(.changed, doing: "opening a file of another name")
        }
        return source
    }
}
