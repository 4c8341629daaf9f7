// The side that has the source tree, as a value. It tells its tree depth first, range by range; keeps each listing
// until it is answered; and sends contents in the order in which they were asked for (or promised).
//
// Use: hand in what happens with `receive`, `finished`, `tick`, `cancel`, `inputEnded`; then drain `nextMessage`,
// `nextEffect` and `nextEvent` until all give nil; then sleep until `deadline` at the latest. Nothing in here blocks,
// reads a clock or opens anything.
//
// The rooms: +Listing (directories to ranges and entries), +Answers (what the receiver says), +Signatures (what it has
// of files that changed), +Contents and +Deltas (files to frames), +Resume (files that the receiver has the beginning
// of), +Digests (`--checksum`).

package struct SenderMachine: Sendable {
    package internal(set) var core: SessionCore
    let agreement: Agreement
    let options: JobOptions
    let shape: RootShape
    /// Known once the receiver has opened its destination.
    var ready: Ready?
    var rules: CompareRules

    // Listing.
    var directories: [DirectoryID: SentDirectory] = [:]
    private var lastPath = LastPath()
    var nextDirectory: DirectoryID = 1
    /// Directories still to be told; the last one is next.
    var pending: [PendingDirectory] = []
    var scans: [DirectoryID: ScanState] = [:]
    var emission: Emission?
    /// By their ranges: the receiver builds first what was told first.
    var expansions = EarliestFirst<Expansion>()
    var ranges = RangeLedger()
    var announced: Set<OwnerKey> = []
    /// The numbers under which file systems are told, where hard links are kept.
    var fileSystems: [UInt64: UInt64] = [:]
    /// Bytes of listings that are kept.
    var keptBytes = 0
    var pass = 0
    var listingEnded = false
    /// The receiver wants the tree told once more, as soon as nothing of the first telling is under way.
    var wantsAgain = false

    /// Directories that nothing is to be asked about any more.
    var forgotten: [DirectoryID] = []

    // Entries and contents.
    var open: [FileID: OpenEntry] = [:]
    /// The root itself, as id 0, where its own attributes count.
    var rootIsOpen: Bool
    var nextID: FileID = 1
    var requested = Queue<ContentItem>()
    /// Files of which the receiver holds a beginning that is still to be compared, and whether another one's just is.
    var checks = Queue<PrefixTask>()
    var isChecking = false
    /// Files that wait open in `requested`.
    var checkedWaiting = 0
    var jobs = Queue<ContentJob>()
    /// Of listings that wait for others.
    var lingering = Lingering(for: Tuning.listingsLinger)
    var nextJob: UInt64 = 0
    var contentsStopped = false
    /// Bytes of contents in one frame, about; follows the measured stream.
    var frameBytes = Tuning.chunk
    /// Signatures of files that are not sent yet, and the one that is not whole.
    var signatures: [FileID: IncomingSignature] = [:]
    var growingSignature: FileID?
    /// Answers to Refine that are awaited.
    var refinements: [FileID: IncomingRefinement] = [:]
    /// Bytes a second that the stream was measured to take.
    var pace: UInt64?
    var digestTasks = Queue<DigestTask>()
    var digesting = false

    // Outputs.
    var effects = Queue<NumberedEffect>()
    var running: [EffectID: RunningEffect] = [:]
    var nextEffectID: EffectID = 1
    var events = Queue<MachineEvent>()
    /// More of them than this wait only if they were under way already.
    package var eventLimit = Tuning.eventsWaiting
    let reportsEvents: Bool
    /// More listings than this, in bytes, are kept only where no answer is on its way.
    package var listingsKept = Tuning.listingsKept
    package var summary = Summary()
    var tally = Progress()
    package var progress: Progress {
        var now = tally
        // Whoever has not answered yet may still want contents.
        let undecided = UInt64(open.count) &- (tally.filesToSend &- tally.filesDone)
        now.isScanned = listingEnded && ranges.count == 0 && undecided == 0
        return now
    }

    /// `reportsEvents`: this is the user's own side.
    package init(_ agreement: Agreement, shape: RootShape, reportsEvents: Bool, now: UInt64) {
        self.reportsEvents = reportsEvents
        self.agreement = agreement
        options = agreement.job.options
        self.shape = shape
        if case .contents = shape { rootIsOpen = true } else { rootIsOpen = false }
        core = SessionCore(agreement, now: now)
        rules = CompareRules(
            options, abilities: agreement.receiverAbilities, granularity: 1, key: agreement.digestKey)
        if agreement.job.direction == .pull {
            core.send(.roots(shape))
            if let destination = agreement.job.destination { begin(destination) }
        }
    }

    // MARK: Inputs

    package mutating func receive(_ message: Message, weight: Int, now: UInt64) {
        guard !core.isOver else { return }
        core.heard(now)
        do throws(WireError) {
            try core.arrive(message.kind, weight: weight)
            if try !core.handle(message) { try answer(message, weight) }
            // Signatures are kept, and with them their credit.
            if let creditClass = message.kind.creditClass, creditClass != .signature {
                core.release(creditClass, weight)
            }
        } catch {
            core.fail(error)
        }
        advance()
    }

    package mutating func finished(_ id: EffectID, _ result: FileResult) {
        guard let effect = running.removeValue(forKey: id), !core.isOver else { return }
        finish(effect, result)
        advance()
    }

    /// Bytes arrived or left, even if they are not a whole message yet.
    package mutating func heard(_ now: UInt64) { core.heard(now) }

    /// The stream takes this many bytes a second while it is kept busy: a content frame is cut to a tenth of that, so
    /// that what overtakes contents never waits long.
    package mutating func paced(_ bytesPerSecond: UInt64) {
        pace = bytesPerSecond
        frameBytes = Int(min(max(bytesPerSecond / 10, UInt64(Tuning.smallestChunk)), UInt64(Tuning.chunk)))
    }

    package mutating func tick(_ now: UInt64) {
        core.tick(now)
        lingering.tick(core.now)
        if lingering.isOver { core.outbox.expectsListings = false }
    }

    package mutating func cancel() { core.cancel() }

    package mutating func inputEnded() { core.inputEnded() }

    package mutating func fail(_ error: WireError) { core.fail(error) }

    package mutating func refuse(_ abort: Abort) { core.refuse(abort) }

    // MARK: Outputs

    package mutating func nextMessage() -> OutgoingMessage? {
        var message = core.next()
        if message == nil, !core.isOver {
            advance()
            message = core.next()
        }
        lingering.note(waits: core.outbox.holdsListings, now: core.now)
        core.completeIfDone()
        return message
    }

    package mutating func nextEffect() -> NumberedEffect? {
        givesEffects ? effects.popFirst() : nil
    }

    /// After an end that is none of success nothing more is done.
    private var givesEffects: Bool { !effects.isEmpty && core.end?.isComplete ?? true }

    package mutating func nextEvent() -> MachineEvent? { events.popFirst() }

    package var end: SessionEnd? { core.end }

    package var isOver: Bool { core.isOver }

    package var hasOutput: Bool { core.hasOutput || givesEffects || !events.isEmpty }

    /// Effects given out whose results have not come back.
    package var effectsRunning: Int { running.count - effects.count }

    package var deadline: Deadline? { core.deadline(lingering) }

    // MARK: Driving on

    /// Does whatever can be done now; called after every input.
    mutating func advance() {
        guard !core.isOver else { return }
        let isHeld = events.count >= eventLimit
        core.holdCredit(isHeld)
        if core.peerSaidGoodbye {
            // The receiver has all that it wants; what still waits was for directories that it gave up.
            if !core.saidGoodbye { core.outbox.dropAllButControl() }
            core.sayGoodbye(summary)
        } else if ready != nil {
            tellAgainIfWanted()
            if !isHeld { advanceListing() }
            advanceDigests()
            advanceChecks()
            advanceContents()
        }
        core.completeIfDone()
    }

    mutating func run(_ effect: FileEffect, as running: RunningEffect) {
        let id = nextEffectID
        nextEffectID += 1
        self.running[id] = running
        effects.append(NumberedEffect(id: id, effect: effect))
    }

    private mutating func finish(_ effect: RunningEffect, _ result: FileResult) {
        switch (effect, result) {
        case (.scan(let directory), .scanned(let scan)): scanned(directory, scan)
        case (.small(let job), .readSmall(let buffer, let reads)): readSmall(job, buffer, reads)
        case (.openSource(let job), .openedSource(let opened)): openedSource(job, opened)
        case (.readChunk(let job), .readChunk(let chunk)): readChunk(job, chunk)
        case (.openChecked(let task), .openedSource(let opened)): openedForCheck(task, opened)
        case (.checkPrefix(let task), .checkedPrefix(let check)): checkedPrefix(task, check)
        case (.matchSmall(let job), .matchedSmall(let buffer, let matches)): matchedSmall(job, buffer, matches)
        case (.matchChunk(let job), .matchedChunk(let chunk)): matchedChunk(job, chunk)
        case (.digestRange(let range, let next, let known), .digested(let digests)):
            digestedRange(range, next, known, digests)
        case (.digestFiles(let ids), .digested(let digests)): digestedFiles(ids, digests)
        case (.forget, _), (.closeSource, _): break
        default: core.refuse(Abort(exit: 11, text: "the file layer answered another question"))
        }
    }

    mutating func report(_ event: MachineEvent) {
        if reportsEvents { events.append(event) }
    }

    /// The path of a name below the root of the job.
    mutating func path(_ directory: DirectoryID, _ name: some Collection<UInt8>) -> [UInt8] {
        lastPath.path(directory, name, directories)
    }
}

extension SessionEnd {
    package var isComplete: Bool {
        if case .complete = self { true } else { false }
    }
}

/// What an effect that was given out is for.
enum RunningEffect: Sendable {
    case scan(DirectoryID)
    case forget
    case small(job: UInt64)
    case openSource(job: UInt64)
    case readChunk(job: UInt64)
    case closeSource
    case openChecked(PrefixTask)
    case checkPrefix(PrefixTask)
    case matchSmall(job: UInt64)
    case matchChunk(job: UInt64)
    case digestRange(SentRange, next: Int, digests: [ContentDigest])
    case digestFiles([FileID])
}

struct OwnerKey: Hashable, Sendable {
    var isGroup: Bool
    var id: UInt32
}
