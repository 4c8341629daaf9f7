// Telling the sender what is here already. A file that is to be replaced is signed, a few ahead and in bounded pieces;
// its signature leaves whole before the next one's begins, and only while a quarter of the window stays free for finer
// signatures that the sender may ask for. Where a basis cannot be used the file is asked for whole.

import LifterCodec

/// What a file here can be used for.
struct Basis: Sendable {
    var size: UInt64
    /// Where it is not the file's own.
    var name: [UInt8]?
    /// What an earlier run left of the file comes first, and the file that is there, if there is one, behind it.
    var takesPart = false
    /// It is held open; small ones are looked up once more when they are needed.
    var isOpen = false
    /// The whole signature has been told, so that copies and finer signatures may be asked for.
    var isTold = false
    /// Bytes of it that finer signatures were asked for.
    var refined: UInt64 = 0
}

/// A file whose signature is to be made.
struct FileToSign: Sendable {
    var id: FileID
    var basis: Basis
    var file: BasisFile

    init(_ id: FileID, _ entry: ReceivedEntry, _ basis: Basis) {
        (self.id, self.basis) = (id, basis)
        file = BasisFile(
            directory: entry.directory, name: basis.name ?? entry.entry.name, size: basis.size,
            newSize: entry.entry.attributes.size)
    }
}

/// Files that are being signed, in the order in which their signatures will leave.
enum SigningJob: Sendable {
    case small(SmallSigning)
    case large(LargeSigning)
}

/// Small ones, with their signatures when they are made.
struct SmallSigning: Sendable {
    var number: UInt64
    var ids: [FileID]
    var results: [Result<FileSignature, FileProblem>]?
}

struct LargeSigning: Sendable {
    var id: FileID
    var shape: BasisShape?
    /// The next byte that no effect was asked about; the next whose hashes have come, in order.
    var asked: UInt64 = 0
    var signed: UInt64 = 0
    var running = 0
    /// Hashes that came before those in front of them, by offset.
    var early: [UInt64: SignatureBlocks] = [:]
    /// Hashes that may leave, and where they begin.
    var ready = SignatureBlocks()
    var readyAt: UInt64 = 0
    var isStarted = false
    var problem: FileProblem?

    /// Bytes of the basis that one effect signs: whole blocks.
    func chunk(_ blockLength: UInt32) -> UInt64 {
        max(1, Tuning.signedChunk / UInt64(blockLength)) * UInt64(blockLength)
    }

    /// Hashes of what begins at `offset` have come; those that follow what is ready are ready, too.
    mutating func take(_ blocks: [SignatureBlocks], at offset: UInt64) {
        early[offset] = blocks.first
        while let shape, let next = early.removeValue(forKey: signed) {
            ready.rolling += next.rolling
            ready.strong += next.strong
            signed = min(signed + chunk(shape.blockLength), shape.basisSize)
        }
    }
}

/// A finer signature in work.
struct RefineJob: Sendable {
    var refine: Refine
    /// Credit that the question holds.
    var weight: Int
    /// The next range that no effect was asked about.
    var next = 0
    var isRunning = false
}

extension ReceiverMachine {
    /// Whether contents that are wanted are worth a signature of what is here.
    func basis(for entry: Entry, own: Entry?, isPromised: Bool) -> Basis? {
        guard let own, agreement.usesDelta, !isPromised, own.attributes.kind == .regular else { return nil }
        return mayServe(own.attributes, for: entry.attributes) ? Basis(size: own.attributes.size) : nil
    }

    /// Whether there is enough of both versions, and not too much of the old one.
    func mayServe(_ own: Attributes, for wanted: Attributes) -> Bool {
        let (old, new) = (own.size, wanted.size)
        return old >= Tuning.smallestDelta && new >= Tuning.smallestDelta && old / Tuning.largestBasisRatio <= new
            && (isSmallBasis(old, new) || openBasisLimit > 0)
    }

    private func isSmall(_ file: FileToSign) -> Bool {
        !file.basis.takesPart && isSmallBasis(file.file.size, file.file.newSize)
    }

    private func isSmallBasis(_ old: UInt64, _ new: UInt64) -> Bool {
        new <= smallFile && old <= Tuning.signedChunk
    }

    var openBasisLimit: Int { min(Tuning.openBases, workLimit / 4) }

