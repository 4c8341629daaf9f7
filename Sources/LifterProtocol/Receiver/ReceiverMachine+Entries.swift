// One entry on its way: it is decided about, then left alone, given attributes, made, or its contents are asked for.
// Every id is answered exactly once, whatever happens.

extension ReceiverMachine {
    /// Checks that the ids of a message are new and within the window.
    mutating func register(_ message: EntriesMessage) throws(WireError) {
        guard message.base >= nextFileID, message.base <= UInt64(Int64.max) - 1 << 20 else {
            throw .value("entries.base")
        }
        nextFileID = message.base + UInt64(message.entries.count)
        unanswered += message.entries.count
        if message.isPromised {
            for (offset, entry) in message.entries.enumerated() where promises(entry) {
                awaited[message.base + UInt64(offset)] = false
            }
        }
        guard unanswered <= Int(agreement.ownLimits.openIDs) else { throw .credit("open ids") }
    }

    /// The entries of a message are being handled: their contents, if any come, have found their place.
    mutating func noteHandled(_ message: EntriesMessage) {
        guard message.isPromised else { return }
        for (offset, entry) in message.entries.enumerated() where promises(entry) {
            awaited[message.base + UInt64(offset)] = true
        }
    }

    private func promises(_ entry: Entry) -> Bool { agreement.promises(entry, isFirstCopy: isFirstCopy) }

    /// Handles one entry against what is here under its name.
    mutating func place(_ told: Entry, id: FileID, in directory: DirectoryID, own: Entry?, _ isPromised: Bool) {
        var entry = told
        entry.attributes = localised(told.attributes)
        if directory == 0, let renamedTo { entry.name = renamedTo }
        // In the second pass everything is told anew, and every group begins anew.
        if pass > 0 { entry.link?.device |= LinkKey.secondPass }
        if agreement.job.purpose == .list {
            tally.entries += 1
            report(.listed(path: path(directory, told.name), entry: told))
            return answer(id, .unchanged)
        }
        let comesAnyway = isPromised && promises(told)
        // In two steps: what decides may change this machine, and is no argument of what only looks at it.
        var decision = decide(entry, own, in: directory, comesAnyway)
        decision = apart(decision, entry, own)
        if onlyAdds, own != nil { decision = sparing(decision, told.name, in: directory) }
        var received = ReceivedEntry(
            directory: directory, entry: entry, changes: decision.changes, rule: rule(for: entry))
        received.isPromised = comesAnyway
        if entry.attributes.kind == .regular {
            received.basis = basis(for: entry, own: own, isPromised: received.isPromised)
        }
        if asksForLink(id, received, decision, own) { return }
        act(decision, id, received, told, isPromised)
    }

    /// Does what was decided about an entry that is not in work.
    mutating func act(
        _ decision: Decision, _ id: FileID, _ received: ReceivedEntry, _ told: Entry, _ isPromised: Bool
    ) {
        let directory = received.directory
        switch decision {
        case .unchanged: end(id, received, .unchanged, told)
        case .skip: end(id, received, .skipped, told)
        case .later:
            needsAgain = true
            end(id, received, .later, told)
        case .refuse(let problem): end(id, received, .failed(problem), told)
        case .attributes: startAttributes(id, received)
        case .directory(_, let child):
            plan(told.name, in: directory, child)
            tellWish(for: child, id, isPromised)
            let isSettled = !decision.changes.isEmpty
            end(
                id, received, isSettled ? .settled(decision.changes) : child.place == .unwanted ? .skipped : .unchanged,
                told)
        case .object: startObject(id, received)
        case .content: startContent(id, received)
        case .check: startFileCheck(id, received)
        }
    }

    /// What the sender is to tell of a directory. Where contents are promised they are below it, too.
    private mutating func tellWish(for child: ChildPlan, _ id: FileID, _ isPromised: Bool) {
        let wish: Subtree.Wish
        switch child.place {
        case .existing, .undecided: return
        case .fresh: wish = .contents
        case .imagined: wish = .entries
        case .unwanted: wish = .nothing
        }
        if wish != .contents || !isPromised { core.send(.subtree(Subtree(id: id, wish: wish))) }
    }

