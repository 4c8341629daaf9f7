// The rolling hash of a block: two sums that can be moved on by one byte in a few instructions.

/// a = sum of b(i), c = sum of (n - i) b(i), both modulo 2^16, for bytes b(0) ... b(n-1).
package struct RollingSum: Hashable, Sendable {
    package private(set) var a: UInt16 = 0
    package private(set) var c: UInt16 = 0

    package init() {}

    package init(value: UInt32) {
        a = UInt16(truncatingIfNeeded: value)
        c = UInt16(truncatingIfNeeded: value >> 16)
    }

    /// a | c << 16, as messages carry it.
    package var value: UInt32 { UInt32(a) | UInt32(c) << 16 }

    /// Makes a window longer by one byte at its end.
    @inline(__always)
    package mutating func append(_ byte: UInt8) {
        a &+= UInt16(byte)
        c &+= a
    }

    /// Takes the first byte off a window of `length` bytes.
    @inline(__always)
    package mutating func removeFirst(_ byte: UInt8, length: Int) {
        a &-= UInt16(byte)
        c &-= UInt16(truncatingIfNeeded: length) &* UInt16(byte)
    }

    /// Of a whole block, 32 bytes at a time.
    ///
    /// Each lane sums its own bytes (`sum`) and, before each stripe, the sums so far (`sums`), so that a byte of stripe k
    /// of K is counted K - 1 - k times in `sums`. With w = 32 the byte in place j of stripe k is i = kw + j, and
    ///
    ///     n - i = (n - (K - 1)w - j) + (K - 1 - k)w
    ///
    /// so the lanes are weighed once, at the end, and the loop only adds.
    package init(of block: UnsafeRawBufferPointer) {
        guard let base = block.baseAddress else { return }
        let stripes = block.count / Self.stripe
        if stripes > 0 { addStripes(base, count: stripes, length: block.count) }
        for place in stripes * Self.stripe..<block.count {
            let byte = UInt16(base.load(fromByteOffset: place, as: UInt8.self))
            a &+= byte
            c &+= UInt16(truncatingIfNeeded: block.count - place) &* byte
        }
    }

    private typealias Lanes = SIMD16<UInt16>
    private static let stripe = 32

    @inline(__always)
    private mutating func addStripes(_ base: UnsafeRawPointer, count: Int, length: Int) {
        let low = Lanes(repeating: 0xff)
        // Of the bytes at even and at odd places.
        var (evenSum, oddSum) = (Lanes.zero, Lanes.zero)
        var (evenSums, oddSums) = (Lanes.zero, Lanes.zero)
        var place = base
        for _ in 0..<count {
            let bytes = place.loadUnaligned(as: Lanes.self)
            evenSums &+= evenSum
            oddSums &+= oddSum
            evenSum &+= bytes & low
            oddSum &+= bytes &>> 8
            place += Self.stripe
        }
        // The weight of place 0, less the place of each lane's byte.
        let weight = UInt16(truncatingIfNeeded: length - (count - 1) * Self.stripe)
        let weights = Lanes(repeating: weight) &- Lanes(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
        let counted = (evenSums &+ oddSums) &* UInt16(Self.stripe)
        a &+= Self.total(evenSum &+ oddSum)
        c &+= Self.total(evenSum &* weights &+ oddSum &* (weights &- 1) &+ counted)
    }

    @inline(__always)
    private static func total(_ lanes: Lanes) -> UInt16 {
        let eight = lanes.lowHalf &+ lanes.highHalf
        let four = eight.lowHalf &+ eight.highHalf
        let two = four.lowHalf &+ four.highHalf
        return two[0] &+ two[1]
    }
}
