// What contents are compressed against: the payloads of the content frames before them, as they were before
// compression, in the order of the stream. Both ends have them anyway, so any thread may compress any frame.

package struct ContentHistory: Sendable {
    /// A payload, in the one or two arrays that it lies in.
    private struct Payload {
        var head: ArraySlice<UInt8>
        var tail: ArraySlice<UInt8>
        var count: Int { head.count + tail.count }
    }

    /// The oldest first; no more than are needed.
    private var payloads: [Payload] = []
    /// Bytes of all of them.
    private var held = 0

    package init() {}

    /// Bytes that the next frame may refer to.
    package var count: Int { min(held, ProtocolConstants.longestHistory) }

    /// A message that takes its place in the stream, before it is compressed.
    package mutating func append(_ message: EncodedMessage) {
        let pieces = message.payloadPieces
        append(Payload(head: pieces.head, tail: pieces.tail))
    }

    /// A payload that has arrived.
    mutating func append(_ payload: ArraySlice<UInt8>) { append(Payload(head: payload, tail: [])) }

    private mutating func append(_ payload: Payload) {
        payloads.append(payload)
        held += payload.count
        var first = 0
        while payloads.count - first > ProtocolConstants.historyFrames
            || held - payloads[first].count >= ProtocolConstants.longestHistory
        {
            held -= payloads[first].count
            first += 1
        }
        if first > 0 { payloads.removeFirst(first) }
    }

    package mutating func removeAll() {
        payloads.removeAll()
        held = 0
    }

    /// How many bytes a payload of so many is compressed against. To take them in costs time as well, so a short one
    /// does with less.
    func reach(for length: Int) -> Int { min(count, 16 << 10 + 4 * length) }

    /// Appends its last `count` bytes, of which there must be as many.
    func appendLast(_ count: Int, to bytes: inout [UInt8]) {
        var skipped = held - count
        for payload in payloads {
            for piece in [payload.head, payload.tail] {
                bytes.append(contentsOf: piece.dropFirst(skipped))
                skipped = max(0, skipped - piece.count)
            }
        }
    }
}