    // MARK: Doing

    /// Takes an entry into work: it counts at its directory until it is answered.
    mutating func begin(_ id: FileID, _ received: ReceivedEntry) {
        var entry = received
        // What is asked for comes behind what is promised, perhaps for directories below: no name waits for that.
        let isFile = entry.entry.attributes.kind == .regular
        let isAlone = entry.entry.link == nil
        let comesSoon = isAlone && (!isFile || (entry.isPromised && entry.entry.attributes.size <= smallFile))
        entry.isLevel = comesSoon && directories[entry.directory]?.place == .fresh
        open[id] = entry
        directories[entry.directory]?.busy += 1
        if entry.isLevel { directories[entry.directory]?.levelBusy += 1 }
    }

    var smallFile: UInt64 { agreement.isInProcess ? Tuning.smallFile * 4 : Tuning.smallFile }

    mutating func startAttributes(_ id: FileID, _ received: ReceivedEntry) {
        if changesNothing { return end(id, received, .settled(received.changes), nil) }
        var entry = received
        entry.state = .placing
        begin(id, entry)
        directories[entry.directory]?.isTouched = true
        run(
            .setAttributes(directory: entry.directory, entry: entry.entry, set: attributeSet), as: .attributes(id))
    }

    private mutating func startObject(_ id: FileID, _ received: ReceivedEntry) {
        let kind = received.entry.attributes.kind
        let isDevice = kind == .characterDevice || kind == .blockDevice
        if isDevice && !agreement.receiverAbilities.contains(.devices) {
            return end(
                id, received, .failed(FileProblem(.unsupported, doing: "making a device without being root")), nil)
        }
        if changesNothing { return end(id, received, .settled(received.changes), nil) }
        var entry = received
        entry.state = .placing
        begin(id, entry)
        put(.object(id: id, entry.entry, entry.rule), in: entry.directory)
    }

    private mutating func startContent(_ id: FileID, _ received: ReceivedEntry) {
        if changesNothing { return end(id, received, .settled(received.changes), nil) }
        if contentsStopped {
            return end(id, received, .failed(FileProblem(.stopped, doing: "writing: the disk is full")), nil)
        }
        tally.filesToSend += 1
        tally.bytesToSend &+= received.entry.attributes.size
        var entry = received
        entry.isExpected = true
        begin(id, entry)
        if !entry.isPromised { askOrResume(id) }
    }

    /// Asks the sender for a file's contents: for the rest of what an earlier run has left, or with the signature of what
    /// is here, or for the whole.
    mutating func ask(_ id: FileID, resume: Resume? = nil, onlyResumes: Bool = false) {
        if resume != nil { open[id]?.basis = nil }
        if let entry = open[id], let basis = entry.basis { return toSign.append(FileToSign(id, entry, basis)) }
        awaited[id] = true
        wanted.append(Request.Item(id, resume: resume, onlyResumes: onlyResumes))
    }

    /// Does a piece of writing once its directory exists.
    mutating func put(_ write: ParkedWrite, in directory: DirectoryID) {
        guard let target = directories[directory], target.place != .unwanted else { return refuse(write) }
        if target.takes(write) {
            resume(write, in: directory)
        } else {
            target.parkedWrites.append(write)
            buildOn(target)
        }
    }

    mutating func resume(_ write: ParkedWrite, in directory: DirectoryID) {
        if write.isWhole { directories[directory]?.writesOut += 1 }
        if write.isSure { directories[directory]?.isTouched = true }
        switch write {
        case .links(let ids): askForLinks(ids, in: directory)
        case .object(let id, let entry, let rule):
            run(.makeObject(directory: directory, entry: entry, set: attributeSet, rule: rule), as: .object(id))
        case .small(let buffer, let files, let weight):
            run(
                .writeSmall(directory: directory, buffer: buffer, files: files),
                as: .small(files.map(\.target.id), weight: weight))
        case .stage(let id):
            if stagesOpen < workLimit { openStage(id, in: directory) } else { waitingStages.append(id) }
        }
    }

