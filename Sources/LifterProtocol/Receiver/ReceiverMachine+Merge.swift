// What the sender tells against what is here: ranges are compared by digest, entries one by one. Both are taken in
// the order of the stream; only what belongs to an undecided directory is set aside until its parent's entries come.

extension ReceiverMachine {
    /// Takes listing items while the front one can be handled.
    mutating func advanceInbox() {
        while !core.isOver, !isHeld, running.count <= Tuning.effectsInFlight, mayAnswer, let item = inbox.first {
            switch item {
            case .owners(let owners, let weight):
                if options.numericIDs || owners.owners.isEmpty {
                    _ = inbox.popFirst()
                    core.release(.listing, weight)
                } else {
                    return resolve(owners)
                }
            case .range(let range, let weight):
                guard isReady(range.directory), hasClaimedLinks(range) else { return }
                _ = inbox.popFirst()
                core.release(.listing, weight)
                compare(range)
            case .entries(let entries, let weight):
                guard isReady(entries.directory) else { return }
                _ = inbox.popFirst()
                hold(weight, of: entries)
                merge(entries)
            case .end(let weight):
                _ = inbox.popFirst()
                core.release(.listing, weight)
                listingEnded = true
                compareRoot()
                finishIfDone(0)
            }
        }
    }

    /// A sender that does not take the answers gets no further questions: what it tells stays on its credit.
    private var mayAnswer: Bool {
        core.outbox.waiting(.answer) + expands.count < Tuning.answersWaiting && runs.count < Tuning.outcomesWaiting
    }

    /// Whether a directory's messages can be handled now (or set aside): its own listing must not be on its way.
    private mutating func isReady(_ id: DirectoryID) -> Bool {
        guard let directory = directories[id] else { return true }
        switch directory.place {
        case .fresh, .imagined, .unwanted: return true
        case .existing:
            if case .ready = directory.own { return true }
            forceScan(directory)
            return false
        case .undecided:
            // Decided by the parent's own listing, if that is still on its way.
            guard let parent = directories[directory.parent], parent.place == .existing else { return true }
            if case .ready = parent.own { return true }
            forceScan(parent)
            return false
        }
    }

    // MARK: Owners

    private mutating func resolve(_ owners: Owners) {
        if isResolvingOwners { return }
        isResolvingOwners = true
        run(.resolveOwners(owners.owners), as: .owners(owners.owners))
    }

    mutating func resolved(_ announced: [OwnerName], _ numbers: [UInt32?]) {
        isResolvingOwners = false
        for (owner, local) in zip(announced, numbers) { owners.announce(owner, local: local) }
        if case .owners(_, let weight) = inbox.first {
            _ = inbox.popFirst()
            core.release(.listing, weight)
        }
        if case .contents(let attributes) = shape {
            let local = localised(attributes)
            directories[0]?.entry = Entry(name: [], attributes: local)
        }
    }

    // MARK: Ranges

    mutating func compare(_ range: RangeMessage) {
        guard let directory = directories[range.directory] else { return close(range.sequence) }
        if range.count > 0 { directory.listedAny = true }
        switch directory.place {
        case .undecided: return directory.parkedRanges.append(range)
        case .unwanted: close(range.sequence)
        case .fresh, .imagined:
            // Told before the sender knew that it is new here: its entries follow.
            close(range.sequence)
            pendingRanges[range.sequence] = PendingRange(
                directory: range.directory, lower: 0, upper: 0, position: 0, isIncomplete: range.isIncomplete)
            directory.openRanges += 1
        case .existing: if let listing = directory.ownListing { compareOwn(range, directory, listing) }
        }
        if range.isIncomplete { directory.isIncomplete = true }
        if range.isLast { directory.sawLast = true }
        finishIfDone(range.directory)
    }

    private mutating func compareOwn(_ range: RangeMessage, _ directory: ReceivedDirectory, _ listing: Listing) {
        let (own, isSame) = ownRange(range, directory.cursor, listing)
        let (lower, upper) = (own.lowerBound, own.upperBound)
        directory.cursor = upper
        summary.entries += UInt64(range.count)
        tally.entries += UInt64(range.count)
        if isSame && !options.checksum {
            acceptSame(range.directory, listing, lower..<upper)
            close(range.sequence)
            return
        }
        directory.openRanges += 1
        pendingRanges[range.sequence] = PendingRange(
            directory: range.directory, lower: lower, upper: upper, position: lower,
            isIncomplete: range.isIncomplete)
        if isSame {
            startRangeCheck(range.sequence)
        } else {
            expand(range.sequence, options.checksum ? .all : .differing, listing, own)
        }
    }

    /// Which own entries a range covers, and whether they are the same.
    func ownRange(_ range: RangeMessage, _ lower: Int, _ listing: Listing) -> (Range<Int>, isSame: Bool) {
        let upper = range.isLast ? listing.count : upperBound(of: range.lastName, in: listing, from: lower)
        let isSame =
            upper - lower == Int(range.count)
            && rules.digest(listing, lower..<upper, owners: owners) == range.digest
        return (lower..<upper, isSame)
    }

    mutating func expand(_ sequence: UInt64, _ mode: Expand.Mode, _ listing: Listing, _ own: Range<Int>) {
        var hashes: [UInt64] = []
        // The list is bounded; beyond it, everything is asked for.
        if mode == .differing, own.count <= 8 * ProtocolConstants.longestRange {
            hashes = own.map { rules.hash(listing, $0, owners: owners) }
        }
        expands.append(Expand(sequence: sequence, mode: hashes.isEmpty ? .all : mode, hashes: hashes))
        close(sequence)
    }

