// Directories to ranges and entries. Scans run a few directories ahead; what is told goes depth first, each
// directory completely before what is below it. Expansions (answers to the receiver's questions) go first.

extension SenderMachine {
    /// The receiver's destination is open: the listing may start.
    mutating func begin(_ ready: Ready) {
        self.ready = ready
        rules = CompareRules(
            options, abilities: agreement.receiverAbilities, granularity: ready.timeGranularity,
            key: agreement.digestKey)
        pending = [PendingDirectory(parent: 0, index: 0, id: 0)]
    }

    /// How the root is told: as a stream when there is nothing at the other end that it could be compared with.
    private var rootWish: Subtree.Wish? {
        if agreement.job.purpose == .list { return .entries }
        guard ready?.isEmpty == true, pass == 0 else { return nil }
        if options.dryRun || agreement.job.purpose == .compare || options.existing { return .entries }
        return options.delete == .before ? nil : .contents
    }

    mutating func advanceListing() {
        dropUnwanted()
        scanAhead()
        while !core.isOver, core.outbox.wantsListings, roomForIDs > 0 {
            if expandNext() || tellMore() { continue }
            guard ranges.count < Tuning.unansweredRanges, hasRoomForListings, openNext() else { break }
        }
        if ready != nil, !listingEnded, pending.isEmpty, emission == nil, expansions.isEmpty {
            listingEnded = true
            core.send(.listingEnd)
        }
        core.outbox.expectsListings = !lingering.isOver && scans.values.contains(where: \.isRunning)
    }

    /// Entries that may still be sent before one of those under way is answered.
    private var roomForIDs: Int { Int(agreement.peerLimits.openIDs) - open.count }

    /// The same for entries that nobody asked for. The receiver may have to set them aside until it knows more of the
    /// directories above; half of all ids are left for telling it.
    private var roomUnasked: Int { roomForIDs - Int(agreement.peerLimits.openIDs) / 2 }

    /// Listings are kept until they are answered; while an answer is on its way, no more than a bounded amount.
    private var hasRoomForListings: Bool {
        keptBytes < listingsKept || (ranges.count == 0 && open.isEmpty && expansions.isEmpty)
    }

    // MARK: Scanning ahead

    /// Directories that the receiver does not want looked into need no scan.
    private mutating func dropUnwanted() {
        while let item = pending.last, directories[0] != nil, scans[item.id] == nil,
            let parent = directories[item.parent],
            (parent.wishes[Int(item.index)] ?? parent.wish) == .nothing
        {
            pending.removeLast()
            parent.wishes[Int(item.index)] = nil
            release(parent)
        }
    }

    /// The next directory is always scanned, even while many that come later have been; some behind it are scanned ahead.
    private mutating func scanAhead() {
        let top = pending.count - 1
        for index in stride(from: top, to: max(-1, top - Tuning.scansAhead), by: -1) {
            guard index == top || scans.count < Tuning.scansAhead else { return }
            startScan(index)
        }
    }

    private mutating func startScan(_ index: Int) {
        var item = pending[index]
        let isRoot = item.parent == 0 && item.index == 0 && directories[0] == nil
        if isRoot {
            guard scans[0] == nil else { return }
            scans[0] = .running
            run(.scan(id: 0, parent: nil, name: []), as: .scan(0))
            return
        }
        guard item.id == 0, let parent = directories[item.parent] else { return }
        item.id = nextDirectory
        nextDirectory += 1
        pending[index] = item
        scans[item.id] = .running
        run(
            .scan(id: item.id, parent: item.parent, name: Array(parent.listing.name(at: Int(item.index)))),
            as: .scan(item.id))
    }

    mutating func scanned(_ id: DirectoryID, _ result: Result<ScanResult, FileProblem>) {
        switch result {
        case .success(let scan): scans[id] = .done(scan)
        case .failure(let problem): scans[id] = .failed(problem)
        }
    }

    // MARK: Opening a directory

    /// Opens the next directory if its scan is done; false when there is nothing to open now.
    private mutating func openNext() -> Bool {
        guard emission == nil, let item = pending.last, let state = scans[item.id] else { return false }
        let isRoot = directories[0] == nil
        let scan: ScanResult
        switch state {
        case .running: return false
        case .done(let result): scan = result
        case .failed(let problem):
            scan = failedScan(item, isRoot, problem)
            if core.isOver { return false }
        }
        scans[item.id] = nil
        pending.removeLast()
        let index = Int(item.index)
        let parent = isRoot ? nil : directories[item.parent]
        let directory = SentDirectory(
            id: item.id, parent: item.parent, index: index,
            name: parent.map { Array($0.listing.name(at: index)) } ?? [],
            listing: scan.listing, isIncomplete: !scan.problems.isEmpty,
            wish: isRoot ? rootWish : parent?.wishes[index] ?? parent?.wish, firstSequence: ranges.next)
        directory.uses = 1
        keptBytes += directory.listing.footprint
        directories[item.id] = directory
        if let parent {
            parent.told[index] = directory
            parent.wishes[index] = nil
            parent.children += 1
            release(parent)
        }
        report(scan, in: directory)
        count(scan.listing)
        if directory.wish == .nothing {
            endTelling(directory)
            return true
        }
        announce(scan.owners)
        core.send(
            .directory(
                DirectoryOpened(
                    id: item.id, parent: item.parent, name: directory.name, streams: directory.wish != nil)))
        emission = Emission(directory: directory, next: 0)
        return true
    }