    private var signatureLimits: SignatureLimits {
        SignatureLimits(
            blockLength: options.blockLength, longest: UInt64(agreement.peerLimits.signatureWindow) / 4,
            refines: agreement.usesRefinement, literalsShrink: !agreement.isInProcess && options.compression.isSure)
    }

    // MARK: Driving on

    mutating func advanceSigning() {
        advanceRefinements()
        var hasMoved = true
        while hasMoved, !core.isOver {
            startSigning()
            hasMoved = tellSignatures()
        }
    }

    private mutating func startSigning() {
        while signing.count < Tuning.signingJobs, let file = toSign.first {
            if isSmall(file) {
                // While others are signed more of them come together: fewer messages, and more to match at once.
                guard signing.isEmpty || toSign.count >= Tuning.worthABatch else { return }
                startSmallSigning()
            } else {
                // Where none may be open nobody asks for one; should a file layer think so, it takes its turn.
                guard basesOpen < max(1, openBasisLimit) else { return }
                _ = toSign.popFirst()
                startLargeSigning(file)
            }
        }
    }

    private mutating func startLargeSigning(_ file: FileToSign) {
        basesOpen += 1
        open[file.id]?.basis?.isOpen = true
        signing.append(.large(LargeSigning(id: file.id)))
        var part: FileTarget?
        if file.basis.takesPart, let entry = open[file.id] {
            directories[file.file.directory]?.isTouched = true
            part = target(file.id, entry)
            part?.copiesPart = true
        }
        run(.openBasis(id: file.id, file: file.file, limits: signatureLimits, part: part), as: .openBasis(file.id))
    }

    /// A batch of neighbouring small files.
    private mutating func startSmallSigning() {
        var ids: [FileID] = []
        var files: [BasisFile] = []
        var bytes: UInt64 = 0
        while ids.count < Tuning.smallBatchFiles, let next = toSign.first, isSmall(next),
            ids.isEmpty || bytes + next.file.size <= Tuning.signedChunk
        {
            _ = toSign.popFirst()
            ids.append(next.id)
            files.append(next.file)
            bytes += next.file.size
        }
        signing.append(.small(SmallSigning(number: nextSigning, ids: ids)))
        run(.signSmall(files: files, limits: signatureLimits), as: .signSmall(nextSigning))
        nextSigning += 1
    }

    // MARK: Results

    mutating func signedSmall(_ number: UInt64, _ results: [Result<FileSignature, FileProblem>]) {
        for index in 0..<signing.count {
            guard case .small(var small)? = signing[index], small.number == number else { continue }
            small.results = results
            signing[index] = .small(small)
        }
    }

    mutating func openedBasis(_ id: FileID, _ result: Result<BasisShape, FileProblem>) {
        endResume(id)
        if case .success(let shape) = result { open[id]?.basis?.size = shape.basisSize }
        update(id) { large in
            switch result {
            case .success(let shape): large.shape = shape
            case .failure(let problem): large.problem = problem
            }
        }
    }

    mutating func signedRanges(_ id: FileID, _ offset: UInt64, _ result: Result<[SignatureBlocks], FileProblem>) {
        update(id) { large in
            large.running -= 1
            switch result {
            case .success(let blocks): large.take(blocks, at: offset)
            case .failure(let problem): large.problem = problem
            }
        }
    }

    private mutating func update(_ id: FileID, _ body: (inout LargeSigning) -> Void) {
        for index in 0..<signing.count {
            guard case .large(var large)? = signing[index], large.id == id else { continue }
            body(&large)
            signing[index] = .large(large)
        }
    }

    // MARK: Telling

    /// Lets what is signed leave, in order; false where nothing could.
    private mutating func tellSignatures() -> Bool {
        guard let job = signing.first else { return false }
        switch job {
        case .small(let small): return small.results.map { tellSmall(small, $0) } ?? false
        case .large(let large): return tellLarge(large)
        }
    }

    /// Whether hashes of so many bytes may leave now.
    private func hasRoom(_ bytes: Int) -> Bool {
        core.outbox.waiting(.signature) < 4
            && core.outbox.signatureCredit - Int64(bytes) >= Int64(agreement.peerLimits.signatureWindow) / 4
    }

