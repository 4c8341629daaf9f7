// The table behind `BlockIndex`: a bitmap, and chains of blocks under their rolling hashes.

/// Looks at a rolling hash alone: false is certain, true is right about 99 times in 100.
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
    private let multiplier: UInt32
    /// The first block of each chain, and for each block the one after it; -1 where there is none.
    private var heads: [Int32]
    private var following: [Int32]
    private let headShift: UInt32

    /// Blocks that are one too many for their chain are not found. With two chains for each block that does not happen
    /// by chance: it takes blocks which share their rolling hashes and are all different.
    static let longestChain = 16

    init(blocks: BlockTable, key: UInt64) {
        // 2 to 4 chains and 64 to 128 bits for each block; at most 2^20 and 2^25.
        let chainBits = max(6, Int.bitWidth - (2 * blocks.hashes.count).leadingZeroBitCount)
        headShift = UInt32(32 - chainBits)
        filterShift = UInt32(32 - chainBits - 5)
        multiplier = Self.multiplier(key: key)
        filter = [UInt64](repeating: 0, count: 1 << (chainBits + 5 - 6))
        heads = [Int32](repeating: -1, count: 1 << chainBits)
        following = [Int32](repeating: -1, count: blocks.hashes.count)
        for number in 0..<blocks.hashes.count where number != blocks.shortNumber { insert(number, blocks.hashes) }
    }

    private mutating func insert(_ number: Int, _ hashes: BlockHashes) {
        let product = hashes.rolling[number] &* multiplier
        let chain = Int(product &>> headShift)
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
        let bit = product &>> filterShift
        filter[Int(bit >> 6)] |= 1 << UInt64(bit & 63)
    }

    /// An odd number that a peer cannot have chosen its blocks for: the key comes from both ends' random numbers.
    private static func multiplier(key: UInt64) -> UInt32 {
        var mixed = key &+ 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return UInt32(truncatingIfNeeded: mixed >> 32) | 1
    }

    /// The first block with this rolling hash.
    func first(rolling: UInt32, blocks: BlockTable, work: inout MatchWork) -> Int? {
        walk(from: Int(heads[Int((rolling &* multiplier) &>> headShift)]), rolling, blocks, &work)
    }

    /// The next block with this rolling hash.
    func next(after number: Int, rolling: UInt32, blocks: BlockTable, work: inout MatchWork) -> Int? {
        walk(from: Int(following[number]), rolling, blocks, &work)
    }

    private func walk(from start: Int, _ rolling: UInt32, _ blocks: BlockTable, _ work: inout MatchWork) -> Int? {
        var number = start
        while number >= 0 {
            work.chainSteps += 1
            if blocks.hashes.rolling[number] == rolling { return number }
            number = Int(following[number])
        }
        return nil
    }

    func withFilter<Result>(_ body: (RollingFilter) -> Result) -> Result {
        filter.withUnsafeBufferPointer { words in
            // Never empty: see init.
            body(RollingFilter(words: words.baseAddress!, multiplier: multiplier, shift: filterShift))
        }
    }
}
