// Chance that can be had again: every random choice of a simulation comes from one of these, made from a seed that
// the test prints when it fails.

import Glibc

/// SplitMix64: eight bytes of state, good enough statistics, and any seed is a good seed.
struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A stream of its own, so that one part of a test can draw more or less without moving the others.
    mutating func fork() -> SeededRandom { SeededRandom(seed: next()) }

    /// 0 ..< bound; 0 where the bound is not positive.
    mutating func below(_ bound: Int) -> Int {
        bound > 0 ? Int(next().multipliedFullWidth(by: UInt64(bound)).high) : 0
    }

    mutating func within(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

    /// True in so many of a hundred cases.
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    /// The list must not be empty.
    mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }

    mutating func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            var index = 0
            while index + 8 <= count {
                raw.storeBytes(of: next(), toByteOffset: index, as: UInt64.self)
                index += 8
            }
            while index < count {
                raw[index] = UInt8(truncatingIfNeeded: next())
                index += 1
            }
            initialized = count
        }
    }
}

/// Which seeds a test runs: 1 ... count, or what the environment asks for (`SIMULATION_SEEDS=5000` for a long night,
/// `SIMULATION_SEED=4711` to see one again).
enum Seeds {
    static func upTo(_ count: UInt64) -> [UInt64] {
        if let one = number("SIMULATION_SEED") { return [one] }
        return Array(1...max(1, number("SIMULATION_SEEDS") ?? count))
    }

    private static func number(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }
}
