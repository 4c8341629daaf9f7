// `--checksum`: contents decide. A range whose names, kinds, sizes and metadata are the same is settled by one digest
// over its files' digests, computed at both ends at once; otherwise single files of equal size are compared.
//
// Small files that differ in their times alone are compared like that in any case, where differences are what is sent.

extension ReceiverMachine {
    // MARK: Ranges

    mutating func startRangeCheck(_ sequence: UInt64) {
        pendingRanges[sequence]?.isChecking = true
        expands.append(Expand(sequence: sequence, mode: .contents))
        rangeChecks.append(sequence)
    }

    /// Digests own files of the front range, one effect at a time.
    mutating func advanceRangeChecks() {
        while !isDigesting, let sequence = rangeChecks.first {
            if let range = pendingRanges[sequence], let listing = directories[range.directory]?.ownListing {
                let (files, end) = DigestBatches.next(
                    listing, from: range.position, to: range.upper, in: range.directory)
                pendingRanges[sequence]?.position = end
                if !files.isEmpty {
                    isDigesting = true
                    directories[range.directory]?.busy += 1
                    return run(.digestFiles(files, alone: false), as: .checkRange(sequence, in: range.directory))
                }
            }
            // All of them are digested, or nothing is wanted of that directory any more.
            _ = rangeChecks.popFirst()
            pendingRanges[sequence]?.ownDone = true
            compareContents(sequence)
        }
    }

    mutating func digestedRange(
        _ sequence: UInt64, in directory: DirectoryID, _ results: [Result<ContentDigest, FileProblem>]
    ) {
        isDigesting = false
        directories[directory]?.busy -= 1
        // A file that cannot be read here differs from any.
        let digests = results.map { (try? $0.get()) ?? ContentDigest(low: .max, high: .max) }
        pendingRanges[sequence]?.ownDigests += digests
        // Nothing may be wanted of the directory any more, and this was the last that it waited for.
        finishIfDone(directory)
    }

    mutating func rangeDigest(_ sequence: UInt64, _ digest: ContentDigest) throws(WireError) {
        // Nothing may be wanted of that directory any more.
        guard let range = pendingRanges[sequence] else {
            guard sequence < ledgerFront + UInt64(ledger.count) else { throw .value("rangeDigest.sequence") }
            return
        }
        guard range.isChecking, range.theirs == nil else { throw .value("rangeDigest.sequence") }
        pendingRanges[sequence]?.theirs = digest
        compareContents(sequence)
    }

    private mutating func compareContents(_ sequence: UInt64) {
        guard let range = pendingRanges[sequence], range.ownDone, let theirs = range.theirs,
            let listing = directories[range.directory]?.ownListing
        else { return }
        pendingRanges[sequence]?.isChecking = false
        if DigestBatches.combine(range.ownDigests, key: agreement.contentKey) == theirs {
            acceptSame(range.directory, listing, range.lower..<range.upper)
            pendingRanges[sequence] = nil
            directories[range.directory]?.openRanges -= 1
            close(sequence)
            finishIfDone(range.directory)
        } else {
            pendingRanges[sequence]?.position = range.lower
            pendingRanges[sequence]?.ownDigests = []
            expand(sequence, .all, listing, range.lower..<range.upper)
        }
    }

    // MARK: Single files

    /// Without `--checksum` the file counts as one that is sent, whatever its digest says.
    mutating func startFileCheck(_ id: FileID, _ received: ReceivedEntry) {
        var entry = received
        entry.state = .checking(own: nil, theirs: nil)
        if entry.changes.contains(.content) { expect(&entry) }
        begin(id, entry)
        digestsWanted.append(id)
        fileChecks.append((id, ListedFile(directory: entry.directory, entry: entry.entry)))
    }

    private mutating func expect(_ entry: inout ReceivedEntry) {
        entry.isExpected = true
        tally.filesToSend += 1
        tally.bytesToSend &+= entry.entry.attributes.size
    }

    /// Own digests of the files that the last entries asked about. One that has other names here is not kept for its
    /// contents alone: whatever it is given it would be given under all of them.
    mutating func flushDigestRequests() {
        while !fileChecks.isEmpty {
            var batch = DigestBatches.Batch()
            var ids: [FileID] = []
            while !batch.isFull, let check = fileChecks.popFirst() {
                batch.add(check.file)
                ids.append(check.id)
            }
            run(.digestFiles(batch.files, alone: !options.checksum), as: .checkFiles(ids))
        }
    }

    mutating func digestedFiles(_ ids: [FileID], _ results: [Result<ContentDigest, FileProblem>]) {
        for (id, result) in zip(ids, results) {
            // Unreadable here: it differs, and what replaces it is readable.
            check(id, own: (try? result.get()) ?? ContentDigest(low: .max, high: .max), theirs: nil)
        }
    }

    mutating func fileDigests(_ digests: FileDigests) throws(WireError) {
        for (id, result) in digests.digests {
            guard let entry = open[id], case .checking(_, nil) = entry.state else { throw .value("digests.id") }
            switch result {
            case .success(let digest): check(id, own: nil, theirs: digest)
            case .failure(let problem): conclude(id, .failed(problem))
            }
        }
    }

    private mutating func check(_ id: FileID, own: ContentDigest?, theirs: ContentDigest?) {
        guard var entry = open[id], case .checking(let knownOwn, let knownTheirs) = entry.state else { return }
        let own = own ?? knownOwn
        let theirs = theirs ?? knownTheirs
        entry.state = .checking(own: own, theirs: theirs)
        open[id] = entry
        guard let own, let theirs else { return }
        if own == theirs { return keep(id, entry) }
        if onlyAdds { return conclude(id, .failed(.keepsExisting)) }
        if !entry.changes.contains(.content) {
            entry.changes.formUnion([.content, .checksum])
            open[id] = entry
            if changesNothing { return conclude(id, .settled(entry.changes)) }
            expect(&entry)
        }
        entry.state = .awaiting
        open[id] = entry
        askOrResume(id)
    }

    /// The contents are the same.
    private mutating func keep(_ id: FileID, _ checked: ReceivedEntry) {
        var entry = checked
        if entry.changes.isEmpty { return conclude(id, .unchanged) }
        if onlyAdds { return conclude(id, .failed(.keepsExisting)) }
        if changesNothing { return conclude(id, .settled(entry.changes)) }
        if entry.changes.contains(.content) { summary.matchedBytes &+= entry.entry.attributes.size }
        entry.state = .placing
        open[id] = entry
        directories[entry.directory]?.isTouched = true
        run(.setAttributes(directory: entry.directory, entry: entry.entry, set: attributeSet), as: .attributes(id))
    }
}
