// What a search has cost.

/// Counts, for tests and for the rule that ends searches which do not pay.
package struct MatchWork: Hashable, Sendable {
    /// Bytes by which the window was moved one at a time.
    package var rolledBytes: UInt64 = 0
    /// Rolling hashes that passed the bitmap and were looked up.
    package var lookUps: UInt64 = 0
    /// Blocks looked at in chains.
    package var chainSteps: UInt64 = 0
    /// Bytes of blocks of which the strong hash was made.
    package var hashedBytes: UInt64 = 0
    /// Whole blocks looked up at their aligned place, after rolling was given up.
    package var probes: UInt64 = 0

    package init() {}
}
