// What `--hard-links` must remember for a whole session, in bounded memory: for each group of names of the sender's the
// place of one that is here, and for each file here that has several names who keeps it.
//
// The table is an extendible hash: pages of 4 KiB, found by the leading bits of a keyed hash, split in two when they
// are full. Pages in use stay in memory up to a limit; beyond it the longest unused go to a file without a name. So
// any look takes at most one read and one write of the disk, however many groups there are. Paths lie in the same
// file, appended in chunks. Of two million groups about 300 KiB stay in memory for finding the pages.
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

    fileprivate init(device: UInt64, inode: UInt64) {
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
    private struct Page {
        /// Leading bits of the hash that all its records share.
        var depth: UInt8
        var records: [Record] = []
        var lastUse: UInt64 = 0
        var isChanged = true
    }

    private struct Record {
        var key: LinkTableKey
        var value: LinkTableValue
    }

    private static let pageSize = 4096
    private static let recordSize = 32
    static let recordsPerPage = (pageSize - recordSize) / recordSize
    /// More leading bits than this are not used; a page may then hold more than fits, in memory.
    private static let deepest: UInt8 = 28
    private static let chunkSize = 64 << 10

    private let fileSystem: any FileSystem
    private let makeFile: () -> RawDescriptor?
    private let seed: UInt64
    /// Pages held in memory, and chunks of paths.
    private let pageLimit: Int
    private let chunkLimit: Int

    /// Page numbers by the leading bits of the hash.
    private var directory: [UInt32] = [0]
    private var depth: UInt8 = 0
    private var pages: [UInt32: Page] = [0: Page(depth: 0)]
    /// Where each page is in the file (0: it never left memory), and its depth, which is never read from the disk.
    private var places: [UInt64] = [0]
    private var depths: [UInt8] = [0]
    private var clock: UInt64 = 0
    private(set) var count = 0

    private var file: SpoolFile?
    private var canFile = true
    /// The end of what is given out of the file; its first page stays unused.
    private var fileEnd = UInt64(pageSize)
    /// Chunks of paths that are in memory, by where they begin in the file.
    private var chunks: [UInt64: [UInt8]] = [:]
    private var currentChunk: UInt64?

    /// `pageLimit`: pages held in memory at most (2,048 are 8 MiB).
    init(
        fileSystem: any FileSystem, pageLimit: Int = 2048, chunkLimit: Int = 32, seed: UInt64,
        makeFile: @escaping () -> RawDescriptor?
    ) {
        self.fileSystem = fileSystem
        self.pageLimit = max(4, pageLimit)
        self.chunkLimit = max(2, chunkLimit)
        self.seed = seed
        self.makeFile = makeFile
    }

    var isSpooled: Bool { file != nil }

    // MARK: Records

    subscript(key: LinkTableKey) -> LinkTableValue? {
        mutating get {
            let number = page(of: key)
            return pages[number]?.records.first { $0.key == key }?.value
        }
    }

    mutating func set(_ key: LinkTableKey, _ value: LinkTableValue) {
        while true {
            let number = page(of: key)
            if let index = pages[number]?.records.firstIndex(where: { $0.key == key }) {
                pages[number]?.records[index].value = value
                pages[number]?.isChanged = true
                return
            }
            if let page = pages[number], page.records.count >= Self.recordsPerPage, page.depth < Self.deepest {
                split(number)
                continue
            }
            pages[number]?.records.append(Record(key: key, value: value))
            pages[number]?.isChanged = true
            count += 1
            return
        }
    }

    mutating func remove(_ key: LinkTableKey) {
        let number = page(of: key)
        guard let index = pages[number]?.records.firstIndex(where: { $0.key == key }) else { return }
        pages[number]?.records.remove(at: index)
        pages[number]?.isChanged = true
        count -= 1
    }

    private func hash(_ key: LinkTableKey) -> UInt64 {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2) { words in
            words[0] = key.device.littleEndian
            words[1] = key.inode.littleEndian
            return XXH3.hash64(UnsafeRawBufferPointer(words), seed: seed)
        }
    }

    // MARK: Pages

    /// The number of a key's page, which is in memory then.
    private mutating func page(of key: LinkTableKey) -> UInt32 {
        let slot = depth == 0 ? 0 : Int(hash(key) >> (64 - UInt64(depth)))
        let number = directory[slot]
        clock &+= 1
        if pages[number] == nil {
            pages[number] = load(number)
            pages[number]?.lastUse = clock
            trim()
        } else {
            pages[number]?.lastUse = clock
        }
        return number
    }

    /// Half of a full page's records go to a new one, by the next bit of their hashes.
    private mutating func split(_ number: UInt32) {
        guard var page = pages[number], let sample = page.records.first else { return }
        if page.depth == depth {
            directory = directory.flatMap { [$0, $0] }
            depth += 1
        }
        let bit = 63 - UInt64(page.depth)
        // The slots of a page are neighbours; the upper half of them becomes the new page's.
        let width = 1 << Int(depth - page.depth)
        let first = Int(hash(sample.key) >> (64 - UInt64(depth))) / width * width
        let newNumber = UInt32(places.count)
        for slot in first + width / 2..<first + width { directory[slot] = newNumber }
        page.depth += 1
        places.append(0)
        depths.append(page.depth)
        depths[Int(number)] = page.depth
        var other = Page(depth: page.depth)
        let records = page.records
        page.records = []
        for record in records {
            if hash(record.key) >> bit & 1 == 0 { page.records.append(record) } else { other.records.append(record) }
        }
        page.isChanged = true
        other.lastUse = clock
        pages[number] = page
        pages[newNumber] = other
        trim()
    }

    /// Lets a quarter of the pages in memory go, the longest unused, when they have become too many.
    private mutating func trim() {
        guard pages.count > pageLimit, openFile() != nil else { return }
        let order = pages.map { (number: $0.key, use: $0.value.lastUse) }.sorted { $0.use < $1.use }
        for (number, use) in order.prefix(pages.count / 4) where use != clock {
            guard let page = pages[number], page.records.count <= Self.recordsPerPage, store(page, number) else {
                continue
            }
            pages[number] = nil
        }
    }

    private mutating func store(_ page: Page, _ number: UInt32) -> Bool {
        if !page.isChanged { return true }
        let place = places[Int(number)] == 0 ? take(Self.pageSize) : places[Int(number)]
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.pageSize)
        Self.put(UInt64(page.records.count), &bytes)
        bytes.append(contentsOf: repeatElement(0, count: Self.recordSize - bytes.count))
        for record in page.records {
            Self.put(record.key.device, &bytes)
            Self.put(record.key.inode, &bytes)
            Self.put(record.value.low, &bytes)
            Self.put(record.value.high, &bytes)
        }
        guard write(bytes, at: place) else { return false }
        places[Int(number)] = place
        return true
    }

    /// A page that cannot be read again is empty: its names are then files of their own.
    private func load(_ number: UInt32) -> Page {
        var page = Page(depth: depths[Int(number)], isChanged: false)
        let place = places[Int(number)]
        guard place != 0, let head = read(Self.recordSize, at: place) else { return page }
        let count = Int(clamping: Self.get(head, 0))
        guard count <= Self.recordsPerPage, count > 0,
            let bytes = read(count * Self.recordSize, at: place + UInt64(Self.recordSize))
        else { return page }
        page.records.reserveCapacity(Self.recordsPerPage)
        for index in 0..<count {
            let start = index * Self.recordSize
            page.records.append(
                Record(
                    key: LinkTableKey(device: Self.get(bytes, start), inode: Self.get(bytes, start + 8)),
                    value: LinkTableValue(low: Self.get(bytes, start + 16), high: Self.get(bytes, start + 24))))
        }
        return page
    }

    // MARK: Paths

    /// Keeps some bytes; the number they are found by again.
    mutating func append(_ bytes: [UInt8]) -> UInt64 {
        let needed = bytes.count + 4
        if let current = currentChunk, let chunk = chunks[current], chunk.count + needed > Self.chunkSize {
            currentChunk = nil
        }
        let start: UInt64
        if let current = currentChunk {
            start = current
        } else {
            start = take(max(Self.chunkSize, needed))
            chunks[start] = []
            currentChunk = start
            fileChunks()
        }
        let position = start + UInt64(chunks[start]?.count ?? 0)
        for shift in 0..<4 { chunks[start]?.append(UInt8(truncatingIfNeeded: bytes.count >> (8 * shift))) }
        chunks[start]?.append(contentsOf: bytes)
        return position
    }

    /// What was kept under a number; nil where it cannot be had.
    func bytes(at position: UInt64) -> [UInt8]? {
        guard let head = piece(4, at: position) else { return nil }
        let length = head.enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        return piece(length, at: position + 4)
    }

    private func piece(_ length: Int, at position: UInt64) -> [UInt8]? {
        for (start, chunk) in chunks where position >= start && position - start <= UInt64(chunk.count) {
            let from = Int(position - start)
            guard length <= chunk.count - from else { continue }
            return Array(chunk[from..<from + length])
        }
        return read(length, at: position)
    }

    private mutating func fileChunks() {
        guard chunks.count > chunkLimit, openFile() != nil else { return }
        for (start, chunk) in chunks where start != currentChunk {
            if write(chunk, at: start) { chunks[start] = nil }
        }
    }

    // MARK: The file

    private mutating func openFile() -> SpoolFile? {
        if file == nil && canFile {
            file = makeFile().map { SpoolFile($0, fileSystem) }
            canFile = file != nil
        }
        return canFile ? file : nil
    }

    private mutating func take(_ size: Int) -> UInt64 {
        defer { fileEnd += UInt64((size + Self.pageSize - 1) / Self.pageSize * Self.pageSize) }
        return fileEnd
    }

    /// False on a full disk or the like: what is in the file stays there, and the rest stays in memory.
    private mutating func write(_ bytes: [UInt8], at start: UInt64) -> Bool {
        guard canFile, let file else { return false }
        do throws(Errno) {
            try file.write(bytes, at: start)
            return true
        } catch {
            canFile = false
            return false
        }
    }

    private func read(_ count: Int, at start: UInt64) -> [UInt8]? {
        guard count >= 0 else { return nil }
        return try? file?.read(count, at: start)
    }

    private static func put(_ number: UInt64, _ bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private static func get(_ bytes: [UInt8], _ at: Int) -> UInt64 {
        UInt64(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: UInt64.self) })
    }
}