    private mutating func tellSmall(
        _ job: SmallSigning, _ results: [Result<FileSignature, FileProblem>]
    ) -> Bool {
        var segments: [SignatureSegment] = []
        var bytes = 16
        for (position, id) in job.ids.enumerated() {
            guard position < results.count, case .success(let signature) = results[position],
                let blocks = signature.runs.first?.blocks
            else {
                askWhole(id)
                continue
            }
            let segment = SignatureSegment(
                id: id, shape: signature.shape, widths: signature.shape.widths, offset: 0, blocks: blocks,
                isLast: true)
            if !segments.isEmpty && bytes + segment.wireBytes > Tuning.signatureMessage {
                guard hasRoom(bytes) else { return keepSmall(job, results) }
                tell(segments)
                (segments, bytes) = ([], 16)
            }
            segments.append(segment)
            bytes += segment.wireBytes
        }
        if !segments.isEmpty {
            guard hasRoom(bytes) else { return keepSmall(job, results) }
            tell(segments)
        }
        _ = signing.popFirst()
        return true
    }

    /// There is no more room: what has not left stays the first job.
    private mutating func keepSmall(
        _ job: SmallSigning, _ results: [Result<FileSignature, FileProblem>]
    ) -> Bool {
        let left = job.ids.indices.filter { open[job.ids[$0]]?.basis?.isTold == false }
        var rest = job
        rest.ids = left.map { job.ids[$0] }
        rest.results = left.map { results[$0] }
        signing[0] = .small(rest)
        return false
    }

    private mutating func tell(_ segments: [SignatureSegment]) {
        for segment in segments where segment.isLast {
            open[segment.id]?.basis?.isTold = true
            awaited[segment.id] = true
        }
        core.send(.signature(SignatureMessage(segments)))
    }

    /// Of a large file: asks for more hashes, and lets those leave that have come.
    private mutating func tellLarge(_ job: LargeSigning) -> Bool {
        var large = job
        defer { if case .large(let first)? = signing.first, first.id == large.id { signing[0] = .large(large) } }
        if large.problem != nil || open[large.id] == nil { return giveUp(&large) }
        guard let shape = large.shape else { return false }
        while large.running < Tuning.rangesAhead, large.asked < shape.basisSize {
            let length = min(large.chunk(shape.blockLength), shape.basisSize - large.asked)
            run(
                .signRanges(
                    id: large.id, blockLength: shape.blockLength, widths: shape.widths,
                    ranges: [BasisRange(offset: large.asked, length: length)]),
                as: .signRanges(large.id, large.asked))
            large.asked += length
            large.running += 1
        }
        let isLast = large.signed == shape.basisSize
        let bytes = shape.widths.bytes(ofBlocks: large.ready.count)
        guard isLast || bytes >= Tuning.signatureMessage else { return false }
        let most = (ProtocolConstants.longestPayload - 64) * 8 / (shape.widths.rolling + shape.widths.strong)
        let count = min(large.ready.count, most)
        guard hasRoom(64 + shape.widths.bytes(ofBlocks: count)) else { return false }
        let isEnd = isLast && count == large.ready.count
        var segment = SignatureSegment(
            id: large.id, shape: large.isStarted ? nil : shape, widths: shape.widths,
            offset: large.readyAt, blocks: large.ready, isLast: isEnd)
        if count < large.ready.count {
            segment.blocks = SignatureBlocks(
                rolling: Array(large.ready.rolling[..<count]), strong: Array(large.ready.strong[..<count]))
            large.ready.rolling.removeFirst(count)
            large.ready.strong.removeFirst(count)
        } else {
            large.ready = SignatureBlocks()
        }
        large.readyAt = min(large.readyAt + UInt64(count) * UInt64(shape.blockLength), shape.basisSize)
        large.isStarted = true
        awaited[large.id] = true
        tell([segment])
        if isEnd { _ = signing.popFirst() }
        return true
    }

    /// The basis cannot be used. Effects on it that are out come back first.
    private mutating func giveUp(_ large: inout LargeSigning) -> Bool {
        guard large.running == 0 else { return false }
        if large.isStarted, let shape = large.shape {
            guard hasRoom(64) else { return false }
            core.send(
                .signature(
                    SignatureMessage([
                        SignatureSegment(
                            id: large.id, widths: shape.widths, offset: large.readyAt,
                            blocks: SignatureBlocks(), isLast: true, isGivenUp: true)
                    ])))
            closeBasis(large.id)
            open[large.id]?.basis = nil
        } else {
            askWhole(large.id)
        }
        _ = signing.popFirst()
        return true
    }

    /// What is here is of no use: the contents are wanted whole.
    private mutating func askWhole(_ id: FileID) {
        closeBasis(id)
        open[id]?.basis = nil
        ask(id)
    }

