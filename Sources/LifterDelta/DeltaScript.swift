// All steps of one file, kept until they are sent: what refinement works on.

/// The steps from the start of the new file, joined where they follow each other. For files that are refined: others
/// send their steps as they come.
package struct DeltaScript: Sendable {
    package private(set) var operations: [DeltaOperation] = []
    /// Bytes of all literals.
    package private(set) var literalBytes: UInt64 = 0

    /// A script with more steps than this is not worth refining, and is to be sent as it is. Takes about 2 MiB.
    package static let maximumOperations = 65_536

    package init() {}

    package var isFull: Bool { operations.count >= Self.maximumOperations }

    package mutating func append(_ operation: DeltaOperation) {
        switch (operations.last, operation) {
        case (.copy(let start, let before), .copy(let next, let length)) where start &+ before == next:
            operations[operations.count - 1] = .copy(basisOffset: start, length: before &+ length)
        case (.literal(let start, let before), .literal(let next, let length)) where start &+ UInt64(before) == next:
            operations[operations.count - 1] = .literal(offset: start, length: before + length)
        default:
            operations.append(operation)
        }
        if case .literal(_, let length) = operation { literalBytes += UInt64(length) }
    }

    package mutating func append(_ more: [DeltaOperation]) {
        for operation in more { append(operation) }
    }

    /// A literal, and where in the basis the copies around it end and begin.
    package struct Literal: Hashable, Sendable {
        /// Its place in the new file.
        package var offset: UInt64
        package var length: Int
        /// The end of the copy before it; 0 at the beginning of the file.
        package var after: UInt64
        /// The start of the copy after it; where the script is taken to end in the basis if there is none.
        package var before: UInt64
    }

    /// Each literal, in order. All places lie within the basis; `end` is the one where the script ends.
    package func forEachLiteral(end: UInt64, basisSize: UInt64, _ body: (Literal) -> Void) {
        var after: UInt64 = 0
        for (place, operation) in operations.enumerated() {
            switch operation {
            case .copy(let offset, let length):
                after = min(offset.addingReportingOverflow(length).partialValue, basisSize)
            case .literal(let offset, let length):
                var before = end
                if place + 1 < operations.count, case .copy(let next, _) = operations[place + 1] {
                    before = min(next, basisSize)
                }
                body(Literal(offset: offset, length: length, after: after, before: before))
            }
        }
    }
}
