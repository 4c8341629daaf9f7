// What the receiver says, each message in one function. Everything it names is checked against what was sent.

extension SenderMachine {
    mutating func answer(_ message: Message, _ weight: Int) throws(WireError) {
        switch message {
        case .ready(let ready):
            guard self.ready == nil else { throw .unexpected("a second Ready") }
            begin(ready)
        case .same(let sequence): try same(sequence)
        case .expand(let expand): try self.expand(expand)
        case .subtree(let subtree): try self.subtree(subtree)
        case .request(let request):
            for item in request.items { try self.request(item) }
        case .outcomes(let outcomes):
            for run in outcomes.runs { try settle(run) }
        case .digestRequest(let list): try requestDigests(list.ids)
        case .again: try again()
        case .deleted(let deleted): self.deleted(deleted)
        case .targetProblem(let problem):
            summary.failed += 1
            report(.failed(path: problem.path, problem.problem, atSource: false))
        case .stop(let stop): self.stop(stop)
        case .signature(let signature): try take(signature, weight)
        case .hello, .job, .abort, .ping, .pong, .credit, .summary, .goodbye, .roots, .owners, .directory, .range,
            .entries, .listingEnd, .rangeDigest, .fileDigests, .sourceProblem, .content, .delta, .refine:
            throw .unexpected("\(message.kind) from the receiver")
        }
    }

    // MARK: Ranges

    private mutating func same(_ sequence: UInt64) throws(WireError) {
        guard sequence < ranges.next else { throw .value("same.sequence") }
        while let range = ranges.answerFirst(upTo: sequence) { release(range.directory) }
    }

    private mutating func expand(_ expand: Expand) throws(WireError) {
        guard let range = ranges.range(expand.sequence), !range.isAnswered else {
            // A range that a subtree's answer has covered meanwhile needs no second answer.
            guard expand.sequence < ranges.next else { throw .value("expand.sequence") }
            return
        }
        guard expand.mode != .contents else {
            guard ranges.askDigest(expand.sequence) else { throw .value("expand.sequence") }
            digestTasks.append(.range(range, next: Int(range.lower), digests: []))
            return
        }
        ranges.answer(expand.sequence)
        startExpansion(range, expand)
    }

    private mutating func startExpansion(_ range: SentRange, _ expand: Expand) {
        let listing = range.directory.listing
        var expansion = Expansion(
            sequence: range.sequence, directory: range.directory, next: Int(range.lower), upper: Int(range.upper),
            omitted: [], lower: Int(range.lower), matched: [])
        if expand.mode == .differing {
            var positions: [UInt64: Int] = [:]
            for (position, hash) in expand.hashes.enumerated() { positions[hash] = position }
            expansion.matched = [UInt8](repeating: 0, count: (expand.hashes.count + 7) / 8)
            expansion.omitted = [Bool](repeating: false, count: Int(range.upper - range.lower))
            for index in Int(range.lower)..<Int(range.upper) {
                guard let position = positions.removeValue(forKey: rules.hash(listing, index, owners: nil))
                else { continue }
                expansion.matched[position / 8] |= 1 << UInt8(position % 8)
                expansion.omitted[index - Int(range.lower)] = true
            }
            var next = expansion.next
            while next < expansion.upper && expansion.omitted[next - expansion.lower] { next += 1 }
            expansion.next = next
        }
        expansions.insert(expansion, order: expansion.sequence)
    }

    // MARK: Subtrees

    private mutating func subtree(_ subtree: Subtree) throws(WireError) {
        guard let entry = open[subtree.id], entry.attributes.kind == .directory else { throw .value("subtree.id") }
        if let told = entry.directory.told[Int(entry.index)] {
            convert(told, subtree.wish)
        } else {
            entry.directory.wishes[Int(entry.index)] = subtree.wish
        }
    }

    /// A directory that was already told (by digests) is wanted outright, or not at all: so is all below it.
    private mutating func convert(_ top: SentDirectory, _ wish: Subtree.Wish) {
        if top.wish == .nothing { return }
        setWish(top, wish)
        var sequence = top.firstSequence
        while let range = ranges.range(max(sequence, ranges.front)) {
            sequence = range.sequence + 1
            if range.isAnswered { continue }
            guard isWithin(range.directory, top) else { break }
            ranges.answer(range.sequence)
            if wish == .nothing {
                release(range.directory)
            } else {
                startExpansion(range, Expand(sequence: range.sequence, mode: .all))
            }
        }
    }

