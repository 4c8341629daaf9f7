// Files to frames. What is wanted stands in a queue; the first few become jobs (a batch of small files, or one large
// file) whose reading runs ahead; only the front job sends, so contents leave in the order in which they were wanted.
// Whatever becomes of a file, an end is sent for it.

/// A file whose contents are wanted.
struct ContentItem: Sendable {
    var id: FileID
    /// The listing message that must have left before.
    var serial: UInt64
    var start = Start.closed

    enum Start: Sendable {
        case closed
        /// Its beginning was compared, and it is open; what is sent begins at this offset.
        case open(UInt64)
        case failed(FileProblem)
    }

    var isClosed: Bool {
        if case .closed = start { true } else { false }
    }
}

struct ContentJob: Sendable {
    enum Work: Sendable {
        case small(SmallJob)
        case large(LargeJob)
    }
    var number: UInt64
    var serial: UInt64
    var work: Work
}

struct SmallJob: Sendable {
    var ids: [FileID]
    var buffer: [UInt8] = []
    var reads: [SmallRead]?
    /// Set instead where the files are told by their difference.
    var matches: [SmallMatch]?
}

struct LargeJob: Sendable {
    enum State: Sendable { case opening, reading, idle, ended }
    var id: FileID
    var state = State.opening
    var offset: UInt64 = 0
    var chunks = Queue<SourceChunk>()
    /// It is told by its difference: parts of that.
    var isDelta = false
    var parts = Queue<MatchedChunk>()
    /// Nothing can be matched before a finer signature has come; that it has.
    var isBlocked = false
    var refined: [BlockRun]?
    var problem: FileProblem?
    var isStopped = false
    var isOpen = false
    var isFirst = true
}

extension SenderMachine {
    /// Counts a file whose contents are wanted; twice is allowed (a re-send after a digest mismatch). Whoever gets the
    /// item puts it in line.
    mutating func queue(_ id: FileID, _ told: OpenEntry) -> ContentItem {
        var entry = told
        let isFirst = !entry.wantsContent
        entry.wantsContent = true
        entry.isQueued = true
        open[id] = entry
        if isFirst {
            let size = entry.attributes.size
            tally.filesToSend += 1
            tally.bytesToSend &+= size
            summary.totalBytes &+= size
        }
        return ContentItem(id: id, serial: entry.serial)
    }

    mutating func advanceContents() {
        var sentSomething = true
        while sentSomething, !core.isOver {
            startJobs()
            sentSomething = false
            while core.outbox.waiting(.content) < 2, let job = jobs.first, sendFrom(job) { sentSomething = true }
        }
    }

    // MARK: Starting jobs

    private mutating func startJobs() {
        while jobs.count < Tuning.contentJobs, let item = requested.first {
            guard !contentsStopped, let (entry, directory) = lookUp(item.id) else {
                refuseContents()
                continue
            }
            if item.isClosed, isSmall(item.id, entry) {
                // While others are read more of them come together: larger batches, and frames that compress better.
                guard jobs.isEmpty || requested.count >= Tuning.worthABatch else { return }
                startSmall(isDelta: signatures[item.id] != nil)
            } else {
                _ = requested.popFirst()
                startLarge(item, entry, directory)
            }
        }
    }

    private mutating func startLarge(_ item: ContentItem, _ entry: Entry, _ directory: DirectoryID) {
        let number = nextJob
        nextJob += 1
        var large = LargeJob(id: item.id)
        switch item.start {
        case .closed:
            var effect = FileEffect.openSource(id: item.id, directory: directory, entry: entry)
            if let incoming = signatures[item.id] {
                large.isDelta = true
                effect = .openMatch(
                    id: item.id, directory: directory, entry: entry, signature: incoming.signature,
                    refine: refinePolicy)
            }
            run(effect, as: .openSource(job: number))
        case .open(let offset):
            checkedWaiting -= 1
            large.isOpen = true
            large.state = .idle
            large.offset = offset
        case .failed(let problem):
            large.problem = problem
            large.state = .ended
        }
        jobs.append(ContentJob(number: number, serial: item.serial, work: .large(large)))
        readOn(number)
    }

    var smallFile: UInt64 { agreement.isInProcess ? Tuning.smallFile * 4 : Tuning.smallFile }

