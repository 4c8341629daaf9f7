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
        for (rolling, strong) in [(11, 30), (33, 30), (20, 15), (20, 65), (0, 0), (255, 255)] as [(UInt8, UInt8)] {
            #expect(HashWidths(validatedRolling: rolling, strong: strong) == nil)
        }
        #expect(HashWidths(validatedRolling: 12, strong: 16) == HashWidths(rolling: 0, strong: 0))
        #expect(HashWidths(validatedRolling: 32, strong: 64) == HashWidths(rolling: 99, strong: 99))
    }

    /// In every file all comparisons of a window with a block together go wrong more seldom than once in 2^24: the bits
    /// that are told make up for them. Of the rolling hash no more count than its sum can hold, and one less than are
    /// told, since a pair of sums may pass twice as often.
    @Test(
        "Enough is told of each block, and not more than is needed",
        arguments: [nil, 64, 700, 1 << 16, 16 << 20] as [Int?], [false, true])
    func widthsSuffice(wish: Int?, isCoarse: Bool) throws {
        for exponent in 7...42 {
            for size in [UInt64(1) << exponent, (UInt64(1) << exponent) + 1, UInt64(3) << (exponent - 1)] {
                for newSize in [size / 3, size, size * 3] {
                    guard
                        let shape = SignatureShape.chosen(
                            basisSize: size, newSize: newSize, blockLength: wish, refines: isCoarse,
                            literalsShrink: isCoarse)
                    else { continue }
                    let widths = shape.widths
                    let held = 22 + (Int.bitWidth - 1 - shape.blockLength.leadingZeroBitCount) / 2
                    let good = min(widths.rolling - 1, held) + widths.strong - 24
                    // 2^good: at least as many as there are comparisons, and less than twice as many.
                    let (high, low) = newSize.multipliedFullWidth(by: UInt64(shape.blockCount))
                    let comparisons = Double(high) * 0x1p64 + Double(low)
                    let room = Double(sign: .plus, exponent: good, significand: 1)
                    #expect(room >= comparisons, "\(size) to \(newSize): \(shape)")
                    #expect(room < 2 * comparisons || widths.strong == 16, "\(size) to \(newSize): \(shape)")
                }
            }
        }
    }

    /// Sums in a lattice, which is the worst that can be multiplied: with one key they may be told alike ten times as
    /// often as chance would have it. Over many keys it is at most twice as often.
    @Test("Different sums are told alike about as seldom as their width lets them be")
    func mixing() {
        let keys = 500
        var alike = 0
        for key in 1...UInt64(keys) {
            let mixer = RollingMixer(key: key &* 0x9e37_79b9_7f4a_7c15, width: 16)
            var seen: [UInt32: Int] = [:]
            for a in 20_000..<20_064 as Range<UInt32> {
                for c in 0..<64 as Range<UInt32> { seen[mixer.told(a | (c * 37) << 16), default: 0] += 1 }
            }
            alike += seen.values.reduce(0) { $0 + $1 * ($1 - 1) / 2 }
        }
        // 4,096 sums make 8.4 million pairs, of which one in 2^16 would be 128.
        #expect(alike < 2 * 128 * keys && alike > 64 * keys, "\(alike / keys)")
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
