// What `--hard-links` must remember for a whole session, in bounded memory: for each group of names of the sender's the
// place of one that is here, and for each file here that has several names who keeps it.
//
// The table is an extendible hash: pages of 4 KiB (`LinkPages`), found by the leading bits of a keyed hash, split in two
// when they are full. Beyond a limit pages go to a file without a name (`LinkSpool`), so any look takes at most one read
// and one write of the disk, however many groups there are. Paths (`LinkPaths`) lie in the same file. Of two million
// groups about 300 KiB stay in memory for finding the pages.
//
// Where no file can be had, memory must do.

import LifterCodec
import LifterSystem

/// What the table is asked by.
struct LinkTableKey: Hashable, Sendable {
    /// What the key is about: a group of the sender's, or a file here.
    enum Space: UInt64, Sendable {
        case group = 1
        case own = 2
    }
    var device: UInt64
    var inode: UInt64

    init(_ space: Space, device: UInt64, inode: UInt64) {
        self.device = space.rawValue << 56 | device & (1 << 56 - 1)
        self.inode = inode
    }

    /// As it was kept.
    init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }
}

/// Sixteen bytes; what they mean depends on the space.
struct LinkTableValue: Hashable, Sendable {
    var low: UInt64
    var high: UInt64
}

/// Used by one thread at a time.
struct LinkTable {
    /// More leading bits than this are not used: by then there are thousands of millions of records.
    private static let deepest: UInt8 = 28

    private let seed: UInt64
    /// Page numbers by the leading bits of the hash, so many bits.
    private var directory: [UInt32] = [0]
    private var depth: UInt8 = 0
    /// Leading bits of the hash that all records of a page share, for each page.
    private var depths: [UInt8] = [0]
    private var pages: LinkPages
    private var paths: LinkPaths
    private var spool: LinkSpool
    private(set) var count = 0

    /// `pageLimit`: pages held in memory at most (2,048 are 8 MiB), `chunkLimit`: chunks of paths.
    init(
        fileSystem: any FileSystem, pageLimit: Int = 2048, chunkLimit: Int = 32, seed: UInt64,
        makeFile: @escaping () -> RawDescriptor?
    ) {
        self.seed = seed
        spool = LinkSpool(fileSystem: fileSystem, makeFile: makeFile)
        paths = LinkPaths(limit: max(2, chunkLimit))
        pages = LinkPages(limit: max(4, pageLimit))
        _ = pages.add([], &spool)
    }

    var isSpooled: Bool { spool.isOpen }

    // MARK: Records

    subscript(key: LinkTableKey) -> LinkTableValue? {
        mutating get { pages.value(key, in: page(of: key), &spool) }
    }

    mutating func set(_ key: LinkTableKey, _ value: LinkTableValue) {
        if pages.replace(key, value, in: page(of: key), &spool) { return }
        while !pages.append(LinkTableRecord(key: key, value: value), to: page(of: key), &spool) {
            // So full a table forgets: the name is then a file of its own.
            if !split(page(of: key)) { return }
        }
        count += 1
    }

    mutating func remove(_ key: LinkTableKey) {
        if pages.remove(key, from: page(of: key), &spool) { count -= 1 }
    }

    // MARK: Pages

    private func page(of key: LinkTableKey) -> UInt32 { directory[slot(of: key)] }

    private func slot(of key: LinkTableKey) -> Int { depth == 0 ? 0 : Int(hash(key) >> (64 - UInt64(depth))) }

    private func hash(_ key: LinkTableKey) -> UInt64 {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2) { words in
            words[0] = key.device.littleEndian
            words[1] = key.inode.littleEndian
            return XXH3.hash64(UnsafeRawBufferPointer(words), seed: seed)
        }
    }

    /// Half of a full page's records go to a new one, by the next bit of their hashes. False: there is no next bit.
    private mutating func split(_ number: UInt32) -> Bool {
        let shared = depths[Int(number)]
        guard shared < Self.deepest else { return false }
        var records = pages.takeAll(from: number, &spool)
        guard let sample = records.first else { return false }
        if shared == depth {
            directory = directory.flatMap { [$0, $0] }
            depth += 1
        }
        let bit = 63 - UInt64(shared)
        let middle = records.partition { hash($0.key) >> bit & 1 == 1 }
        pages.fill(number, with: Array(records[..<middle]), &spool)
        let other = pages.add(Array(records[middle...]), &spool)
        depths[Int(number)] = shared + 1
        depths.append(shared + 1)
        // The slots of a page are neighbours; the upper half of them becomes the new page's.
        let width = 1 << Int(depth - shared)
        let first = slot(of: sample.key) / width * width
        for slot in first + width / 2..<first + width { directory[slot] = other }
        return true
    }

    // MARK: Paths

    /// Keeps some bytes; the number they are found by again.
    mutating func append(_ bytes: [UInt8]) -> UInt64 { paths.append(bytes, &spool) }

    /// What was kept under a number; nil where it cannot be had.
    func bytes(at position: UInt64) -> [UInt8]? { paths.bytes(at: position, spool) }
}
