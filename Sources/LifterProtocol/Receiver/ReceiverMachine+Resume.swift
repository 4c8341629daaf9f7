// Files of which an earlier run has left the beginning: the scan of their directory has met its part. The part is
// claimed and digested, step by step; then the request says how long it is, with the digest. If the sender finds the
// same at the beginning of its own file it sends the rest. If it does not, or if there is an older version of the file
// as well, the part is what the new contents are compared with: it comes first in their basis, the older version behind.
// Where differences are not looked for, all of the file comes.
//
// Contents that come without a request are for directories that this job makes, and in those nothing was left.

extension ReceiverMachine {
    /// Asks for contents, with what is here of them already.
    mutating func askOrResume(_ id: FileID) {
        guard let entry = open[id], agreement.peerHas(Hello.resumeFeature), hasBeginning(entry) else {
            return askOrSearch(id)
        }
        if entry.basis != nil, options.writing == .aside, openBasisLimit > 0 {
            open[id]?.basis?.takesPart = true
            return ask(id)
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
        let prior = directories[entry.directory]?.partials.remove(Names.priorPart(of: entry.entry.name))
        let part = directories[entry.directory]?.partials.remove(Names.part(of: entry.entry.name))
        if prior != nil || part != nil { return true }
        // Where all parts lie in one directory, no scan has met them.
        return options.partialDirectory?.first == UInt8(ascii: "/")
            && entry.entry.attributes.size >= agreement.smallestPartial
            && directories[entry.directory]?.place == .existing
    }

    /// The part of a file is its own again from here on: it is not swept with what others have left.
    mutating func claimPart(of entry: ReceivedEntry) {
        guard let directory = directories[entry.directory],
            !directory.partials.isEmpty || !directory.leftovers.isEmpty
        else { return }
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
        if let entry = open[id] {
            directories[entry.directory]?.isTouched = true
            var target = target(id, entry)
            target.copiesPart = mayCopyPart(of: entry)
            run(.digestPartial(target), as: .digestPartial(id))
        }
    }

    mutating func digestedPartial(_ id: FileID, _ digest: PartialDigest) {
        switch digest {
        case .more: digestPartial(id)
        case .whole(let resume):
            var staging = Staging()
            staging.isOpen = true
            staging.resumeAt = resume.length
            staging.partServes = open[id].map(mayCopyPart) == true && resume.length >= Tuning.smallestDelta
            open[id]?.state = .staging(staging)
            ask(id, resume: resume, onlyResumes: staging.partServes)
        case .longer: copyFromPart(id)
        case .unusable:
            open[id]?.state = .awaiting
            if let entry = open[id] {
                // A small file takes no part's place: it is swept with what nobody wanted.
                directories[entry.directory]?.partials.insert(Names.part(of: entry.entry.name))
            }
            resumed.remove(id)
            askOrSearch(id)
            resumeWaiting()
        }
    }

    /// Whether what was left of a file may be its basis.
    private func mayCopyPart(of entry: ReceivedEntry) -> Bool {
        agreement.usesDelta && options.writing == .aside && openBasisLimit > 0
            && entry.entry.attributes.size >= Tuning.smallestDelta
    }

    /// The contents do not go on where the part ends: it stays what it is, and they are compared with it.
    mutating func copyFromPart(_ id: FileID) {
        open[id]?.state = .awaiting
        open[id]?.basis = Basis(size: 0, takesPart: true)
        ask(id)
    }

    /// What was left of a file is not held for it alone any more.
    mutating func endResume(_ id: FileID) {
        if resumed.remove(id) != nil { resumeWaiting() }
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
        staging.isOpen = false
        staging.isOpening = true
        return true
    }
}
