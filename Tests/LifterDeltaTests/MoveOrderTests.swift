// The order in which areas are written: what another still takes is never lost, and little is set aside.

import LifterDelta
import Testing

@Suite struct MoveOrderTests {
    /// What happened to a file of so many areas, each of which takes some ranges of the old one.
    private struct Outcome {
        var written: [Int] = []
        var saves = 0
        var mostAside = 0
        var lost = false
    }

    private func carryOut(_ takes: [[Range<UInt64>]], areaLength: UInt64 = 10) -> Outcome {
        var order = MoveOrder(length: UInt64(takes.count) * areaLength, areaLength: areaLength)
        for (area, ranges) in takes.enumerated() {
            for range in ranges { order.note(area, takes: range) }
        }
        order.begin()
        var outcome = Outcome()
        var aside: Set<Int> = []
        while let step = order.next() {
            switch step {
            case .save(let area):
                outcome.saves += 1
                aside.insert(area)
                outcome.mostAside = max(outcome.mostAside, aside.count)
                order.saved(area)
            case .write(let area):
                for range in takes[area] {
                    for place in Int(range.lowerBound / areaLength)...Int((range.upperBound - 1) / areaLength)
                    where place < takes.count {
                        switch order.isAside(place) {
                        case true?: if !aside.contains(place) { outcome.lost = true }
                        case false?: if outcome.written.contains(place) { outcome.lost = true }
                        case nil: outcome.lost = true
                        }
                    }
                }
                outcome.written.append(area)
                order.wrote(area) { aside.remove($0) }
                for range in takes[area] { order.release(range, by: area) { aside.remove($0) } }
            }
        }
        if !aside.isEmpty { outcome.lost = true }
        return outcome
    }

    @Test("What moves to the back is written from the end, what moves to the front from the beginning")
    func shifts() {
        let starts = (0..<50 as Range<UInt64>).map { $0 * 10 }
        let toTheBack: [[Range<UInt64>]] = starts.map { start in [(start == 0 ? 0 : start - 3)..<start + 7] }
        let back = carryOut(toTheBack)
        #expect(back.written == Array((0..<50).reversed()) && back.saves == 0 && !back.lost)
        let toTheFront: [[Range<UInt64>]] = starts.map { start in [start + 3..<start + 13] }
        let front = carryOut(toTheFront)
        #expect(front.written == Array(0..<50) && front.saves == 0 && !front.lost)
    }

    @Test("A circle costs one area at a time", arguments: [1, 7, 10, 25, 49])
    func rotations(by distance: Int) {
        let takes: [[Range<UInt64>]] = (0..<50).map { area in
            let from = UInt64((area + distance) % 50 * 10)
            return [from..<from + 10]
        }
        let outcome = carryOut(takes)
        #expect(outcome.written.sorted() == Array(0..<50) && outcome.mostAside == 1 && !outcome.lost)
        // As many circles as the distance and the length have in common.
        let circles = [1: 1, 7: 1, 10: 10, 25: 25, 49: 1]
        #expect(outcome.saves == circles[distance])
    }

    @Test("Whatever takes from whatever, nothing is lost")
    func anything() {
        for seed in firstSeed..<firstSeed + UInt64(cases) {
            var generator = Generator(seed: seed)
            let count = 1 + generator.below(30)
            var takes: [[Range<UInt64>]] = []
            for _ in 0..<count {
                var some: [Range<UInt64>] = []
                for _ in 0..<generator.below(4) {
                    let start = UInt64(generator.below(count * 10 + 20))
                    let length = 1 + UInt64(generator.below(generator.oneIn(5) ? 60 : 10))
                    some.append(start..<start + length)
                }
                takes.append(some)
            }
            let outcome = carryOut(takes)
            #expect(!outcome.lost, "SUPERLIFTER_DELTA_SEED=\(seed)")
            let changed = takes.indices.filter { !takes[$0].isEmpty }
            #expect(outcome.written.sorted() == changed, "SUPERLIFTER_DELTA_SEED=\(seed)")
        }
    }
}
