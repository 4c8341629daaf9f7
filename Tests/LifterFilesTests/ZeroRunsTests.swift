import Testing

@testable import LifterFiles

@Suite struct ZeroRunsTests {
    /// What is left out is zeros; what is written is no block of them; nothing is written twice.
    @Test func runsTellTheDataApart() {
        let seed = UInt64.random(in: 0 ... .max)
        print("zero runs property test: seed \(seed)")
        var state = seed
        func random(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(below))
        }
        for _ in 0..<300 {
            var bytes = [UInt8](repeating: 0, count: random(40_000))
            for _ in 0..<random(6) where !bytes.isEmpty {
                let start = random(bytes.count)
                for index in start..<min(bytes.count, start + random(9000)) { bytes[index] = UInt8(random(255) + 1) }
            }
            let offset = random(3) == 0 ? 0 : random(20_000)
            var written = [UInt8](repeating: 0, count: bytes.count)
            var last = 0
            bytes.withUnsafeBytes { all in
                var runs = ZeroRuns(all, at: UInt64(offset))
                while let run = runs.nextData() {
                    #expect(run.lowerBound >= last && !run.isEmpty)
                    last = run.upperBound
                    written.replaceSubrange(run, with: all[run])
                    // Whole blocks of zeros are never among what is written.
                    var block = (offset + run.lowerBound + 4095) / 4096 * 4096 - offset
                    while block + 4096 <= run.upperBound {
                        #expect(all[block..<block + 4096].contains { $0 != 0 })
                        block += 4096
                    }
                }
            }
            #expect(written == bytes)
        }
    }
}
