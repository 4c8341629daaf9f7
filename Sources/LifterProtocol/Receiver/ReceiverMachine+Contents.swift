// Frames to files. A small file that comes whole is written in one effect with its neighbours; a larger one is staged,
// one effect at a time, in the order of its bytes. Credit goes back when bytes have left memory.
//
// Contents may be here before the entries that they belong to were handled (those may wait for a scan); then they wait,
// in order. They may also come when nobody wants them any more; then they are dropped up to their end.

extension ReceiverMachine {
    mutating func receive(_ message: ContentMessage, _ weight: Int) throws(WireError) {
        for segment in message.segments where awaited[segment.id] == nil { throw .value("content.id") }
        if earlyContents.isEmpty && isHandled(message) {
            try take(message, weight)
        } else {
            earlyContents.append(EarlyContent(message: message, weight: weight))
        }
    }

    private func isHandled(_ message: ContentMessage) -> Bool {
        message.segments.allSatisfy { awaited[$0.id] != false }
    }

    /// Takes contents whose entries have been handled meanwhile.
    mutating func advanceContents() {
        while !core.isOver, let early = earlyContents.first, isHandled(early.message) {
            _ = earlyContents.popFirst()
            do throws(WireError) { try take(early.message, early.weight) } catch { core.fail(error) }
        }
    }

    // MARK: Messages

    private mutating func take(_ message: ContentMessage, _ weight: Int) throws(WireError) {
        var rest = weight
        var batch: [SmallFile] = []
        var batchWeight = 0
        var buffer: [UInt8] = []
        var directory: DirectoryID?
        for (index, segment) in message.segments.enumerated() {
            guard awaited[segment.id] != nil else { throw .value("content.id") }
            if segment.end != nil { awaited[segment.id] = nil }
            // What the table itself weighs goes with the last segment.
            let isLast = index == message.segments.count - 1
            let share = isLast ? rest : min(rest, 64 + Int(clamping: segment.payload.count))
            rest -= share
            summary.contentBytes += segment.payload.count
            open[segment.id]?.literal &+= segment.payload.count
            if let file = smallFile(segment, &buffer) {
                let place = open[segment.id]?.directory
                if place != directory {
                    flush(&batch, buffer, &batchWeight, directory)
                    directory = place
                }
                batch.append(file)
                batchWeight += share
            } else {
                try take(Arrived(segment), share)
            }
        }
        flush(&batch, buffer, &batchWeight, directory)
        if message.segments.isEmpty { core.release(.content, weight) }
    }

    /// A whole small file in one segment; it is in work from here on.
    private mutating func smallFile(_ segment: ContentSegment, _ buffer: inout [UInt8]) -> SmallFile? {
        guard var entry = open[segment.id], case .awaiting = entry.state, entry.entry.attributes.size <= smallFile,
            case .whole(let digest?) = segment.end, case .bytes(let bytes, let range) = segment.payload
        else { return nil }
        let size = entry.entry.attributes.size
        let isCopy = isSame(segment.offset, entry) && range.isEmpty
        guard isCopy || (segment.offset == 0 && UInt64(range.count) == size) else { return nil }
        entry.state = .placing
        open[segment.id] = entry
        // The segments of a message lie in one buffer.
        buffer = bytes
        if isCopy { summary.matchedBytes &+= size }
        let patch = isCopy ? SmallPatch(copies: [DeltaCopy(literal: 0, from: 0, length: size)]) : nil
        return SmallFile(target: target(segment.id, entry), range: range, digest: digest, patch: patch)
    }

    mutating func flush(
        _ batch: inout [SmallFile], _ buffer: [UInt8], _ weight: inout Int, _ directory: DirectoryID?
    ) {
        guard !batch.isEmpty, let directory else { return }
        put(.small(buffer: buffer, files: batch, weight: weight), in: directory)
        batch = []
        weight = 0
    }

    mutating func wroteSmall(_ ids: [FileID], _ weight: Int, _ results: [PlaceResult]) {
        core.release(.content, weight)
        if let first = ids.first { wroteWhole(first) }
        for (id, result) in zip(ids, results) { placed(id, result) }
    }

    /// An effect that put this entry (and perhaps neighbours) into its directory has ended.
    mutating func wroteWhole(_ id: FileID) {
        if let directory = open[id]?.directory { directories[directory]?.writesOut -= 1 }
    }

    // MARK: Staged files

