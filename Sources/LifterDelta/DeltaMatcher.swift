// Finds what of a new file is in the basis: predict, then roll.
//
// While the last block matched, the next block of the basis is expected, and only that one is looked at. After a miss
// the window moves on byte by byte until it holds some block again; one insertion costs as many steps as bytes were
// inserted. Rolling that does not pay is given up (`RollingBudget`). The last block of the basis, which may be short,
// is found where it is expected, and at the end of the new file.

/// Takes the new file in order, in pieces of any size. It holds back less than one block between two calls. Not for
/// several threads at once.
package final class DeltaMatcher {
    private let index: BlockIndex
    private let collectsLiterals: Bool
    private let givesUp: Bool
    /// Bytes that were not judged yet.
    private var held: [UInt8] = []
    /// The place in the new file of the first byte that is not judged.
    private var position: UInt64
    /// The block that should come here.
    private var expected: BlockIndex.Block?
    /// Of the window here, without its last byte; nil if it was not made.
    private var window: RollingSum?
    /// A block of the basis that matched, less its place in the new file; modulo 2^64.
    private var shift: UInt64
    /// The place in the new file of any block's beginning, as far as known: aligned probes keep its distance.
    private var anchor: UInt64
    /// A rolling hash that passes the bitmap, but no block has it.
    private var absent: UInt32?
    private var budget: RollingBudget
    /// The last copy, to which more may come.
    private var open: (offset: UInt64, length: UInt64)?
    /// What the search has cost so far.
    package private(set) var work = MatchWork()

    /// A copy is told when it has become so long, so that the receiver need not wait for its end.
    private static let longestCopy: UInt64 = 4 << 20

    /// The first byte that comes is at `newOffset` in the new file. Where bytes before it came from the basis,
    /// `expecting` is where that copy ended there; the same place as in the new file if nil. With `collectsLiterals`
    /// false the steps are found, but the bytes of literals are not kept. With `givesUp` false it rolls on however
    /// little that brings: what tests compare with.
    package init(
        index: BlockIndex, newOffset: UInt64 = 0, expecting basisOffset: UInt64? = nil, collectsLiterals: Bool = true,
        givesUp: Bool = true
    ) {
        self.index = index
        self.collectsLiterals = collectsLiterals
        self.givesUp = givesUp
        position = newOffset
        anchor = newOffset
        shift = 0
        budget = RollingBudget(blockLength: index.blockLength, givesUp: givesUp)
        restart(newOffset: newOffset, expecting: basisOffset)
    }

    /// Goes on at another place of the new file, after an update that was the last.
    package func restart(newOffset: UInt64, expecting basisOffset: UInt64? = nil) {
        held.removeAll(keepingCapacity: true)
        position = newOffset
        anchor = newOffset
        shift = (basisOffset ?? newOffset) &- newOffset
        expected = index.block(at: basisOffset ?? newOffset)
        window = nil
        open = nil
        budget = RollingBudget(blockLength: index.blockLength, givesUp: givesUp)
    }

    /// Bytes over which the window was moved one by one.
    package var rolledBytes: UInt64 { work.rolledBytes }

    /// Takes the next bytes, and appends what is decided. A copy comes out when it is complete or 4 MiB long. With
    /// `isLast` everything comes out.
    package func update(_ chunk: UnsafeRawBufferPointer, isLast: Bool, into output: inout DeltaOutput) {
        var chunk = chunk
        if !held.isEmpty {
            // Every block that begins in the held bytes ends in these.
            let before = held.count
            let taken = min(chunk.count, index.blockLength - 1)
            held.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<taken]).bindMemory(to: UInt8.self))
            let judged = scanHeld(isLast: isLast && taken == chunk.count, into: &output)
            guard judged >= before else {
                held.removeSubrange(..<judged)
                return
            }
            held.removeAll(keepingCapacity: true)
            chunk = UnsafeRawBufferPointer(rebasing: chunk[(judged - before)...])
        }
        let judged = scan(chunk, isLast: isLast, into: &output)
        held.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[judged...]).bindMemory(to: UInt8.self))
        if isLast { flush(into: &output) }
    }

    private func scanHeld(isLast: Bool, into output: inout DeltaOutput) -> Int {
        let bytes = held
        held = []
        let judged = bytes.withUnsafeBytes { scan($0, isLast: isLast, into: &output) }
        held = bytes
        return judged
    }

    // MARK: One piece

    /// Judges bytes from the front, and says how many. Fewer than a block remain, none if `isLast`.
    private func scan(_ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout DeltaOutput) -> Int {
        var piece = Piece(bytes: bytes, isLast: isLast, start: position)
        search: while piece.at < bytes.count {
            if let block = expected {
                guard let matched = isThere(block, in: piece) else { break search }
                if matched {
                    take(block, in: &piece, into: &output)
                    continue search
                }
                expected = nil
            }
            let rollable = budget.rollable(at: piece.position)
            if rollable == 0 {
                guard let found = probe(in: &piece) else { break search }
                if case .block(let block) = found { take(block, in: &piece, into: &output) }
            } else {
                guard let found = roll(in: &piece, atMost: rollable) else { break search }
                if case .block(let block) = found { take(block, in: &piece, into: &output) }
            }
        }
        if isLast { takeTail(in: &piece, into: &output) }
        emitLiteral(in: &piece, into: &output)
        position = piece.position
        return piece.at
    }

    /// Bytes that lie one behind the other, and how far they have been judged.
    private struct Piece {
        let bytes: UnsafeRawBufferPointer
        let isLast: Bool
        /// The place of the first byte in the new file.
        let start: UInt64
        /// Of the first byte that is not judged.
        var at = 0
        /// Where the literal before it begins.
        var literal = 0

        var position: UInt64 { start + UInt64(at) }
        var left: Int { bytes.count - at }

        func next(_ count: Int) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: bytes[at..<at + count])
        }
    }

    /// What a step of the search came to.
    private enum Step {
        case block(BlockIndex.Block)
        case nothing
    }

    /// Whether the next bytes are this block; nil if more bytes must come first.
    private func isThere(_ block: BlockIndex.Block, in piece: Piece) -> Bool? {
        guard piece.left >= block.length else { return piece.isLast ? false : nil }
        return index.matches(piece.next(block.length), block, work: &work)
    }

    /// Moves the window on until it holds a block, by at most so many bytes; nil if more bytes must come first.
    private func roll(in piece: inout Piece, atMost most: Int) -> Step? {
        let length = index.blockLength
        guard piece.left >= length, let base = piece.bytes.baseAddress else { return nil }
        var sum = window ?? RollingSum(of: piece.next(length - 1))
        let start = piece.at
        // Behind the last place at which a window may begin.
        let end = piece.at + min(most, piece.left - length + 1)
        var found = Step.nothing
        search: while piece.at < end {
            let isHit = index.withFilter { filter in
                Self.advance(&sum, at: &piece.at, to: end, base: base, length: length, filter: filter)
            }
            guard isHit else { break search }
            let rolling = sum.value
            if let block = lookUp(rolling, piece.next(length), at: piece.position) {
                found = .block(block)
                break search
            }
            sum.removeFirst(piece.bytes[piece.at], length: length)
            piece.at += 1
            if budget.isSpent { break search }
        }
        window = sum
        work.rolledBytes += UInt64(piece.at - start)
        budget.rolled(piece.at - start)
        return found
    }

    /// The loop in which time is spent. Stops with true, and the whole window in `sum`, where the filter lets it pass;
    /// else with false, at `end`, and `sum` again without the window's last byte.
    @inline(__always)
    private static func advance(
        _ sum: inout RollingSum, at: inout Int, to end: Int, base: UnsafeRawPointer, length: Int, filter: RollingFilter
    ) -> Bool {
        // Modulo 2^32; only the low halves count.
        var (a, c) = (UInt32(sum.a), UInt32(sum.c))
        let factor = UInt32(truncatingIfNeeded: length)
        var leaving = base + at
        var entering = leaving + (length - 1)
        let stop = base + end
        defer {
            sum = RollingSum(value: a & 0xffff | c << 16)
            at = leaving - base
        }
        while leaving < stop {
            a &+= UInt32(entering.load(as: UInt8.self))
            c &+= a
            if filter.mayHold(a & 0xffff | c << 16) { return true }
            let byte = UInt32(leaving.load(as: UInt8.self))
            a &-= byte
            c &-= factor &* byte
            entering += 1
            leaving += 1
        }
        return false
    }

    /// The block with this rolling hash and these bytes, behind the bitmap.
    private func lookUp(_ rolling: UInt32, _ bytes: UnsafeRawBufferPointer, at place: UInt64) -> BlockIndex.Block? {
        guard rolling != absent else { return nil }
        let before = work
        work.lookUps += 1
        if let block = index.find(bytes, rolling: rolling, preferred: place &+ shift, work: &work) { return block }
        let hashed = Int(work.hashedBytes - before.hashedBytes)
        if hashed == 0 { absent = rolling }
        budget.missed(steps: Int(work.chainSteps - before.chainSteps), hashed: hashed)
        return nil
    }

    /// Looks up the next aligned block; nil if more bytes must come first.
    private func probe(in piece: inout Piece) -> Step? {
        let length = index.blockLength
        let behind = Int(truncatingIfNeeded: (piece.position &- anchor) % UInt64(length))
        let skipped = behind == 0 ? 0 : length - behind
        window = nil
        guard piece.left >= skipped + length else {
            // What lies before the aligned block is a literal in any case.
            piece.at += min(skipped, piece.left)
            return nil
        }
        piece.at += skipped
        work.probes += 1
        let bytes = piece.next(length)
        let rolling = RollingSum(of: bytes).value
        if index.withFilter({ $0.mayHold(rolling) }), let block = lookUp(rolling, bytes, at: piece.position) {
            return .block(block)
        }
        piece.at += length
        budget.probed()
        return .nothing
    }

    /// The end of the new file: no whole block fits there, but the basis may have ended in the same way.
    private func takeTail(in piece: inout Piece, into output: inout DeltaOutput) {
        if let block = index.shortBlock, piece.left >= block.length {
            let before = piece.at
            piece.at = piece.bytes.count - block.length
            if index.matches(piece.next(block.length), block, work: &work) {
                take(block, in: &piece, into: &output)
                return
            }
            piece.at = before
        }
        piece.at = piece.bytes.count
    }

    // MARK: What comes out

    private func take(_ block: BlockIndex.Block, in piece: inout Piece, into output: inout DeltaOutput) {
        emitLiteral(in: &piece, into: &output)
        if let last = open, last.offset + last.length == block.offset, last.length < Self.longestCopy {
            open = (last.offset, last.length + UInt64(block.length))
        } else {
            flush(into: &output)
            open = (block.offset, UInt64(block.length))
        }
        shift = block.offset &- piece.position
        piece.at += block.length
        piece.literal = piece.at
        anchor = piece.position
        window = nil
        expected = index.block(after: block)
        budget.found(block.length)
    }

    private func emitLiteral(in piece: inout Piece, into output: inout DeltaOutput) {
        let range = piece.literal..<piece.at
        guard !range.isEmpty else { return }
        flush(into: &output)
        let offset = piece.start + UInt64(range.lowerBound)
        if case .literal(let start, let length) = output.operations.last, start + UInt64(length) == offset {
            output.operations[output.operations.count - 1] = .literal(offset: start, length: length + range.count)
        } else {
            output.operations.append(.literal(offset: offset, length: range.count))
        }
        if collectsLiterals {
            let bytes = UnsafeRawBufferPointer(rebasing: piece.bytes[range])
            output.literals.append(contentsOf: bytes.bindMemory(to: UInt8.self))
        }
        piece.literal = piece.at
    }

    private func flush(into output: inout DeltaOutput) {
        if let last = open { output.operations.append(.copy(basisOffset: last.offset, length: last.length)) }
        open = nil
    }
}
