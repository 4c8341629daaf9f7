// Where in the destination files of which size and time are, so that a new file can be made of one that is there under
// another name.
//
//     indexTree   goes through the tree once, some names at a time (`TreeWalk`), and notes every larger regular file
//                 (`TreeLog`)
//     search      looks whether a file of the same size and time was noted, and digests it, step by step
//     open        the file that was found, to be copied from
//
// What is noted is a hint and no more: a file is what it is when it is opened, strictly beneath the root, and its digest
// decides.

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

        init(_ file: FoundFile, _ source: WatchedSource, key: ContentKey) {
            self.file = file
            self.source = source
            hasher = ContentHasher(key: key)
        }
    }

    /// Files that are noted at most: two million take about 100 MB of disk.
    private static let mostFiles = 2_000_000
    /// Answers kept for searches that go on in a later step, at most.
    private static let mostAnswers = 8_192

    private let log: Mutex<TreeLog>
    private let walk = Mutex<TreeWalk?>(nil)
    private let searches = Mutex<[FileID: Search]>([:])
    private let answers = Mutex<[FileID: FoundFile?]>([:])

    init(fileSystem: any FileSystem, spool: UnnamedFiles) {
        log = Mutex(TreeLog(fileSystem: fileSystem) { spool.make() })
    }

    // MARK: The walk

    /// The walk that is under way.
    func takeWalk() -> TreeWalk? { walk.withLock { $0.take() } }

    func putBack(_ going: TreeWalk) { walk.withLock { $0 = going } }

    /// Notes a file; the place gets a number with its first.
    func add(_ name: ArraySlice<UInt8>, in place: inout TreeWalk.Place, size: UInt64, modified: Timestamp) {
        log.withLock { log in
            guard log.count < Self.mostFiles else { return }
            let number = place.number ?? log.directory()
            place.number = number
            log.append(key: Self.key(size, modified), name: name, in: number, path: place.path)
        }
    }

    /// Changes nothing for equal files, and may be the same for others, too: only who opens one knows.
    private static func key(_ size: UInt64, _ modified: Timestamp) -> UInt64 {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 3) { words in
            words[0] = size.littleEndian
            words[1] = UInt64(bitPattern: modified.seconds).littleEndian
            words[2] = UInt64(modified.nanoseconds).littleEndian
            return XXH3.hash64(UnsafeRawBufferPointer(words), seed: 0)
        }
    }

    // MARK: Answers

    /// Where files of that size and time are, one of the same name rather than any. What was asked for before is known
    /// still; the rest takes one look over all that was noted.
    func find(_ files: [SoughtFile]) -> [FoundFile?] {
        let unknown = answers.withLock { answers -> [SoughtFile] in
            if answers.count > Self.mostAnswers { answers.removeAll() }
            return files.filter { answers[$0.id] == nil }
        }
        if !unknown.isEmpty { look(for: unknown) }
        return answers.withLock { answers in files.map { answers[$0.id] ?? nil } }
    }

    private func look(for files: [SoughtFile]) {
        var wanted: [UInt64: [Int]] = [:]
        for (index, file) in files.enumerated() {
            wanted[Self.key(file.size, file.modified), default: []].append(index)
        }
        // Nearly every key is none of these, which a few of its bits tell.
        var bits = [Bool](repeating: false, count: 1 << 16)
        for key in wanted.keys { bits[Int(key & 0xffff)] = true }
        var best = [FoundFile?](repeating: nil, count: files.count)
        var isNamesake = [Bool](repeating: false, count: files.count)
        log.withLock { log in
            log.each(
                { bits[Int($0 & 0xffff)] },
                { key, name, position in
                    for index in wanted[key] ?? [] where !isNamesake[index] {
                        let sameName = name.elementsEqual(files[index].name)
                        guard sameName || best[index] == nil else { continue }
                        best[index] = FoundFile(directory: position.directory, name: position.file)
                        isNamesake[index] = sameName
                    }
                })
        }
        answers.withLock { answers in
            for (file, found) in zip(files, best) { answers.updateValue(found, forKey: file.id) }
        }
    }

    func path(of file: FoundFile) -> (directory: [UInt8], name: [UInt8])? {
        log.withLock { $0.path(at: TreeLog.Position(directory: file.directory, file: file.name)) }
    }

    // MARK: Searches

    func take(_ id: FileID) -> Search? { searches.withLock { $0.removeValue(forKey: id) } }

    func put(_ search: Search, of id: FileID) { searches.withLock { $0[id] = search } }

    /// The search has come to an end.
    func forget(_ id: FileID) { answers.withLock { $0[id] = nil } }

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
            treeIndex.add(name, in: &directory, size: status.size, modified: Timestamp(status.modified))
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
        return zip(files, treeIndex.find(files)).map { file, found in
            var result = SearchResult.absent
            if let found { result = left == 0 ? .more : search(file, found, &left, &patience) }
            if result != .more { treeIndex.forget(file.id) }
            return result
        }
    }

    private func search(
        _ file: SoughtFile, _ found: FoundFile, _ left: inout UInt64, _ patience: inout Patience
    ) -> SearchResult {
        do throws(FileProblem) {
            var search = treeIndex.take(file.id)
            if search == nil { search = try begin(file, found, &patience) }
            guard let search else { return .absent }
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
            return .absent
        }
    }

    private func begin(
        _ file: SoughtFile, _ found: FoundFile, _ patience: inout Patience
    ) throws(FileProblem) -> TreeIndex.Search? {
        let source = try open(found, size: file.size, &patience)
        guard Timestamp(source.status.modified) == file.modified else { return nil }
        return TreeIndex.Search(found, source, key: contentKey)
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
