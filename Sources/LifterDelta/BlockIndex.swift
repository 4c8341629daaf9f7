// Finds the blocks of a basis by their hashes.
//
// In front stands a bitmap with at least 64 bits for each block, so that about one rolling hash in a hundred passes it
// by chance; behind it a table of short chains. What the peer sent decides nothing about the time: of blocks that are
// equal only the first is in a chain, a chain ends after 16 blocks, and the place in both tables depends on the
// session's key, so that nobody can prepare different sums that share one.

package import LifterCodec

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

/// A complete signature, ready to be searched. Immutable: several matchers may use one at the same time. At most 40
/// bytes for each block, so 10 MiB.
package final class BlockIndex: Sendable {
    package let basisSize: UInt64
    package let blockLength: Int
    package let widths: HashWidths
    package let key: UInt64
    /// The blocks in the order of the basis, without gaps where runs touch each other.
    private let blocks: BlockTable
    private let chains: BlockChains
    private let mixer: RollingMixer
    private let strongSuffices: Bool

    /// The runs rise and do not overlap; all their blocks have the shape's block length, but for one that ends with the
    /// basis. Nil if they do not, if there are too many blocks, or if a run's two arrays differ in length: this is
    /// where a peer's signature is judged.
    package init?(shape: SignatureShape, key: UInt64, runs: [SignatureRun]) {
        guard let blocks = BlockTable(shape: shape, runs: runs) else { return nil }
        basisSize = shape.basisSize
        blockLength = shape.blockLength
        widths = shape.widths
        self.key = key
        self.blocks = blocks
        mixer = RollingMixer(key: key, width: shape.widths.rolling)
        chains = BlockChains(blocks: blocks, mixer: mixer)
        let testBits = SignatureShape.bits(for: UInt64(blocks.hashes.count))
        strongSuffices = shape.widths.strong >= SignatureShape.certainty + testBits
    }

    package var blockCount: Int { blocks.hashes.count }

    /// A block of the basis: its number, and where it lies.
    struct Block {
        var number: Int
        var offset: UInt64
        var length: Int
    }

    /// The block that begins exactly there.
    func block(at offset: UInt64) -> Block? {
        guard let run = blocks.lastRun(from: offset), offset >= run.offset else { return nil }
        let (whole, rest) = (offset - run.offset).quotientAndRemainder(dividingBy: UInt64(blockLength))
        guard rest == 0, whole < UInt64(run.numbers.count) else { return nil }
        return Block(
            number: run.numbers.lowerBound + Int(whole), offset: offset,
            length: Int(min(UInt64(blockLength), basisSize - offset)))
    }

    /// The block that follows in the basis.
    func block(after block: Block) -> Block? {
        let offset = block.offset + UInt64(block.length)
        guard block.length == blockLength, block.number + 1 < blockCount else { return nil }
        return self.block(at: offset)
    }

    /// The last block of the basis, if it is shorter than the others and its hashes are here.
    var shortBlock: Block? {
        guard let number = blocks.shortNumber else { return nil }
        return Block(number: number, offset: blocks.offset(of: number), length: blocks.shortLength)
    }

    /// Whether these bytes are that block. The strong hash says it alone where it has bits enough for all blocks' tests
    /// together; a shorter one is helped by the rolling hash.
    func matches(_ bytes: UnsafeRawBufferPointer, _ block: Block, work: inout MatchWork) -> Bool {
        guard bytes.count == block.length else { return false }
        work.hashedBytes += UInt64(bytes.count)
        return blocks.hashes.strong[block.number] == StrongHash.of(bytes, key: key, width: widths.strong)
            && (strongSuffices || blocks.hashes.rolling[block.number] == mixer.told(RollingSum(of: bytes).value))
    }

    /// A block equal to these bytes, which are as many as a whole block and have this rolling hash. Of several the one
    /// at `preferred` in the basis, so that copies go on where they were.
    func find(
        _ bytes: UnsafeRawBufferPointer, rolling: UInt32, preferred: UInt64?, work: inout MatchWork
    ) -> Block? {
        let told = mixer.told(rolling)
        guard let first = chains.first(told: told, blocks: blocks, work: &work) else { return nil }
        let hash = StrongHash.of(bytes, key: key, width: widths.strong)
        work.hashedBytes += UInt64(bytes.count)
        if let preferred, let block = block(at: preferred), block.length == bytes.count,
            blocks.hashes.strong[block.number] == hash, blocks.hashes.rolling[block.number] == told
        {
            return block
        }
        var candidate: Int? = first
        while let number = candidate {
            if blocks.hashes.strong[number] == hash {
                return Block(number: number, offset: blocks.offset(of: number), length: blockLength)
            }
            candidate = chains.next(after: number, told: told, blocks: blocks, work: &work)
        }
        return nil
    }

    /// The bitmap in front, for the loop that rolls.
    func withFilter<Result>(_ body: (RollingFilter) -> Result) -> Result { chains.withFilter(body) }
}