    /// An unreadable directory is told as an incomplete, empty one; an unreadable root ends the session.
    private mutating func failedScan(_ item: PendingDirectory, _ isRoot: Bool, _ problem: FileProblem) -> ScanResult {
        if isRoot {
            core.refuse(
                Abort(exit: 23, errno: problem.errno, text: "the source cannot be read: \(problem.doing)"))
        }
        var scan = ScanResult(
            attributes: Attributes(
                kind: .directory, mode: 0, userID: 0, groupID: 0, size: 0,
                modified: Timestamp(seconds: 0, nanoseconds: 0)))
        scan.problems = [(name: [], problem: problem)]
        return scan
    }

    private mutating func count(_ listing: Listing) {
        var bytes: UInt64 = 0
        for record in listing.records where record.attributes.kind == .regular { bytes &+= record.attributes.size }
        tally.entries += UInt64(listing.count)
        tally.scannedBytes = (tally.scannedBytes ?? 0) &+ bytes
        summary.entries += UInt64(listing.count)
        summary.directories += 1
        summary.sourceBytes &+= bytes
    }

    private mutating func report(_ scan: ScanResult, in directory: SentDirectory) {
        for (name, problem) in scan.problems {
            let path = name.isEmpty ? path(directory.parent, directory.name) : path(directory.id, name)
            core.send(.sourceProblem(PathProblem(path: path, problem: problem)))
            report(.failed(path: path, problem, atSource: true))
            if problem.code == .vanished { summary.vanished += 1 } else { summary.failed += 1 }
        }
    }

    private mutating func announce(_ owners: [OwnerName]) {
        let new = owners.filter { announced.insert(OwnerKey(isGroup: $0.isGroup, id: $0.id)).inserted }
        for start in stride(from: 0, to: new.count, by: Tuning.ownersPerMessage) {
            core.send(.owners(Owners(Array(new[start..<min(new.count, start + Tuning.ownersPerMessage)]))))
        }
    }

    // MARK: Telling

    /// Tells the next piece of the directory in work; false when none is.
    private mutating func tellMore() -> Bool {
        guard let current = emission else { return false }
        let listing = current.directory.listing
        switch current.directory.wish {
        case .nothing: endTelling(current.directory)
        case .contents, .entries: tellOutright(current, upTo: Tuning.entriesPerMessage)
        case nil:
            let rest = listing.count - current.next
            let isShort = rest > 0 && rest <= ProtocolConstants.outrightRange
            // Names with others are told in the order of the directories, so that one that is there comes first.
            let isPlain =
                !isShort || (current.next..<listing.count).allSatisfy { listing.linkedName(at: $0) == nil }
            guard options.ignoreTimes || (isShort && isPlain) else {
                tellRange(current)
                return true
            }
            guard roomUnasked >= min(rest, ProtocolConstants.outrightRange) else { return false }
            tellOutright(current, upTo: min(Tuning.entriesPerMessage, max(1, roomUnasked)))
        }
        return true
    }

    private mutating func tellRange(_ current: Emission) {
        let directory = current.directory
        let count = directory.listing.count
        let upper = min(count, current.next + ProtocolConstants.longestRange)
        let range = current.next..<upper
        let sequence = ranges.add(directory, range)
        directory.uses += 1
        core.send(
            .range(
                RangeMessage(
                    sequence: sequence, directory: directory.id,
                    lastName: range.isEmpty ? [] : Array(directory.listing.name(at: upper - 1)),
                    count: UInt32(range.count), digest: rules.digest(directory.listing, range, owners: nil),
                    isLast: upper == count, isIncomplete: directory.isIncomplete)))
        emission?.next = upper
        if upper == count { endTelling(directory) }
    }

    private mutating func tellOutright(_ current: Emission, upTo most: Int) {
        let directory = current.directory
        let (entries, indices) = take(
            directory.listing, from: current.next, to: directory.listing.count, upTo: min(most, roomForIDs)
        ) { _ in true }
        let end = current.next + entries.count
        let isLast = end == directory.listing.count
        let base = nextID
        let serial = core.outbox.listingsQueued + 1
        register(indices, in: directory, serial: serial)
        core.send(
            .entries(
                EntriesMessage(
                    directory: directory.id, answers: nil, base: base, entries: entries, hasMore: !isLast,
                    isLast: isLast, isIncomplete: directory.isIncomplete, isPromised: directory.wish == .contents,
                    matched: [])))
        if directory.wish == .contents {
            let large = promise(entries, base)
            emission?.large += large
            // They hold ids, and there are not so many.
            if let waiting = emission?.large.count, waiting > Int(agreement.peerLimits.openIDs) / 4 { promiseLarge() }
        }
        emission?.next = end
        if isLast { endTelling(directory) }
    }

