// `--hard-links`: names of one file at the sender become names of one file here.
//
// The first name of a group that is told goes the usual way; its group waits for it. When it is in place that is
// recorded with the file layer, and every further name is linked to it by one effect, whether it waited or is told
// much later. If the first one fails or is left alone, the next becomes the first. So no more is held here than what is
// under way; where the first names are is for the file layer to know.
//
// The other half is that names which are not of one file at the sender do not stay so here. Who keeps a file that has
// several names is asked before it is kept: a name that comes too late for its own file is made anew.

/// A group whose first name is on its way.
struct LinkGroup: Sendable {
    /// The name that goes first.
    var leader: FileID
    /// Names that are linked when it is in place.
    var waiting = Queue<Name>()

    struct Name: Sendable {
        var id: FileID
        var directory: DirectoryID
    }
}

extension ReceiverMachine {
    // MARK: Who keeps a file

    /// Before a range is found to be the same, its names claim those files that have other names elsewhere. One that
    /// comes too late for its own file differs from whatever the sender has, and so is told. False: the claim is out.
    mutating func hasClaimedLinks(_ range: RangeMessage) -> Bool {
        guard options.keepHardLinks, let directory = directories[range.directory], directory.place == .existing,
            let listing = directory.ownListing
        else { return true }
        if directory.linksInClaim != nil { return false }
        if directory.claimedRange == range.sequence { return true }
        guard listing.hasLinks else { return true }
        let (own, isSame) = ownRange(range, directory.cursor, listing)
        guard isSame else { return true }
        let (names, positions) = listing.namesAlone(in: own)
        if names.isEmpty { return true }
        directory.claimedRange = range.sequence
        directory.linksInClaim = positions
        directory.busy += 1
        run(.claimLinks(directory: range.directory, names), as: .claimLinks(directory))
        return false
    }

    mutating func claimedLinks(_ directory: ReceivedDirectory, _ contested: [Bool]) {
        directory.busy -= 1
        if var listing = directory.ownListing, let positions = directory.linksInClaim {
            directory.own = .unknown
            for (position, isContested) in zip(positions, contested) where isContested {
                listing.setStanding(.outsideAtReceiver, ContentDigest(low: 0, high: 0), at: position)
            }
            directory.own = .ready(listing)
        }
        directory.linksInClaim = nil
    }

    /// Under `--update` the time of a file here decides about each of its names. So it is not set through one of them:
    /// that one is made anew, and the others are judged by what was there, whichever is told first.
    func apart(_ decision: Decision, _ entry: Entry, _ own: Entry?) -> Decision {
        guard options.update, options.keepHardLinks, own?.link != nil, entry.attributes.kind == .regular,
            decision.keepsOwn, decision.changes.contains(.time)
        else { return decision }
        return .content(decision.changes.union(.content))
    }

    // MARK: Asking

    /// Takes an entry into work whose file has several names, at the sender or here. False: it goes the usual way.
    mutating func asksForLink(
        _ id: FileID, _ received: ReceivedEntry, _ decision: Decision, _ own: Entry?
    ) -> Bool {
        guard options.keepHardLinks, agreement.job.purpose != .list else { return false }
        let keepsOwn = decision.keepsOwn
        switch decision {
        case .refuse, .directory, .skip, .later: return false
        case .unchanged, .attributes, .object, .content, .check: break
        }
        let ownLink = own?.link
        guard received.entry.link != nil || (ownLink != nil && keepsOwn && !received.isPromised) else { return false }
        var entry = received
        entry.own = ownLink
        entry.state = .linking(decision)
        begin(id, entry)
        guard let key = received.entry.link?.key else {
            linkAsks[received.directory, default: []].append(id)
            return true
        }
        if linkGroups[key] != nil {
            linkGroups[key]?.waiting.append(LinkGroup.Name(id: id, directory: received.directory))
        } else {
            linkGroups[key] = LinkGroup(leader: id)
            linkAsks[received.directory, default: []].append(id)
        }
        return true
    }

    /// Gives out what has been collected, each directory's as one effect. What is refused at once may make another name
    /// of its group ask.
    mutating func advanceLinks() {
        while !linkAsks.isEmpty || !linkRecords.isEmpty {
            let (asks, records) = (linkAsks, linkRecords)
            (linkAsks, linkRecords) = ([:], [])
            var rest = records[...]
            while let directory = rest.first?.directory {
                let some = rest.prefix { $0.directory == directory }.map(\.record)
                rest = rest.dropFirst(some.count)
                run(.recordLinks(directory: directory, some), as: .recordLinks(directory, some))
            }
            for (directory, ids) in asks.sorted(by: { $0.key < $1.key }) { giveOut(ids, in: directory) }
        }
    }

    private mutating func giveOut(_ asks: [FileID], in directory: DirectoryID) {
        var rest = asks[...]
        while !rest.isEmpty {
            let ids = Array(rest.prefix(Tuning.linksPerEffect))
            rest = rest.dropFirst(ids.count)
            // In a dry run there may be no directory to wait for.
            if changesNothing { askForLinks(ids, in: directory) } else { put(.links(ids), in: directory) }
        }
    }

    mutating func askForLinks(_ ids: [FileID], in directory: DirectoryID) {
        var live: [FileID] = []
        var asks: [LinkAsk] = []
        for id in ids {
            if let received = open[id], case .linking(let decision) = received.state {
                live.append(id)
                asks.append(
                    LinkAsk(
                        entry: received.entry, own: received.own, keepsOwn: decision.keepsOwn, rule: received.rule))
            }
        }
        run(.link(directory: directory, asks), as: .links(live))
    }

    // MARK: Answers

