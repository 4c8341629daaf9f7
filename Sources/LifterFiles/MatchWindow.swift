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
    /// It ends with the file.
    var isLast = false
    /// Where in the basis that went on which is in front of it, when something was last known of that; and the bytes of
    /// the file since then.
    private var place: UInt64 = 0
    private var skipped: UInt64 = 0

    private static let fullBytes: UInt64 = 64 << 20
    private static let fullLiterals = 2 << 20
    private static let fullOperations = 8192
    private static let newLiterals = 512 << 10
    /// Bytes of copies that tell where the window is from.
    private static let telling: UInt64 = 256 << 10

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
        output.literals.count >= max(Self.newLiterals, 16 * shape.blockLength) && !hasCopies
    }

    private var hasCopies: Bool {
        output.operations.contains { operation in
            if case .copy = operation { true } else { false }
        }
    }

    /// What is known of `front`, which is told before this one, tells where in the basis this one may be found.
    mutating func follow(_ front: MatchWindow) {
        if let end = front.placeBehind {
            (place, skipped) = (end, 0)
        } else {
            (place, skipped) = (front.place, front.skipped &+ front.trailing)
        }
    }

    /// Where in the basis that goes on which the window ends with: each of its last copies has an answer, and the middle
    /// one counts, since files are full of pieces that are alike.
    private var placeBehind: UInt64? {
        var answers: [(place: UInt64, weight: UInt64)] = []
        var (behind, weight): (UInt64, UInt64) = (0, 0)
        for operation in output.operations.reversed() where weight < Self.telling {
            switch operation {
            case .literal(_, let length): behind &+= UInt64(length)
            case .copy(let from, let length):
                behind &+= length
                weight &+= length
                answers.append((from &+ behind, length))
            }
        }
        answers.sort { $0.place < $1.place }
        var half = weight / 2
        return answers.first { answer in
            defer { half -= min(half, answer.weight) }
            return half < answer.weight
        }?.place
    }

    /// Literal bytes behind the last copy.
    private var trailing: UInt64 {
        guard case .literal(_, let length)? = output.operations.last else { return 0 }
        return UInt64(length)
    }

    /// Where nothing of it is known, how far from where it is taken to be it may be found, in both directions: something
    /// may have been inserted or left out.
    private var slack: UInt64 { hasCopies ? 0 : trailing / 2 }

    /// The steps, behind one that copies nothing and says where to begin.
    var script: DeltaScript {
        var script = DeltaScript()
        script.append(.copy(basisOffset: place - min(place, slack), length: 0))
        script.append(output.operations)
        return script
    }

    /// Where in the basis that ends which the window is made of, as far as is known, and a block more.
    var end: UInt64 {
        if isLast { return shape.basisSize }
        let end = placeBehind ?? (place &+ skipped &+ trailing)
        return min(end &+ UInt64(shape.blockLength) &+ slack, shape.basisSize)
    }

    /// Looks for smaller blocks in what was not found so far.
    mutating func match(again index: BlockIndex, _ finer: SignatureShape) {
        let matcher = DeltaMatcher(index: index)
        var finest = DeltaOutput()
        var (taken, expected) = (0, place)
        output.literals.withUnsafeBytes { bytes in
            for operation in output.operations {
                switch operation {
                case .copy(let from, let count):
                    finest.operations.append(operation)
                    expected = from &+ count
                case .literal(let offset, let length):
                    matcher.restart(newOffset: offset, expecting: expected)
                    let literal = UnsafeRawBufferPointer(rebasing: bytes[taken..<taken + length])
                    matcher.update(literal, isLast: true, into: &finest)
                    taken += length
                }
            }
        }
        output = finest
        shape = finer
    }
}
