// XXH3 against published values, and streams against one-shot digests.

import LifterCodec
import Testing

@Suite struct XXH3Tests {
    /// The digests of the empty input, as xxhsum prints them.
    @Test func emptyInput() {
        #expect(XXH3.hash64([UInt8](), seed: 0) == 0x2d06_8005_38d3_94c2)
        let digest = XXH3.hash128([UInt8](), seed: 0)
        #expect(digest == Digest128(low: 0x6001_c324_468d_497f, high: 0x99aa_06d3_0147_98d8))
        #expect(digest.description == "99aa06d3014798d86001c324468d497f")
    }

    @Test(arguments: [0, 1, 3, 8, 16, 17, 128, 129, 240, 241, 1023, 1024, 1025, 70_000])
    func streamEqualsOneShot(size: Int) {
        var generator = Generator(seed: UInt64(size) + 1)
        let bytes = generator.bytes(size)
        for seed: UInt64 in [0, 1, 0x9e37_79b9_7f4a_7c15] {
            let stream = XXH3Stream(seed: seed)
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...700, using: &generator))
                stream.update(piece)
                rest = rest.dropFirst(piece.count)
            }
            #expect(stream.digest128() == XXH3.hash128(bytes, seed: seed))
            #expect(stream.digest64() == XXH3.hash64(bytes[...], seed: seed))
        }
    }

    @Test func copyGoesItsOwnWay() {
        let first = XXH3Stream(seed: 7)
        first.update([1, 2, 3] as [UInt8])
        let second = first.copy()
        second.update([4] as [UInt8])
        #expect(first.digest128() == XXH3.hash128([1, 2, 3] as [UInt8], seed: 7))
        #expect(second.digest128() == XXH3.hash128([1, 2, 3, 4] as [UInt8], seed: 7))
        first.reset()
        #expect(first.digest64() == XXH3.hash64([UInt8](), seed: 7))
    }

    @Test func encoding() {
        let digest = Digest128(low: 0x0807_0605_0403_0201, high: 0x100f_0e0d_0c0b_0a09)
        #expect(digest.bytes == Array(1...16))
        #expect(Digest128(bytes: digest.bytes) == digest)
        #expect(Digest128(bytes: ([0] + digest.bytes)[1...]) == digest)
        #expect(Digest128(bytes: [UInt8](1...15)) == nil)
        #expect(Digest128(bytes: [UInt8](1...17)) == nil)
    }
}
