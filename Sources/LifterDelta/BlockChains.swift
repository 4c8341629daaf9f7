// The table behind `BlockIndex`: a bitmap, and chains of blocks under their rolling hashes.

/// Looks at a rolling hash alone: false is certain, true is right about 99 times in 100, or more seldom where a peer tells
/// less of the hashes than is usual.
struct RollingFilter {
    let words: UnsafePointer<UInt64>
    let multiplier: UInt32
    let shift: UInt32

    @inline(__always)
    func mayHold(_ rolling: UInt32) -> Bool {
        let bit = (rolling &* multiplier) &>> shift
        return words[Int(truncatingIfNeeded: bit >> 6)] &>> UInt64(bit & 63) & 1 != 0
    }
}

/// Blocks by their rolling hashes. Of blocks with equal hashes only the first is here; the short last block is not.
struct BlockChains: Sendable {
    /// A bit for each place that the multiplied hash can have, set where there is a block.
    private var filter: [UInt64]
    private let filterShift: UInt32
    private let mixer: RollingMixer
    /// The first block of each chain, and for each block the one after it; -1 where there is none.
    private var heads: [Int32]
    private var following: [Int32]
    private let headBits: Int

    /// Blocks that are one too many for their chain are not found. With two chains for each block that does not happen
    /// by chance: it takes blocks which share their rolling hashes and are all different.
    static let longestChain = 16
    /// So many more bits say where in the filter a block is than in which chain.
    private static let filterBits = 5

    init(blocks: BlockTable, mixer: RollingMixer) {
        // 2 to 4 chains and 64 to 128 bits for each block, at most 2^20 and 2^25; fewer where a peer tells so little of
        // the rolling hash that it cannot tell more of them apart.
        let wanted = max(6, Int.bitWidth - (2 * blocks.hashes.count).leadingZeroBitCount)
        headBits = min(wanted, mixer.width - Self.filterBits)
        filterShift = UInt32(32 - headBits - Self.filterBits)
        self.mixer = mixer
        filter = [UInt64](repeating: 0, count: 1 << (headBits + Self.filterBits - 6))
        heads = [Int32](repeating: -1, count: 1 << headBits)
        following = [Int32](repeating: -1, count: blocks.hashes.count)
        for number in 0..<blocks.hashes.count where number != blocks.shortNumber { insert(number, blocks.hashes) }
    }

    private mutating func insert(_ number: Int, _ hashes: BlockHashes) {
        let told = hashes.rolling[number]
        let chain = place(told, bits: headBits)
        var (last, steps) = (-1, 0)
        var other = Int(heads[chain])
        while other >= 0 {
            steps += 1
            let isEqual =
                hashes.rolling[other] == hashes.rolling[number] && hashes.strong[other] == hashes.strong[number]
            if isEqual || steps == Self.longestChain { return }
            (last, other) = (other, Int(following[other]))
        }
        if last < 0 { heads[chain] = Int32(number) } else { following[last] = Int32(number) }
        let bit = place(told, bits: headBits + Self.filterBits)
        filter[bit >> 6] |= 1 << UInt64(bit & 63)
    }

    /// The upper bits of what is told. That it has no more bits than its width nobody vouches for here.
    private func place(_ told: UInt32, bits: Int) -> Int { (Int(told) >> (mixer.width - bits)) & ((1 << bits) - 1) }

    /// The first block of which this is told.
    func first(told: UInt32, blocks: BlockTable, work: inout MatchWork) -> Int? {
        walk(from: Int(heads[place(told, bits: headBits)]), told, blocks, &work)
    }

    /// The next block of which this is told.
    func next(after number: Int, told: UInt32, blocks: BlockTable, work: inout MatchWork) -> Int? {
        walk(from: Int(following[number]), told, blocks, &work)
    }

    private func walk(from start: Int, _ told: UInt32, _ blocks: BlockTable, _ work: inout MatchWork) -> Int? {
        var number = start
        while number >= 0 {
            work.chainSteps += 1
            if blocks.hashes.rolling[number] == told { return number }
            number = Int(following[number])
        }
        return nil
    }

    func withFilter<Result>(_ body: (RollingFilter) -> Result) -> Result {
        filter.withUnsafeBufferPointer { words in
            // Never empty: see init.
            body(RollingFilter(words: words.baseAddress!, multiplier: mixer.multiplier, shift: filterShift))
        }
    }
}
