// How fast a stream takes bytes. Only time counts in which it kept bytes waiting, and only what it took then: a stream
// that never makes anybody wait has no rate. Recent time counts most: beyond 400 ms both sums are halved.

package struct StreamMeter: Sendable {
    private var time: UInt64 = 0
    private var bytes: UInt64 = 0
    private var last: (time: UInt64, sent: UInt64)?
    private var wasWaiting = false

    private static let enough: UInt64 = 40_000_000
    private static let window: UInt64 = 400_000_000

    package init() {}

    /// To be said after each attempt to write. `sent`: all bytes that the stream ever took; `isWaiting`: more is there,
    /// which it did not take.
    package mutating func note(sent: UInt64, isWaiting: Bool, now: UInt64) {
        defer {
            last = (now, sent)
            wasWaiting = isWaiting
        }
        guard let last, wasWaiting || isWaiting else { return }
        bytes += sent - last.sent
        if wasWaiting, now > last.time { time += now - last.time }
        while time > Self.window {
            time /= 2
            bytes /= 2
        }
    }

    /// Bytes a second; nil as long as too little is known. Right after a stream began to be slow this is too high,
    /// since buffers were filled first.
    package var rate: UInt64? {
        guard time >= Self.enough else { return nil }
        return UInt64(min(Double(bytes) * 1e9 / Double(time), 1e18))
    }

    /// Begins anew.
    package mutating func forget() {
        time = 0
        bytes = 0
    }
}
