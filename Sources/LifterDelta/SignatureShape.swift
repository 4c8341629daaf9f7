// How a basis is cut into blocks for its signature, and how much of each block's hashes is told.
//
// Small blocks make a large signature, large blocks make long literals around each edit; how many edits there are is not
// known. Docs/decisions/0016-what-the-delta-chooses.md has the figures behind the rules here.

package import LifterCodec

/// Block length and hashes of one signature. Values made here always keep the limits below.
package struct SignatureShape: Hashable, Sendable {
    /// Bytes of the basis.
    package let basisSize: UInt64
    /// Bytes in each block; the last block of the basis may be shorter.
    package let blockLength: Int
    /// What is told of each block.
    package let widths: HashWidths

    /// A signature has at most so many blocks, so that it takes at most 3 MiB.
    package static let maximumBlocks = 262_144
    /// Block lengths that either side may ask for. The longest covers 4 TiB; the matcher holds back as much.
    package static let blockLengths = 64...(16 << 20)
    /// A false match in a file is rarer than 2 to the power of minus this.
    static let certainty = 24

    /// Blocks that are chosen without a wish: shorter ones cost more in their hashes than they save.
    private static let shortestChosen = 256
    /// A basis that is to be refined is cut into so many times longer blocks, if it has these many bytes.
    private static let refinedFactor = 4
    private static let refinedFrom: UInt64 = 256 << 10

    /// The shape for a basis of which a file of `newSize` bytes shall be made. `blockLength` is the user's wish, brought
    /// inside the limits. `refines`: finer signatures will be asked for, so that this one may be coarser;
    /// `literalsShrink`: what is not found will be compressed. Nil where a signature is of no use: the basis is empty or
    /// too large, or the new file is not larger than the signature.
    package static func chosen(
        basisSize: UInt64, newSize: UInt64, blockLength wish: Int? = nil, refines: Bool = false,
        literalsShrink: Bool = false
    ) -> SignatureShape? {
        guard basisSize > 0, basisSize <= UInt64(maximumBlocks) * UInt64(blockLengths.upperBound) else { return nil }
        let shortest = literalsShrink ? 2 * shortestChosen : shortestChosen
        var length = wish ?? usualBlockLength(basisSize: basisSize, shortest: shortest)
        if wish == nil, refines, basisSize >= refinedFrom { length *= refinedFactor }
        let needed = Int((basisSize - 1) / UInt64(maximumBlocks)) + 1
        length = min(max(length, needed, blockLengths.lowerBound), blockLengths.upperBound)
        let blocks = (basisSize - 1) / UInt64(length) + 1
        let shape = SignatureShape(
            basisSize: basisSize, blockLength: length,
            widths: widths(newSize: newSize, blocks: blocks, blockLength: length))
        return UInt64(shape.signatureSize) < newSize ? shape : nil
    }

    /// The first power of two that is not below the square root of the size; finer blocks then divide coarser ones.
    private static func usualBlockLength(basisSize: UInt64, shortest: Int) -> Int {
        var length = shortest
        while UInt64(length) * UInt64(length) < basisSize { length *= 2 }
        return length
    }

    /// As few bits as keep a false match rarer than 2^-24 in the whole file: each window of the new file is compared
    /// with each block.
    ///
    /// Of the rolling hash so many are told that windows which pass it by chance cost half a byte of strong hashing for
    /// each byte that is rolled over; the strong hash has what is missing then. Told bits count as one less, since
    /// mixing lets a pair pass up to twice as often, and not as more than the sum holds: 16 bits in c, and in a 6 and
    /// those of the root of the block length, since the sums of ordinary bytes lie close together.
    static func widths(newSize: UInt64, blocks: UInt64, blockLength: Int) -> HashWidths {
        let (rolling, held) = (bits(for: blocks, UInt64(blockLength)) + 1, 22 + logarithm(UInt64(blockLength)) / 2)
        let told = HashWidths(rolling: rolling, strong: 0).rolling
        let needed = certainty + bits(for: newSize, blocks)
        return HashWidths(rolling: told, strong: needed - min(told - 1, held))
    }

    /// To the base of 2, rounded down.
    private static func logarithm(_ number: UInt64) -> Int { 63 - number.leadingZeroBitCount }

    /// The logarithm of a product, rounded up.
    static func bits(for one: UInt64, _ other: UInt64 = 1) -> Int {
        let (high, low) = one.multipliedFullWidth(by: other)
        if high > 0 { return 128 - high.leadingZeroBitCount }
        return 64 - (max(low, 1) - 1).leadingZeroBitCount
    }

    /// What a peer says, or nil if it is outside of the limits.
    package static func validated(
        basisSize: UInt64, blockLength: UInt64, widths: HashWidths
    ) -> SignatureShape? {
        guard basisSize <= UInt64(Int64.max),
            blockLength >= UInt64(blockLengths.lowerBound), blockLength <= UInt64(blockLengths.upperBound),
            basisSize == 0 || (basisSize - 1) / blockLength < UInt64(maximumBlocks)
        else { return nil }
        return SignatureShape(basisSize: basisSize, blockLength: Int(blockLength), widths: widths)
    }

    init(basisSize: UInt64, blockLength: Int, widths: HashWidths) {
        self.basisSize = basisSize
        self.blockLength = blockLength
        self.widths = widths
    }

    /// Blocks in the whole basis, a short last one included.
    package var blockCount: Int {
        basisSize == 0 ? 0 : Int((basisSize - 1) / UInt64(blockLength)) + 1
    }

    /// Bytes of all blocks' hashes as a message carries them.
    package var signatureSize: Int { widths.bytes(ofBlocks: blockCount) }
}