    /// The first index behind `name`.
    private func upperBound(of name: [UInt8], in listing: Listing, from start: Int) -> Int {
        let index = listing.lowerBound(of: name[...], from: start)
        return index < listing.count && listing.name(at: index).elementsEqual(name) ? index + 1 : index
    }

    /// Everything in these own entries is as at the sender: directories among them keep their attributes.
    mutating func acceptSame(_ id: DirectoryID, _ listing: Listing, _ range: Range<Int>) {
        for index in range where listing.attributes(at: index).kind == .directory { acceptSame(id, listing, index) }
    }

    private mutating func acceptSame(_ id: DirectoryID, _ listing: Listing, _ index: Int) {
        let entry = listing.entry(at: index)
        plan(entry.name, in: id, ChildPlan(place: .existing, entry: entry))
    }

    // MARK: The ledger

    /// A range needs no further answer; the answered front is said to be the same (whatever was asked about it in
    /// between, the sender has marked as answered itself).
    mutating func close(_ sequence: UInt64) {
        if sequence >= ledgerFront { ledger[Int(sequence - ledgerFront)] = true }
        while ledger.first == true {
            _ = ledger.popFirst()
            sameUpTo = ledgerFront
            ledgerFront += 1
        }
    }

    // MARK: Entries

    mutating func merge(_ message: EntriesMessage) {
        guard let directory = directories[message.directory] else { return skip(message) }
        if !message.entries.isEmpty { directory.listedAny = true }
        if message.isIncomplete { directory.isIncomplete = true }
        switch directory.place {
        case .undecided: return directory.parkedEntries.append(message)
        case .unwanted: skip(message)
        case .fresh, .imagined:
            noteHandled(message)
            for (offset, entry) in message.entries.enumerated() {
                place(entry, id: message.base + UInt64(offset), in: message.directory, own: nil, message.isPromised)
            }
            endChunk(message)
        case .existing: if let listing = directory.ownListing { mergeOwn(message, directory, listing) }
        }
        flushDigestRequests()
        finishIfDone(message.directory)
    }

    /// Nothing in this directory is wanted (any more).
    mutating func skip(_ message: EntriesMessage) {
        noteHandled(message)
        for offset in 0..<message.entries.count { answer(message.base + UInt64(offset), .skipped) }
        endChunk(message)
    }

    /// The last message of a range or of a directory's outright entries.
    private mutating func endChunk(_ message: EntriesMessage) {
        if let sequence = message.answers {
            guard !message.hasMore, pendingRanges[sequence]?.directory == message.directory else { return }
            pendingRanges[sequence] = nil
            directories[message.directory]?.openRanges -= 1
        } else if message.isLast {
            directories[message.directory]?.sawLast = true
        }
    }

    private mutating func mergeOwn(_ message: EntriesMessage, _ directory: ReceivedDirectory, _ listing: Listing) {
        var range: PendingRange
        if let sequence = message.answers {
            guard let pending = pendingRanges[sequence], pending.directory == message.directory else {
                return skip(message)
            }
            range = pending
            if !message.matched.isEmpty { range.matched = bits(message.matched, count: range.upper - range.lower) }
        } else {
            let upper =
                message.isLast
                ? listing.count
                : message.entries.last.map { upperBound(of: $0.name, in: listing, from: directory.cursor) }
                    ?? directory.cursor
            range = PendingRange(
                directory: message.directory, lower: directory.cursor, upper: upper, position: directory.cursor,
                isIncomplete: message.isIncomplete)
            directory.cursor = upper
            summary.entries += UInt64(message.entries.count)
            tally.entries += UInt64(message.entries.count)
        }
        noteHandled(message)
        for (offset, entry) in message.entries.enumerated() {
            passOwn(&range, listing, before: entry.name)
            var own: Entry?
            if range.position < range.upper, listing.name(at: range.position).elementsEqual(entry.name) {
                own = listing.entry(at: range.position)
                range.position += 1
            }
            if message.directory == 0, let renamedTo {
                own = listing.index(of: renamedTo[...]).map { listing.entry(at: $0) }
            }
            place(entry, id: message.base + UInt64(offset), in: message.directory, own: own, message.isPromised)
        }
        if message.answers == nil || !message.hasMore { passOwn(&range, listing, before: nil) }
        if let sequence = message.answers { pendingRanges[sequence] = range }
        endChunk(message)
    }

    /// Own entries before a name (nil: all that are left): the same as the sender's, or extraneous.
    private mutating func passOwn(_ range: inout PendingRange, _ listing: Listing, before name: [UInt8]?) {
        while range.position < range.upper {
            if let name, !Names.isBefore(listing.name(at: range.position), name[...]) { return }
            let offset = range.position - range.lower
            if offset < range.matched.count && range.matched[offset] {
                if listing.attributes(at: range.position).kind == .directory {
                    acceptSame(range.directory, listing, range.position)
                }
            } else {
                extraneous(listing.entry(at: range.position), in: range.directory)
            }
            range.position += 1
        }
    }

    private func bits(_ bytes: [UInt8], count: Int) -> [Bool] {
        (0..<count).map { $0 / 8 < bytes.count && bytes[$0 / 8] & (1 << UInt8($0 % 8)) != 0 }
    }
}
