// How long to wait before the next attempt: a second, then e times as long each time, up to an hour. Chance takes off up
// to a quarter, so that many who lost the same server do not come back at once; never is it longer than the cap.

package struct Backoff: Sendable {
    private var delay = Self.first

    /// Nanoseconds.
    package static let first = 1e9
    package static let cap = 3600e9
    private static let factor = 2.718281828459045

    package init() {}

    /// Nanoseconds until the next attempt. `chance`: 0 up to 1.
    package mutating func next(chance: Double) -> UInt64 {
        let now = min(delay, Self.cap)
        delay = min(delay * Self.factor, Self.cap)
        return UInt64(now * (1 - min(1, max(0, chance)) / 4))
    }

    /// Only after something was got done: a server that accepts and drops is no reason to hurry.
    package mutating func progressed() { delay = Self.first }
}