    private mutating func openStage(_ id: FileID, in directory: DirectoryID) {
        // Its contents may have ended while it waited for its directory.
        guard var entry = open[id], case .staging(var staging) = entry.state else { return }
        staging.isOpening = true
        entry.state = .staging(staging)
        open[id] = entry
        stagesOpen += 1
        claimPart(of: entry)
        run(.openStage(target(id, entry)), as: .stage(id))
        if entry.entry.attributes.size >= Tuning.smallestPartial, let directory = directories[directory] {
            directory.showsEarly = true
            buildOn(directory)
        }
    }

    /// The directory never came to be.
    mutating func refuse(_ write: ParkedWrite) {
        let problem = FileProblem(.stopped, doing: "writing: its directory could not be made")
        switch write {
        case .links(let ids): for id in ids { conclude(id, .failed(problem)) }
        case .object(let id, _, _): conclude(id, .failed(problem))
        case .small(_, let files, let weight):
            core.release(.content, weight)
            for file in files { conclude(file.target.id, .failed(problem)) }
        case .stage(let id): concludeStaged(id, .failed(problem))
        }
    }

    func target(_ id: FileID, _ entry: ReceivedEntry) -> FileTarget {
        var target = FileTarget(
            id: id, directory: entry.directory, entry: entry.entry, set: attributeSet, rule: entry.rule)
        if let found = entry.found {
            target.basis = .elsewhere(found)
        } else if let name = entry.basis?.name {
            target.basis = .beside(name)
        }
        target.isPatched = entry.basis != nil
        return target
    }

    // MARK: Ends

    /// An object, attributes or a commit came to an end.
    mutating func placed(_ id: FileID, _ result: PlaceResult) {
        if let entry = open[id] {
            switch result {
            case .done: conclude(id, .settled(entry.changes))
            case .kept: conclude(id, .skipped)
            case .failed(let problem): failEntry(id, entry, problem)
            }
        }
    }

    /// A failure may be worth a second try (a damaged transfer), a second pass (something in the way that may go),
    /// or the end of all contents (a full disk, twice in a row).
    mutating func failEntry(_ id: FileID, _ entry: ReceivedEntry, _ problem: FileProblem) {
        switch problem.code {
        case .mismatch where !entry.isRetry:
            var again = entry
            again.isRetry = true
            again.isLevel = false
            closeBasis(id)
            again.basis = nil
            again.found = nil
            again.state = .awaiting
            open[id] = again
            if entry.isLevel { directories[entry.directory]?.levelBusy -= 1 }
            ask(id)
            finishIfDone(entry.directory)
        case .inTheWay where pass == 0 && (options.force || options.delete != .none):
            needsAgain = true
            let directory = entry.directory
            planConflict(entry.entry.name, in: directory)
            conclude(id, .later)
        case .system, .vanished, .changed, .mismatch, .inTheWay, .refused, .unsupported, .stopped:
            noteFullDisk(problem)
            conclude(id, .failed(problem))
        }
    }

    mutating func noteFullDisk(_ problem: FileProblem) {
        guard problem.isFullDisk else { return }
        fullDisks += 1
        if fullDisks >= 2 && !contentsStopped {
            contentsStopped = true
            core.send(.stop(.contents))
        }
    }

    /// The end of an id that was in work.
    mutating func conclude(_ id: FileID, _ outcome: Outcome) {
        if case .failed = outcome { closeBasis(id, keepsPart: true) } else { closeBasis(id) }
        guard let entry = open.removeValue(forKey: id) else { return }
        directories[entry.directory]?.busy -= 1
        if entry.isLevel { directories[entry.directory]?.levelBusy -= 1 }
        if entry.isExpected {
            let size = entry.entry.attributes.size
            tally.filesDone += 1
            tally.bytesDone &+= size - min(size, entry.counted)
            if case .settled = outcome { fullDisks = 0 }
        }
        finalise(id, entry, outcome, entry.entry.name)
        finishIfDone(entry.directory)
    }

    /// The end of an id that never came into work.
    mutating func end(_ id: FileID, _ received: ReceivedEntry, _ outcome: Outcome, _ told: Entry?) {
        finalise(id, received, outcome, (told ?? received.entry).name)
    }

