// How much of its two hashes a signature tells of each block.

/// Numbers of bits. They travel without gaps, so that a block costs as few as the size of its file asks for.
package struct HashWidths: Hashable, Sendable {
    /// Of the rolling hash, after it was mixed.
    package let rolling: Int
    /// Of the strong hash.
    package let strong: Int

    package static let rollingLimits = 12...32
    package static let strongLimits = 16...64

    /// Brought inside the limits.
    package init(rolling: Int, strong: Int) {
        self.rolling = min(max(rolling, Self.rollingLimits.lowerBound), Self.rollingLimits.upperBound)
        self.strong = min(max(strong, Self.strongLimits.lowerBound), Self.strongLimits.upperBound)
    }

    /// What a peer says, or nil if it is outside of the limits.
    package init?(validatedRolling rolling: UInt8, strong: UInt8) {
        guard Self.rollingLimits.contains(Int(rolling)), Self.strongLimits.contains(Int(strong)) else { return nil }
        self.init(rolling: Int(rolling), strong: Int(strong))
    }

    /// What the hashes of neighbouring blocks take, in bytes; of more than can be counted, the most that can.
    package func bytes(ofBlocks count: UInt64) -> UInt64 {
        let (bits, overflow) = count.multipliedReportingOverflow(by: UInt64(rolling + strong))
        return overflow ? .max : bits / 8 + (bits % 8 == 0 ? 0 : 1)
    }

    package func bytes(ofBlocks count: Int) -> Int { Int(clamping: bytes(ofBlocks: UInt64(max(0, count)))) }

    /// Keeps as many of the low bits.
    package static func mask(_ width: Int) -> UInt64 { width >= 64 ? .max : (1 << UInt64(max(0, width))) - 1 }
}
