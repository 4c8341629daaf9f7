// Test data that can be had again from its seed.

/// splitmix64: the same numbers from the same seed, everywhere.
struct Generator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    /// At least 0, below `end`.
    mutating func below(_ end: Int) -> Int { end <= 1 ? 0 : Int(next() % UInt64(end)) }

    mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }
}

/// What files are made of.
enum Matter: CaseIterable {
    case random, text, zero, repetitive, sparse

    /// Blocks of it may be equal.
    var repeats: Bool {
        switch self {
        case .random, .text: false
        case .zero, .repetitive, .sparse: true
        }
    }

    func bytes(_ count: Int, using generator: inout Generator) -> [UInt8] {
        switch self {
        case .random:
            var bytes = [UInt8](repeating: 0, count: count)
            bytes.withUnsafeMutableBytes { buffer in
                for place in stride(from: 0, to: count, by: 8) {
                    withUnsafeBytes(of: generator.next()) { word in
                        for byte in place..<min(place + 8, count) { buffer[byte] = word[byte - place] }
                    }
                }
            }
            return bytes
        case .text:
            return Self.sequence(of: (0..<60).map { _ in Self.word(using: &generator) }, count, using: &generator)
        case .zero:
            return [UInt8](repeating: 0, count: count)
        case .repetitive:
            let period = (0..<1 + generator.below(100)).map { _ in UInt8(generator.below(256)) }
            return (0..<count).map { period[$0 % period.count] }
        case .sparse:
            var bytes = [UInt8](repeating: 0, count: count)
            for _ in 0..<count / 300 { bytes[generator.below(count)] = UInt8(generator.below(256)) }
            return bytes
        }
    }

    private static func word(using generator: inout Generator) -> [UInt8] {
        (0..<2 + generator.below(8)).map { _ in UInt8(97 + generator.below(26)) } + [32]
    }

    private static func sequence(of words: [[UInt8]], _ count: Int, using generator: inout Generator) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 12)
        while bytes.count < count {
            bytes += words[generator.below(words.count)]
            if generator.oneIn(12) { bytes.append(10) }
        }
        return Array(bytes.prefix(count))
    }
}

/// What happens to files.
enum Edit: CaseIterable {
    case insert, delete, swap, truncate, grow, `repeat`, overwrite

    /// `unit`: a length of some meaning, around which places and lengths are chosen.
    func apply(to bytes: inout [UInt8], unit: Int, using generator: inout Generator) {
        let length = Self.length(unit: unit, using: &generator)
        let place = generator.below(bytes.count + 1)
        let end = min(place + length, bytes.count)
        switch self {
        case .insert: bytes.insert(contentsOf: Matter.random.bytes(length, using: &generator), at: place)
        case .delete: bytes.removeSubrange(place..<end)
        case .swap:
            let piece = Array(bytes[place..<end])
            bytes.removeSubrange(place..<end)
            bytes.insert(contentsOf: piece, at: generator.below(bytes.count + 1))
        case .truncate: bytes.removeLast(min(length, bytes.count))
        case .grow: bytes += Matter.random.bytes(length, using: &generator)
        case .repeat: bytes.insert(contentsOf: Array(bytes[place..<end]), at: end)
        case .overwrite: bytes.replaceSubrange(place..<end, with: Matter.random.bytes(end - place, using: &generator))
        }
    }

    private static func length(unit: Int, using generator: inout Generator) -> Int {
        switch generator.below(4) {
        case 0: 1 + generator.below(12)
        case 1: unit
        case 2: max(1, unit * (1 + generator.below(3)) + generator.below(3) - 1)
        default: 1 + generator.below(3 * unit)
        }
    }
}