    /// What travels whole in one frame: on a slow stream even a small file may be too long for that.
    private var wholeFile: UInt64 { agreement.isInProcess ? smallFile : min(smallFile, UInt64(frameBytes)) }

    private func isSmall(_ id: FileID, _ entry: Entry) -> Bool {
        guard entry.attributes.size <= wholeFile else { return false }
        return signatures[id].map { $0.weight <= Tuning.smallBatchBytes } ?? true
    }

    func lookUp(_ id: FileID) -> (Entry, DirectoryID)? {
        open[id].map { ($0.entry, $0.directory.id) }
    }

    /// A batch of small files, in the order in which they are wanted; of several directories, where these hold few.
    private mutating func startSmall(isDelta: Bool) {
        var ids: [FileID] = []
        var files: [ListedFile] = []
        var bytes: UInt64 = 0
        var serial: UInt64 = 0
        var known: [FileSignature] = []
        let most = isDelta ? Tuning.matchBatchBytes : min(frameBytes, Tuning.smallBatchBytes)
        while let item = requested.first, ids.count < Tuning.smallBatchFiles,
            item.isClosed, let (entry, directory) = lookUp(item.id), isSmall(item.id, entry),
            (signatures[item.id] != nil) == isDelta,
            ids.isEmpty || bytes + entry.attributes.size <= UInt64(most)
        {
            _ = requested.popFirst()
            ids.append(item.id)
            files.append(ListedFile(directory: directory, entry: entry))
            bytes += entry.attributes.size
            if let incoming = signatures[item.id] { known.append(incoming.signature) }
            serial = max(serial, item.serial)
        }
        let number = nextJob
        nextJob += 1
        jobs.append(ContentJob(number: number, serial: serial, work: .small(SmallJob(ids: ids))))
        if isDelta {
            run(.matchSmall(files, signatures: known), as: .matchSmall(job: number))
        } else {
            run(.readSmall(files), as: .small(job: number))
        }
    }

    /// Ends for files that are not read any more, many in one message.
    private mutating func refuseContents() {
        let problem = FileProblem(.stopped, doing: "sending")
        var job = SmallJob(ids: [], reads: [])
        var serial: UInt64 = 0
        while let item = requested.first, contentsStopped || lookUp(item.id) == nil,
            job.ids.count < Tuning.smallBatchFiles
        {
            _ = requested.popFirst()
            if case .open = item.start {
                checkedWaiting -= 1
                run(.closeSource(id: item.id), as: .closeSource)
            }
            releaseSignature(item.id)
            job.ids.append(item.id)
            job.reads?.append(.failed(problem))
            serial = max(serial, item.serial)
        }
        jobs.append(ContentJob(number: nextJob, serial: serial, work: .small(job)))
        nextJob += 1
    }

    // MARK: Results of reading

    /// Where a job stands: they are numbered one after the other.
    private func index(of number: UInt64) -> Int { jobs.count - Int(truncatingIfNeeded: nextJob &- number) }

    mutating func readSmall(_ number: UInt64, _ buffer: [UInt8], _ reads: [SmallRead]) {
        updateSmall(number) { small in
            small.buffer = buffer
            small.reads = reads
        }
    }

    mutating func openedSource(_ number: UInt64, _ result: Result<(any SourceFile)?, FileProblem>) {
        update(number) { large in
            switch result {
            case .success:
                large.isOpen = true
                large.state = .idle
            case .failure(let problem):
                large.problem = problem
                large.state = .ended
            }
        }
        readOn(number)
    }

    mutating func readChunk(_ number: UInt64, _ result: Result<SourceChunk, FileProblem>) {
        update(number) { large in
            switch result {
            case .success(let chunk):
                large.state = chunk.end == nil ? .idle : .ended
                large.chunks.append(chunk)
            case .failure(let problem):
                large.problem = problem
                large.state = .ended
            }
        }
        readOn(number)
    }

    mutating func updateSmall(_ number: UInt64, _ body: (inout SmallJob) -> Void) {
        if case .small(var small)? = jobs[index(of: number)]?.work {
            body(&small)
            jobs[index(of: number)]?.work = .small(small)
        }
    }

    mutating func update(_ number: UInt64, _ body: (inout LargeJob) -> Void) {
        if case .large(var large)? = jobs[index(of: number)]?.work {
            body(&large)
            jobs[index(of: number)]?.work = .large(large)
        }
    }

