import LifterSystem
import Testing

struct DisplayTests {
    @Test(
        arguments: [
            ([0x61, 0x20, 0x7e], "a ~"), ([0x0a], "\\#012"), ([0x1b, 0x5b], "\\#033["), ([0x7f], "\\#177"),
            ([0xc3, 0xa9], "é"), ([0xf0, 0x9f, 0x98, 0x80], "😀"), ([0xc2, 0x9b], "\\#302\\#233"), ([0xff], "\\#377"),
            ([0xc0, 0x80], "\\#300\\#200"), ([0xed, 0xa0, 0x80], "\\#355\\#240\\#200"), ([0xe2, 0x82], "\\#342\\#202"),
            ([0xe2, 0x80, 0xae, 0x61], "\\#342\\#200\\#256a"), ([0xf4, 0x90, 0x80, 0x80], "\\#364\\#220\\#200\\#200"),
            ([0x5c, 0x62], "\\b"), (Array("\\#012".utf8), "\\#134#012"), ([], ""), ([0xf0], "\\#360"),
        ] as [([UInt8], String)])
    func table(bytes: [UInt8], text: String) {
        #expect(Display.escaped(bytes) == text)
    }

    /// Whatever the bytes: valid text without a control character, from which the bytes can be had back.
    @Test func randomBytes() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var state = seed
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
        let favourites: [UInt8] = [0x5c, 0x23, 0x30, 0x31, 0xe2, 0x80, 0xae, 0xc2, 0x9b, 0x1b, 0x0a]
        for _ in 0..<3_000 {
            let bytes = (0..<(next() % 24)).map { _ in
                next() % 2 == 0 ? UInt8(truncatingIfNeeded: next()) : favourites[Int(next() % 11)]
            }
            let text = Display.escaped(bytes)
            #expect(
                !text.unicodeScalars.contains { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) }, "seed \(seed)")
            #expect(unescaped(text) == bytes, "seed \(seed)")
        }
    }

    private func unescaped(_ text: String) -> [UInt8] {
        let input = Array(text.utf8)
        var bytes: [UInt8] = []
        var index = 0
        while index < input.count {
            let digits = input[index...].dropFirst(2).prefix(3)
            if input[index] == 0x5c, index + 1 < input.count, input[index + 1] == 0x23, digits.count == 3,
                digits.allSatisfy({ (0x30...0x37).contains($0) })
            {
                bytes.append(digits.reduce(0) { $0 << 3 | ($1 - 0x30) })
                index += 5
            } else {
                bytes.append(input[index])
                index += 1
            }
        }
        return bytes
    }
}
