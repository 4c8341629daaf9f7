// One direction of a stream: bytes (or, within one process, messages) between a writer and a reader, with room for
// so many, a time that they take, and perhaps a moment at which the line goes dead.

import LifterProtocol

final class SimulatedLink {
    private struct Piece {
        var bytes: [UInt8]
        var start = 0
        var arrival: UInt64
    }

    let capacity: Int
    let latency: UInt64
    private var pieces: [Piece] = []
    private var front = 0
    /// Bytes inside.
    private(set) var count = 0
    /// Bytes that were ever taken in.
    private(set) var carried = 0
    /// After so many bytes the line is dead.
    var breaksAfter: Int?
    private(set) var isBroken = false
    /// The writer has closed its end.
    private(set) var isClosed = false
    private var messages: [(message: Message, weight: Int, arrival: UInt64)] = []
    /// Changes a message on its way (in-process only).
    var tamper: ((inout Message) -> Void)?

    init(capacity: Int, latency: UInt64) {
        self.capacity = capacity
        self.latency = latency
    }

    func close() { isClosed = true }

    /// The line goes dead: what is inside is lost from `keeping` bytes on, and the reader sees the end.
    func cut() {
        isBroken = true
        isClosed = true
    }

    // MARK: Bytes

    var room: Int { isBroken ? Int.max : capacity - count }

    /// Takes as much as there is room for; how much that was.
    func write(_ bytes: ArraySlice<UInt8>, now: UInt64) -> Int {
        if isBroken || isClosed { return bytes.count }
        var taken = min(bytes.count, capacity - count)
        if let breaksAfter, carried + taken >= breaksAfter {
            taken = max(0, breaksAfter - carried)
            isBroken = true
            isClosed = true
        }
        guard taken > 0 else { return 0 }
        pieces.append(Piece(bytes: Array(bytes.prefix(taken)), arrival: now + latency))
        count += taken
        carried += taken
        return taken
    }

    func hasArrived(_ now: UInt64) -> Bool {
        if let first = messages.first { return first.arrival <= now }
        return front < pieces.count && pieces[front].arrival <= now
    }

    /// Up to so many bytes of those that have arrived.
    func read(upTo most: Int, now: UInt64) -> [UInt8] {
        var result: [UInt8] = []
        while result.count < most, front < pieces.count, pieces[front].arrival <= now {
            let wanted = min(most - result.count, pieces[front].bytes.count - pieces[front].start)
            let start = pieces[front].start
            result.append(contentsOf: pieces[front].bytes[start..<start + wanted])
            pieces[front].start += wanted
            if pieces[front].start == pieces[front].bytes.count {
                pieces[front].bytes = []
                front += 1
            }
        }
        if front > 256 && front * 2 > pieces.count {
            pieces.removeFirst(front)
            front = 0
        }
        count -= result.count
        return result
    }

    // MARK: Messages

    func write(_ message: Message, weight: Int, now: UInt64) {
        if isClosed { return }
        var message = message
        tamper?(&message)
        messages.append((message, weight, now + latency))
    }

    func readMessage() -> (message: Message, weight: Int)? {
        messages.isEmpty ? nil : { ($0.message, $0.weight) }(messages.removeFirst())
    }

    // MARK: What the reader may wait for

    var nextArrival: UInt64? { messages.first?.arrival ?? (front < pieces.count ? pieces[front].arrival : nil) }
    var isEmpty: Bool { count == 0 && messages.isEmpty }
}
