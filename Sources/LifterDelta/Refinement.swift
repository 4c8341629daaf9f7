// Which parts of the basis are worth a finer signature.
//
// A first pass with large blocks says where the new file and the basis agree. Each literal between two copies has its
// counterpart in the basis, between the same two copies; finer blocks of that counterpart alone find what the large ones
// missed. The caller asks for them, then goes over the script again: copies stay, each literal goes through a matcher
// with the finer index (`DeltaMatcher.restart`), and what comes out is the script for the next round.

package import LifterCodec

/// When finer signatures are asked for.
package enum RefinementPolicy: Hashable, Sendable {
    case never
    /// Wherever bytes are likely to be saved.
    case always
    /// Where the time of the bytes saved is more than the time of another round.
    case measured(bytesPerSecond: Double, roundTripSeconds: Double)
}

/// Finer blocks of some ranges of the basis: what a Refine message carries.
package struct Refinement: Hashable, Sendable {
    package struct BasisRange: Hashable, Sendable {
        /// Bytes from the start of the basis.
        package var offset: UInt64
        package var length: UInt64

        package init(offset: UInt64, length: UInt64) {
            self.offset = offset
            self.length = length
        }
    }

    /// Limits as those of a first signature; `shape.blockLength` and `shape.widths` are the finer ones.
    package let shape: SignatureShape
    /// Rising, not touching; each length is a multiple of the block length or ends with the basis.
    package let ranges: [BasisRange]

    /// A file is refined at most so many times.
    package static let maximumRounds = 4
    /// Each round's blocks are so many times shorter than the last one's.
    static let step = 8
    /// A literal of more blocks than this, in which a finer round has found nothing, is taken to be new.
    private static let hopelessBlocks = 32

    /// What to ask for next, or nil if the script should be sent as it is. `end` is where in the basis that may end
    /// which the script is about, as far as is known; `round` counts from 0; `shape` is that of the signature which the
    /// script comes from. `literalCost`: what a byte of a literal costs on the stream beside a byte of a signature; less
    /// than 1 where literals are compressed.
    package static func next(
        for script: DeltaScript, end: UInt64? = nil, shape: SignatureShape, newSize: UInt64, round: Int,
        policy: RefinementPolicy, literalCost: Double = 1
    ) -> Refinement? {
        guard policy != .never, round < maximumRounds, !script.isFull, script.literalBytes > 0 else { return nil }
        let shortest = SignatureShape.blockLengths.lowerBound
        var blockLength = max(shortest, shape.blockLength / step)
        guard blockLength < shape.blockLength else { return nil }
        let unused = UnusedBasis(script: script, basisSize: shape.basisSize)
        while true {
            let plan = Plan(
                script: script, end: min(end ?? shape.basisSize, shape.basisSize), shape: shape,
                blockLength: blockLength, isFirst: round == 0, unused: unused, literalCost: min(max(literalCost, 0), 1))
            if plan.blocks > UInt64(SignatureShape.maximumBlocks) {
                blockLength *= 2
                guard blockLength < shape.blockLength else { return nil }
                continue
            }
            guard !plan.ranges.isEmpty, plan.pays(policy) else { return nil }
            let finer = SignatureShape(
                basisSize: shape.basisSize, blockLength: blockLength, widths: plan.widths)
            return Refinement(shape: finer, ranges: plan.ranges)
        }
    }

    /// A peer's wish, or nil if it passes the limits.
    package static func validated(
        basisSize: UInt64, blockLength: UInt64, widths: HashWidths, ranges: [BasisRange]
    ) -> Refinement? {
        // A few small ranges of a large basis may have blocks that would be too many for all of it.
        guard basisSize <= UInt64(Int64.max),
            let limits = SignatureShape.validated(basisSize: 0, blockLength: blockLength, widths: widths)
        else { return nil }
        var end: UInt64?
        var blocks: UInt64 = 0
        for range in ranges {
            let (stop, overflows) = range.offset.addingReportingOverflow(range.length)
            guard range.length > 0, !overflows, stop <= basisSize, end.map({ range.offset > $0 }) ?? true,
                range.length % blockLength == 0 || stop == basisSize
            else { return nil }
            end = stop
            blocks += (range.length - 1) / blockLength + 1
            guard blocks <= UInt64(SignatureShape.maximumBlocks) else { return nil }
        }
        let shape = SignatureShape(basisSize: basisSize, blockLength: limits.blockLength, widths: widths)
        return Refinement(shape: shape, ranges: ranges)
    }

    private init(shape: SignatureShape, ranges: [BasisRange]) {
        self.shape = shape
        self.ranges = ranges
    }

    // MARK: One block length, tried

    /// What finer blocks of one length would cost and bring.
    private struct Plan {
        let blockLength: Int
        private(set) var ranges: [BasisRange] = []
        /// Bytes of the literals that are searched.
        private var searched: UInt64 = 0
        /// Bytes on the stream that are saved if each of them holds one edit.
        private var saved = 0.0

        init(
            script: DeltaScript, end: UInt64, shape: SignatureShape, blockLength: Int, isFirst: Bool,
            unused: UnusedBasis, literalCost: Double
        ) {
            self.blockLength = blockLength
            var wanted: [Range<UInt64>] = []
            script.forEachLiteral(end: end, basisSize: shape.basisSize) { literal in
                let length = UInt64(literal.length)
                let hopeless = UInt64(Refinement.hopelessBlocks) * UInt64(shape.blockLength)
                guard isFirst || length <= hopeless else { return }
                let near = unused.near(literal, reach: length + UInt64(shape.blockLength))
                let common = min(length, near.reduce(0) { $0 + UInt64($1.count) })
                // One edit leaves about one and a half blocks, and its signature costs some bytes for each block.
                let left = 2 * UInt64(blockLength)
                let cost = near.reduce(0) { $0 + (UInt64($1.count) / UInt64(blockLength) + 1) * 8 }
                guard common > left, Double(common - left) * literalCost > Double(cost) else { return }
                wanted += near
                searched += length
                saved += Double(common - left) * literalCost
            }
            ranges = Self.joined(wanted, blockLength: UInt64(blockLength), basisSize: shape.basisSize)
        }

        var blocks: UInt64 { ranges.reduce(0) { $0 + ($1.length - 1) / UInt64(blockLength) + 1 } }

        var widths: HashWidths {
            SignatureShape.widths(newSize: searched, blocks: blocks, blockLength: blockLength)
        }

        /// Bytes of the signature, and of what goes around it.
        private var cost: Double { Double(widths.bytes(ofBlocks: blocks) + UInt64(ranges.count) * 16 + 32) }

        func pays(_ policy: RefinementPolicy) -> Bool {
            guard saved > cost else { return false }
            switch policy {
            case .never: return false
            case .always: return true
            case .measured(let bytesPerSecond, let roundTripSeconds):
                // Reading both files' ranges again, at about 1 GB/s, and a little for two more messages.
                let again = Double(searched) + Double(ranges.reduce(0) { $0 + $1.length })
                let seconds = roundTripSeconds + 0.0002 + again / 1e9
                return saved - cost > seconds * max(bytesPerSecond, 0)
            }
        }

        /// Rising, not touching, each a number of whole blocks or up to the end.
        private static func joined(
            _ wanted: [Range<UInt64>], blockLength: UInt64, basisSize: UInt64
        ) -> [BasisRange] {
            var ranges: [BasisRange] = []
            for range in wanted.sorted(by: { $0.lowerBound < $1.lowerBound }) {
                var (start, end) = (range.lowerBound, range.upperBound)
                if let last = ranges.last, start <= last.offset + last.length {
                    start = last.offset
                    end = max(end, last.offset + last.length)
                    ranges.removeLast()
                }
                let length = ((end - start - 1) / blockLength + 1) * blockLength
                ranges.append(BasisRange(offset: start, length: min(length, basisSize - start)))
            }
            return ranges
        }
    }
}
