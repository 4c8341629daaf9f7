/// Bytes per second over the last few seconds.
package struct SpeedMeter: Sendable {
    private var samples: [(time: UInt64, bytes: UInt64)] = []

    package init() {}

    /// - Parameter time: in nanoseconds.
    package mutating func measure(_ bytes: UInt64, at time: UInt64) -> UInt64 {
        samples.append((time, bytes))
        while samples.count > 2, time - samples[0].time > 3_000_000_000 { samples.removeFirst() }
        guard let first = samples.first, time > first.time, bytes > first.bytes else { return 0 }
        return UInt64(Double(bytes - first.bytes) / (Double(time - first.time) / 1e9))
    }
}
