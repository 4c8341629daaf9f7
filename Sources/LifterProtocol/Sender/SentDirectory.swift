/// A directory while anything about it is unanswered.
///
/// A class, and unchecked, for the same reasons as `ReceivedDirectory`.
final class SentDirectory: TreeNode, @unchecked Sendable {
    let id: DirectoryID
    let parent: DirectoryID
    /// Where its entry stands in the parent's listing.
    let index: Int
    let name: [UInt8]
    /// Kept while `uses` is not zero.
    var listing: Listing
    var isIncomplete: Bool
    /// How its entries are told: nil means by digests.
    var wish: Subtree.Wish?
    /// Unanswered ranges, open entries and untold children that need the listing; one more while it is being told.
    var uses = 0
    /// Live directories directly below.
    var children = 0
    /// Told children by the index of their entry, and wishes for those not yet told.
    var told: [Int: SentDirectory] = [:]
    var wishes: [Int: Subtree.Wish] = [:]
    /// The sequence number of its first range (or of the next range of the session, if it has none).
    let firstSequence: UInt64

    init(
        id: DirectoryID, parent: DirectoryID, index: Int, name: [UInt8], listing: Listing, isIncomplete: Bool,
        wish: Subtree.Wish?, firstSequence: UInt64
    ) {
        self.id = id
        self.parent = parent
        self.index = index
        self.name = name
        self.listing = listing
        self.isIncomplete = isIncomplete
        self.wish = wish
        self.firstSequence = firstSequence
    }
}

/// A directory that is still to be told: where its entry stands.
struct PendingDirectory: Sendable {
    var parent: DirectoryID
    var index: Int32
    /// 0 until its scan is asked for (the root has 0 by right).
    var id: DirectoryID
}

enum ScanState: Sendable {
    case running
    case done(ScanResult)
    case failed(FileProblem)

    var isRunning: Bool {
        if case .running = self { true } else { false }
    }
}

/// A directory in the middle of being told.
struct Emission: Sendable {
    var directory: SentDirectory
    var next: Int
    /// Promised contents that come when the small ones have.
    var large: [ContentItem] = []
}

/// A range on its way out as entries.
struct Expansion: Sendable {
    var sequence: UInt64
    var directory: SentDirectory
    var next: Int
    var upper: Int
    /// Entries to leave out, by offset from the range's start (empty: none).
    var omitted: [Bool]
    var lower: Int
    var matched: [UInt8]
    var isFirst = true
}

/// An entry that was sent and is not answered yet.
struct OpenEntry: Sendable {
    var directory: SentDirectory
    var index: Int32
    /// Its contents were asked for or promised.
    var wantsContent = false
    /// They are in line or under way.
    var isQueued = false
    /// A signature came for it; a second one is refused.
    var hadSignature = false
    /// The serial of the listing message that defined it.
    var serial: UInt64
    /// How often its contents were asked for, and whether its digest was.
    var requests: UInt8 = 0
    var isDigestAsked = false
    /// Bytes of it that progress has counted, and those of them that travelled.
    var counted: UInt64 = 0
    var literal: UInt64 = 0

    var attributes: Attributes { directory.listing.attributes(at: Int(index)) }
    var entry: Entry { directory.listing.entry(at: Int(index)) }
}

struct SentRange: Sendable {
    var sequence: UInt64
    var directory: SentDirectory
    var lower: Int32
    var upper: Int32
    var isAnswered = false
    /// The digest of its files' contents was asked for.
    var isDigestAsked = false
}

/// Ranges that were sent, in order, until they are answered.
struct RangeLedger: Sendable {
    private var waiting = Queue<SentRange>()
    private(set) var next: UInt64 = 1

    var count: Int { waiting.count }

    mutating func add(_ directory: SentDirectory, _ range: Range<Int>) -> UInt64 {
        let sequence = next
        next += 1
        waiting.append(
            SentRange(
                sequence: sequence, directory: directory, lower: Int32(range.lowerBound),
                upper: Int32(range.upperBound)))
        return sequence
    }

    private func offset(_ sequence: UInt64) -> Int? {
        guard let first = waiting.first, sequence >= first.sequence, sequence < next else { return nil }
        return Int(sequence - first.sequence)
    }

    func range(_ sequence: UInt64) -> SentRange? { offset(sequence).flatMap { waiting[$0] } }

    /// One range is answered.
    mutating func answer(_ sequence: UInt64) {
        if let offset = offset(sequence) { waiting[offset]?.isAnswered = true }
        dropAnswered()
    }

    /// The first range that waits is answered, if it is not behind `sequence`.
    mutating func answerFirst(upTo sequence: UInt64) -> SentRange? {
        guard let first = waiting.first, first.sequence <= sequence else { return nil }
        answer(first.sequence)
        return first
    }

    /// Notes that a range's digest is asked for; false when it was before.
    mutating func askDigest(_ sequence: UInt64) -> Bool {
        guard let offset = offset(sequence), var range = waiting[offset], !range.isDigestAsked else { return false }
        range.isDigestAsked = true
        waiting[offset] = range
        return true
    }

    /// So the first one is never answered.
    private mutating func dropAnswered() {
        while let first = waiting.first, first.isAnswered { _ = waiting.popFirst() }
    }

    /// The first sequence number that still waits.
    var front: UInt64 { waiting.first?.sequence ?? next }
}
