// Pages of records, numbered from 0 on. As many as a limit stay in memory, each in a slot of one array that never
// shrinks, so that nothing is allocated while they come and go; the others are in the file.
//
// A page that must give way is found by the clock: a hand goes round the slots, spares each once that was used since it
// came by, and takes the first that was not.

struct LinkTableRecord {
    var key: LinkTableKey
    var value: LinkTableValue
}

struct LinkPages {
    static let recordSize = 32
    /// A page begins with the number of its records.
    static let recordsPerPage = (LinkSpool.pageSize - recordSize) / recordSize

    private struct Slot {
        var page: UInt32
        var count = 0
        var wasUsed = true
        /// Whether the file does not hold the page as it is here.
        var isChanged = true
    }

    private let limit: Int
    private var slots: [Slot] = []
    /// `recordsPerPage` for each slot, of which the first `count` mean something.
    private var records: [LinkTableRecord] = []
    private var slotOfPage: [UInt32: Int] = [:]
    private var hand = 0
    /// Where each page is in the file; 0: it never left memory.
    private var places: [UInt64] = []

    /// `limit`: pages held in memory at most, if there is a file.
    init(limit: Int) {
        self.limit = limit
    }

    /// Adds a page with these records; its number.
    mutating func add(_ initial: [LinkTableRecord], _ spool: inout LinkSpool) -> UInt32 {
        let page = UInt32(places.count)
        places.append(0)
        let slot = freeSlot(&spool)
        slots[slot] = Slot(page: page)
        slotOfPage[page] = slot
        fill(slot, initial)
        return page
    }

    mutating func value(_ key: LinkTableKey, in page: UInt32, _ spool: inout LinkSpool) -> LinkTableValue? {
        let slot = open(page, &spool)
        return index(of: key, slot).map { records[$0].value }
    }

    /// Gives a key that is in the page another value; false: it is not there.
    mutating func replace(_ key: LinkTableKey, _ value: LinkTableValue, in page: UInt32, _ spool: inout LinkSpool)
        -> Bool
    {
        let slot = open(page, &spool)
        guard let index = index(of: key, slot) else { return false }
        records[index].value = value
        slots[slot].isChanged = true
        return true
    }

    /// Adds a key that is not in the page; false: the page is full.
    mutating func append(_ record: LinkTableRecord, to page: UInt32, _ spool: inout LinkSpool) -> Bool {
        let slot = open(page, &spool)
        guard slots[slot].count < Self.recordsPerPage else { return false }
        records[slot * Self.recordsPerPage + slots[slot].count] = record
        slots[slot].count += 1
        slots[slot].isChanged = true
        return true
    }

    /// False: the key is not in the page.
    mutating func remove(_ key: LinkTableKey, from page: UInt32, _ spool: inout LinkSpool) -> Bool {
        let slot = open(page, &spool)
        guard let index = index(of: key, slot) else { return false }
        slots[slot].count -= 1
        records[index] = records[slot * Self.recordsPerPage + slots[slot].count]
        slots[slot].isChanged = true
        return true
    }

    /// Takes all records out of a page.
    mutating func takeAll(from page: UInt32, _ spool: inout LinkSpool) -> [LinkTableRecord] {
        let slot = open(page, &spool)
        let start = slot * Self.recordsPerPage
        defer { slots[slot].count = 0 }
        return Array(records[start..<start + slots[slot].count])
    }

    mutating func fill(_ page: UInt32, with some: [LinkTableRecord], _ spool: inout LinkSpool) {
        fill(open(page, &spool), some)
    }

    // MARK: Slots

    private mutating func fill(_ slot: Int, _ some: [LinkTableRecord]) {
        let start = slot * Self.recordsPerPage
        for (index, record) in some.prefix(Self.recordsPerPage).enumerated() { records[start + index] = record }
        slots[slot].count = min(some.count, Self.recordsPerPage)
        slots[slot].isChanged = true
    }

    private func index(of key: LinkTableKey, _ slot: Int) -> Int? {
        let start = slot * Self.recordsPerPage
        return (start..<start + slots[slot].count).first { records[$0].key == key }
    }

    /// The slot of a page, which is in memory then.
    private mutating func open(_ page: UInt32, _ spool: inout LinkSpool) -> Int {
        if let slot = slotOfPage[page] {
            slots[slot].wasUsed = true
            return slot
        }
        let slot = freeSlot(&spool)
        slots[slot] = Slot(page: page, isChanged: false)
        slotOfPage[page] = slot
        load(slot, spool)
        return slot
    }

    private mutating func freeSlot(_ spool: inout LinkSpool) -> Int {
        // Twice round: the first round may find all of them used.
        for _ in 0..<(slots.count >= limit ? 2 * slots.count : 0) {
            let slot = hand
            hand = hand + 1 == slots.count ? 0 : hand + 1
            if slots[slot].wasUsed {
                slots[slot].wasUsed = false
                continue
            }
            guard store(slot, &spool) else { break }
            slotOfPage[slots[slot].page] = nil
            return slot
        }
        let blank = LinkTableRecord(
            key: LinkTableKey(.group, device: 0, inode: 0), value: LinkTableValue(low: 0, high: 0))
        slots.append(Slot(page: 0))
        records.append(contentsOf: repeatElement(blank, count: Self.recordsPerPage))
        return slots.count - 1
    }

    // MARK: The file

    private mutating func store(_ slot: Int, _ spool: inout LinkSpool) -> Bool {
        if !slots[slot].isChanged { return true }
        let page = Int(slots[slot].page)
        let place = places[page] == 0 ? spool.take(LinkSpool.pageSize) : places[page]
        let start = slot * Self.recordsPerPage
        var bytes: [UInt8] = []
        bytes.reserveCapacity(LinkSpool.pageSize)
        Self.put(UInt64(slots[slot].count), &bytes)
        bytes.append(contentsOf: repeatElement(0, count: Self.recordSize - bytes.count))
        for record in records[start..<start + slots[slot].count] {
            Self.put(record.key.device, &bytes)
            Self.put(record.key.inode, &bytes)
            Self.put(record.value.low, &bytes)
            Self.put(record.value.high, &bytes)
        }
        guard spool.write(bytes, at: place) else { return false }
        places[page] = place
        return true
    }

    /// A page that cannot be read again is empty: its names are then files of their own.
    private mutating func load(_ slot: Int, _ spool: LinkSpool) {
        let place = places[Int(slots[slot].page)]
        guard place != 0, let bytes = spool.read(Self.recordSize, at: place) else { return }
        let count = Int(clamping: Self.get(bytes, 0))
        guard count <= Self.recordsPerPage, count > 0,
            let bytes = spool.read(count * Self.recordSize, at: place + UInt64(Self.recordSize))
        else { return }
        for index in 0..<count {
            let start = index * Self.recordSize
            records[slot * Self.recordsPerPage + index] = LinkTableRecord(
                key: LinkTableKey(device: Self.get(bytes, start), inode: Self.get(bytes, start + 8)),
                value: LinkTableValue(low: Self.get(bytes, start + 16), high: Self.get(bytes, start + 24)))
        }
        slots[slot].count = count
    }

    private static func put(_ number: UInt64, _ bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private static func get(_ bytes: [UInt8], _ at: Int) -> UInt64 {
        UInt64(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: UInt64.self) })
    }
}
