import LifterProtocol
import Testing

@Suite struct NamesTests {
    @Test(arguments: [
        ("a", true), ("", false), (".", false), ("..", false), ("...", true), (".a", true), ("a/b", false),
        ("/", false), ("a\0", false), ("\0", false), (" ", true), ("\n", true), ("-rf", true),
        (".sl-part-", false), (".sl-part-x", false), (".sl-displaced-", false), (".sl-displaced-1", false),
        (".sl-par", true), ("x.sl-part-1", true), (".SL-PART-1", true), ("ä", true),
    ])
    func acceptable(_ name: String, _ isAcceptable: Bool) {
        #expect(Names.isAcceptable(Array(name.utf8)[...]) == isAcceptable)
    }

    @Test func lengthsAndBytes() {
        for (count, fits) in [(254, true), (255, true), (256, false)] {
            #expect(Names.isAcceptable([UInt8](repeating: 0x61, count: count)[...]) == fits)
        }
        for byte in UInt8.min...UInt8.max {
            #expect(Names.isAcceptable([byte, 0x61]) == (byte != 0 && byte != UInt8(ascii: "/")))
        }
        // A slice of something longer is judged by itself.
        #expect(Names.isAcceptable(Array("../x".utf8)[3...]))
    }

    @Test(arguments: [
        ("a", "b", true), ("b", "a", false), ("a", "a", false), ("", "a", true), ("a", "", false), ("a", "aa", true),
        ("aa", "a", false), ("Z", "a", true), ("a", "ä", true),
    ])
    func byteOrder(_ left: String, _ right: String, _ isBefore: Bool) {
        #expect(Names.isBefore(Array(left.utf8)[...], Array(right.utf8)[...]) == isBefore)
    }
}
