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

    /// Of a whole block, 64 bytes at a time.
    ///
    /// Each lane sums its own bytes (`sum`) and, before each stripe, the sums so far (`sums`), so that a byte of stripe k
    /// of K is counted K - 1 - k times in `sums`. With w = 64 the byte in lane j of stripe k has the place i = kw + j, and
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

    private static let stripe = 64

    @inline(__always)
    private mutating func addStripes(_ base: UnsafeRawPointer, count: Int, length: Int) {
        typealias Lanes = SIMD16<UInt16>
        let low = Lanes(repeating: 0xff)
        // Even and odd bytes of the first and of the second half of a stripe.
        var (sum0, sum1, sum2, sum3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var (sums0, sums1, sums2, sums3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var place = base
        for _ in 0..<count {
            let first = place.loadUnaligned(as: Lanes.self)
            let second = place.loadUnaligned(fromByteOffset: 32, as: Lanes.self)
            sums0 &+= sum0
            sums1 &+= sum1
            sums2 &+= sum2
            sums3 &+= sum3
            sum0 &+= first & low
            sum1 &+= first &>> 8
            sum2 &+= second & low
            sum3 &+= second &>> 8
            place += Self.stripe
        }
        let sums = (sums0 &+ sums1) &+ (sums2 &+ sums3)
        c &+= UInt16(Self.stripe) &* sums.wrappedSum()
        let weight = UInt16(truncatingIfNeeded: length - (count - 1) * Self.stripe)
        for (lanes, firstPlace) in [(sum0, 0), (sum1, 1), (sum2, 32), (sum3, 33)] as [(Lanes, UInt16)] {
            a &+= lanes.wrappedSum()
            for lane in 0..<Lanes.scalarCount {
                c &+= (weight &- firstPlace &- UInt16(2 * lane)) &* lanes[lane]
            }
        }
    }
}
