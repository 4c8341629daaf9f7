// Where each directory stands. A directory is opened by the sender before its parent's entries may have been
// compared, so its place can be undecided for a while; what arrives for it then waits with it.
//
//   existing   scanned ahead, as far as memory allows; compared range by range
//   fresh      made under a part name once its parent has its own; named when everything small in it is in place
//   imagined   a dry run's fresh directory
//   unwanted   nothing below it is looked at
//
// Every directory is finished (its final attributes set, where something changed) when all below it is.

extension ReceiverMachine {
    /// The shape of the sources is known: the root stands.
    mutating func begin(_ shape: RootShape) {
        self.shape = shape
        let root = ReceivedDirectory(id: 0, parent: 0, name: [])
        root.place = rootExists ? .existing : .imagined
        root.isResolved = true
        if case .contents(let attributes) = shape {
            root.entry = Entry(name: [], attributes: localised(attributes))
        }
        if agreement.job.purpose == .list {
            root.place = .imagined
        }
        directories[0] = root
    }

    /// The sender opens a directory.
    mutating func open(_ opened: DirectoryOpened, _ weight: Int) throws(WireError) {
        guard shape != nil else { throw .unexpected("Directory before Roots") }
        guard opened.id == 0 || !options.topOnly else { throw .unexpected("a directory below the top") }
        if opened.id != 0 {
            try openBelow(opened)
        } else if let root = directories[0] {
            startScan(root)
        }
        core.release(.listing, weight)
    }

    /// While a directory waits to be made, the last that was told of what it holds keeps its credit, so that a fast sender
    /// does not heap up directories before a slow disk. It waits only for what was told before it; but under `--checksum`
    /// that may wait for digests, which need credit, too, and answers to questions may be far behind. What is not the
    /// last keeps none: it may be more than there is credit for.
    mutating func hold(_ weight: Int, of message: EntriesMessage) {
        if message.isLast, message.answers == nil, !options.checksum, let directory = directories[message.directory],
            directory.place == .fresh, !directory.isMade
        {
            directory.heldWeight += weight
        } else {
            core.release(.listing, weight)
        }
    }

    private mutating func openBelow(_ opened: DirectoryOpened) throws(WireError) {
        guard directories[opened.id] == nil else { throw .value("directory.id") }
        guard directories.count < directoryLimit else { throw .unexpected("too many directories unfinished") }
        // The sender may not have heard yet that nothing below the parent is wanted.
        guard let parent = directories[opened.parent], parent.place != .unwanted else { return }
        guard parent.opened[opened.name] == nil else { throw .value("directory.name") }
        let directory = ReceivedDirectory(id: opened.id, parent: opened.parent, name: opened.name)
        directory.order = nextOrder
        nextOrder += 1
        directories[opened.id] = directory
        parent.opened[opened.name] = directory
        decide(directory, in: parent)
    }

    /// Decides a directory's place if what is known allows it.
    private mutating func decide(_ directory: ReceivedDirectory, in parent: ReceivedDirectory) {
        guard directory.place == .undecided else { return }
        if let plan = parent.plans.removeValue(forKey: directory.name) {
            if plan.place != .unwanted { parent.childrenToCome -= 1 }
            apply(plan, to: directory)
        } else if parent.place == .existing, let listing = parent.ownListing,
            let index = listing.index(of: directory.name[...]), listing.attributes(at: index).kind == .directory
        {
            directory.place = .existing
            startScan(directory)
        }
    }

    /// What the parent's entries (or an equal range) said about a child.
    mutating func plan(_ name: [UInt8], in parent: DirectoryID, _ plan: ChildPlan) {
        if let child = directories[parent]?.opened[name] {
            apply(plan, to: child)
        } else if directories[parent]?.plans.updateValue(plan, forKey: name) == nil, plan.place != .unwanted {
            if !options.topOnly { directories[parent]?.childrenToCome += 1 }
        }
    }

    private mutating func apply(_ plan: ChildPlan, to directory: ReceivedDirectory) {
        if plan.place == .unwanted || directory.place == .unwanted {
            directory.isResolved = true
            dismiss(directory)
            return finishIfDone(directory)
        }
        let wasUndecided = directory.place == .undecided
        if let entry = plan.entry { directory.entry = entry }
        directory.needsAttributes = plan.needsAttributes
        directory.makeRule = plan.rule
        directory.isResolved = true
        if wasUndecided { directory.place = plan.place }
        switch directory.place {
        case .existing: startScan(directory)
        case .fresh: make(directory)
        case .imagined, .unwanted, .undecided: break
        }
        if wasUndecided { unpark(directory) }
        for child in directory.children { decide(child, in: directory) }
        finishIfDone(directory)
    }

