// What the receiver answers. Every range and every entry id gets exactly one answer, in any order that keeps
// `Same` cumulative.

/// The receiver's view of a range that is not the same.
package struct Expand: Sendable {
    package enum Mode: UInt8, Sendable {
        /// Only entries whose hash is not among `hashes`.
        case differing = 1
        /// All entries.
        case all = 2
        /// First the digest of the range's contents (`--checksum`); the range stays open.
        case contents = 3
    }
    package var sequence: UInt64
    package var mode: Mode
    package var hashes: [UInt64]

    package init(sequence: UInt64, mode: Mode, hashes: [UInt64] = []) {
        self.sequence = sequence
        self.mode = mode
        self.hashes = hashes
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(sequence)
        writer.u8(mode.rawValue)
        if mode == .differing {
            writer.varint(UInt64(hashes.count))
            for hash in hashes { writer.u64(hash) }
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        sequence = try reader.varint("expand.sequence")
        guard let mode = Mode(rawValue: try reader.u8("expand.mode")) else { throw .value("expand.mode") }
        self.mode = mode
        hashes = []
        guard mode == .differing else { return }
        let count = try reader.count("expand.hashes", each: 8, upTo: 8 * ProtocolConstants.longestRange)
        hashes.reserveCapacity(count)
        for _ in 0..<count { hashes.append(try reader.u64("expand.hash")) }
    }
}

/// What becomes of everything below a directory that was sent as an entry.
package struct Subtree: Sendable {
    package enum Wish: UInt8, Sendable {
        /// It is new here: send entries and contents without further questions.
        case contents = 1
        /// It is new here, but only entries are wanted (dry run).
        case entries = 2
        /// Nothing below it.
        case nothing = 3
    }
    package var id: FileID
    package var wish: Wish
    package init(id: FileID, wish: Wish) {
        self.id = id
        self.wish = wish
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(id)
        writer.u8(wish.rawValue)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        id = try reader.varint("subtree.id")
        guard let wish = Wish(rawValue: try reader.u8("subtree.wish")) else { throw .value("subtree.wish") }
        self.wish = wish
    }
}

/// Ids whose contents (or digests) are wanted.
package struct IDList: Sendable {
    package var ids: [FileID]
    package init(_ ids: [FileID]) { self.ids = ids }

    func encode(into writer: inout ByteWriter) {
        writer.varint(UInt64(ids.count))
        for id in ids { writer.varint(id) }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        ids = []
        for _ in 0..<(try reader.count("ids", each: 1, upTo: ProtocolConstants.longestList)) {
            ids.append(try reader.varint("id"))
        }
    }
}

/// Contents wanted: each id with what the receiver has of them already.
package struct Request: Sendable {
    package struct Item: Hashable, Sendable {
        package var id: FileID
        /// The receiver holds the beginning; nil: the whole is wanted.
        package var resume: Resume?
        /// And nothing else is wanted now: where the contents do not go on there, they end at once as a mismatch.
        package var onlyResumes: Bool

        package init(_ id: FileID, resume: Resume? = nil, onlyResumes: Bool = false) {
            self.id = id
            self.resume = resume
            self.onlyResumes = onlyResumes
        }
    }
    package var items: [Item]
    package init(_ items: [Item]) { self.items = items }

    func encode(into writer: inout ByteWriter) {
        writer.varint(UInt64(items.count))
        for item in items {
            writer.varint(item.id)
            var list = AttributeListWriter()
            if let resume = item.resume { list.bytes(Self.resumeTag, resume.encoded) }
            list.flag(Self.onlyResumesTag, item.onlyResumes)
            list.encode(into: &writer)
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        items = []
        for _ in 0..<(try reader.count("request.ids", each: 2, upTo: ProtocolConstants.longestList)) {
            var item = Item(try reader.varint("request.id"))
            var list = try AttributeListReader(from: &reader, "request.attributes")
            while let tag = try list.next() {
                switch tag {
                case Self.resumeTag: item.resume = try Resume(decoding: list.bytes())
                case Self.onlyResumesTag: item.onlyResumes = try list.flag()
                default: try list.skip(tag)
                }
            }
            items.append(item)
        }
    }

    private static let resumeTag: UInt64 = 2
    private static let onlyResumesTag: UInt64 = 4
}

/// The beginning of a file that an earlier attempt has left at the receiver.
package struct Resume: Hashable, Sendable {
    /// Bytes; at least one.
    package var length: UInt64
    /// Of these bytes, keyed by the session.
    package var digest: ContentDigest

    package init(length: UInt64, digest: ContentDigest) {
        self.length = length
        self.digest = digest
    }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.varint(length)
        digest.encode(into: &writer)
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        length = try reader.varint("request.resume", upTo: UInt64(Int64.max))
        guard length > 0 else { throw .value("request.resume") }
        digest = try ContentDigest(from: &reader, "request.resume")
        try reader.finish()
    }
}

/// What differed, bit by bit; what the itemised list is made from.
package struct Changes: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }
    /// The name did not exist here.
    package static let created = Changes(rawValue: 1)
    /// Contents were (or would be) transferred.
    package static let content = Changes(rawValue: 2)
    /// Equal in size and time, but not in contents (or a link's target, or a device's number).
    package static let checksum = Changes(rawValue: 4)
    package static let size = Changes(rawValue: 8)
    package static let time = Changes(rawValue: 16)
    package static let mode = Changes(rawValue: 32)
    package static let user = Changes(rawValue: 64)
    package static let group = Changes(rawValue: 128)
    /// The time was set to now since times are not kept.
    package static let timeNow = Changes(rawValue: 256)
    /// Something of another kind was there.
    package static let kind = Changes(rawValue: 512)
    /// It became another name of a file that is here.
    package static let linked = Changes(rawValue: 1024)
}