    /// Asks for the next piece while few wait; only the front job reads far ahead.
    mutating func readOn(_ number: UInt64) {
        let index = index(of: number)
        guard case .large(let large)? = jobs[index]?.work else { return }
        if large.isDelta { return matchOn(number, large, isFront: index == 0) }
        let ahead = index == 0 ? Tuning.chunksAhead : 1
        guard large.state == .idle, !large.isStopped, large.chunks.count < ahead else { return }
        update(number) { $0.state = .reading }
        let length = agreement.isInProcess ? Tuning.localChunk : frameBytes
        run(.readChunk(id: large.id, length: length), as: .readChunk(job: number))
    }

    mutating func stopContent(_ id: FileID) {
        for index in 0..<jobs.count {
            guard let job = jobs[index], case .large(let large) = job.work, large.id == id else { continue }
            update(job.number) { $0.isStopped = true }
        }
    }

    // MARK: Sending

    /// Sends what the front job has; false when it must wait for its reading (or for its listing to leave).
    private mutating func sendFrom(_ job: ContentJob) -> Bool {
        guard job.serial <= core.outbox.listingsLeft else { return false }
        switch job.work {
        case .small(let small):
            guard small.reads != nil || small.matches != nil else { return false }
            _ = jobs.popFirst()
            if let reads = small.reads { sendSmall(small, reads) }
            if let matches = small.matches { sendSmall(small, matches) }
            if let next = jobs.first { readOn(next.number) }
            return true
        case .large(let large): return sendLarge(job.number, large)
        }
    }

    private mutating func sendSmall(_ job: SmallJob, _ reads: [SmallRead]) {
        var segments: [ContentSegment] = []
        for (position, id) in job.ids.enumerated() {
            let none = Payload.bytes([], 0..<0)
            guard position < reads.count else { continue }
            open[id]?.isQueued = false
            switch reads[position] {
            case .whole(let range, let digest):
                summary.contentBytes += UInt64(range.count)
                open[id]?.literal &+= UInt64(range.count)
                segments.append(
                    ContentSegment(id: id, offset: 0, payload: .bytes(job.buffer, range), end: .whole(digest)))
            case .failed(let problem):
                segments.append(ContentSegment(id: id, offset: 0, payload: none, end: .failed(problem)))
            }
        }
        core.send(.content(ContentMessage(segments)))
    }

    private mutating func sendLarge(_ number: UInt64, _ job: LargeJob) -> Bool {
        var large = job
        let isGone = open[large.id] == nil || contentsStopped
        if large.isStopped || isGone {
            guard large.state != .opening, large.state != .reading else { return false }
            large.problem = large.problem ?? FileProblem(.stopped, doing: "sending")
            large.chunks.removeAll()
            large.parts.removeAll()
            large.state = .ended
        }
        if let part = large.parts.popFirst() { return send(part, number, large) }
        if let chunk = large.chunks.popFirst() {
            let end: ContentEnd? = chunk.end.map { .whole($0.digest) }
            core.send(
                .content(
                    ContentMessage([
                        ContentSegment(id: large.id, offset: large.offset, payload: chunk.payload, end: end)
                    ])))
            large.offset += chunk.payload.count
            summary.contentBytes += chunk.payload.count
            moved(large.id, chunk.payload.count, literal: chunk.payload.count)
            if end != nil { return endLarge(large) }
            update(number) { $0 = large }
            readOn(number)
            return true
        }
        guard let problem = large.problem else { return false }
        core.send(
            .content(
                ContentMessage([
                    ContentSegment(
                        id: large.id, offset: large.offset, payload: .bytes([], 0..<0), end: .failed(problem))
                ])))
        return endLarge(large)
    }

    /// A piece of a large file has gone into line.
    mutating func moved(_ id: FileID, _ bytes: UInt64, literal: UInt64) {
        if var entry = open[id] {
            tally.moved(bytes, of: entry.attributes.size, counted: &entry.counted)
            entry.literal &+= literal
            open[id] = entry
        }
    }

    mutating func endLarge(_ large: LargeJob) -> Bool {
        _ = jobs.popFirst()
        open[large.id]?.isQueued = false
        releaseSignature(large.id)
        dropRefinement(large.id)
        if large.isOpen { run(.closeSource(id: large.id), as: .closeSource) }
        if let next = jobs.first { readOn(next.number) }
        return true
    }
}
