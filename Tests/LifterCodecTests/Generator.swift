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

    /// Incompressible bytes.
    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count { withUnsafeBytes(of: next()) { bytes += $0 } }
        return Array(bytes.prefix(count))
    }

    /// Bytes with some repetition, as files have it.
    mutating func text(_ count: Int) -> [UInt8] {
        var words: [[UInt8]] = []
        for _ in 0..<50 { words.append(bytes(Int.random(in: 2...9, using: &self))) }
        var text: [UInt8] = []
        while text.count < count { text += words[Int.random(in: 0..<50, using: &self)] }
        return Array(text.prefix(count))
    }
}