    /// For a directory and all below it; that nothing is wanted is never taken back.
    private func setWish(_ top: SentDirectory, _ wish: Subtree.Wish) {
        var waiting = [top]
        while let directory = waiting.popLast() {
            if directory.wish == wish || directory.wish == .nothing { continue }
            directory.wish = wish
            waiting += directory.told.values
        }
    }

    private func isWithin(_ directory: SentDirectory, _ top: SentDirectory) -> Bool {
        var current = directory
        while current.id != top.id {
            guard current.id != 0, let parent = directories[current.parent] else { return false }
            current = parent
        }
        return true
    }

    // MARK: Entries

    private mutating func request(_ item: Request.Item) throws(WireError) {
        guard var entry = open[item.id], entry.attributes.kind == .regular, entry.requests < Tuning.requestsPerFile
        else { throw .value("request.id") }
        // One thing at a time is read of a file.
        guard !entry.isQueued, growingSignature != item.id else { throw .value("request.id (asked for already)") }
        entry.requests += 1
        let wanted = queue(item.id, entry)
        if let resume = item.resume, resume.length <= entry.attributes.size {
            checks.append(PrefixTask(item: wanted, resume: resume, isOnly: item.onlyResumes))
        } else {
            requested.append(wanted)
        }
    }

    private mutating func settle(_ run: Outcomes.Run) throws(WireError) {
        if run.first == 0 {
            guard run.count == 1, rootIsOpen else { throw .value("outcome.first") }
            rootIsOpen = false
            if case .settled(let changes) = run.outcome, case .contents(let attributes) = shape {
                summary.settled += 1
                let root = Entry(name: [UInt8(ascii: ".")], attributes: attributes)
                report(.item(path: root.name, entry: root, changes: changes, literal: 0))
            }
            return
        }
        for offset in 0..<UInt64(run.count) {
            guard let entry = open.removeValue(forKey: run.first &+ offset) else { throw .value("outcome.first") }
            report(run.outcome, entry)
            release(entry.directory)
        }
    }

    private mutating func report(_ outcome: Outcome, _ entry: OpenEntry) {
        let attributes = entry.attributes
        if entry.wantsContent {
            tally.filesDone += 1
            tally.bytesDone &+= attributes.size - min(attributes.size, entry.counted)
        }
        switch outcome {
        case .settled(let changes):
            summary.settled += 1
            if changes.contains(.content) && attributes.kind == .regular { summary.files += 1 }
            tell(entry) { .item(path: $0, entry: $1, changes: changes, literal: entry.literal) }
        case .linked(let changes, let first):
            summary.settled += 1
            summary.links += 1
            tell(entry) { .linked(path: $0, entry: $1, changes: changes, to: first) }
        case .unchanged, .skipped, .later: break
        case .failed(let problem):
            if problem.code == .vanished { summary.vanished += 1 } else { summary.failed += 1 }
            let isAtSource = problem.code == .vanished || problem.code == .changed
            tell(entry) { path, _ in .failed(path: path, problem, atSource: isAtSource) }
        }
    }

    /// Paths are made only for who listens.
    private mutating func tell(_ open: OpenEntry, _ make: ([UInt8], Entry) -> MachineEvent) {
        guard reportsEvents else { return }
        let entry = open.entry
        events.append(make(path(open.directory.id, entry.name), entry))
    }

    private mutating func deleted(_ deleted: Deleted) {
        for path in deleted.paths {
            summary.deleted += 1
            let isDirectory = path.last == UInt8(ascii: "/")
            report(.deleted(path: isDirectory ? path.dropLast() : path, isDirectory: isDirectory))
        }
    }

    /// The receiver has deleted what was in the way (or has made room) and wants the tree told once more.
    private mutating func again() throws(WireError) {
        guard listingEnded, pass == 0 else { throw .unexpected("Again before everything was told") }
        pass = 1
        wantsAgain = true
    }

    /// What the receiver gave up may still be on its way out.
    mutating func tellAgainIfWanted() {
        guard wantsAgain, ranges.count == 0, expansions.isEmpty, open.isEmpty else { return }
        wantsAgain = false
        listingEnded = false
        directories[0] = nil
        pending = [PendingDirectory(parent: 0, index: 0, id: 0)]
    }

    private mutating func stop(_ stop: Stop) {
        switch stop {
        case .file(let id): stopContent(id)
        case .directory(let id): if let directory = directories[id] { convert(directory, .nothing) }
        case .contents: contentsStopped = true
        }
    }
}
