// Files that are told by their difference. They take the same way as others: small ones in batches, large ones piece
// by piece; only what is read is matched, and what is sent are copies with literal bytes between them.

extension SenderMachine {
    // MARK: Small files

    mutating func matchedSmall(_ number: UInt64, _ buffer: [UInt8], _ matches: [SmallMatch]) {
        var ids: [FileID] = []
        updateSmall(number) { small in
            small.buffer = buffer
            small.matches = matches
            ids = small.ids
        }
        for id in ids { releaseSignature(id) }
    }

    mutating func sendSmall(_ job: SmallJob, _ matches: [SmallMatch]) {
        var segments: [DeltaSegment] = []
        var copies = 0
        for (id, match) in zip(job.ids, matches) {
            open[id]?.isQueued = false
            switch match {
            case .delta(let some, let rest, let range, let digest):
                if copies + some.count > ProtocolConstants.mostCopies {
                    core.send(.delta(DeltaMessage(segments)))
                    (segments, copies) = ([], 0)
                }
                copies += some.count
                let segment = DeltaSegment(
                    id: id, offset: 0, copies: some, rest: rest, bytes: job.buffer, range: range, end: .whole(digest))
                summary.contentBytes &+= UInt64(range.count)
                summary.matchedBytes &+= segment.copied
                open[id]?.literal &+= UInt64(range.count)
                segments.append(segment)
            case .failed(let problem):
                segments.append(
                    DeltaSegment(
                        id: id, offset: 0, copies: [], rest: 0, bytes: [], range: 0..<0, end: .failed(problem)))
            }
        }
        if !segments.isEmpty { core.send(.delta(DeltaMessage(segments))) }
    }

    // MARK: Large files

    /// Asks for the next part while few wait.
    mutating func matchOn(_ number: UInt64, _ large: LargeJob, isFront: Bool) {
        guard large.state == .idle, !large.isStopped else { return }
        if let runs = large.refined {
            update(number) {
                $0.state = .reading
                $0.refined = nil
                $0.isBlocked = false
            }
            return run(.refineMatch(id: large.id, runs: runs), as: .matchChunk(job: number))
        }
        guard !large.isBlocked, large.parts.count < (isFront ? Tuning.chunksAhead : 1) else { return }
        update(number) { $0.state = .reading }
        run(.matchChunk(id: large.id, literals: frameBytes), as: .matchChunk(job: number))
    }

    mutating func matchedChunk(_ number: UInt64, _ result: Result<MatchedChunk, FileProblem>) {
        var ask: (RefineAsk, FileID)?
        update(number) { large in
            switch result {
            case .success(let chunk):
                large.state = chunk.end == nil ? .idle : .ended
                large.isBlocked = chunk.isBlocked
                if chunk.count > 0 || chunk.end != nil { large.parts.append(chunk) }
                ask = chunk.ask.map { ($0, large.id) }
            case .failure(let problem):
                large.problem = problem
                large.state = .ended
            }
        }
        if let (ask, id) = ask, !self.ask(ask, for: id, job: number) {
            // No room for an answer just now: it goes on with what is known.
            update(number) { $0.refined = [] }
        }
        readOn(number)
    }

    /// A finer signature has come; without runs there is none.
    mutating func refined(_ number: UInt64, _ runs: [BlockRun]) {
        update(number) { $0.refined = runs }
        readOn(number)
    }

    /// Sends a part; the job is the front one.
    mutating func send(_ part: MatchedChunk, _ number: UInt64, _ job: LargeJob) -> Bool {
        var large = job
        let end: ContentEnd? = part.end.map { .whole($0.digest) }
        let segment = DeltaSegment(
            id: large.id, offset: large.offset, copies: part.copies, rest: part.rest, bytes: part.bytes,
            range: 0..<part.bytes.count, end: end)
        core.send(.delta(DeltaMessage([segment])))
        large.offset &+= part.count
        summary.contentBytes &+= UInt64(part.bytes.count)
        summary.matchedBytes &+= part.copied
        moved(large.id, part.count, literal: UInt64(part.bytes.count))
        if end != nil { return endLarge(large) }
        update(number) { $0 = large }
        readOn(number)
        return true
    }
}
