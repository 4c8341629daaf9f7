// The side that changes its tree, as a value. It compares what the sender tells with its own listings, asks for what
// differs, has contents staged and committed, and answers every range and every entry exactly once.
//
// Used exactly like `SenderMachine`: inputs, then drain messages, effects and events, then sleep until the deadline.
//
// The rooms: +Asked (nothing but what the job is about), +Directories (where a directory stands: existing, fresh,
// unwanted; making, publishing, finishing), +Merge (ranges and entries against the own listing), +Entries (what becomes
// of one entry), +Signing (what is here of files that changed), +Elsewhere (new files that are here under other names),
// +Contents and +Deltas (frames to files), +Resume (what an earlier run has left of a file), +Links (`--hard-links`), +Checks (`--checksum`), +Deletion (the plan, the second pass, the end).

package struct ReceiverMachine: Sendable {
    package internal(set) var core: SessionCore
    let agreement: Agreement
    let options: JobOptions
    let rules: CompareRules
    var owners: OwnerMap
    /// Where a single renamed item ends up (`push file host:newname`).
    let renamedTo: [UInt8]?
    let rootExists: Bool
    /// It was created just now, for this job.
    let rootIsNew: Bool
    /// It held nothing, so everything may come unasked.
    let isFirstCopy: Bool
    var shape: RootShape? {
        didSet { rootKinds = shape.flatMap(\.kindsByName) }
    }
    /// Where the root is made of named items: what may be in it.
    var rootKinds: [[UInt8]: EntryKind]?

    var directories: [DirectoryID: ReceivedDirectory] = [:]
    private var lastPath = LastPath()
    var inbox = Queue<ListingItem>()
    var isResolvingOwners = false
    var ownersTold = 0
    /// Ranges in the order told: whether each is answered; `Same` is said for the answered front.
    var ledger = Queue<Bool>()
    var ledgerFront: UInt64 = 1
    var saidSame: UInt64 = 0
    var sameUpTo: UInt64 = 0
    var pendingRanges: [UInt64: PendingRange] = [:]
    var listingsHeld = 0
    var waitingScans = Queue<ReceivedDirectory>()

    var open: [FileID: ReceivedEntry] = [:]
    /// The lowest id that may come next, and how many have come and are not answered.
    var nextFileID: FileID = 1
    var unanswered = 0
    /// Ids whose contents were promised or asked for, until their end has come; whether the entry was handled. Contents
    /// of an id that is answered already are dropped.
    var awaited: [FileID: Bool] = [:]
    /// Groups of names whose first one is on its way to its place (`--hard-links`).
    var linkGroups: [LinkKey: LinkGroup] = [:]
    /// Questions about links, and names to be remembered, until the message or the result that they come from is done.
    var linkAsks: [DirectoryID: [FileID]] = [:]
    var linkRecords: [(directory: DirectoryID, record: LinkRecord)] = []
    /// Contents that came before the entries that define them were handled.
    var earlyContents = Queue<EarlyContent>()
    /// Staged files that were given up while an effect on them was out.
    var abandoned: [FileID: AbandonedStage] = [:]
    var wanted: [Request.Item] = []
    /// Files to be signed, and files that are being signed.
    var toSign = Queue<FileToSign>()
    var signing = Queue<SigningJob>()
    var nextSigning: UInt64 = 0
    var refining = Queue<RefineJob>()
    var basesOpen = 0
    /// New files that may be here under other names: what is known of the tree, and those that wait for it.
    var treeIndex = TreeIndexing.none
    var searching = Queue<SoughtFile>()
    var searchesOut = 0
    var digestsWanted: [FileID] = []
    var runs: [Outcomes.Run] = []
    var expands: [Expand] = []
    /// Of answers that have not become messages.
    var lingering = Lingering(for: Tuning.answersLinger)
    var fullDisks = 0
    /// What holds a descriptor while it is in work: directories without their final name, with the order in which
    /// they were told, and staged files. More of either wait.
    var building: [DirectoryID: UInt64] = [:]
    /// Directories that nothing is to be done in any more.
    var forgotten: [DirectoryID] = []
    var waitingToBuild = EarliestFirst<ReceivedDirectory>()
    var stagesOpen = 0
    var waitingStages = Queue<FileID>()
    /// Staged files that continue what an earlier run left. They wait open for their contents, perhaps behind those
    /// of others, so they are counted apart.
    var resumed: Set<FileID> = []
    var waitingResumes = Queue<FileID>()
    var nextOrder: UInt64 = 1
    /// How many of each may be in work at once; set by whoever knows how many descriptors there are.
    package var workLimit = Tuning.workLimit
    /// How many directories may be unfinished at once.
    package var directoryLimit = Tuning.mostDirectories
    /// What is there stays as it is, whatever the job says: an entry that differs fails, and nothing of it is asked for.
    /// The file layer must hold to it by itself; set by whoever serves.
    package var onlyAdds = false
    var contentsStopped = false
    var rangeChecks = Queue<UInt64>()
    var fileChecks = Queue<(id: FileID, file: ListedFile)>()
    var isDigesting = false

    var pass = 0
    var listingEnded = false
    /// The root as it was found; nil where it is not there.
    var rootAttributes: Attributes?
    var rootIsFinished = false
    var warnedOfEmpty = false
    var needsAgain = false
    var planned: UInt64 = 0
    /// Names that the destination held, as far as they were seen.
    var held: UInt64 = 0
    var deletesMore = false
    var phase = Phase.transfer

    var effects = Queue<NumberedEffect>()
    var running: [EffectID: ReceiverEffect] = [:]
    var nextEffectID: EffectID = 1
    var events = Queue<MachineEvent>()
    /// More of them than this wait only if they were under way already.
    package var eventLimit = Tuning.eventsWaiting
    let reportsEvents: Bool
    package var summary = Summary()
    var tally = Progress()
    package var progress: Progress {
        var now = tally
        now.isScanned = listingEnded && pendingRanges.isEmpty
        now.isDeleting = phase == .deleting
        return now
    }

    enum Phase: Sendable { case transfer, deleting, asking, done }

    /// `renamedTo` and `rootExists` come from opening the destination. `reportsEvents`: this is the user's own side.
    package init(
        _ agreement: Agreement, destination: Ready, rootExists: Bool, rootIsNew: Bool = false, renamedTo: [UInt8]?,
        reportsEvents: Bool, now: UInt64
    ) {
        self.agreement = agreement
        options = agreement.job.options
        core = SessionCore(agreement, now: now)
        rules = CompareRules(
            options, abilities: agreement.receiverAbilities, granularity: destination.timeGranularity,
            key: agreement.digestKey)
        owners = OwnerMap(isNumeric: options.numericIDs)
        self.renamedTo = renamedTo
        self.rootExists = rootExists
        self.rootIsNew = rootIsNew
        isFirstCopy = destination.isEmpty
        self.reportsEvents = reportsEvents
        if agreement.job.direction == .push {
            core.send(.ready(destination))
            if let shape = agreement.job.shape { begin(shape) }
        }
    }

    // MARK: Inputs

    package mutating func receive(_ message: Message, weight: Int, now: UInt64) {
        guard !core.isOver else { return }
        core.heard(now)
        do throws(WireError) {
            try core.arrive(message.kind, weight: weight)
            if try !core.handle(message) { try take(message, weight) }
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

    package mutating func heard(_ now: UInt64) { core.heard(now) }

    package mutating func tick(_ now: UInt64) {
        core.tick(now)
        lingering.tick(core.now)
    }

    package mutating func cancel() { core.cancel() }

    package mutating func inputEnded() { core.inputEnded() }

    package mutating func fail(_ error: WireError) { core.fail(error) }

    package mutating func refuse(_ abort: Abort) { core.refuse(abort) }

    // MARK: Outputs

    package mutating func nextMessage() -> OutgoingMessage? {
        if !core.isOver { flushAnswers() }
        var message = core.next()
        if message == nil, !core.isOver {
            advance()
            flushAnswers()
            message = core.next()
        }
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

    package var hasOutput: Bool {
        core.hasOutput || givesEffects || !events.isEmpty || (!core.isOver && canFlush)
    }

    package var effectsRunning: Int { running.count - effects.count }

    package var deadline: Deadline? { core.deadline(lingering) }

    // MARK: Messages

    private mutating func take(_ message: Message, _ weight: Int) throws(WireError) {
        switch message {
        case .roots(let shape):
            guard self.shape == nil, agreement.job.direction == .pull else { throw .unexpected("Roots") }
            begin(shape)
            core.release(.listing, weight)
        case .owners(let owners):
            ownersTold += owners.owners.count
            guard ownersTold <= Tuning.mostOwners else { throw .unexpected("too many owners") }
            inbox.append(.owners(owners, weight))
        case .directory(let opened):
            if opened.id != 0, opened.parent == 0 { try checkItem(opened.name, .directory) }
            try open(opened, weight)
        case .range(let range):
            guard range.sequence == ledgerFront + UInt64(ledger.count) else { throw .value("range.sequence") }
            guard ledger.count < 4 * Tuning.unansweredRanges else { throw .unexpected("too many ranges unanswered") }
            ledger.append(false)
            inbox.append(.range(range, weight))
        case .entries(let entries):
            if entries.directory == 0 {
                for entry in entries.entries { try checkItem(entry.name, entry.attributes.kind) }
            }
            guard options.keepHardLinks || entries.entries.allSatisfy({ $0.link == nil }) else {
                throw .value("entries.flags")
            }
            try register(entries)
            inbox.append(.entries(entries, weight))
        case .listingEnd: inbox.append(.end(weight))
        case .rangeDigest(let sequence, let digest):
            try rangeDigest(sequence, digest)
            core.release(.listing, weight)
        case .fileDigests(let digests):
            try fileDigests(digests)
            core.release(.listing, weight)
        case .sourceProblem(let problem):
            summary.failed += problem.problem.code == .vanished ? 0 : 1
            summary.vanished += problem.problem.code == .vanished ? 1 : 0
            report(.failed(path: problem.path, problem.problem, atSource: true))
            core.release(.listing, weight)
        case .content(let content): try receive(content, weight)
        case .delta(let delta): try take(delta, weight)
        case .refine(let refine): try take(refine, weight)
        case .hello, .job, .ready, .abort, .ping, .pong, .credit, .stop, .summary, .goodbye, .same, .expand,
            .subtree, .request, .outcomes, .digestRequest, .again, .deleted, .targetProblem, .signature:
            throw .unexpected("\(message.kind) from the sender")
        }
    }

    // MARK: Driving on

    mutating func advance() {
        guard !core.isOver else { return }
        core.holdCredit(isHeld)
        advanceScans()
        advanceInbox()
        advanceContents()
        advanceSearches()
        advanceSigning()
        advanceRangeChecks()
        advanceLinks()
        advanceEnd()
        core.completeIfDone()
    }

    mutating func run(_ effect: FileEffect, as running: ReceiverEffect) {
        let id = nextEffectID
        nextEffectID += 1
        self.running[id] = running
        effects.append(NumberedEffect(id: id, effect: effect))
    }

    private mutating func finish(_ effect: ReceiverEffect, _ result: FileResult) {
        switch (effect, result) {
        case (.scan(let directory), .scanned(let scan)): scanned(directory, scan)
        case (.owners(let owners), .resolvedOwners(let numbers)): resolved(owners, numbers)
        case (.make(let directory), .madeDirectory(let placed)): made(directory, placed)
        case (.publish(let directory), .publishedDirectory(let placed, let finished)):
            published(directory, placed, finished: finished)
        case (.finish(let directory), .finishedDirectory(let placed)): finished(directory, placed)
        case (.object(let id), .madeObject(let placed)):
            wroteWhole(id)
            self.placed(id, placed)
        case (.attributes(let id), .setAttributes(let placed)): self.placed(id, placed)
        case (.small(let ids, let weight), .wroteSmall(let placed)): wroteSmall(ids, weight, placed)
        case (.digestPartial(let id), .digestedPartial(let digest)): digestedPartial(id, digest)
        case (.signSmall(let number), .signedSmall(let results)): signedSmall(number, results)
        case (.openBasis(let id), .openedBasis(let result)): openedBasis(id, result)
        case (.signRanges(let id, let offset), .signedRanges(let result)): signedRanges(id, offset, result)
        case (.refine(let job, let ranges), .signedRanges(let result)): signedFiner(job, ranges, result)
        case (.indexTree, .indexedTree(let more)): indexedTree(more)
        case (.search(let files), .searched(let results)): searched(files, results)
        case (.stage(let id), .openedStage(let placed)):
            // One that was given up meanwhile ends when it is thrown away.
            if case .done = placed {} else if abandoned[id] == nil { stageEnded(id) }
            openedStage(id, placed)
        case (.write(let id), .wroteChunk(let placed)): wroteChunk(id, placed)
        case (.commit(let id, let digest), .committing): run(.commit(id: id, digest: digest), as: .commit(id, digest))
        case (.commit(let id, _), .committed(let placed)):
            stageEnded(id)
            self.placed(id, placed)
        case (.checkRange(let sequence, let directory), .digested(let digests)):
            digestedRange(sequence, in: directory, digests)
        case (.checkFiles(let ids), .digested(let digests)): digestedFiles(ids, digests)
        case (.plan(let directory, let name, let counts), .plannedDeletion(let count, let problem)):
            plannedDeletion(directory, name, counts, count, problem)
        case (.delete, .deleted(let paths, let failures, let more)): deleted(paths, failures, more)
        case (.sweep(let id, let asked), .swept(let count)): swept(id, count, of: asked)
        case (.abandon(let id, let directory), .abandoned):
            stageEnded(id)
            abandonedStage(in: directory)
        case (.closeBasis(let directory), .closedBasis): closedBasis(in: directory)
        case (.links(let ids), .linked(let answers)): linked(ids, answers)
        case (.claimLinks(let directory), .claimedLinks(let contested)): claimedLinks(directory, contested)
        case (.recordLinks(let directory, let records), .recordedLinks(let results)):
            recordedLinks(in: directory, records, results)
        case (.forget, _): break
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

    /// The user is slow to take what there is to tell.
    var isHeld: Bool { events.count >= eventLimit }

    var changesNothing: Bool { options.dryRun || agreement.job.purpose != .transfer }
}

/// Contents that wait for their entries, and the credit they hold.
struct EarlyContent: Sendable {
    var message: ContentMessage
    var weight: Int
}

/// A piece of the listing that waits for its turn, and the credit it holds.
enum ListingItem: Sendable {
    case owners(Owners, Int)
    case range(RangeMessage, Int)
    case entries(EntriesMessage, Int)
    case end(Int)
}

/// What an effect that was given out is for.
enum ReceiverEffect: Sendable {
    case scan(ReceivedDirectory)
    case owners([OwnerName])
    case make(ReceivedDirectory)
    case publish(ReceivedDirectory)
    case finish(ReceivedDirectory)
    case object(FileID)
    case attributes(FileID)
    case small([FileID], weight: Int)
    case digestPartial(FileID)
    case signSmall(UInt64)
    case openBasis(FileID)
    /// In whose directory something is removed with it.
    case closeBasis(DirectoryID)
    case signRanges(FileID, UInt64)
    case refine(RefineJob, [BasisRange])
    case indexTree
    case search([SoughtFile])
    case stage(FileID)
    case write(FileID)
    case commit(FileID, ContentDigest?)
    case abandon(FileID, DirectoryID)
    case forget
    case links([FileID])
    case claimLinks(ReceivedDirectory)
    case recordLinks(DirectoryID, [LinkRecord])
    case checkRange(UInt64, in: DirectoryID)
    case checkFiles([FileID])
    case plan(DirectoryID, [UInt8], counts: Bool)
    case delete
    case sweep(DirectoryID, names: Int)
}
