// Files that are written in place, and of which the destination has versions whose pieces lie elsewhere.

import LifterProtocol
import LifterSystem

extension Scenario {
    /// Has some jobs write in place, and for these moves pieces of old files about. Its own numbers are drawn, so that all
    /// else of a seed stays.
    mutating func rearrangeSome() {
        var random = SeededRandom(seed: seed &* 0x6c07_8965 &+ 11)
        plan.movedArea = random.pick([64, 1000, 4096, 256 << 10])
        plan.movedByEffect = random.pick([1, 10_000, 4 << 20])
        plan.movesInMemory = random.pick([0, 500, 1 << 20])
        if random.chance(25) && !plan.options.sparse { plan.options.writing = .inPlace }
        guard plan.options.writing == .inPlace else { return }
        for path in source.paths where random.chance(70) {
            guard let wanted = source.items[path], wanted.kind == .regular, wanted.contents.count >= 1024,
                var item = old.items[path], item.kind == .regular, old.links[path] == nil
            else { continue }
            item.contents = wanted.contents
            for _ in 0..<random.within(1...3) { Self.move(&item.contents, &random) }
            item.modified = FileTime(seconds: wanted.modified.seconds &- 7, nanoseconds: 1)
            old.items[path] = item
        }
    }

    private static func move(_ contents: inout [UInt8], _ random: inout SeededRandom) {
        let place = random.below(contents.count + 1)
        let end = min(contents.count, place + random.within(1...10_000))
        switch random.below(6) {
        case 0: contents = Array(contents[place...] + contents[..<place])
        case 1: contents.insert(contentsOf: random.bytes(random.within(1...3000)), at: random.pick([0, place]))
        case 2: contents.removeSubrange(random.pick([0..<min(10, contents.count), place..<end]))
        case 3:
            let piece = Array(contents[place..<end])
            contents.removeSubrange(place..<end)
            contents.insert(contentsOf: piece, at: random.below(contents.count + 1))
        case 4: contents.insert(contentsOf: contents[place..<end], at: random.below(contents.count + 1))
        default: for index in place..<min(end, place + 40) { contents[index] ^= 0x3c }
        }
    }
}
