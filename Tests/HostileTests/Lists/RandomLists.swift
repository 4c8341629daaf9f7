// Lists thrown together by chance from a seed: right pieces in wrong places. Most names are harmless, so that sessions
// get far; what they refer to is often wrong.

import LifterProtocol

/// SplitMix64: small, and the same everywhere.
struct Chance {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(max(1, limit))) }
    mutating func isTrue(oneIn count: Int) -> Bool { below(count) == 0 }
    mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }
}

enum RandomLists {
    static func list(seed: UInt64) -> HostileList {
        var chance = Chance(seed: seed)
        let options = chance.pick(Variants.all)
        var list = HostileList("seed \(seed)", options: options) { key in
            var maker = Maker(chance: Chance(seed: seed ^ 0xabcdef), key: key)
            return maker.make()
        }
        if chance.isTrue(oneIn: 4) {
            list.shape = HostileFrame.rootsOfItems([
                (chance.pick(Maker.names), EntryKind.directory.rawValue), (chance.pick(Maker.names), 1),
            ])
        }
        return list
    }

    private struct Maker {
        var chance: Chance
        let key: UInt64
        var nextID: UInt64 = 1
        var nextRange: UInt64 = 1
        var nextDirectory: UInt64 = 1
        var frames: [HostileFrame] = []

        static let names: [[UInt8]] = [
            "a", "dir", "deep", "empty", "file", "home", ".ssh", "out", "outfile", "relative", "itself", "zz", "-rf",
        ].map(bytes)

        init(chance: Chance, key: UInt64) {
            self.chance = chance
            self.key = key
        }

        mutating func make() -> [HostileFrame] {
            frames = [.opened(0, streams: UInt8(chance.below(2)))]
            for _ in 0..<(3 + chance.below(25)) { addOne() }
            if !chance.isTrue(oneIn: 4) { frames.append(.listingEnd) }
            if chance.isTrue(oneIn: 3) { frames += [.summary, .goodbye] }
            return frames
        }

        private mutating func addOne() {
            switch chance.below(12) {
            case 0...3: addEntries()
            case 4...6: addDirectory()
            case 7, 8: addRange()
            case 9, 10: addContents()
            default: addOddity()
            }
        }

        private mutating func anyDirectory() -> UInt64 {
            chance.isTrue(oneIn: 12) ? chance.next() >> 32 : UInt64(chance.below(Int(nextDirectory)))
        }

        private mutating func addDirectory() {
            let isReused = chance.isTrue(oneIn: 8)
            let id = isReused ? anyDirectory() : nextDirectory
            if !isReused { nextDirectory += 1 }
            frames.append(
                .opened(id, in: anyDirectory(), named: chance.pick(Self.names), streams: UInt8(chance.below(2))))
        }

        private mutating func addEntries() {
            // Some messages are in order, as they must be; some are not.
            var names = (0..<(1 + chance.below(6))).map { _ in chance.pick(Self.names) }
            if !chance.isTrue(oneIn: 20) {
                names.sort { Names.isBefore($0[...], $1[...]) }
                names = names.enumerated().filter { $0.offset == 0 || names[$0.offset - 1] != $0.element }.map(
                    \.element)
            }
            let entries = names.map { entry($0) }
            let base = chance.isTrue(oneIn: 25) ? chance.next() >> UInt64(chance.below(64)) : nextID
            nextID = max(nextID, base &+ UInt64(entries.count))
            if nextID > 1 << 60 { nextID = 1 }
            let flags = chance.pick([0, 2, 4, 4, 16, 16, 20, 20, 1, 3, 17, 12, 28] as [UInt8])
            let matched = [UInt8](repeating: UInt8(truncatingIfNeeded: chance.next()), count: chance.below(4))
            frames.append(
                .entries(
                    entries, in: anyDirectory(), from: base, flags: flags,
                    answers: UInt64(chance.below(Int(nextRange) + 1)), matched: matched))
        }

        private mutating func entry(_ name: [UInt8]) -> RawEntry {
            switch chance.below(8) {
            case 0...2:
                let size = chance.isTrue(oneIn: 6) ? chance.next() >> UInt64(1 + chance.below(60)) : 3
                return .file(name, size: size)
            case 3...5: return .directory(name)
            case 6:
                let targets = ["/", "..", "../outside/canary", "../../../etc", "dir", ".", "/proc/self/root"]
                return .link(name, to: bytes(chance.pick(targets)))
            default:
                var odd = RawEntry.file(name)
                odd.kind = UInt8(1 + chance.below(7))
                odd.mode = chance.next() & 0o7777
                odd.size = chance.next() >> UInt64(1 + chance.below(63))
                odd.seconds = Int64(bitPattern: chance.next())
                odd.user = chance.next() >> 32
                odd.target = bytes("x")
                return odd
            }
        }

        private mutating func addRange() {
            let sequence = chance.isTrue(oneIn: 15) ? chance.next() >> UInt64(chance.below(64)) : nextRange
            nextRange += 1
            let count = UInt64(chance.below(6))
            frames.append(
                .range(
                    sequence, in: anyDirectory(), count: count, upTo: count == 0 ? [] : chance.pick(Self.names),
                    flags: count == 0 ? 1 : UInt8(chance.below(4))))
        }

        private mutating func addContents() {
            let segments = (0..<(1 + chance.below(3))).map { _ in
                let id = chance.isTrue(oneIn: 10) ? chance.next() : UInt64(1 + chance.below(Int(min(nextID, 1000))))
                if chance.isTrue(oneIn: 3) {
                    return RawSegment(
                        id: id, offset: UInt64(chance.below(4)), bytes: bytes("ab"), end: UInt8(chance.below(3)))
                }
                return RawSegment.honest(id, "bad", key: key)
            }
            frames.append(.contents(segments))
        }

        private mutating func addOddity() {
            switch chance.below(5) {
            case 0: frames.append(.listingEnd)
            case 1: frames.append(HostileFrame(.ping, [1, 2, 3, 4, 5, 6, 7, 8]))
            case 2: frames.append(.largestSummary)
            case 3: frames.append(HostileFrame(.rangeDigest, [1] + [UInt8](repeating: 3, count: 16)))
            default:
                // An owner whose name is that of somebody here, and one whose name is nobody's.
                var writer = ByteWriter()
                writer.varint(2)
                for name in ["root", "nobody\u{1b}"] {
                    writer.u8(UInt8(chance.below(2)))
                    writer.varint(chance.next() >> 40)
                    writer.string(bytes(name))
                }
                frames.append(HostileFrame(.owners, writer.bytes))
            }
        }
    }
}
