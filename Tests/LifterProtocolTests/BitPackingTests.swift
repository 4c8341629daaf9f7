// Numbers without gaps between them.

import LifterCodec
import Testing

@testable import LifterProtocol

@Suite struct BitPackingTests {
    @Test("What is packed comes out again, whatever the widths", arguments: 1...64)
    func roundTrip(width: Int) {
        for count in [0, 1, 2, 7, 8, 9, 100] {
            let other = 65 - width
            let mixed = (0..<UInt64(count)).map { ($0 &+ 1) &* 0x9e37_79b9_7f4a_7c15 }
            let lists = [
                (numbers: mixed.map { $0 & HashWidths.mask(width) }, width: width),
                (numbers: mixed.map { ~$0 & HashWidths.mask(other) }, width: other),
            ]
            var writer = ByteWriter()
            writer.packed(lists)
            #expect(writer.bytes.count == (65 * count + 7) / 8)
            var reader = BitReader(writer.bytes[...])
            for list in lists { #expect(reader.numbers(count, width: list.width) == list.numbers) }
            #expect(reader.endsWithZeros)
        }
    }

    @Test("The first bit is the lowest of the first byte")
    func order() {
        var writer = ByteWriter()
        writer.packed([([1, 0, 1], 1), ([0x2aa], 10)])
        #expect(writer.bytes == [0b0101_0101, 0b0001_0101])
    }

    @Test("Bits behind the last number are zeros, or it is not what was written")
    func padding() {
        var clean = BitReader([0b0000_0111][...])
        #expect(clean.numbers(3, width: 1) == [1, 1, 1] && clean.endsWithZeros)
        var dirty = BitReader([0b0100_0111][...])
        #expect(dirty.numbers(3, width: 1) == [1, 1, 1] && !dirty.endsWithZeros)
    }
}