    /// What waited for the decision takes its turn now.
    private mutating func unpark(_ directory: ReceivedDirectory) {
        let (ranges, entries) = directory.takeParkedListing()
        for range in ranges { compare(range) }
        for message in entries { merge(message) }
    }

    /// Gives up on everything below a directory, at both ends.
    private mutating func abandonTree(_ directory: ReceivedDirectory) {
        if directory.place == .unwanted { return }
        core.send(.stop(.directory(directory.id)))
        dismiss(directory)
        stopBuilding(directory)
    }

    /// Nothing below a directory is wanted. What waits in it is refused, and it goes as soon as no effect is out and its
    /// own entry was told; what the sender still tells about it, not having heard, is skipped.
    private mutating func dismiss(_ top: ReceivedDirectory) {
        var waiting = [top]
        while let directory = waiting.popLast() {
            if directory !== top { directory.isResolved = true }
            defer { finishIfDone(directory) }
            if directory.place == .unwanted { continue }
            directory.place = .unwanted
            directory.plans = [:]
            for (sequence, range) in pendingRanges where range.directory == directory.id {
                pendingRanges[sequence] = nil
            }
            let (ranges, entries) = directory.takeParkedListing()
            for range in ranges { close(range.sequence) }
            for message in entries { skip(message) }
            for write in directory.takeParkedWrites() { refuse(write) }
            waiting += directory.children
        }
    }

    // MARK: The own listing

    private mutating func startScan(_ directory: ReceivedDirectory) {
        guard directory.place == .existing, case .unknown = directory.own else { return }
        if listingsHeld > Tuning.listingsAhead || running.count > Tuning.effectsInFlight {
            waitingScans.append(directory)
        } else {
            forceScan(directory)
        }
    }

    /// Scans that waited for memory; the one that the inbox waits for goes in any case.
    mutating func advanceScans() {
        while listingsHeld <= Tuning.listingsAhead, running.count <= Tuning.effectsInFlight,
            let directory = waitingScans.popFirst()
        {
            startScan(directory)
        }
    }

    mutating func forceScan(_ directory: ReceivedDirectory) {
        guard case .unknown = directory.own else { return }
        directory.own = .scanning
        directory.busy += 1
        let parent = directory.id == 0 ? nil : directory.parent
        run(.scan(id: directory.id, parent: parent, name: directory.name), as: .scan(directory))
    }

    mutating func scanned(_ directory: ReceivedDirectory, _ result: Result<ScanResult, FileProblem>) {
        let id = directory.id
        directory.busy -= 1
        switch result {
        case .success(let scan):
            listingsHeld += scan.listing.footprint
            directory.own = .ready(scan.listing)
            if pass == 0 { held += UInt64(scan.listing.count) }
            if !scan.problems.isEmpty { directory.isIncomplete = true }
            for (name, problem) in scan.problems { fail(path(id, name), problem) }
            if id == 0 { rootAttributes = scan.attributes }
            directory.partials = Set(scan.resumable)
            directory.leftovers = Set(scan.partials)
            sweep(scan.partials, in: directory)
            reportDisplaced(scan.partials, in: id)
            for child in directory.children { decide(child, in: directory) }
        case .failure(let problem):
            directory.own = .ready(Listing())
            failDirectory(directory, problem)
            if id == 0 {
                core.refuse(Abort(exit: 11, errno: problem.errno, text: "the destination cannot be read"))
            } else {
                abandonTree(directory)
            }
        }
        finishIfDone(directory)
    }

    private mutating func sweep(_ partials: [[UInt8]], in directory: ReceivedDirectory) {
        guard !partials.isEmpty, !changesNothing else { return }
        directory.busy += 1
        run(.sweep(directory: directory.id, names: partials), as: .sweep(directory.id, names: partials.count))
    }

    /// What an interrupted replacement has put aside is the user's. Where this job may replace directories it is
    /// cleared away with the sweeping; otherwise the user is told.
    private mutating func reportDisplaced(_ names: [[UInt8]], in id: DirectoryID) {
        guard !options.force, options.delete == .none else { return }
        for name in names where name.starts(with: Names.displacedPrefix) {
            fail(path(id, name), FileProblem(.inTheWay, doing: "put aside by an interrupted replacement; look at it"))
        }
    }

