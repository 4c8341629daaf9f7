// The rolling hash of a block: two sums that can be moved on by one byte in a few instructions.

/// a = sum of b(i), c = sum of (n - i) b(i), both modulo 2^16, for bytes b(0) ... b(n-1).
package struct RollingSum: Hashable, Sendable {
    package private(set) var a: UInt16 = 0
    package private(set) var c: UInt16 = 0

    package init() {}

    package init(of block: UnsafeRawBufferPointer) {
        for byte in block {
            a &+= UInt16(byte)
            c &+= a
        }
    }

    /// a | c << 16, as messages carry it.
    package var value: UInt32 { UInt32(a) | UInt32(c) << 16 }

    /// Moves a window of `length` bytes on by one.
    package mutating func roll(out: UInt8, in entering: UInt8, length: Int) {
        a = a &- UInt16(out) &+ UInt16(entering)
        c = c &- UInt16(truncatingIfNeeded: length) &* UInt16(out) &+ a
    }
}
