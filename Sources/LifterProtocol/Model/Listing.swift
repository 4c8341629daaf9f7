// One directory's entries, sorted by the bytes of their names, in two flat arrays: an arena of name and link
// bytes, and fixed-size records. A million entries cost about 64 bytes each plus their names; nothing here is
// allocated per entry.

package enum EntryKind: UInt8, Sendable {
    case regular = 1, directory, symlink, fifo, socket, characterDevice, blockDevice
}

/// Seconds since 1970 and nanoseconds (0 ..< 1_000_000_000).
package struct Timestamp: Hashable, Sendable, Comparable {
    package var seconds: Int64
    package var nanoseconds: UInt32

    package init(seconds: Int64, nanoseconds: UInt32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// Rounded down to a multiple of `granularity` nanoseconds (1 leaves it as it is; at most one hour).
    package func truncated(to granularity: UInt32) -> Timestamp {
        if granularity <= 1 { return self }
        if granularity < 1_000_000_000 {
            return Timestamp(seconds: seconds, nanoseconds: nanoseconds - nanoseconds % granularity)
        }
        let step = Int64(granularity / 1_000_000_000)
        let rest = ((seconds % step) &+ step) % step
        return Timestamp(seconds: seconds &- rest, nanoseconds: 0)
    }
}

/// What is kept of one entry besides its name and link target.
package struct Attributes: Hashable, Sendable {
    package var kind: EntryKind
    /// Permission bits with set-id and sticky bits, 0 ... 0o7777.
    package var mode: UInt16
    package var userID: UInt32
    package var groupID: UInt32
    /// Bytes of a regular file; for devices major << 32 | minor; otherwise 0.
    package var size: UInt64
    package var modified: Timestamp

    package init(
        kind: EntryKind, mode: UInt16, userID: UInt32, groupID: UInt32, size: UInt64, modified: Timestamp
    ) {
        self.kind = kind
        self.mode = mode
        self.userID = userID
        self.groupID = groupID
        self.size = size
        self.modified = modified
    }
}

/// One entry by itself: name (one component), attributes, and a link's target.
package struct Entry: Hashable, Sendable {
    package var name: [UInt8]
    package var attributes: Attributes
    package var target: [UInt8]
    /// Where hard links are kept and the file has several names: which file it is.
    package var link: FileIdentity?

    package init(name: [UInt8], attributes: Attributes, target: [UInt8] = [], link: FileIdentity? = nil) {
        self.name = name
        self.attributes = attributes
        self.target = target
        self.link = link
    }
}

package struct Listing: Sendable {
    package struct Record: Sendable {
        package var attributes: Attributes
        var start: UInt32
        var nameLength: UInt16
        var targetLength: UInt16
    }

    private(set) var bytes: [UInt8] = []
    package private(set) var records: [Record] = []
    /// In the order of their entries.
    private(set) var links: [LinkedName] = []

    package init() {}

    package var count: Int { records.count }
    package var isEmpty: Bool { records.isEmpty }
    /// Roughly what it occupies, in bytes.
    package var footprint: Int {
        bytes.count + records.count * MemoryLayout<Record>.stride + links.count * MemoryLayout<LinkedName>.stride
    }

    package mutating func reserve(count: Int, bytes byteCount: Int) {
        records.reserveCapacity(count)
        bytes.reserveCapacity(byteCount)
    }

    /// Appends an entry; the caller appends in the byte order of names. False (and nothing appended) when a
    /// name or target is too long for the record or the arena is full (4 GiB).
    @discardableResult
    package mutating func append(
        name: ArraySlice<UInt8>, _ attributes: Attributes, target: ArraySlice<UInt8> = [], link: FileIdentity? = nil
    ) -> Bool {
        guard name.count <= 65_535, target.count <= 65_535, bytes.count <= Int(UInt32.max) - 131_072 else {
            return false
        }
        records.append(
            Record(
                attributes: attributes, start: UInt32(bytes.count), nameLength: UInt16(name.count),
                targetLength: UInt16(target.count)))
        bytes.append(contentsOf: name)
        bytes.append(contentsOf: target)
        if let link { links.append(LinkedName(index: UInt32(records.count - 1), identity: link)) }
        return true
    }

    mutating func setStanding(_ standing: LinkedName.Standing, _ digest: ContentDigest, at position: Int) {
        links[position].standing = standing
        links[position].digest = digest
    }

    package func name(at index: Int) -> ArraySlice<UInt8> {
        let record = records[index]
        return bytes[Int(record.start)..<Int(record.start) + Int(record.nameLength)]
    }

    package func target(at index: Int) -> ArraySlice<UInt8> {
        let record = records[index]
        let start = Int(record.start) + Int(record.nameLength)
        return bytes[start..<start + Int(record.targetLength)]
    }

    package func attributes(at index: Int) -> Attributes { records[index].attributes }

    package func entry(at index: Int) -> Entry {
        Entry(
            name: Array(name(at: index)), attributes: attributes(at: index), target: Array(target(at: index)),
            link: linkedName(at: index)?.identity)
    }

    /// The first index whose name is not before `name`; `count` when there is none.
    package func lowerBound(of name: ArraySlice<UInt8>, from start: Int = 0) -> Int {
        var low = start
        var high = records.count
        while low < high {
            let middle = low + (high - low) / 2
            if Names.isBefore(self.name(at: middle), name) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    package func index(of name: ArraySlice<UInt8>) -> Int? {
        let index = lowerBound(of: name)
        return index < count && self.name(at: index).elementsEqual(name) ? index : nil
    }
}