    private mutating func finalise(_ id: FileID, _ entry: ReceivedEntry, _ outcome: Outcome, _ name: [UInt8]) {
        answer(id, told(outcome))
        linkEnded(id, entry, outcome)
        switch outcome {
        case .settled(let changes):
            summary.settled += 1
            if entry.entry.attributes.kind == .regular && changes.contains(.content) {
                summary.files += 1
                summary.totalBytes &+= entry.entry.attributes.size
            }
            tell(entry, name) { .item(path: $0, entry: entry.entry, changes: changes, literal: entry.literal) }
        case .linked(let changes, let first):
            summary.settled += 1
            summary.links += 1
            tell(entry, name) { .linked(path: $0, entry: entry.entry, changes: changes, to: first) }
        case .unchanged, .skipped, .later: break
        case .failed(let problem):
            if problem.code == .vanished { summary.vanished += 1 } else { summary.failed += 1 }
            let isAtSource = problem.code == .vanished || problem.code == .changed
            tell(entry, name) { .failed(path: $0, problem, atSource: isAtSource) }
        }
    }

    /// Paths are made only for who listens.
    private mutating func tell(_ entry: ReceivedEntry, _ name: [UInt8], _ make: ([UInt8]) -> MachineEvent) {
        if reportsEvents { events.append(make(path(entry.directory, name))) }
    }

    // MARK: Answers on their way

    /// Notes an id's answer; neighbours that ended alike become one run.
    mutating func answer(_ id: FileID, _ outcome: Outcome) {
        if let last = runs.last, id != 0, last.first != 0, last.outcome == outcome,
            last.first + UInt64(last.count) == id, last.count < 65_535
        {
            runs[runs.count - 1].count += 1
        } else {
            runs.append(Outcomes.Run(first: id, count: 1, outcome: outcome))
        }
    }

    var hasAnswers: Bool {
        !runs.isEmpty || !wanted.isEmpty || !digestsWanted.isEmpty || !expands.isEmpty || sameUpTo > saidSame
    }

    /// Whether collected answers may become messages now: only while few wait to leave.
    var canFlush: Bool { hasAnswers && mayAnswer && !mayAnswersWait }

    private var mayAnswer: Bool { core.outbox.waiting(.answer) < 4 }

    /// Each message is a frame, and each frame wakes the peer. So answers wait a moment for others as long as something
    /// is under way here that will have some; but not if they ask for contents, or hold the peer up.
    private var mayAnswersWait: Bool {
        !(agreement.isInProcess || lingering.isOver || !wanted.isEmpty || (running.isEmpty && inbox.isEmpty)
            || runs.count + digestsWanted.count >= Tuning.answersTogether
            || expands.count + Int(clamping: sameUpTo &- saidSame) >= Tuning.answersTogether
            || unanswered > Int(agreement.ownLimits.openIDs) / 2)
    }

    /// Whatever makes some of them due, the others go with them; `all`: as if they were.
    mutating func flushAnswers(all: Bool = false) {
        defer { lingering.note(waits: hasAnswers, now: core.now) }
        guard all || canFlush else { return }
        while hasAnswers, mayAnswer {
            // Same would answer what an Expand asks about.
            if !expands.isEmpty {
                for expand in expands { core.send(.expand(expand)) }
                expands.removeAll(keepingCapacity: true)
            } else if sameUpTo > saidSame {
                saidSame = sameUpTo
                core.send(.same(upTo: saidSame))
            } else if !wanted.isEmpty {
                let items = Array(wanted.prefix(ProtocolConstants.longestList))
                wanted.removeFirst(items.count)
                core.send(.request(Request(items)))
            } else if !digestsWanted.isEmpty {
                let ids = Array(digestsWanted.prefix(4096))
                digestsWanted.removeFirst(ids.count)
                core.send(.digestRequest(IDList(ids)))
            } else {
                let some = Array(runs.prefix(1024))
                runs.removeFirst(some.count)
                for run in some where run.first != 0 { unanswered -= Int(run.count) }
                core.send(.outcomes(Outcomes(some)))
            }
        }
    }
}

extension FileProblem {
    /// ENOSPC or EDQUOT, by their Linux numbers, which are the protocol's.
    var isFullDisk: Bool { code == .system && (errno == 28 || errno == 122) }
}
