/// How fast a stream takes bytes, measured only while it is kept busy: from when something waits to be written until a
/// quarter of a second of that has passed.
struct PaceMeter {
    private var start: (time: UInt64, sent: UInt64)?

    private static let window: UInt64 = 250_000_000

    /// Bytes a second, once in each window; nil in between and while nothing waits.
    mutating func measure(sent: UInt64, isBusy: Bool, now: UInt64) -> UInt64? {
        guard isBusy else {
            start = nil
            return nil
        }
        guard let start else {
            self.start = (now, sent)
            return nil
        }
        guard now >= start.time + Self.window else { return nil }
        self.start = (now, sent)
        let (bytes, overflow) = (sent - start.sent).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? nil : bytes / (now - start.time)
    }
}
