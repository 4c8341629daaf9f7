// Numbers of a few bits each, without gaps between them: what a signature consists of. The lowest bit comes first, into
// the lowest bit of a byte.

import LifterCodec

extension ByteWriter {
    /// So many low bits of each number, and after the last list zeros up to a whole byte.
    mutating func packed(_ lists: [(numbers: [UInt64], width: Int)]) {
        var waiting: UInt64 = 0
        var count = 0
        for (numbers, width) in lists {
            for number in numbers {
                // In two halves: with up to seven bits that wait they have room.
                for (half, bits) in [(number & 0xffff_ffff, min(width, 32)), (number >> 32, max(width - 32, 0))] {
                    waiting |= (half & HashWidths.mask(bits)) << UInt64(count)
                    count += bits
                    while count >= 8 {
                        u8(UInt8(truncatingIfNeeded: waiting))
                        waiting >>= 8
                        count -= 8
                    }
                }
            }
        }
        if count > 0 { u8(UInt8(truncatingIfNeeded: waiting)) }
    }
}

/// Takes such numbers out of bytes again.
struct BitReader {
    private let bytes: ArraySlice<UInt8>
    private var place: Int
    private var waiting: UInt64 = 0
    private var count = 0

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        place = bytes.startIndex
    }

    /// So many numbers of `width` bits, 1 to 64. Behind the last byte there are zeros.
    mutating func numbers(_ number: Int, width: Int) -> [UInt64] {
        var result: [UInt64] = []
        result.reserveCapacity(number)
        for _ in 0..<number {
            let low = take(min(width, 32))
            result.append(width > 32 ? low | take(width - 32) << 32 : low)
        }
        return result
    }

    /// The bits after the last number are zeros.
    var endsWithZeros: Bool { place == bytes.endIndex && waiting == 0 }

    private mutating func take(_ bits: Int) -> UInt64 {
        while count < bits, place < bytes.endIndex {
            waiting |= UInt64(bytes[place]) << UInt64(count)
            place += 1
            count += 8
        }
        let value = waiting & HashWidths.mask(bits)
        waiting >>= UInt64(bits)
        count = max(0, count - bits)
        return value
    }
}
