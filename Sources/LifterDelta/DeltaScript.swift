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
}
