// What the sender tells of its tree: each directory is opened by id, then told in ranges of names, either as a
// digest (the receiver answers whether it has the same) or outright as entries.

/// Owners that occur in what follows, before their first use.
package struct Owners: Sendable {
    package var owners: [OwnerName]
    package init(_ owners: [OwnerName]) { self.owners = owners }

    func encode(into writer: inout ByteWriter) {
        writer.varint(UInt64(owners.count))
        for owner in owners {
            writer.u8(owner.isGroup ? 1 : 0)
            writer.varint(UInt64(owner.id))
            writer.string(owner.name)
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        owners = []
        for _ in 0..<(try reader.count("owners", each: 3)) {
            let isGroup = try reader.flag("owner.isGroup")
            let id = try reader.varint32("owner.id")
            let name = try reader.string("owner.name", upTo: 256)
            guard !name.contains(0) else { throw .value("owner.name") }
            owners.append(OwnerName(isGroup: isGroup, id: id, name: Array(name)))
        }
    }
}

/// A directory whose listing follows. The root has id 0 and no name.
package struct DirectoryOpened: Sendable {
    package var id: DirectoryID
    package var parent: DirectoryID
    package var name: [UInt8]
    /// Its entries come outright and (where they are wanted) with contents, without being asked for.
    package var streams: Bool

    package init(id: DirectoryID, parent: DirectoryID, name: [UInt8], streams: Bool) {
        self.id = id
        self.parent = parent
        self.name = name
        self.streams = streams
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(UInt64(id))
        writer.u8(streams ? 1 : 0)
        if id != 0 {
            writer.varint(UInt64(parent))
            writer.string(name)
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        id = try reader.varint32("directory.id")
        streams = try reader.flag("directory.streams")
        parent = 0
        name = []
        guard id != 0 else { return }
        parent = try reader.varint32("directory.parent")
        let name = try reader.string("directory.name", upTo: Names.longest)
        guard Names.isAcceptable(name) else { throw .value("directory.name") }
        self.name = Array(name)
    }
}

/// The names of a directory after the previous range, up to and including `lastName` (with `isLast`: to the end).
package struct RangeMessage: Sendable {
    /// Counts the ranges of a session from 1; answers name it.
    package var sequence: UInt64
    package var directory: DirectoryID
    package var lastName: [UInt8]
    package var count: UInt32
    package var digest: ContentDigest
    package var isLast: Bool
    /// Something in this directory could not be read: nothing there may be deleted.
    package var isIncomplete: Bool

    package init(
        sequence: UInt64, directory: DirectoryID, lastName: [UInt8], count: UInt32, digest: ContentDigest,
        isLast: Bool, isIncomplete: Bool
    ) {
        self.sequence = sequence
        self.directory = directory
        self.lastName = lastName
        self.count = count
        self.digest = digest
        self.isLast = isLast
        self.isIncomplete = isIncomplete
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(sequence)
        writer.varint(UInt64(directory))
        writer.u8((isLast ? 1 : 0) | (isIncomplete ? 2 : 0))
        writer.varint(UInt64(count))
        writer.string(lastName)
        digest.encode(into: &writer)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        sequence = try reader.varint("range.sequence")
        directory = try reader.varint32("range.directory")
        let flags = try reader.u8("range.flags")
        guard flags <= 3 else { throw .value("range.flags") }
        isLast = flags & 1 != 0
        isIncomplete = flags & 2 != 0
        count = UInt32(try reader.varint("range.count", upTo: UInt64(ProtocolConstants.longestRange)))
        lastName = Array(try reader.string("range.lastName", upTo: Names.longest))
        guard (count == 0) == lastName.isEmpty, count > 0 || isLast else { throw .value("range.lastName") }
        digest = try ContentDigest(from: &reader, "range.digest")
    }
}

/// Entries of one range: outright, or in answer to an `Expand`. Entry i has the id `base + i`.
package struct EntriesMessage: Sendable {
    package var directory: DirectoryID
    /// The range that this answers; nil when sent outright.
    package var answers: UInt64?
    package var base: FileID
    package var entries: [Entry]
    /// The same range goes on in the next message.
    package var hasMore: Bool
    /// Nothing follows in this directory (outright only).
    package var isLast: Bool
    package var isIncomplete: Bool
    /// Contents of the regular files among them follow without being asked for.
    package var isPromised: Bool
    /// In the first answer to an `Expand` with hashes: bit i says that hash i stands for an entry of the sender's
    /// too. Eight to a byte, lowest first.
    package var matched: [UInt8]

    package init(
        directory: DirectoryID, answers: UInt64?, base: FileID, entries: [Entry], hasMore: Bool, isLast: Bool,
        isIncomplete: Bool, isPromised: Bool, matched: [UInt8]
    ) {
        self.directory = directory
        self.isPromised = isPromised
        self.answers = answers
        self.base = base
        self.entries = entries
        self.hasMore = hasMore
        self.isLast = isLast
        self.isIncomplete = isIncomplete
        self.matched = matched
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(UInt64(directory))
        writer.u8(
            (answers != nil ? 1 : 0) | (hasMore ? 2 : 0) | (isLast ? 4 : 0) | (isIncomplete ? 8 : 0)
                | (isPromised ? 16 : 0) | (hasLinks ? 32 : 0))
        if let answers {
            writer.varint(answers)
            writer.string(matched)
        }
        writer.varint(base)
        writer.varint(UInt64(entries.count))
        for entry in entries { entry.encode(into: &writer) }
        if hasLinks { encodeLinks(into: &writer) }
    }

    private var hasLinks: Bool { entries.contains { $0.link != nil } }

    private func encodeLinks(into writer: inout ByteWriter) {
        writer.varint(UInt64(entries.count { $0.link != nil }))
        for (index, entry) in entries.enumerated() {
            guard let link = entry.link else { continue }
            writer.varint(UInt64(index))
            writer.varint(link.device)
            writer.varint(link.inode)
            writer.varint(UInt64(link.names))
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        directory = try reader.varint32("entries.directory")
        let flags = try reader.u8("entries.flags")
        guard flags <= 63 else { throw .value("entries.flags") }
        hasMore = flags & 2 != 0
        isLast = flags & 4 != 0
        isIncomplete = flags & 8 != 0
        isPromised = flags & 16 != 0
        matched = []
        answers = nil
        if flags & 1 != 0 {
            answers = try reader.varint("entries.answers")
            matched = Array(try reader.string("entries.matched", upTo: ProtocolConstants.longestRange))
        }
        base = try reader.varint("entries.base", upTo: UInt64(Int64.max))
        let count = try reader.count("entries.count", each: 6, upTo: ProtocolConstants.longestRange)
        entries = []
        entries.reserveCapacity(count)
        for _ in 0..<count {
            let entry = try Entry(from: &reader)
            if let last = entries.last, !Names.isBefore(last.name[...], entry.name[...]) {
                throw .value("entries.order")
            }
            entries.append(entry)
        }
        if flags & 32 != 0 { try decodeLinks(from: &reader) }
    }

    private mutating func decodeLinks(from reader: inout ByteReader) throws(WireError) {
        var next = 0
        let count = try reader.count("entries.links", each: 4, upTo: entries.count)
        guard count > 0 else { throw .value("entries.links") }
        for _ in 0..<count {
            let index = Int(try reader.varint("link.index", upTo: UInt64(ProtocolConstants.longestRange)))
            guard index >= next, index < entries.count, entries[index].attributes.kind != .directory else {
                throw .value("link.index")
            }
            next = index + 1
            let device = try reader.varint("link.device", upTo: UInt64(UInt32.max))
            let inode = try reader.varint("link.inode")
            let names = try reader.varint32("link.names")
            guard names >= 2 else { throw .value("link.names") }
            entries[index].link = FileIdentity(device: device, inode: inode, names: names)
        }
    }
}

/// Digests of single files' contents, asked for by id (`--checksum`).
package struct FileDigests: Sendable {
    package var digests: [(id: FileID, result: Result<ContentDigest, FileProblem>)]
    package init(_ digests: [(id: FileID, result: Result<ContentDigest, FileProblem>)]) { self.digests = digests }

    func encode(into writer: inout ByteWriter) {
        writer.varint(UInt64(digests.count))
        for (id, result) in digests {
            writer.varint(id)
            switch result {
            case .success(let digest):
                writer.u8(1)
                digest.encode(into: &writer)
            case .failure(let problem):
                writer.u8(0)
                problem.encode(into: &writer)
            }
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        digests = []
        for _ in 0..<(try reader.count("digests", each: 5, upTo: ProtocolConstants.longestList)) {
            let id = try reader.varint("digests.id")
            if try reader.flag("digests.isKnown") {
                digests.append((id, .success(try ContentDigest(from: &reader, "digests.digest"))))
            } else {
                digests.append((id, .failure(try FileProblem(from: &reader))))
            }
        }
    }
}

/// A problem that belongs to no id: the path is relative to the root of the job.
package struct PathProblem: Hashable, Sendable {
    package var path: [UInt8]
    package var problem: FileProblem
    package init(path: [UInt8], problem: FileProblem) {
        self.path = path
        self.problem = problem
    }

    func encode(into writer: inout ByteWriter) {
        writer.reportedPath(path)
        problem.encode(into: &writer)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        path = Array(try reader.string("problem.path", upTo: ProtocolConstants.longestPath))
        problem = try FileProblem(from: &reader)
    }
}
