// Which parts of the basis are worth a finer signature.
//
// A first pass with large blocks says where the new file and the basis agree. Each literal between two copies has its
// counterpart in the basis, between the same two copies; finer blocks of that counterpart alone find what the large ones
// missed. The caller asks for them, then goes over the script again: copies stay, each literal goes through a matcher
// with the finer index (`DeltaMatcher.restart`), and what comes out is the script for the next round.

/// When finer signatures are asked for.
package enum RefinementPolicy: Hashable, Sendable {
    case never
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

    /// Limits as those of a first signature; `shape.blockLength` and `shape.strongLength` are the finer ones.
    package let shape: SignatureShape
    /// Rising, not touching; each length is a multiple of the block length or ends with the basis.
    package let ranges: [BasisRange]

    /// A file is refined at most so many times.
    package static let maximumRounds = 4

    /// What to ask for next, or nil if the script should be sent as it is. `round` counts from 0; `shape` is that of
    /// the signature which the script comes from.
    package static func next(
        for script: DeltaScript, shape: SignatureShape, newSize: UInt64, round: Int, policy: RefinementPolicy
    ) -> Refinement? {
        nil
    }

    /// A peer's wish, or nil if it passes the limits.
    package static func validated(
        basisSize: UInt64, blockLength: UInt64, strongLength: UInt64, ranges: [BasisRange]
    ) -> Refinement? {
        guard
            let shape = SignatureShape.validated(
                basisSize: basisSize, blockLength: blockLength, strongLength: strongLength)
        else { return nil }
        var end: UInt64? = nil
        for range in ranges {
            let (stop, overflows) = range.offset.addingReportingOverflow(range.length)
            guard range.length > 0, !overflows, stop <= basisSize, end.map({ range.offset > $0 }) ?? true,
                range.length % blockLength == 0 || stop == basisSize
            else { return nil }
            end = stop
        }
        return Refinement(shape: shape, ranges: ranges)
    }
}