    mutating func take(_ segment: Arrived, _ weight: Int) throws(WireError) {
        guard var entry = open[segment.id] else { return core.release(.content, weight) }
        var staging: Staging
        let isNew: Bool
        switch entry.state {
        case .awaiting: (staging, isNew) = (Staging(), true)
        case .staging(let state): (staging, isNew) = (state, false)
        case .placing, .checking, .resuming, .searching, .linking: return core.release(.content, weight)
        }
        if case .failed(let problem) = segment.end, problem.code == .mismatch, staging.partServes {
            core.release(.content, weight)
            return copyFromPart(segment.id)
        }
        let beginsAnew = self.beginsAnew(&staging, segment)
        let isCopy = isNew && isSame(segment.offset, entry)
        if isCopy { copyWhole(entry, &staging) }
        guard segment.offset == staging.received else { throw .value("content.offset") }
        let (received, overflow) = staging.received.addingReportingOverflow(segment.count)
        guard !overflow, received <= entry.entry.attributes.size else { throw .value("content.length") }
        if case .failed(let problem) = segment.end {
            core.release(.content, weight)
            return concludeStaged(segment.id, .failed(problem))
        }
        staging.received = received
        if segment.count == 0 {
            core.release(.content, weight)
        } else {
            // It has one owner now, so that many short pieces are not copied each time one comes.
            open[segment.id]?.state = .awaiting
            entry.state = .awaiting
            for payload in segment.payloads where payload.count > 0 { staging.waiting.append(payload) }
            staging.waitingWeight += weight
        }
        if case .whole(let digest) = segment.end {
            guard received == entry.entry.attributes.size else { throw .value("content.length") }
            if isCopy { summary.matchedBytes &+= received }
            staging.end = .some(digest)
        }
        entry.state = .staging(staging)
        open[segment.id] = entry
        if beginsAnew {
            run(.openStage(target(segment.id, entry)), as: .stage(segment.id))
        } else if isNew {
            put(.stage(segment.id), in: entry.directory)
        } else {
            writeOn(segment.id)
        }
    }

    mutating func openedStage(_ id: FileID, _ result: PlaceResult) {
        guard var (entry, staging) = staged(id) else { return }
        staging.isOpening = false
        if case .done = result { staging.isOpen = true }
        entry.state = .staging(staging)
        open[id] = entry
        switch result {
        case .done: writeOn(id)
        case .kept: concludeStaged(id, .skipped)
        case .failed(let problem): failStaged(id, problem)
        }
    }

    /// A staged file whose effect has come back. One that was given up meanwhile is thrown away now.
    private mutating func staged(_ id: FileID) -> (ReceivedEntry, Staging)? {
        if let given = abandoned.removeValue(forKey: id) { abandonNow(id, given) }
        guard let entry = open[id], case .staging(let staging) = entry.state else { return nil }
        return (entry, staging)
    }

    /// Gives the waiting bytes of a staged file to the disk; commits when all are written.
    private mutating func writeOn(_ id: FileID) {
        guard var entry = open[id], case .staging(var staging) = entry.state, staging.isOpen, !staging.isWriting
        else { return }
        if !staging.waiting.isEmpty {
            staging.isWriting = true
            let payloads = staging.takeSome()
            staging.writingBytes = payloads.reduce(0) { $0 &+ $1.count }
            entry.state = .staging(staging)
            open[id] = entry
            run(.writeChunk(id: id, payloads: payloads), as: .write(id))
        } else if case .some(let digest) = staging.end {
            entry.state = .placing
            open[id] = entry
            directories[entry.directory]?.isTouched = true
            run(.commit(id: id, digest: digest), as: .commit(id, digest))
        }
    }

    mutating func wroteChunk(_ id: FileID, _ result: PlaceResult) {
        guard var (entry, staging) = staged(id) else { return }
        core.release(.content, staging.writingWeight)
        staging.writingWeight = 0
        staging.isWriting = false
        if case .done = result {
            tally.moved(staging.writingBytes, of: entry.entry.attributes.size, counted: &entry.counted)
        }
        entry.state = .staging(staging)
        open[id] = entry
        switch result {
        case .done, .kept: writeOn(id)
        case .failed(let problem): failStaged(id, problem)
        }
    }

    /// A staged file is committed, thrown away, or was never opened: the next that waits takes its place.
    mutating func stageEnded(_ ended: FileID) {
        if resumed.remove(ended) != nil { return resumeWaiting() }
        stagesOpen -= 1
        while stagesOpen < workLimit, let id = waitingStages.popFirst() {
            if let directory = open[id]?.directory { put(.stage(id), in: directory) }
        }
    }

    // MARK: Giving up

    /// This side cannot write a file: the rest of it is not wanted.
    private mutating func failStaged(_ id: FileID, _ problem: FileProblem) {
        if awaited[id] != nil { core.send(.stop(.file(id))) }
        noteFullDisk(problem)
        concludeStaged(id, .failed(problem))
    }

    mutating func concludeStaged(_ id: FileID, _ outcome: Outcome) {
        releaseStaging(id)
        conclude(id, outcome)
    }

    /// Returns what a staged file holds; at once, or when the effect that is out on it comes back. Until the part is
    /// thrown away its directory is kept.
    private mutating func releaseStaging(_ id: FileID) {
        guard let entry = open[id], case .staging(let staging) = entry.state else { return }
        core.release(.content, staging.waitingWeight)
        let given = AbandonedStage(directory: entry.directory, weight: staging.writingWeight)
        if staging.isOpening || staging.isWriting {
            abandoned[id] = given
            directories[entry.directory]?.busy += 1
        } else if staging.isOpen {
            directories[entry.directory]?.busy += 1
            abandonNow(id, given)
        }
    }

    private mutating func abandonNow(_ id: FileID, _ given: AbandonedStage) {
        core.release(.content, given.weight)
        run(.abandon(id: id), as: .abandon(id, given.directory))
    }

    mutating func abandonedStage(in directory: DirectoryID) {
        directories[directory]?.busy -= 1
        finishIfDone(directory)
    }
}
