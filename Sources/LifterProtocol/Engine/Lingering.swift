/// How long short messages wait for others to travel with: each frame wakes the peer, so a few together are cheaper than
/// one by one, but what waits must leave soon. The machine says whether something waits; its deadline wakes it once.
struct Lingering: Sendable {
    /// How long, in nanoseconds.
    let moment: UInt64
    /// When the first came of what waits; nil when the moment is over.
    private var since: UInt64?
    /// What waits has waited long enough, and leaves as soon as there is room.
    private(set) var isOver = false

    init(for moment: UInt64) { self.moment = moment }

    /// Called when all has left that may.
    mutating func note(waits: Bool, now: UInt64) {
        isOver = isOver && waits
        since = waits && !isOver ? since ?? now : nil
    }

    mutating func tick(_ now: UInt64) {
        guard let until, now >= until else { return }
        since = nil
        isOver = true
    }

    /// When the moment is over.
    var until: UInt64? { since.map { $0 + moment } }
}