    /// Lets go of a basis that is held open. What an earlier run left goes with it, unless the next one may need it; its
    /// directory stays until it has.
    mutating func closeBasis(_ id: FileID, keepsPart: Bool = false) {
        guard let entry = open[id], let basis = entry.basis, basis.isOpen else { return }
        open[id]?.basis?.isOpen = false
        basesOpen -= 1
        let removes = basis.takesPart && !keepsPart
        if removes { directories[entry.directory]?.busy += 1 }
        run(.closeBasis(id: id, removesPart: removes), as: removes ? .closeBasis(entry.directory) : .forget)
    }

    mutating func closedBasis(in directory: DirectoryID) {
        directories[directory]?.busy -= 1
        finishIfDone(directory)
    }

    // MARK: Finer ones

    mutating func take(_ refine: Refine, _ weight: Int) throws(WireError) {
        guard agreement.usesRefinement else { throw .unexpected("Refine that was not agreed upon") }
        guard refine.id < nextFileID else { throw .value("refine.id") }
        guard refine.wireBytes <= UInt64(agreement.peerLimits.signatureWindow) / 16 else {
            throw .value("refine.ranges")
        }
        guard var basis = open[refine.id]?.basis else {
            // The file may have failed here while this was on its way.
            return core.release(.signature, weight)
        }
        guard basis.isTold, let last = refine.ranges.last, last.end <= basis.size else { throw .value("refine.ranges") }
        let (most, overflow) = basis.size.multipliedReportingOverflow(by: 4)
        basis.refined = refine.ranges.reduce(basis.refined) { $0 &+ $1.length }
        guard overflow || basis.refined <= most else { throw .value("refine.ranges") }
        open[refine.id]?.basis = basis
        refining.append(RefineJob(refine: refine, weight: weight))
    }

    /// One after the other, in pieces that are bounded.
    private mutating func advanceRefinements() {
        while let job = refining.first, !job.isRunning {
            // The file may have failed here while the question waited for its turn; then nobody needs an answer.
            let isOpen = open[job.refine.id]?.basis?.isOpen
            if isOpen == false { tellRefined(job, [], isLast: true, isGivenUp: true) }
            guard isOpen == true else {
                endRefinement(job)
                continue
            }
            var ranges: [BasisRange] = []
            var bytes: UInt64 = 0
            while job.next + ranges.count < job.refine.ranges.count, ranges.count < ProtocolConstants.longestList {
                let range = job.refine.ranges[job.next + ranges.count]
                if !ranges.isEmpty && bytes &+ range.length > Tuning.signedChunk { break }
                ranges.append(range)
                bytes &+= range.length
            }
            refining[0]?.isRunning = true
            run(
                .signRanges(
                    id: job.refine.id, blockLength: job.refine.blockLength, widths: job.refine.widths,
                    ranges: ranges),
                as: .refine(job, ranges))
        }
    }

    mutating func signedFiner(
        _ asked: RefineJob, _ ranges: [BasisRange], _ result: Result<[SignatureBlocks], FileProblem>
    ) {
        guard open[asked.refine.id] != nil else { return endRefinement(asked) }
        guard case .success(let blocks) = result else {
            tellRefined(asked, [], isLast: true, isGivenUp: true)
            return endRefinement(asked)
        }
        var job = asked
        job.next += ranges.count
        let isLast = job.next >= job.refine.ranges.count
        tellRefined(job, Array(zip(ranges, blocks)), isLast: isLast, isGivenUp: false)
        if isLast { endRefinement(job) } else { refining[0] = job }
    }

    private mutating func tellRefined(
        _ job: RefineJob, _ answers: [(BasisRange, SignatureBlocks)], isLast: Bool, isGivenUp: Bool
    ) {
        var segments = answers.enumerated().map { index, answer in
            SignatureSegment(
                id: job.refine.id, widths: job.refine.widths, offset: answer.0.offset, blocks: answer.1,
                isLast: isLast && index == answers.count - 1)
        }
        if isGivenUp {
            segments = [
                SignatureSegment(
                    id: job.refine.id, widths: job.refine.widths, offset: 0, blocks: SignatureBlocks(),
                    isLast: true, isGivenUp: true)
            ]
        }
        core.send(.signature(SignatureMessage(segments)))
    }

    private mutating func endRefinement(_ job: RefineJob) {
        _ = refining.popFirst()
        core.release(.signature, job.weight)
    }
}