    mutating func swept(_ id: DirectoryID, _ count: Int, of asked: Int) {
        directories[id]?.busy -= 1
        if count > 0 { directories[id]?.isTouched = true }
        if count == asked { directories[id]?.leftovers = [] }
        finishIfDone(id)
    }

    /// The root's own attributes, where the contents of a directory are what is copied. Only when all is told: by then
    /// every owner was announced.
    mutating func compareRoot() {
        guard case .contents(let attributes) = shape, pass == 0, agreement.job.purpose != .list else { return }
        var changes = Changes.created
        if onlyAdds, !rootIsNew {
            // Whose it is, and for whom, was decided by whoever made it.
            changes = []
        } else if let own = rootAttributes, !rootIsNew {
            changes = compare(
                Entry(name: [], attributes: localised(attributes)), Entry(name: [], attributes: own))
        }
        directories[0]?.needsAttributes = !changes.isEmpty
        answer(0, changes.isEmpty ? .unchanged : .settled(changes))
        if !changes.isEmpty {
            summary.settled += 1
            let root = Entry(name: [UInt8(ascii: ".")], attributes: attributes)
            report(.item(path: root.name, entry: root, changes: changes, literal: 0))
        }
    }

    // MARK: Making

    /// Makes a fresh directory, unless its parent has no name yet; then its turn comes with that. Nor while nothing of
    /// what it holds was told: it would take the place of one that can be built, and what is told of others may use up
    /// all ids meanwhile.
    private mutating func make(_ directory: ReceivedDirectory) {
        guard let entry = directory.entry, directory.place == .fresh, !directory.isMade, !directory.isMaking,
            directory.hasSomething, let parent = directories[directory.parent], parent.hasName
        else { return }
        guard mayBuild(directory.order) else {
            if !directory.isWaitingToBuild { waitingToBuild.insert(directory, order: directory.order) }
            directory.isWaitingToBuild = true
            return
        }
        building[directory.id] = directory.order
        directory.isMaking = true
        directory.busy += 1
        parent.isTouched = true
        run(
            .makeDirectory(id: directory.id, parent: parent.id, entry: entry, rule: directory.makeRule),
            as: .make(directory))
    }

    /// Contents come in the order in which directories were told. So the one told first may always be built: what
    /// the others wait for comes behind its contents.
    private func mayBuild(_ order: UInt64) -> Bool {
        building.count < workLimit || building.values.allSatisfy { $0 > order }
    }

    /// A directory has its name, or never will. With it, directories in it may be made, before any that came later.
    private mutating func stopBuilding(_ directory: ReceivedDirectory, children: [ReceivedDirectory] = []) {
        let wasBuilding = building.removeValue(forKey: directory.id) != nil
        for child in children { make(child) }
        guard wasBuilding else { return }
        while let next = waitingToBuild.first, mayBuild(next.order) {
            waitingToBuild.removeFirst()
            next.element.isWaitingToBuild = false
            make(next.element)
        }
    }

    mutating func made(_ directory: ReceivedDirectory, _ placed: PlaceResult) {
        directory.busy -= 1
        directory.isMaking = false
        releaseHeld(directory)
        switch placed {
        case .done:
            directory.isMade = true
            for write in directory.takeParkedWrites() { resume(write, in: directory.id) }
            buildOn(directory)
        case .kept: abandonTree(directory)
        case .failed(let problem):
            failDirectory(directory, problem)
            abandonTree(directory)
        }
        finishIfDone(directory)
    }

    private mutating func releaseHeld(_ directory: ReceivedDirectory) {
        if directory.heldWeight > 0 { core.release(.listing, directory.heldWeight) }
        directory.heldWeight = 0
    }

    private mutating func failDirectory(_ directory: ReceivedDirectory, _ problem: FileProblem) {
        fail(directory.id == 0 ? Array(".".utf8) : path(directory.parent, directory.name), problem)
    }

    /// The next step of building: a fresh directory is made, or gets its name.
    mutating func buildOn(_ directory: ReceivedDirectory) {
        guard directory.place == .fresh, !directory.isPublished, !directory.isMaking else { return }
        guard directory.isMade else { return make(directory) }
        let isComplete = directory.isWholeListing && directory.levelBusy == 0
        guard isComplete || (directory.showsEarly && directory.writesOut == 0) else { return }
        let isAll = isComplete && directory.busy == 0 && directory.opened.isEmpty && directory.childrenToCome == 0
        directory.isMaking = true
        directory.busy += 1
        run(
            .publishDirectory(
                id: directory.id, final: isAll && directory.isResolved ? final(of: directory) : nil),
            as: .publish(directory))
    }

