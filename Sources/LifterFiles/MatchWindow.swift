// A part of a file that is told by its difference, before it is told: what the matcher has found in it.

import LifterDelta

struct MatchWindow: Sendable {
    var output = DeltaOutput()
    /// Of the blocks that were matched last.
    var shape: SignatureShape
    /// How often finer ones were asked for.
    var round = 0
    /// Bytes of the file.
    var bytes: UInt64 = 0
    /// The copy in front of the window.
    var before: DeltaOperation?

    private static let fullBytes: UInt64 = 64 << 20
    private static let fullLiterals = 2 << 20
    private static let fullOperations = 8192
    private static let newLiterals = 512 << 10

    init(shape: SignatureShape) { self.shape = shape }

    /// Enough for a question. A literal is not cut in two where another window can begin soon.
    var isFull: Bool {
        if output.literals.count >= 2 * Self.fullLiterals || bytes >= 2 * Self.fullBytes { return true }
        guard case .copy? = output.operations.last else { return isNew }
        return output.literals.count >= Self.fullLiterals || bytes >= Self.fullBytes
            || output.operations.count >= Self.fullOperations
    }

    /// Nothing in it is known, and it is more than an edit: it is not held back any longer.
    private var isNew: Bool {
        output.literals.count >= max(Self.newLiterals, 16 * shape.blockLength) && lastCopy == nil
    }

    var lastCopy: DeltaOperation? {
        output.operations.last { operation in
            if case .copy = operation { true } else { false }
        }
    }

    /// Looks for smaller blocks in what was not found so far.
    mutating func match(again index: BlockIndex, _ finer: SignatureShape) {
        let matcher = DeltaMatcher(index: index)
        var finest = DeltaOutput()
        var place = 0
        var last = before
        output.literals.withUnsafeBytes { bytes in
            for operation in output.operations {
                switch operation {
                case .copy: finest.operations.append(operation)
                case .literal(let offset, let length):
                    var expected: UInt64?
                    if case .copy(let from, let count)? = last { expected = from &+ count }
                    matcher.restart(newOffset: offset, expecting: expected)
                    let literal = UnsafeRawBufferPointer(rebasing: bytes[place..<place + length])
                    matcher.update(literal, isLast: true, into: &finest)
                    place += length
                }
                last = operation
            }
        }
        output = finest
        shape = finer
    }
}
