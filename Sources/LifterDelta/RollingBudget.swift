// When rolling is given up.
//
// Rolling costs about as much time as a fast stream takes for the same bytes, and twenty times as much as looking at
// aligned blocks only. So it has to pay. In each segment of the new file there is credit for some MiB; each rolled byte
// takes one, each byte found brings eight. Where the credit has gone, only aligned blocks are looked up - in a file whose
// first third was replaced they find the rest - and now and then two blocks' length is rolled, which finds what has been
// shifted. A match there brings credit again.
//
// Apart from this, look-ups that find nothing have to stay in proportion: blocks made so that their rolling hashes agree
// with everything would otherwise cost a strong hash for each byte. They are paid out of an allowance that grows with
// each rolled byte, and when that is used up, rolling is given up as well.

/// Decides between rolling and aligned probes.
struct RollingBudget {
    /// Bytes of the new file after which everything begins anew.
    static let segment: UInt64 = 64 << 20
    /// Rolled bytes.
    static let fullCredit = 4 << 20
    static let bytesRolledForOneFound = 8
    /// Probes between two stretches of rolling, and the blocks' lengths that such a stretch has.
    static let probesBetween = 30
    static let blocksInStretch = 2

    private let blockLength: Int
    private let givesUp: Bool
    /// In units of the time that rolling by one byte takes: some look-ups at the beginning, and four strong hashes.
    private let firstAllowance: Int
    private var segmentEnd: UInt64 = 0
    private var credit = 0
    private var allowance = 0
    private var probesLeft = 0

    init(blockLength: Int, givesUp: Bool) {
        self.blockLength = blockLength
        self.givesUp = givesUp
        firstAllowance = 16_384 + blockLength / 4
    }

    /// How many bytes may be rolled from here before asking again; 0: look at an aligned block instead.
    mutating func rollable(at position: UInt64) -> Int {
        if position >= segmentEnd {
            segmentEnd = (position / Self.segment + 1) * Self.segment
            credit = Self.fullCredit
            allowance = max(allowance, firstAllowance)
            probesLeft = 0
        }
        guard probesLeft <= 0 else { return 0 }
        return Int(min(UInt64(credit), segmentEnd - position))
    }

    /// No more is allowed now.
    var isSpent: Bool { probesLeft > 0 }

    mutating func rolled(_ bytes: Int) {
        credit -= bytes
        allowance = min(allowance + bytes, 64 * firstAllowance)
        if credit <= 0 { giveUp() }
    }

    /// A look-up passed the bitmap and found nothing, after so many chain steps and hashed bytes.
    mutating func missed(steps: Int, hashed: Int) {
        allowance -= 8 + 4 * steps + (hashed == 0 ? 0 : 16 + hashed / 16)
        if allowance <= 0 { giveUp() }
    }

    mutating func probed() {
        probesLeft -= 1
        guard probesLeft <= 0 else { return }
        credit = Self.blocksInStretch * blockLength
        allowance = credit
    }

    mutating func found(_ bytes: Int) {
        credit = min(credit + bytes * Self.bytesRolledForOneFound, Self.fullCredit)
        allowance = min(max(allowance, 0) + bytes / 8, 64 * firstAllowance)
        probesLeft = 0
    }

    private mutating func giveUp() {
        guard givesUp else {
            credit = Self.fullCredit
            return
        }
        credit = 0
        probesLeft = Self.probesBetween
    }
}
