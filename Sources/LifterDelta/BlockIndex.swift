// Finds the blocks of a basis by their hashes.

/// Consecutive blocks of a basis, from `offset` on.
package struct SignatureRun: Sendable {
    /// Bytes from the start of the basis.
    package var offset: UInt64
    package var hashes: BlockHashes

    package init(offset: UInt64, hashes: BlockHashes) {
        self.offset = offset
        self.hashes = hashes
    }
}

/// A complete signature, ready to be searched. Immutable: several matchers may use one at the same time.
package final class BlockIndex: Sendable {
    package let basisSize: UInt64
    package let blockLength: Int
    package let strongLength: Int
    package let key: UInt64
    /// Where each block begins in the basis.
    let offsets: [UInt64]
    let strong: [UInt64]
    let byRolling: [UInt32: [Int]]

    /// The runs rise and do not overlap; all their blocks have the shape's block length, but for one that ends with the
    /// basis. Nil if they do not, if there are too many blocks, or if a run's two arrays differ in length: this is
    /// where a peer's signature is judged.
    package init?(shape: SignatureShape, key: UInt64, runs: [SignatureRun]) {
        var offsets: [UInt64] = []
        var strong: [UInt64] = []
        var byRolling: [UInt32: [Int]] = [:]
        var end: UInt64 = 0
        for run in runs {
            guard run.offset >= end, run.hashes.rolling.count == run.hashes.strong.count,
                run.hashes.count <= SignatureShape.maximumBlocks - offsets.count
            else { return nil }
            end = run.offset
            for index in 0..<run.hashes.count {
                guard end < shape.basisSize else { return nil }
                let known = byRolling[run.hashes.rolling[index], default: []]
                if known.count < 16 { byRolling[run.hashes.rolling[index]] = known + [offsets.count] }
                offsets.append(end)
                strong.append(run.hashes.strong[index])
                end = min(end + UInt64(shape.blockLength), shape.basisSize)
            }
        }
        basisSize = shape.basisSize
        blockLength = shape.blockLength
        strongLength = shape.strongLength
        self.key = key
        self.offsets = offsets
        self.strong = strong
        self.byRolling = byRolling
    }
}
