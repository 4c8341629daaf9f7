// What shapes are chosen and which are refused.

import LifterDelta
import Testing

@Suite struct ShapeTests {
    @Test func peersWordsAreJudged() {
        #expect(SignatureShape.validated(basisSize: 1 << 20, blockLength: 1024, strongLength: 4) != nil)
        #expect(SignatureShape.validated(basisSize: 1 << 20, blockLength: 0, strongLength: 4) == nil)
        #expect(SignatureShape.validated(basisSize: 1 << 20, blockLength: .max, strongLength: 4) == nil)
        #expect(SignatureShape.validated(basisSize: 1 << 20, blockLength: 1024, strongLength: 1) == nil)
        #expect(SignatureShape.validated(basisSize: 1 << 20, blockLength: 1024, strongLength: 9) == nil)
        #expect(SignatureShape.validated(basisSize: .max, blockLength: 1024, strongLength: 4) == nil)
        #expect(SignatureShape.validated(basisSize: 1 << 40, blockLength: 1024, strongLength: 4) == nil)
    }
}