    mutating func linked(_ ids: [FileID], _ answers: [LinkAnswer]) {
        for (id, answer) in zip(ids, answers) {
            if let received = open[id], case .linking(let decision) = received.state {
                take(answer, id, received, decision)
            }
        }
        flushDigestRequests()
    }

    private mutating func take(_ answer: LinkAnswer, _ id: FileID, _ received: ReceivedEntry, _ decision: Decision) {
        switch answer {
        case .unchanged, .first: break
        // Something was made there, if only for a moment.
        case .linked, .kept, .failed: directories[received.directory]?.isTouched = true
        }
        switch answer {
        case .linked(let path):
            isKnown(id, received)
            var changes = decision.changes.union(.linked)
            changes.remove(.content)
            conclude(id, .linked(changes, to: path))
        case .unchanged:
            isKnown(id, received)
            conclude(id, .unchanged)
        case .kept: conclude(id, .skipped)
        case .failed(let problem): failEntry(id, received, problem)
        case .first(let mayKeepOwn): goFirst(id, received, decision, mayKeepOwn)
        }
    }

    /// A name was linked: whatever waits for it as the first of its group can be linked, too.
    private mutating func isKnown(_ id: FileID, _ received: ReceivedEntry) {
        if let key = received.entry.link?.key, linkGroups[key]?.leader == id { askAll(key) }
    }

    /// Nothing is here that the name could be linked to: it goes the usual way, and its group waits for it.
    private mutating func goFirst(_ id: FileID, _ received: ReceivedEntry, _ decision: Decision, _ mayKeepOwn: Bool) {
        if let key = received.entry.link?.key {
            let name = LinkGroup.Name(id: id, directory: received.directory)
            if let leader = linkGroups[key]?.leader, leader != id {
                linkGroups[key]?.waiting.append(name)
                return
            }
            let group = linkGroups[key] ?? LinkGroup(leader: id)
            linkGroups[key] = group
            if !decision.keepsOwn && letOtherGoFirst(key, group, name) { return }
        }
        // It was in work for its question; what is done now takes it into work again, or ends it.
        open[id] = nil
        directories[received.directory]?.busy -= 1
        var next = received
        next.state = .awaiting
        var decided = decision
        if !mayKeepOwn && decision.keepsOwn {
            let isFile = received.entry.attributes.kind == .regular
            decided = isFile ? .content(decision.changes.union(.content)) : .object(decision.changes)
            if onlyAdds { decided = .refuse(.keepsExisting) }
            next.own = nil
        }
        next.changes = decided.changes
        act(decided, id, next, received.entry, false)
        finishIfDone(received.directory)
    }

    /// A name that would need contents lets one go first whose file is here. Only few are looked at: a group may be large.
    private mutating func letOtherGoFirst(_ key: LinkKey, _ waiting: LinkGroup, _ name: LinkGroup.Name) -> Bool {
        var group = waiting
        for index in 0..<min(group.waiting.count, Tuning.linksPerEffect) {
            guard let other = group.waiting[index], case .linking(let decision)? = open[other.id]?.state,
                decision.keepsOwn
            else { continue }
            group.waiting[index] = name
            group.leader = other.id
            linkGroups[key] = group
            linkAsks[other.directory, default: []].append(other.id)
            return true
        }
        return false
    }

    // MARK: The first name

    /// What an entry's end means for its group.
    mutating func linkEnded(_ id: FileID, _ received: ReceivedEntry, _ outcome: Outcome) {
        guard options.keepHardLinks, let link = received.entry.link, linkGroups[link.key]?.leader == id else { return }
        switch outcome {
        case .settled, .unchanged:
            let keepsOwn = received.changes.isDisjoint(with: [.content, .created, .checksum])
            let record = LinkRecord(
                name: received.entry.name, path: path(received.directory, received.entry.name), link: link,
                own: keepsOwn ? received.own : nil)
            // The directory stays until the name was looked at.
            directories[received.directory]?.busy += 1
            linkRecords.append((received.directory, record))
        // One that was linked leads no more.
        case .linked, .skipped, .later, .failed: promoteNext(link.key)
        }
    }

    mutating func recordedLinks(
        in directory: DirectoryID, _ records: [LinkRecord], _ results: [LinkRecorded]
    ) {
        for (record, result) in zip(records, results) {
            directories[directory]?.busy -= 1
            if case .failed(let problem) = result { fail(record.path, problem) }
            switch result {
            case .done: askAll(record.link.key)
            case .gone, .failed: promoteNext(record.link.key)
            }
        }
        finishIfDone(directory)
    }

    /// The first name is known: all that waited can be linked.
    private mutating func askAll(_ key: LinkKey) {
        var group = linkGroups.removeValue(forKey: key)
        while let name = group?.waiting.popFirst() { linkAsks[name.directory, default: []].append(name.id) }
    }

    /// The next name becomes the first.
    private mutating func promoteNext(_ key: LinkKey) {
        if let next = linkGroups[key]?.waiting.popFirst() {
            linkGroups[key]?.leader = next.id
            linkAsks[next.directory, default: []].append(next.id)
        } else {
            linkGroups[key] = nil
        }
    }

    /// An outcome as the sender is told it: where a name was linked to only if its user wants to know.
    func told(_ outcome: Outcome) -> Outcome {
        guard case .linked(let changes, _) = outcome, agreement.job.direction == .pull else { return outcome }
        return .linked(changes, to: [])
    }
}

extension ReceiverMachine.Decision {
    /// The name may go on standing for the file that it stands for now, perhaps with other attributes.
    var keepsOwn: Bool {
        switch self {
        case .unchanged, .attributes, .check: true
        case .skip, .later, .refuse, .directory, .object, .content: false
        }
    }
}