    mutating func published(_ directory: ReceivedDirectory, _ placed: PlaceResult, finished: PlaceResult?) {
        directory.busy -= 1
        directory.isMaking = false
        switch placed {
        case .done:
            directory.isPublished = true
            if let finished, directory.opened.isEmpty { return self.finished(directory, finished) }
            directory.isTouched = true
            for write in directory.takeParkedWrites() { resume(write, in: directory.id) }
            stopBuilding(directory, children: directory.children)
        case .kept: abandonTree(directory)
        case .failed(let problem):
            failDirectory(directory, problem)
            abandonTree(directory)
        }
        finishIfDone(directory)
    }

    // MARK: Finishing

    /// Sets a directory's final attributes when nothing below it is under way, and lets it go; then perhaps its
    /// parent, and so on.
    mutating func finishIfDone(_ id: DirectoryID) {
        if let directory = directories[id] { finishIfDone(directory) }
    }

    private mutating func finishIfDone(_ directory: ReceivedDirectory) {
        var next: ReceivedDirectory? = directory
        while let current = next {
            buildOn(current)
            next = finish(current)
        }
    }

    /// The parent, where the directory was let go at once.
    private mutating func finish(_ directory: ReceivedDirectory) -> ReceivedDirectory? {
        let id = directory.id
        guard directory.isQuiet, id != 0 || (listingEnded && !rootIsFinished) else { return nil }
        // Parts that nobody wanted; and what was left alone when it was met, if its target may have come since.
        let rest = directory.isTouched ? directory.partials.union(directory.leftovers) : directory.partials
        if !rest.isEmpty, !changesNothing {
            directory.partials = []
            directory.leftovers = []
            sweep(rest.sorted { Names.isBefore($0[...], $1[...]) }, in: directory)
            return nil
        }
        directory.isFinishing = true
        let wants =
            directory.place == .fresh || directory.needsAttributes
            || directory.isTouched && (!onlyAdds || id == 0 && rootIsNew)
        if wants, !changesNothing, directory.place == .fresh || directory.place == .existing,
            let final = final(of: directory)
        {
            run(.finishDirectory(id: id, final), as: .finish(directory))
            return nil
        }
        return leave(directory)
    }

    /// Of a root of named items nothing is set, but work in it may have needed another mode for a while.
    private func final(of directory: ReceivedDirectory) -> FinalAttributes? {
        if let entry = directory.entry { return FinalAttributes(entry.attributes, set: rules.directorySet) }
        return rootAttributes.map { FinalAttributes($0, set: []) }
    }

    mutating func finished(_ directory: ReceivedDirectory, _ placed: PlaceResult) {
        if case .failed(let problem) = placed { failDirectory(directory, problem) }
        if let parent = leave(directory) { finishIfDone(parent) }
    }

    /// The directory's record goes; its parent is given back.
    private mutating func leave(_ directory: ReceivedDirectory) -> ReceivedDirectory? {
        releaseHeld(directory)
        if let listing = directory.ownListing { listingsHeld -= listing.footprint }
        if directory.id == 0 {
            directory.own = .ready(Listing())
            rootIsFinished = true
            return nil
        }
        directories[directory.id] = nil
        stopBuilding(directory)
        forget(directory.id)
        let parent = directories[directory.parent]
        parent?.opened[directory.name] = nil
        return parent
    }

    /// Directories are forgotten in handfuls: a new tree has as many as it has files.
    private mutating func forget(_ id: DirectoryID) {
        forgotten.append(id)
        guard forgotten.count >= Tuning.forgottenTogether else { return }
        run(.forget(forgotten), as: .forget)
        forgotten = []
    }

    /// Owners in this host's numbers; modes without what cannot be kept here.
    func localised(_ attributes: Attributes) -> Attributes {
        var local = attributes
        local.userID = owners.local(for: attributes.userID, isGroup: false)
        local.groupID = owners.local(for: attributes.groupID, isGroup: true)
        if !agreement.receiverAbilities.contains(.setIDs) { local.mode &= 0o1777 }
        return local
    }

    /// A problem that belongs to no entry of the sender's.
    mutating func fail(_ path: [UInt8], _ problem: FileProblem) {
        summary.failed += 1
        core.send(.targetProblem(PathProblem(path: path, problem: problem)))
        report(.failed(path: path, problem, atSource: false))
    }
}