/// How an id ended.
package enum Outcome: Hashable, Sendable {
    /// In place, metadata set.
    case settled(Changes)
    /// In place as another name of a file; its path from the root, where the sender is the user's own side.
    case linked(Changes, to: [UInt8])
    /// It was as it should be.
    case unchanged
    /// Left alone by a selection option.
    case skipped
    /// Left for the second pass, after deletions.
    case later
    case failed(FileProblem)
}

package struct Outcomes: Sendable {
    /// Runs of neighbouring ids that ended alike.
    package struct Run: Hashable, Sendable {
        package var first: FileID
        package var count: UInt32
        package var outcome: Outcome
        package init(first: FileID, count: UInt32, outcome: Outcome) {
            self.first = first
            self.count = count
            self.outcome = outcome
        }
    }
    package var runs: [Run]
    package init(_ runs: [Run]) { self.runs = runs }

    func encode(into writer: inout ByteWriter) {
        writer.varint(UInt64(runs.count))
        for run in runs {
            writer.varint(run.first)
            writer.varint(UInt64(run.count))
            switch run.outcome {
            case .settled(let changes):
                writer.u8(1)
                writer.varint(UInt64(changes.rawValue))
            case .unchanged: writer.u8(2)
            case .skipped: writer.u8(3)
            case .later: writer.u8(4)
            case .failed(let problem):
                writer.u8(5)
                problem.encode(into: &writer)
            case .linked(let changes, let path):
                writer.u8(6)
                writer.varint(UInt64(changes.rawValue))
                writer.reportedPath(path)
            }
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        runs = []
        for _ in 0..<(try reader.count("outcomes", each: 3, upTo: ProtocolConstants.longestList)) {
            let first = try reader.varint("outcome.first", upTo: UInt64(Int64.max))
            let count = UInt32(try reader.varint("outcome.count", upTo: UInt64(Limits.largestOpenIDs)))
            guard count >= 1 else { throw .value("outcome.count") }
            let outcome: Outcome
            switch try reader.u8("outcome.code") {
            case 1:
                let bits = UInt16(truncatingIfNeeded: try reader.varint("outcome.changes", upTo: 0xffff))
                outcome = .settled(Changes(rawValue: bits))
            case 2: outcome = .unchanged
            case 3: outcome = .skipped
            case 4: outcome = .later
            case 5: outcome = .failed(try FileProblem(from: &reader))
            case 6:
                let bits = UInt16(truncatingIfNeeded: try reader.varint("outcome.changes", upTo: 0xffff))
                let path = try reader.string("outcome.link", upTo: ProtocolConstants.longestPath)
                outcome = .linked(Changes(rawValue: bits), to: Array(path))
            default: throw .value("outcome.code")
            }
            runs.append(Run(first: first, count: count, outcome: outcome))
        }
    }
}

/// Paths that were removed (or, in a dry run, would be), relative to the root.
package struct Deleted: Sendable {
    package var paths: [[UInt8]]
    package init(_ paths: [[UInt8]]) { self.paths = paths }

    func encode(into writer: inout ByteWriter) {
        writer.varint(UInt64(paths.count))
        for path in paths { writer.reportedPath(path) }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        paths = []
        for _ in 0..<(try reader.count("deleted", each: 1)) {
            paths.append(Array(try reader.string("deleted.path", upTo: ProtocolConstants.longestPath)))
        }
    }
}
