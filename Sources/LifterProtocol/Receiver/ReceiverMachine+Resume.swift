// Files of which an earlier run has left the beginning: the scan of their directory has met its part. The part is
// claimed and digested, step by step; then the request says how long it is, with the digest. If the sender finds the
// same at the beginning of its own file it sends the rest, and otherwise all of it.
//
// Contents that come without a request are for directories that this job makes, and in those nothing was left.

extension ReceiverMachine {
    /// Asks for contents, with what is here of them already.
    mutating func askOrResume(_ id: FileID) {
        guard let entry = open[id], agreement.peerHas(Hello.resumeFeature), hasBeginning(entry) else {
            return askOrSearch(id)
        }
        open[id]?.state = .resuming
        waitingResumes.append(id)
        resumeWaiting()
    }

    /// Whether something here may be how the contents begin: what an earlier run left or, where files are lengthened in
    /// place, the file itself. What is overwritten is no such thing.
    private mutating func hasBeginning(_ entry: ReceivedEntry) -> Bool {
        let isThere = !entry.changes.contains(.created) && !entry.changes.contains(.kind)
        if isThere && options.writing != .aside { return options.writing == .append }
        guard directories[entry.directory]?.partials.isEmpty == false else { return false }
        return directories[entry.directory]?.partials.remove(Names.part(of: entry.entry.name)) != nil
    }

    /// The part of a file is its own again from here on: it is not swept with what others have left.
    mutating func claimPart(of entry: ReceivedEntry) {
        guard let directory = directories[entry.directory] else { return }
        if directory.partials.isEmpty && directory.leftovers.isEmpty { return }
        let part = Names.part(of: entry.entry.name)
        directories[entry.directory]?.partials.remove(part)
        directories[entry.directory]?.leftovers.remove(part)
    }

    /// So many at once hold a descriptor, beside the files that are being staged.
    private var resumeLimit: Int { max(1, workLimit / 4) }

    mutating func resumeWaiting() {
        while resumed.count < resumeLimit, let id = waitingResumes.popFirst() {
            resumed.insert(id)
            digestPartial(id)
        }
    }

    private mutating func digestPartial(_ id: FileID) {
        guard let entry = open[id] else { return }
        directories[entry.directory]?.isTouched = true
        run(.digestPartial(target(id, entry)), as: .digestPartial(id))
    }

    mutating func digestedPartial(_ id: FileID, _ digest: PartialDigest) {
        guard var entry = open[id], case .resuming = entry.state else { return }
        switch digest {
        case .more: digestPartial(id)
        case .whole(let resume):
            var staging = Staging()
            staging.isOpen = true
            staging.resumeAt = resume.length
            entry.state = .staging(staging)
            open[id] = entry
            ask(id, resume: resume)
        case .unusable:
            entry.state = .awaiting
            open[id] = entry
            // A small file takes no part's place: it is swept with what nobody wanted.
            directories[entry.directory]?.partials.insert(Names.part(of: entry.entry.name))
            resumed.remove(id)
            askOrSearch(id)
            resumeWaiting()
        }
    }

    /// The first contents of a file that could be continued: they begin behind what is here, or at the front, and then
    /// what is here is of no use.
    func beginsAnew(_ staging: inout Staging, _ segment: Arrived) -> Bool {
        guard let length = staging.resumeAt else { return false }
        staging.resumeAt = nil
        if segment.offset == length {
            staging.received = length
            return false
        }
        return true
    }

    mutating func reopenStage(_ id: FileID) {
        guard var entry = open[id], case .staging(var staging) = entry.state else { return }
        staging.isOpen = false
        staging.isOpening = true
        entry.state = .staging(staging)
        open[id] = entry
        run(.openStage(target(id, entry)), as: .stage(id))
    }
}
