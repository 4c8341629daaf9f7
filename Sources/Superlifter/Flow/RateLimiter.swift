// `--bwlimit`: how many bytes may be written now. What was not used in the last 25 ms is lost, so a pause is never made
// up by a burst, and no second carries more than 2.5 % above the rate. A value with the caller's clock.

package struct RateLimiter: Sendable {
    /// Bytes a second.
    package let rate: UInt64
    /// Bytes that may be written; below zero after more was written than that.
    private var balance: Double
    private var last: UInt64
    private let most: Double
    /// Fewer bytes than this are not worth a call: a hundredth of a second's, and at least 512.
    private let least: Double

    /// Lower rates would hold up the sign of life that the two ends ask each other for.
    package static let lowest: UInt64 = 512

    /// `spent`: bytes that have left already, before there was a limiter. `now`: nanoseconds of the caller's clock, as
    /// everywhere in here.
    package init(bytesPerSecond: UInt64, spent: UInt64 = 0, now: UInt64) {
        rate = max(bytesPerSecond, Self.lowest)
        least = max(Double(rate) / 100, 512)
        most = max(Double(rate) / 40, 2 * least)
        balance = -Double(spent)
        last = now
    }

    /// How many bytes may be written now; 0: none before `nextTime`.
    package mutating func allowance(_ now: UInt64) -> Int {
        if now > last {
            balance = min(most, balance + Double(now - last) * Double(rate) / 1e9)
            last = now
        }
        return balance >= least ? Int(balance) : 0
    }

    package mutating func spend(_ count: Int) { balance -= Double(count) }

    /// When bytes may be written again.
    package var nextTime: UInt64 {
        let missing = max(0, least - balance)
        return last &+ UInt64((missing / Double(rate) * 1e9).rounded(.up))
    }
}
