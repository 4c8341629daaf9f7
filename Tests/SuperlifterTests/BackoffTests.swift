import Superlifter
import Testing

@Suite struct BackoffTests {
    private static let second = 1e9

    @Test func delaysGrowByTheFactorE() {
        var backoff = Backoff()
        let delays = (0..<5).map { _ in Double(backoff.next(chance: 0)) / Self.second }
        for (delay, expected) in zip(delays, [1, 2.718, 7.389, 20.086, 54.598]) {
            #expect(abs(delay - expected) < 0.001 * expected)
        }
    }

    @Test func chanceStaysWithinTheCap() {
        var backoff = Backoff()
        for step in 0..<100 {
            let delay = Double(backoff.next(chance: Double(step % 11) / 10))
            #expect(delay <= Backoff.cap && delay >= 0.75 * Backoff.first)
        }
        // At the cap chance takes off, and never adds.
        #expect(backoff.next(chance: 1) == UInt64(0.75 * Backoff.cap))
        #expect(backoff.next(chance: 0) == UInt64(Backoff.cap))
        #expect(backoff.next(chance: 7) == UInt64(0.75 * Backoff.cap))
    }

    @Test func onlyProgressBeginsAnew() {
        var backoff = Backoff()
        for _ in 0..<4 { _ = backoff.next(chance: 0) }
        #expect(backoff.next(chance: 0) > UInt64(50 * Self.second))
        backoff.progressed()
        #expect(backoff.next(chance: 0) == UInt64(Self.second))
    }
}