    /// Entries from `start` on that pass, at most `most` and about one message's bytes.
    private mutating func take(
        _ listing: Listing, from start: Int, to end: Int, upTo most: Int, _ passes: (Int) -> Bool
    ) -> (entries: [Entry], indices: [Int]) {
        var entries: [Entry] = []
        var indices: [Int] = []
        var bytes = 0
        var index = start
        while index < end, entries.count < most, bytes < Tuning.entryBytesPerMessage {
            if passes(index) {
                let entry = told(listing.entry(at: index))
                bytes += entry.name.count + entry.target.count + (entry.link == nil ? 24 : 40)
                entries.append(entry)
                indices.append(index)
            }
            index += 1
        }
        return (entries, indices)
    }

    /// Only names of one file system can stand for one file, so each gets a number of its own.
    private mutating func told(_ entry: Entry) -> Entry {
        guard let link = entry.link else { return entry }
        var entry = entry
        let known = fileSystems[link.device]
        entry.link?.device = known ?? UInt64(fileSystems.count)
        if known == nil { fileSystems[link.device] = UInt64(fileSystems.count) }
        return entry
    }

    private mutating func register(_ indices: [Int], in directory: SentDirectory, serial: UInt64) {
        for index in indices {
            open[nextID] = OpenEntry(directory: directory, index: Int32(index), serial: serial)
            nextID += 1
        }
        directory.uses += indices.count
    }

    /// Small files come first, so that a new directory has all of them, and its name, before it waits for large ones:
    /// what arrives of those then survives the end of the session. Returns the large ones.
    private mutating func promise(_ entries: [Entry], _ base: FileID) -> [ContentItem] {
        var large: [ContentItem] = []
        for (offset, entry) in entries.enumerated()
        where agreement.promises(entry, isFirstCopy: ready?.isEmpty == true) {
            let id = base + UInt64(offset)
            if let told = open[id] {
                let item = queue(id, told)
                if entry.attributes.size <= smallFile { requested.append(item) } else { large.append(item) }
            }
        }
        return large
    }

    private mutating func promiseLarge() {
        for item in emission?.large ?? [] { requested.append(item) }
        emission?.large = []
    }

    /// A directory is told: its children come next, first name first.
    private mutating func endTelling(_ directory: SentDirectory) {
        promiseLarge()
        emission = nil
        if directory.wish != .nothing && !options.topOnly {
            let listing = directory.listing
            var children: [PendingDirectory] = []
            for index in 0..<listing.count where listing.attributes(at: index).kind == .directory {
                children.append(PendingDirectory(parent: directory.id, index: Int32(index), id: 0))
            }
            directory.uses += children.count
            pending.append(contentsOf: children.reversed())
        }
        release(directory)
        // Of one that nothing was wanted of nobody may answer: what comes next is not left to the next input.
        dropUnwanted()
        scanAhead()
    }

    // MARK: Answers to questions

    /// Sends the next message of the first expansion; false when there is none.
    private mutating func expandNext() -> Bool {
        guard var expansion = expansions.first?.element else { return false }
        let directory = expansion.directory
        let isOmitted = { (index: Int) in
            !expansion.omitted.isEmpty && expansion.omitted[index - expansion.lower]
        }
        let (entries, indices) = take(
            directory.listing, from: expansion.next, to: expansion.upper,
            upTo: min(Tuning.entriesPerMessage, roomForIDs)
        ) { !isOmitted($0) }
        var next = indices.last.map { $0 + 1 } ?? expansion.upper
        while next < expansion.upper && isOmitted(next) { next += 1 }
        let base = nextID
        register(indices, in: directory, serial: core.outbox.listingsQueued + 1)
        core.send(
            .entries(
                EntriesMessage(
                    directory: directory.id, answers: expansion.sequence, base: base, entries: entries,
                    hasMore: next < expansion.upper, isLast: false, isIncomplete: directory.isIncomplete,
                    isPromised: directory.wish == .contents, matched: expansion.isFirst ? expansion.matched : [])))
        if directory.wish == .contents {
            for item in promise(entries, base) { requested.append(item) }
        }
        expansion.next = next
        expansion.isFirst = false
        if next < expansion.upper {
            expansions.replaceFirst(expansion)
        } else {
            expansions.removeFirst()
            release(directory)
        }
        return true
    }

    // MARK: Letting go

    /// One use of a directory's listing ends; when none is left the listing goes, and with the last child all of it.
    mutating func release(_ directory: SentDirectory) {
        directory.uses -= 1
        if directory.uses == 0 {
            keptBytes -= directory.listing.footprint
            directory.listing = Listing()
        }
        letGo(directory)
    }

    private mutating func letGo(_ directory: SentDirectory) {
        var current = directory
        while current.uses == 0, current.children == 0, let parent = directories[current.parent], current.id != 0 {
            directories[current.id] = nil
            forgotten.append(current.id)
            parent.children -= 1
            parent.told[current.index] = nil
            current = parent
        }
        // In handfuls: a tree may have as many directories as files.
        guard forgotten.count >= Tuning.forgottenTogether else { return }
        run(.forget(forgotten), as: .forget)
        forgotten = []
    }
}
