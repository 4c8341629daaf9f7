// How a basis is cut into blocks for its signature, and how much of each block's strong hash is told.
//
// Small blocks make a large signature, large blocks make long literals around each edit; how many edits there are is not
// known. Docs/decisions/0016-what-the-delta-chooses.md has the figures behind the rules here.

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
    /// A false match in a file is rarer than 2 to the power of minus this.
    static let certainty = 24

    /// Blocks that are chosen without a wish: shorter ones cost more in their hashes than they save.
    private static let shortestChosen = 256
    /// A basis that is to be refined is cut into so many times longer blocks, if it has these many bytes.
    private static let refinedFactor = 4
    private static let refinedFrom: UInt64 = 256 << 10

    /// The shape for a basis of which a file of `newSize` bytes shall be made. `blockLength` is the user's wish, brought
    /// inside the limits. `refines`: finer signatures will be asked for, so that this one may be coarser. Nil where a
    /// signature is of no use: the basis is empty or too large, or the new file is not larger than the signature.
    package static func chosen(
        basisSize: UInt64, newSize: UInt64, blockLength wish: Int? = nil, refines: Bool = false
    ) -> SignatureShape? {
        guard basisSize > 0, basisSize <= UInt64(maximumBlocks) * UInt64(blockLengths.upperBound) else { return nil }
        var length = wish ?? usualBlockLength(basisSize: basisSize)
        if wish == nil, refines, basisSize >= refinedFrom { length *= refinedFactor }
        let needed = Int((basisSize - 1) / UInt64(maximumBlocks)) + 1
        length = min(max(length, needed, blockLengths.lowerBound), blockLengths.upperBound)
        let blocks = (basisSize - 1) / UInt64(length) + 1
        let shape = SignatureShape(
            basisSize: basisSize, blockLength: length,
            strongLength: strongLength(newSize: newSize, blocks: blocks, blockLength: length))
        return UInt64(shape.signatureSize) < newSize ? shape : nil
    }

    /// The first power of two that is not below the square root of the size; finer blocks then divide coarser ones.
    private static func usualBlockLength(basisSize: UInt64) -> Int {
        var length = shortestChosen
        while UInt64(length) * UInt64(length) < basisSize { length *= 2 }
        return length
    }

    /// As few bytes as keep a false match rarer than 2^-24 in the whole file. Each window of the new file is compared
    /// with each block; the rolling hash lets one of 2^w pass. It has 16 good bits in c; those of a follow the root of
    /// the block length, since the sums of ordinary bytes lie close together.
    static func strongLength(newSize: UInt64, blocks: UInt64, blockLength: Int) -> Int {
        let rollingBits = min(32, 22 + logarithm(UInt64(blockLength)) / 2)
        let bits = certainty + bits(for: newSize) + bits(for: blocks) - rollingBits
        return min(max((bits + 7) / 8, strongLengths.lowerBound), strongLengths.upperBound)
    }

    /// To the base of 2, rounded down.
    private static func logarithm(_ number: UInt64) -> Int { 63 - number.leadingZeroBitCount }

    /// The logarithm of a number of chances, rounded up.
    private static func bits(for chances: UInt64) -> Int { 64 - (max(chances, 1) - 1).leadingZeroBitCount }

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

    init(basisSize: UInt64, blockLength: Int, strongLength: Int) {
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
