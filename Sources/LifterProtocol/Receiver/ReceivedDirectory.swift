/// A directory of the job as the receiver sees it, while anything about it is under way.
///
/// A class, since one of its many fields is changed at a time: as a value in a table it would be copied for each change.
/// Unchecked, because nobody but its machine ever has it.
final class ReceivedDirectory: TreeNode, @unchecked Sendable {
    enum Place: Hashable, Sendable {
        /// The parent's entries will tell.
        case undecided
        /// It is there; its own listing is compared with what the sender tells.
        case existing
        /// It is new and made by this job.
        case fresh
        /// It would be made, were this not a dry run.
        case imagined
        /// Nothing below it is wanted.
        case unwanted
    }

    enum Own: Sendable {
        case unknown
        case scanning
        case ready(Listing)
    }

    let id: DirectoryID
    let parent: DirectoryID
    let name: [UInt8]
    /// Counts the directories in the order in which the sender opened them.
    var order: UInt64 = 0
    var place = Place.undecided
    var own = Own.unknown
    /// Index of the first own entry that no range has covered yet.
    var cursor = 0

    /// The claim on files of own names that is out, and the range for which claims were made.
    var linksInClaim: [Int]?
    var claimedRange: UInt64 = 0

    // Making (fresh directories).
    /// The credit that what was told of it keeps until it is made.
    var heldWeight = 0
    /// Others are being built, and it has its place among those that wait.
    var isWaitingToBuild = false
    var isMade = false
    var isPublished = false
    /// It is being made or published.
    var isMaking = false
    /// How a fresh one may replace what bears its name.
    var makeRule = ReplaceRule()
    /// The sender's entry; for existing directories set where it is known to matter.
    var entry: Entry?
    /// Whether the attributes it is to end with are known (its own place in the parent is resolved).
    var isResolved = false
    var needsAttributes = false
    /// Something was changed in it, so its times must be set again.
    var isTouched = false

    // Progress.
    var sawLast = false
    var isIncomplete = false
    /// Ranges that were told and are not yet followed by all their entries (or found the same).
    var openRanges = 0
    /// Entries, effects and checks at this level that are not finished.
    var busy = 0
    /// Of these, what must be in place before a fresh directory gets its name.
    var levelBusy = 0
    /// Effects out that put files and other objects into it whole.
    var writesOut = 0
    /// Large contents have come before all that is small: it gets its name, so that they are found again.
    var showsEarly = false
    var isFinishing = false
    var listedAny = false

    /// Parts of large files that an earlier run has left here, and nobody has taken up yet.
    var partials: Set<[UInt8]> = []
    /// What else earlier runs have left here. It goes where its target is in place, at once or in the end.
    var leftovers: Set<[UInt8]> = []

    // Waiting.
    /// Work for when the directory exists.
    var parkedEntries: [EntriesMessage] = []
    var parkedWrites: [ParkedWrite] = []
    var parkedRanges: [RangeMessage] = []
    /// What the entries said about child directories that have not been opened yet, and how many of those will be.
    var plans: [[UInt8]: ChildPlan] = [:]
    var childrenToCome = 0
    /// Live child directories.
    var opened: [[UInt8]: ReceivedDirectory] = [:]

    init(id: DirectoryID, parent: DirectoryID, name: [UInt8]) {
        self.id = id
        self.parent = parent
        self.name = name
    }

    /// What was told before it could be compared; nothing is parked any more.
    func takeParkedListing() -> (ranges: [RangeMessage], entries: [EntriesMessage]) {
        defer { (parkedRanges, parkedEntries) = ([], []) }
        return (parkedRanges, parkedEntries)
    }

    func takeParkedWrites() -> [ParkedWrite] {
        defer { parkedWrites = [] }
        return parkedWrites
    }

