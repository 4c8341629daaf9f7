// How a new file is made of an old one.

/// One step of the way through the new file.
package enum DeltaOperation: Hashable, Sendable {
    /// `length` bytes of the basis from `basisOffset` on.
    case copy(basisOffset: UInt64, length: UInt64)
    /// `length` bytes that the basis does not have; `offset` is their place in the new file.
    case literal(offset: UInt64, length: Int)
}

/// What a matcher has found out: steps in order, and the bytes of all literals among them, in the same order.
package struct DeltaOutput: Sendable {
    package var operations: [DeltaOperation] = []
    /// Empty if the matcher was told not to collect them.
    package var literals: [UInt8] = []

    package init() {}

    /// Empty again; the memory stays for the next use.
    package mutating func removeAll() {
        operations.removeAll(keepingCapacity: true)
        literals.removeAll(keepingCapacity: true)
    }
}
