// The rolling hash as signatures tell it and tables are ordered by it.

/// Sums of ordinary bytes lie close together, and a peer may choose blocks that share them. Multiplied by an odd number
/// that only the two ends have, their upper bits depend on all of them: of two different sums they are equal about as
/// seldom as their number lets them be.
package struct RollingMixer: Hashable, Sendable {
    /// From the session's digest key.
    package let multiplier: UInt32
    /// Of the product so many upper bits are told.
    package let width: Int
    private let shift: UInt32

    package init(key: UInt64, width: Int) {
        multiplier = Self.multiplier(key: key)
        self.width = width
        shift = UInt32(32 - width)
    }

    /// What is told of a rolling hash.
    @inline(__always)
    package func told(_ rolling: UInt32) -> UInt32 { (rolling &* multiplier) &>> shift }

    private static func multiplier(key: UInt64) -> UInt32 {
        var mixed = key &+ 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return UInt32(truncatingIfNeeded: mixed >> 32) | 1
    }
}
