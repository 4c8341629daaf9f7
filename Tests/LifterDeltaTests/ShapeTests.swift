// What shapes are chosen and which are refused.

import LifterCodec
import LifterDelta
import Testing

@Suite struct ShapeTests {
    private let widths = HashWidths(rolling: 20, strong: 30)

    @Test func peersWordsAreJudged() {
        #expect(SignatureShape.validated(basisSize: 1 << 20, blockLength: 1024, widths: widths) != nil)
        #expect(SignatureShape.validated(basisSize: 1 << 20, blockLength: 0, widths: widths) == nil)
        #expect(SignatureShape.validated(basisSize: 1 << 20, blockLength: .max, widths: widths) == nil)
        #expect(SignatureShape.validated(basisSize: .max, blockLength: 1024, widths: widths) == nil)
        #expect(SignatureShape.validated(basisSize: 1 << 40, blockLength: 1024, widths: widths) == nil)
        for (rolling, strong) in [(11, 30), (33, 30), (20, 7), (20, 65), (0, 0), (255, 255)] as [(UInt8, UInt8)] {
            #expect(HashWidths(validatedRolling: rolling, strong: strong) == nil)
        }
        #expect(HashWidths(validatedRolling: 12, strong: 8) == HashWidths(rolling: 0, strong: 0))
        #expect(HashWidths(validatedRolling: 32, strong: 64) == HashWidths(rolling: 99, strong: 99))
    }

    /// In every file all comparisons of a window with a block together go wrong more seldom than once in 2^24: the bits
    /// that are told make up for them. Of the rolling hash no more count than its sum can hold.
    @Test("Enough is told of each block, and not more than is needed")
    func widthsSuffice() throws {
        for exponent in 11...42 {
            for size in [UInt64(1) << exponent, (UInt64(1) << exponent) + 1, UInt64(3) << (exponent - 1)] {
                for newSize in [size / 3, size, size * 3] {
                    guard let shape = SignatureShape.chosen(basisSize: size, newSize: newSize) else { continue }
                    let widths = shape.widths
                    let held = 22 + (Int.bitWidth - 1 - shape.blockLength.leadingZeroBitCount) / 2
                    let good = min(widths.rolling, held) + widths.strong - 24
                    // 2^good: at least as many as there are comparisons, and less than twice as many.
                    let (high, low) = newSize.multipliedFullWidth(by: UInt64(shape.blockCount))
                    let comparisons = Double(high) * 0x1p64 + Double(low)
                    let room = Double(sign: .plus, exponent: good, significand: 1)
                    #expect(room >= comparisons, "\(size) to \(newSize): \(widths)")
                    #expect(room < 2 * comparisons || widths.strong == 8, "\(size) to \(newSize): \(widths)")
                }
            }
        }
    }

    @Test("Where literals are compressed short blocks are longer; a wish is a wish")
    func blockLengths() throws {
        func length(_ size: UInt64, wish: Int? = nil, _ literalsShrink: Bool) -> Int? {
            SignatureShape.chosen(
                basisSize: size, newSize: size, blockLength: wish, literalsShrink: literalsShrink)?.blockLength
        }
        #expect(length(10_000, false) == 256 && length(10_000, true) == 512)
        #expect(length(1 << 20, false) == 1024 && length(1 << 20, true) == 1024)
        #expect(length(10_000, wish: 100, true) == 100)
    }

    @Test("Hashes take whole bytes only in the end, and no number of blocks is too many")
    func sizes() {
        #expect(widths.bytes(ofBlocks: 0) == 0 && widths.bytes(ofBlocks: 1) == 7 && widths.bytes(ofBlocks: 8) == 50)
        #expect(widths.bytes(ofBlocks: UInt64.max) == .max)
    }
}
