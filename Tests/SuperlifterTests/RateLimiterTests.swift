// The limiter by a clock of the test's own: no second may carry more than 5 % above the rate, and a writer that always
// has something to say gets at least 95 % of it.

import Superlifter
import Testing

@Suite struct RateLimiterTests {
    private static let second: UInt64 = 1_000_000_000

    /// Writes whatever may be written, waking late by up to `lateness` nanoseconds; (time, bytes) of each write.
    private func writes(
        _ rate: UInt64, seconds: UInt64, lateness: UInt64, spent: UInt64 = 0, seed: UInt64 = 1
    ) -> [(time: UInt64, bytes: Int)] {
        var random = seed
        var limiter = RateLimiter(bytesPerSecond: rate, spent: spent, now: 0)
        var now: UInt64 = 0
        var all: [(time: UInt64, bytes: Int)] = []
        while now < seconds * Self.second {
            let count = limiter.allowance(now)
            if count > 0 {
                all.append((now, count))
                limiter.spend(count)
            }
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let late = lateness == 0 ? 0 : (random >> 33) % lateness
            now = max(now + 1, limiter.nextTime) + late
        }
        return all
    }

    /// The most and the least in any second, as shares of the rate.
    private func extremes(_ all: [(time: UInt64, bytes: Int)], _ rate: UInt64, until: UInt64) -> (Double, Double) {
        var (most, least) = (0.0, Double.infinity)
        for start in stride(from: UInt64(0), to: until - Self.second, by: 7_300_000) {
            let sum = all.reduce(0) { $0 + ($1.time >= start && $1.time < start + Self.second ? $1.bytes : 0) }
            most = max(most, Double(sum) / Double(rate))
            least = min(least, Double(sum) / Double(rate))
        }
        return (most, least)
    }

    @Test(
        arguments: [64 << 10, 100_000, 256 << 10, 1 << 20, 12_500_000] as [UInt64],
        [0, 5_000_000] as [UInt64])
    func everySecondIsWithinFivePercent(_ rate: UInt64, _ lateness: UInt64) {
        let all = writes(rate, seconds: 5, lateness: lateness)
        let (most, least) = extremes(all, rate, until: 5 * Self.second)
        #expect(most <= 1.05 && least >= 0.95, "\(rate) B/s: \(least) to \(most)")
    }

    @Test func aPauseIsNotMadeUpForByABurst() {
        let rate: UInt64 = 1 << 20
        var limiter = RateLimiter(bytesPerSecond: rate, now: 0)
        let count = limiter.allowance(100 * Self.second)
        #expect(count > 0 && Double(count) <= 0.026 * Double(rate))
    }

    @Test func whatWasSentBeforeIsPaidFirst() {
        var limiter = RateLimiter(bytesPerSecond: 100_000, spent: 50_000, now: 0)
        #expect(limiter.allowance(Self.second / 2) == 0)
        #expect(limiter.nextTime > Self.second / 2 && limiter.nextTime < Self.second * 6 / 10)
        #expect(limiter.allowance(limiter.nextTime) > 0)
    }

    @Test func theLowestRateStillMoves() {
        var limiter = RateLimiter(bytesPerSecond: 1, now: 0)
        #expect(limiter.rate == RateLimiter.lowest)
        #expect(limiter.allowance(2 * Self.second) == 1024)
        // A clock that stands still gives nothing.
        limiter.spend(1024)
        #expect(limiter.allowance(2 * Self.second) == 0)
        #expect(limiter.nextTime == 3 * Self.second)
    }
}