    /// It is worth making: all that it holds was told, or some of it is here.
    var hasSomething: Bool { isWholeListing || !parkedWrites.isEmpty }
    /// There is a directory to work in, perhaps under a part name.
    var isThere: Bool { place == .existing || isMade }
    /// It is getting its name: what is written into it must know whether others see it.
    var isPublishing: Bool { isMade && isMaking }
    /// Whether a piece of writing need not wait.
    func takes(_ write: ParkedWrite) -> Bool { isThere && !(isPublishing && write.isWhole) }
    /// Live child directories in an order that follows from what was told: effects come of going through them.
    var children: [ReceivedDirectory] { opened.values.sorted { $0.id < $1.id } }
    /// It bears its final name.
    var hasName: Bool { place == .existing || isPublished }
    /// Everything at this level was told, and every directory in it opened.
    var isWholeListing: Bool { sawLast && openRanges == 0 && parkedEntries.isEmpty && parkedRanges.isEmpty }
    /// Nothing about it is under way any more.
    var isQuiet: Bool {
        guard busy == 0, opened.isEmpty, !isFinishing, isResolved else { return false }
        if place == .unwanted { return true }
        return isWholeListing && childrenToCome == 0 && (place != .fresh || isPublished)
    }
    var ownListing: Listing? {
        if case .ready(let listing) = own { listing } else { nil }
    }
}

/// What is to become of a child directory.
struct ChildPlan: Sendable {
    var place: ReceivedDirectory.Place
    /// The entry it is to end like (in the receiver's terms), if known.
    var entry: Entry?
    var needsAttributes = false
    var rule = ReplaceRule()
}

/// Something to be written once its directory exists.
enum ParkedWrite: Sendable {
    case small(buffer: [UInt8], files: [SmallFile], weight: Int)
    case object(id: FileID, Entry, ReplaceRule)
    case stage(FileID)
    /// Names that may be linked.
    case links([FileID])

    /// It is done in one effect.
    var isWhole: Bool {
        switch self {
        case .small, .object: true
        case .stage, .links: false
        }
    }

    /// It changes its directory. Whether names can be linked is not known yet.
    var isSure: Bool {
        switch self {
        case .small, .object, .stage: true
        case .links: false
        }
    }
}

/// An entry that was told and is not answered yet.
struct ReceivedEntry: Sendable {
    enum State: Sendable {
        /// Its contents will come.
        case awaiting
        /// What an earlier run left of it is being digested.
        case resuming
        /// It is looked for under other names here.
        case searching
        /// Bytes are being staged.
        case staging(Staging)
        /// A small file, an object or attributes are being put in place.
        case placing
        /// Its contents are being compared (`--checksum`).
        case checking(own: ContentDigest?, theirs: ContentDigest?)
        /// Whether it can be linked is being found out, or waits for the first name of its group.
        case linking(ReceiverMachine.Decision)
    }
    var directory: DirectoryID
    var entry: Entry
    var changes: Changes
    var rule: ReplaceRule
    var state = State.awaiting
    /// Its contents come without being asked for.
    var isPromised = false
    /// It must be in place before its new directory gets its name.
    var isLevel = false
    var isRetry = false
    /// What is here under its name, or a similar one, where that is used.
    var basis: Basis?
    /// What is here under another name and may be the same: it was digested, and the sender was told.
    var found: FoundFile?
    /// The file that the name stands for here, where that has several names and hard links are kept.
    var own: FileIdentity?
    /// Its contents are to come.
    var isExpected = false
    /// Bytes of it that progress has counted, and what travelled of it.
    var counted: UInt64 = 0
    var literal: UInt64 = 0
}

struct Staging: Sendable {
    /// What an earlier run left is open, and its length was told: contents may begin there.
    var resumeAt: UInt64?
    /// If they cannot, it is to serve as a basis.
    var partServes = false
    var isOpening = false
    var isOpen = false
    var isWriting = false
    var received: UInt64 = 0
    var waiting = Queue<Payload>()
    /// Credit held by what waits and by what is being written.
    var waitingWeight = 0
    var writingWeight = 0
    /// Bytes of the file that are being written.
    var writingBytes: UInt64 = 0
    var end: ContentDigest??
}

/// A staged file that was given up while an effect on it was out: it is thrown away when that comes back.
struct AbandonedStage: Sendable {
    var directory: DirectoryID
    /// Credit held by the bytes that the effect is writing.
    var weight: Int
}

/// A range of the sender's that was not simply the same.
struct PendingRange: Sendable {
    var directory: DirectoryID
    var lower: Int
    var upper: Int
    /// The next own index that the arriving entries have not passed.
    var position: Int
    var isIncomplete: Bool
    /// Own entries the sender has too, by offset from `lower`.
    var matched: [Bool] = []
    /// For `--checksum`: both digests of the range's contents.
    var ownDigests: [ContentDigest] = []
    var ownDone = false
    var theirs: ContentDigest?
    var isChecking = false
}
