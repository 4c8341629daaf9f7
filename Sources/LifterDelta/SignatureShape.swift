// How a basis is cut into blocks for its signature, and how much of each block's strong hash is told.

/// Block length and strong length of one signature. Values made here always keep the limits below.
package struct SignatureShape: Hashable, Sendable {
    /// Bytes of the basis.
    package let basisSize: UInt64
    /// Bytes in each block; the last block of the basis may be shorter.
    package let blockLength: Int
    /// Bytes told of each strong hash.
    package let strongLength: Int

    /// A signature has at most so many blocks, so that it takes at most 3 MiB.
    package static let maximumBlocks = 262_144
    /// Block lengths that either side may ask for. The longest covers 4 TiB; the matcher holds back as much.
    package static let blockLengths = 64...(16 << 20)
    package static let strongLengths = 2...8

    /// The shape for a basis of which a file of `newSize` bytes shall be made. `blockLength` is the user's wish, brought
    /// inside the limits. `refines`: finer signatures will be asked for, so that this one may be coarser. Nil where a
    /// signature is of no use: an empty basis, or one that is too large.
    package static func chosen(
        basisSize: UInt64, newSize: UInt64, blockLength: Int? = nil, refines: Bool = false
    ) -> SignatureShape? {
        guard basisSize > 0 else { return nil }
        let needed = (basisSize - 1) / UInt64(maximumBlocks) + 1
        guard needed <= UInt64(blockLengths.upperBound) else { return nil }
        var length = max(512, blockLengths.lowerBound)
        while UInt64(length) * UInt64(length) < basisSize { length *= 2 }
        let wished = max(blockLength ?? length, Int(needed))
        let clamped = min(max(wished, blockLengths.lowerBound), blockLengths.upperBound)
        return SignatureShape(basisSize: basisSize, blockLength: clamped, strongLength: 6)
    }

    /// What a peer says, or nil if it is outside of the limits.
    package static func validated(
        basisSize: UInt64, blockLength: UInt64, strongLength: UInt64
    ) -> SignatureShape? {
        guard basisSize <= UInt64(Int64.max),
            blockLength >= UInt64(blockLengths.lowerBound), blockLength <= UInt64(blockLengths.upperBound),
            strongLength >= UInt64(strongLengths.lowerBound), strongLength <= UInt64(strongLengths.upperBound),
            basisSize == 0 || (basisSize - 1) / blockLength < UInt64(maximumBlocks)
        else { return nil }
        return SignatureShape(
            basisSize: basisSize, blockLength: Int(blockLength), strongLength: Int(strongLength))
    }

    private init(basisSize: UInt64, blockLength: Int, strongLength: Int) {
        self.basisSize = basisSize
        self.blockLength = blockLength
        self.strongLength = strongLength
    }

    /// Blocks in the whole basis, a short last one included.
    package var blockCount: Int {
        basisSize == 0 ? 0 : Int((basisSize - 1) / UInt64(blockLength)) + 1
    }

    /// Bytes of all blocks' hashes as a message carries them.
    package var signatureSize: Int { blockCount * (4 + strongLength) }
}
