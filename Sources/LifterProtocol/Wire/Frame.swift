/// A frame on its way out: `head`, then `body`, then `check`.
package struct Frame: Sendable {
    /// The header and the payload, or its beginning.
    var head: [UInt8]
    /// The end of a long payload, in the array it was read into; else empty.
    var body: ArraySlice<UInt8>
    /// Behind the body; where there is none the head ends with it.
    var check: [UInt8]

    package var count: Int { head.count + body.count + check.count }

    /// In one piece.
    package var bytes: [UInt8] { body.isEmpty ? head : head + body + check }

    /// This one and the next as one: for short ones.
    package func joined(with next: Frame) -> Frame { Frame(head: bytes + next.bytes, body: [], check: []) }

    /// What follows the first `start` bytes, at most `most` bytes, in pieces that are valid while `act` runs.
    package func withRest<Outcome>(
        after start: Int, upTo most: Int, _ act: ([UnsafeRawBufferPointer]) -> Outcome
    ) -> Outcome {
        head.withUnsafeBytes { head in
            body.withUnsafeBytes { body in
                check.withUnsafeBytes { check in
                    var skipped = start
                    var left = most
                    var pieces: [UnsafeRawBufferPointer] = []
                    for piece in [head, body, check] {
                        let start = min(skipped, piece.count)
                        let end = start + min(left, piece.count - start)
                        skipped -= start
                        left -= end - start
                        if start < end { pieces.append(UnsafeRawBufferPointer(rebasing: piece[start..<end])) }
                    }
                    return act(pieces)
                }
            }
        }
    }
}
