// Deletions and the end. What the sender does not have is planned while directories are compared, counted with all
// below it, and carried out only when everything else is settled: all of it, or (`--max-delete`) none. Where something
// of another kind was in the way, or deletions had to come first, the sender is asked to tell its tree again.

extension ReceiverMachine {
    /// An own entry that the sender does not have.
    mutating func extraneous(_ entry: Entry, in id: DirectoryID) {
        // Where named items are put into a directory, what else is there is not in question.
        if id == 0, case .items = shape { return }
        guard deletes(in: id) else {
            if agreement.job.purpose == .compare { summary.differing += 1 }
            return
        }
        directories[id]?.busy += 1
        run(.planDeletion(directory: id, name: entry.name, countOnly: false), as: .plan(id, entry.name, counts: false))
    }

    /// A non-empty directory is in the way of something else: what it holds counts as deleted.
    mutating func planConflict(_ name: [UInt8], in id: DirectoryID) {
        directories[id]?.busy += 1
        run(.planDeletion(directory: id, name: name, countOnly: true), as: .plan(id, name, counts: true))
    }

    private mutating func deletes(in id: DirectoryID) -> Bool {
        guard options.delete != .none, pass == 0, let directory = directories[id], !directory.isIncomplete else {
            return false
        }
        let isSourceRoot = if case .items = shape { directory.parent == 0 } else { id == 0 }
        if isSourceRoot && !directory.listedAny && !options.deleteFromEmpty {
            if !warnedOfEmpty {
                warnedOfEmpty = true
                report(.warning("the source is empty: nothing is deleted (--delete-from-empty would)"))
            }
            return false
        }
        return true
    }

    mutating func plannedDeletion(
        _ id: DirectoryID, _ name: [UInt8], _ counts: Bool, _ count: UInt64, _ problem: FileProblem?
    ) {
        directories[id]?.busy -= 1
        // An empty directory in the way is no loss.
        if !counts || count > 1 { planned += count }
        // The name itself was seen in its directory.
        if count > 1 { held += count - 1 }
        if let problem { fail(path(id, name), problem) }
        finishIfDone(id)
    }

    // MARK: The end

    mutating func advanceEnd() {
        switch phase {
        case .transfer:
            guard isTransferDone else { return }
            phase = .deleting
            startDeleting()
            // With nothing to delete it goes on at once: nobody may come any more to wake it.
            if phase != .deleting { advanceEnd() }
        case .deleting: deleteOn()
        case .asking:
            // The sender takes the question only when all that it told before is answered.
            if !hasAnswers { startSecondPass() }
        case .done:
            guard !core.saidGoodbye, core.outbox.isEmpty, !hasAnswers, running.allSatisfy({ $0.value.isIdle }) else {
                return
            }
            core.sayGoodbye(summary)
        }
    }

    private var isTransferDone: Bool {
        listingEnded && inbox.isEmpty && rootIsFinished && open.isEmpty && rangeChecks.isEmpty && awaited.isEmpty
    }

    /// The most that may be deleted.
    private var deletionLimit: UInt64 {
        let share = options.maxDeletePercent.map { held / 100 * UInt64($0) + held % 100 * UInt64($0) / 100 }
        return min(options.maxDelete ?? .max, share ?? .max)
    }

    private mutating func startDeleting() {
        // What was done comes before what is deleted.
        flushAnswers(all: true)
        guard planned > 0, pass == 0 else { return endDeleting() }
        if planned > deletionLimit {
            summary.refusedDeletions = planned
            if options.delete != .before { needsAgain = false }
            return endDeleting()
        }
        run(.deletePlanned, as: .delete)
    }

    mutating func deleted(_ paths: [[UInt8]], _ failures: [(path: [UInt8], problem: FileProblem)], _ more: Bool) {
        summary.deleted += UInt64(paths.count)
        if !paths.isEmpty { core.send(.deleted(Deleted(paths))) }
        for path in paths {
            let isDirectory = path.last == UInt8(ascii: "/")
            report(.deleted(path: isDirectory ? path.dropLast() : path, isDirectory: isDirectory))
        }
        for failure in failures { fail(failure.path, failure.problem) }
        deletesMore = more
        if more { deleteOn() } else { endDeleting() }
    }

    /// The next of what is planned, unless there is still enough to be told of the last.
    private mutating func deleteOn() {
        guard deletesMore, !isHeld, core.outbox.waiting(.answer) < Tuning.deletionsWaiting else { return }
        deletesMore = false
        run(.deletePlanned, as: .delete)
    }

    private mutating func endDeleting() {
        phase = pass == 0 && !changesNothing && (needsAgain || options.delete == .before) ? .asking : .done
    }

    private mutating func startSecondPass() {
        pass = 1
        phase = .transfer
        listingEnded = false
        rootIsFinished = false
        needsAgain = false
        listingsHeld = 0
        if let shape { begin(shape) }
        core.send(.again)
    }
}

extension ReceiverEffect {
    /// Effects whose end nothing waits for.
    var isIdle: Bool {
        switch self {
        case .forget: true
        case .scan, .owners, .make, .publish, .finish, .object, .attributes, .small, .digestPartial, .stage, .write,
            .commit, .abandon, .checkRange, .checkFiles, .plan, .delete, .sweep, .signSmall, .openBasis, .closeBasis,
            .signRanges, .refine, .indexTree, .search, .links, .recordLinks, .claimLinks:
            false
        }
    }
}
