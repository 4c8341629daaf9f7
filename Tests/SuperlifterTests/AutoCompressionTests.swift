// `--compress auto` by a clock and a machine of the test's own: what it chooses, given what streams take and levels do.

import Superlifter
import Testing

@Suite struct AutoCompressionTests {
    private static let second: UInt64 = 1_000_000_000

    /// Lets it decide frame by frame on a machine that compresses at `speed` of the usual, data of which `left` stays;
    /// the levels it chose (nil: plain).
    private func levels(
        rate: UInt64?, speed: Double = 1, left: Double = 0.3, frames: Int = 200, processors: Int = 2,
        idle: Double? = 1
    ) -> [Int?] {
        var auto = AutoCompression(processors: processors)
        var now: UInt64 = 0
        return (0..<frames).map { _ in
            now += 10_000_000
            let level = auto.level(rate: rate, idle: idle, now: now)
            if let level, let usual = AutoCompression.ladder.first(where: { $0.level == level })?.speed {
                auto.measured(
                    level: level, from: 128 << 10, to: Int(Double(128 << 10) * left),
                    time: UInt64(Double(128 << 10) / (usual * speed) * 1e9))
            }
            return level
        }
    }

    @Test func aStreamThatKeepsNothingWaitingGetsPlainBytes() {
        #expect(levels(rate: nil).allSatisfy { $0 == nil })
    }

    @Test(arguments: [200_000_000, 700_000_000, 5_000_000_000, UInt64.max / 4] as [UInt64])
    func aFastStreamGetsPlainBytes(_ rate: UInt64) {
        #expect(levels(rate: rate).allSatisfy { $0 == nil })
    }

    @Test func slowerStreamsGetHigherLevels() {
        let chosen = [100_000_000, 12_500_000, 1_250_000, 125_000].map { levels(rate: $0)[199] ?? 0 }
        #expect(chosen == chosen.sorted() && chosen[0] == 1 && chosen[3] == 12, "\(chosen)")
        #expect(chosen[1] >= 3 && chosen[2] >= 9)
    }

    /// Compression that cannot keep up is worse than none.
    @Test func aSlowMachineCompressesLess() {
        #expect((levels(rate: 1_250_000, speed: 0.1)[199] ?? 0) < (levels(rate: 1_250_000)[199] ?? 0))
        let gigabit = levels(rate: 118_000_000, speed: 0.2)
        #expect(gigabit.suffix(100).count { $0 == nil } > 90)
    }

    @Test func moreProcessorsMakeFasterStreamsWorthIt() {
        #expect(levels(rate: 250_000_000)[199] == nil)
        #expect(levels(rate: 250_000_000, processors: 8)[199] == 1)
    }

    /// A busy machine may be what makes the stream slow.
    @Test func withoutAnIdleProcessorOnlySlowStreamsAreCompressed() {
        #expect(levels(rate: 60_000_000, idle: 0.1).allSatisfy { $0 == nil })
        #expect(levels(rate: 60_000_000, idle: nil).allSatisfy { $0 == nil })
        #expect(levels(rate: 60_000_000, idle: 0.9)[199] != nil)
        #expect((levels(rate: 1_250_000, idle: 0)[199] ?? 0) >= 9)
    }

    /// What looks slow for a moment costs little: the first frames get the fastest level.
    @Test func levelsRiseStepByStep() {
        let chosen = levels(rate: 125_000).map { $0 ?? 0 }
        #expect(chosen[0] == 1 && chosen == chosen.sorted() && chosen[40] == 12, "\(chosen)")
    }

    /// Near the border it does not change its mind with every measurement.
    @Test func itIsSteady() {
        var auto = AutoCompression(processors: 2)
        var changes = 0
        var last: Int?
        for step in 0..<1000 as Range<UInt64> {
            let rate: UInt64 = step % 2 == 0 ? 128_000_000 : 140_000_000
            let level = auto.level(rate: rate, idle: 1, now: step * 1_000_000)
            if (level == nil) != (last == nil) { changes += 1 }
            last = level
        }
        #expect(changes <= 1)
    }

    @Test func aBadMomentIsForgotten() {
        var auto = AutoCompression(processors: 2)
        _ = auto.level(rate: 50_000_000, idle: 1, now: 0)
        for _ in 0..<50 { auto.measured(level: 1, from: 100_000, to: 50_000, time: 5_000_000) }
        #expect(auto.level(rate: 50_000_000, idle: 1, now: 1) == nil)
        var back: UInt64?
        for step in 1...60 as ClosedRange<UInt64> where back == nil {
            if auto.level(rate: 50_000_000, idle: 1, now: step * Self.second) != nil { back = step }
        }
        #expect(back != nil && (back ?? 0) > 1)
    }

    // MARK: The meter

    @Test func onlyWaitingCounts() {
        var meter = StreamMeter()
        var sent: UInt64 = 0
        for step in 0..<100 as Range<UInt64> {
            sent += 1_000_000
            meter.note(sent: sent, isWaiting: false, now: step * 10_000_000)
        }
        #expect(meter.rate == nil)
        // 100 KB every 100 ms, always with more behind it; what came before is forgotten.
        for step in 0..<20 as Range<UInt64> {
            sent += 100_000
            meter.note(sent: sent, isWaiting: true, now: 2 * Self.second + step * 100_000_000)
        }
        let rate = meter.rate ?? 0
        #expect(rate > 900_000 && rate < 1_200_000, "\(rate)")
        meter.forget()
        #expect(meter.rate == nil)
    }

    @Test func aSlowStreamIsFoundOutSoon() {
        var meter = StreamMeter()
        // The buffers take 400 KB at once; then nothing.
        meter.note(sent: 400_000, isWaiting: true, now: 0)
        meter.note(sent: 400_000, isWaiting: true, now: 40_000_000)
        #expect((meter.rate ?? .max) <= 10_000_000)
        meter.note(sent: 400_000, isWaiting: true, now: 300_000_000)
        #expect((meter.rate ?? .max) <= 1_400_000)
    }
}
