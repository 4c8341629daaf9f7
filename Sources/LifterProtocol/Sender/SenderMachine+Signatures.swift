// What the receiver tells of files that it has in another version. A signature is collected until it is whole; then the
// file stands in line like one that was requested, and keeps the credit of its signature until it has been sent. Finer
// signatures are asked for a few at a time, so that there is always credit left for the answers.

/// A signature, whole or not yet.
struct IncomingSignature: Sendable {
    var signature: FileSignature
    /// Credit that it holds.
    var weight = 0

    /// Where in the basis the next blocks begin.
    var offset: UInt64 {
        let count = signature.runs.reduce(0) { $0 + $1.blocks.count }
        return min(UInt64(count) * UInt64(signature.shape.blockLength), signature.shape.basisSize)
    }
}

/// An answer to a Refine, as far as it has come.
struct IncomingRefinement: Sendable {
    var job: UInt64
    var refine: Refine
    /// The next range that blocks are awaited for.
    var next = 0
    var runs: [BlockRun] = []
    var weight = 0
}

extension SenderMachine {
    // MARK: Arriving

    mutating func take(_ message: SignatureMessage, _ weight: Int) throws(WireError) {
        guard agreement.usesDelta else { throw .unexpected("signatures that were not agreed upon") }
        var rest = weight
        for (index, segment) in message.segments.enumerated() {
            let isLast = index == message.segments.count - 1
            let share = isLast ? rest : min(rest, segment.hashBytes)
            rest -= share
            if let shape = segment.shape {
                try begin(segment, shape, share)
            } else if segment.id == growingSignature {
                try extend(segment, share)
            } else {
                try takeRefined(segment, share)
            }
        }
        if message.segments.isEmpty { core.release(.signature, weight) }
    }

    private mutating func begin(
        _ segment: SignatureSegment, _ shape: BasisShape, _ weight: Int
    ) throws(WireError) {
        guard growingSignature == nil, var entry = open[segment.id], !entry.hadSignature, !entry.isQueued,
            entry.attributes.kind == .regular
        else { throw .value("signature.id") }
        guard shape.basisSize > 0, shape.wireBytes <= UInt64(agreement.ownLimits.signatureWindow) / 4 else {
            throw .value("signature.size")
        }
        entry.hadSignature = true
        open[segment.id] = entry
        let run = BlockRun(offset: 0, blockLength: shape.blockLength, blocks: SignatureBlocks())
        signatures[segment.id] = IncomingSignature(signature: FileSignature(shape: shape, runs: [run]))
        growingSignature = segment.id
        try extend(segment, weight)
    }

    private mutating func extend(_ segment: SignatureSegment, _ weight: Int) throws(WireError) {
        // Taken out, so that the arrays have one owner and grow in place.
        guard var incoming = signatures.removeValue(forKey: segment.id), segment.offset == incoming.offset else {
            throw .value("signature.offset")
        }
        let shape = incoming.signature.shape
        guard segment.widths == shape.widths else { throw .value("signature.widths") }
        incoming.weight += weight
        incoming.signature.runs[0].blocks.rolling += segment.blocks.rolling
        incoming.signature.runs[0].blocks.strong += segment.blocks.strong
        guard UInt64(incoming.signature.runs[0].blocks.count) <= shape.blockCount else {
            throw .value("signature.count")
        }
        guard segment.isLast else {
            signatures[segment.id] = incoming
            return
        }
        growingSignature = nil
        // The file may have been answered in between.
        let told = open[segment.id]
        if segment.isGivenUp || told == nil {
            core.release(.signature, incoming.weight)
        } else {
            guard UInt64(incoming.signature.runs[0].blocks.count) == shape.blockCount else {
                throw .value("signature.count")
            }
            signatures[segment.id] = incoming
        }
        if let told { requested.append(queue(segment.id, told)) }
    }

    /// The file is sent, or will not be: its signature has left memory.
    mutating func releaseSignature(_ id: FileID) {
        guard let incoming = signatures.removeValue(forKey: id) else { return }
        core.release(.signature, incoming.weight)
    }

    // MARK: Finer ones

    /// Asks for a finer signature where there is room for the answer; false where there is none.
    mutating func ask(_ ask: RefineAsk, for id: FileID, job: UInt64) -> Bool {
        let refine = Refine(
            id: id, blockLength: ask.blockLength, widths: ask.widths, ranges: ask.ranges)
        let waiting = refinements.values.reduce(0) { $0 &+ $1.refine.wireBytes }
        guard agreement.usesRefinement, refinements[id] == nil,
            waiting &+ refine.wireBytes <= UInt64(agreement.ownLimits.signatureWindow) / 16
        else { return false }
        refinements[id] = IncomingRefinement(job: job, refine: refine)
        core.send(.refine(refine))
        return true
    }

    /// A part of an answer. It may come when the file has failed meanwhile; then nobody needs it.
    private mutating func takeRefined(_ segment: SignatureSegment, _ weight: Int) throws(WireError) {
        guard var refinement = refinements[segment.id] else {
            guard segment.id < nextID else { throw .value("signature.id") }
            return core.release(.signature, weight)
        }
        refinement.weight += weight
        if !segment.isGivenUp {
            guard refinement.next < refinement.refine.ranges.count else { throw .value("signature.id") }
            guard segment.widths == refinement.refine.widths else { throw .value("signature.widths") }
            let range = refinement.refine.ranges[refinement.next]
            let block = refinement.refine.blockLength
            guard segment.offset == range.offset else { throw .value("signature.offset") }
            guard UInt64(segment.blocks.count) == BasisShape.blocks(in: range.length, of: block) else {
                throw .value("signature.count")
            }
            refinement.next += 1
            refinement.runs.append(BlockRun(offset: range.offset, blockLength: block, blocks: segment.blocks))
        }
        refinements[segment.id] = refinement
        guard segment.isLast else { return }
        guard segment.isGivenUp || refinement.next == refinement.refine.ranges.count else {
            throw .value("signature.count")
        }
        refinements[segment.id] = nil
        core.release(.signature, refinement.weight)
        refined(refinement.job, segment.isGivenUp ? [] : refinement.runs)
    }

    mutating func dropRefinement(_ id: FileID) {
        if let refinement = refinements.removeValue(forKey: id) { core.release(.signature, refinement.weight) }
    }

    var refinePolicy: RefinePolicy {
        guard agreement.usesRefinement else { return .never }
        return options.refine == .always ? .always : .measured(bytesPerSecond: pace ?? Tuning.assumedPace)
    }
}
