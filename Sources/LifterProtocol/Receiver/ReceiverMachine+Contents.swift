// Frames to files. A small file that comes whole is written in one effect with its neighbours; a larger one is staged,
// one effect at a time, in the order of its bytes. Credit goes back when bytes have left memory.

extension ReceiverMachine {
    mutating func receive(_ message: ContentMessage, _ weight: Int) throws(WireError) {
        var rest = weight
        var batch: [SmallFile] = []
        var batchWeight = 0
        var buffer: [UInt8] = []
        var directory: DirectoryID?
        for (index, segment) in message.segments.enumerated() {
            // What the table itself weighs goes with the last segment.
            let isLast = index == message.segments.count - 1
            let share = isLast ? rest : min(rest, 64 + Int(clamping: segment.payload.count))
            rest -= share
            summary.contentBytes += segment.payload.count
            if let file = try smallFile(segment, &buffer) {
                let place = open[segment.id]?.directory
                if place != directory {
                    flush(&batch, buffer, &batchWeight, directory)
                    directory = place
                }
                batch.append(file)
                batchWeight += share
            } else {
                try receive(segment, share)
            }
        }
        flush(&batch, buffer, &batchWeight, directory)
        if message.segments.isEmpty { core.release(.content, weight) }
    }

    /// A whole small file in one segment; it is in work from here on.
    private mutating func smallFile(
        _ segment: ContentSegment, _ buffer: inout [UInt8]
    ) throws(WireError) -> SmallFile? {
        guard var entry = open[segment.id], case .awaiting = entry.state, entry.expectsContent, segment.offset == 0,
            case .whole(let digest?) = segment.end, case .bytes(let bytes, let range) = segment.payload,
            UInt64(range.count) == entry.entry.attributes.size, UInt64(range.count) <= smallFile
        else { return nil }
        entry.expectsContent = false
        entry.state = .placing
        open[segment.id] = entry
        buffer = bytes
        return SmallFile(target: target(segment.id, entry), range: range, digest: digest)
    }

    private mutating func flush(
        _ batch: inout [SmallFile], _ buffer: [UInt8], _ weight: inout Int, _ directory: DirectoryID?
    ) {
        guard !batch.isEmpty, let directory else { return }
        put(.small(buffer: buffer, files: batch, weight: weight), in: directory)
        batch = []
        weight = 0
    }

    mutating func wroteSmall(_ ids: [FileID], _ weight: Int, _ results: [PlaceResult]) {
        core.release(.content, weight)
        for (id, result) in zip(ids, results) { placed(id, result) }
    }

    // MARK: Staged files

    private mutating func receive(_ segment: ContentSegment, _ weight: Int) throws(WireError) {
        guard var entry = open[segment.id], entry.expectsContent else {
            guard draining.contains(segment.id) else { throw .value("content.id") }
            if segment.end != nil { draining.remove(segment.id) }
            core.release(.content, weight)
            return
        }
        var staging: Staging
        switch entry.state {
        case .awaiting: staging = Staging()
        case .staging(let state): staging = state
        case .placing, .checking: throw .value("content.id")
        }
        guard segment.offset == staging.received else { throw .value("content.offset") }
        let (received, overflow) = staging.received.addingReportingOverflow(segment.payload.count)
        guard !overflow, received <= entry.entry.attributes.size else { throw .value("content.length") }
        let isNew = staging.received == 0 && !staging.isOpen && staging.waiting.isEmpty && staging.end == nil
        if case .failed(let problem) = segment.end {
            entry.expectsContent = false
            open[segment.id] = entry
            core.release(.content, weight)
            return giveUp(segment.id, problem)
        }
        staging.received = received
        staging.waiting.append(segment.payload)
        staging.waitingWeight += weight
        if case .whole(let digest) = segment.end {
            guard received == entry.entry.attributes.size else { throw .value("content.length") }
            entry.expectsContent = false
            staging.end = .some(digest)
        }
        let wasAwaiting = if case .awaiting = entry.state { true } else { false }
        entry.state = .staging(staging)
        open[segment.id] = entry
        if isNew && wasAwaiting {
            put(.stage(segment.id), in: entry.directory)
        } else {
            writeOn(segment.id)
        }
    }

    mutating func openedStage(_ id: FileID, _ result: PlaceResult) {
        switch result {
        case .done:
            guard var entry = open[id], case .staging(var staging) = entry.state else {
                return run(.abandon(id: id), as: .abandon)
            }
            staging.isOpen = true
            entry.state = .staging(staging)
            open[id] = entry
            writeOn(id)
        case .kept: concludeStaged(id, .skipped)
        case .failed(let problem): failStaged(id, problem)
        }
    }

    /// Gives the waiting bytes of a staged file to the disk; commits when all are written.
    private mutating func writeOn(_ id: FileID) {
        guard var entry = open[id], case .staging(var staging) = entry.state, staging.isOpen, !staging.isWriting,
            !staging.isCommitting
        else { return }
        if !staging.waiting.isEmpty {
            staging.isWriting = true
            staging.writingWeight = staging.waitingWeight
            staging.waitingWeight = 0
            let payloads = staging.waiting
            staging.waiting = []
            entry.state = .staging(staging)
            open[id] = entry
            run(.writeChunk(id: id, payloads: payloads), as: .write(id))
        } else if case .some(let digest) = staging.end {
            staging.isCommitting = true
            entry.state = .staging(staging)
            open[id] = entry
            directories[entry.directory]?.isTouched = true
            run(.commit(id: id, digest: digest), as: .commit(id))
        }
    }

    mutating func wroteChunk(_ id: FileID, _ result: PlaceResult) {
        guard var entry = open[id], case .staging(var staging) = entry.state else {
            // Given up meanwhile; its credit went back then.
            return run(.abandon(id: id), as: .abandon)
        }
        core.release(.content, staging.writingWeight)
        staging.writingWeight = 0
        staging.isWriting = false
        entry.state = .staging(staging)
        open[id] = entry
        switch result {
        case .done, .kept: writeOn(id)
        case .failed(let problem): failStaged(id, problem)
        }
    }

    /// The sender gave up on a file.
    private mutating func giveUp(_ id: FileID, _ problem: FileProblem) {
        concludeStaged(id, .failed(problem))
    }

    /// This side cannot write a file: the rest of it is not wanted.
    private mutating func failStaged(_ id: FileID, _ problem: FileProblem) {
        guard let entry = open[id] else { return }
        if entry.expectsContent { core.send(.stop(.file(id))) }
        releaseStaging(id)
        if problem.isFullDisk { failEntry(id, entry, problem) } else { conclude(id, .failed(problem)) }
    }

    private mutating func concludeStaged(_ id: FileID, _ outcome: Outcome) {
        releaseStaging(id)
        conclude(id, outcome)
    }

    /// Returns what a staged file holds. An effect still out is followed by `abandon` when it comes back.
    private mutating func releaseStaging(_ id: FileID) {
        guard var entry = open[id], case .staging(let staging) = entry.state else { return }
        core.release(.content, staging.waitingWeight + staging.writingWeight)
        if staging.isOpen && !staging.isWriting { run(.abandon(id: id), as: .abandon) }
        entry.state = .placing
        open[id] = entry
    }
}
