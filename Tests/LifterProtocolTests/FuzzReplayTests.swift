// What a fuzzer once found stays found: each input is decoded as its target does, and must neither trap nor differ.

import LifterProtocol
import Testing

@Suite struct FuzzReplayTests {
    @Test func messagesOnceFound() throws {
        for (name, bytes) in try Golden.failures() where name.hasPrefix("FuzzMessages") {
            guard let first = bytes.first else { continue }
            let kind = MessageKind.allCases[Int(first) % MessageKind.allCases.count]
            guard let message = try? decoded(kind, Array(bytes.dropFirst())) else { continue }
            let once = try message.encoded()
            #expect(try decoded(kind, once).encoded() == once, "\(name)")
        }
    }

    @Test func streamsOnceFound() throws {
        for (name, bytes) in try Golden.failures() where name.hasPrefix("FuzzFrames") {
            var decoder = FrameDecoder()
            decoder.push(bytes)
            while let received = try? decoder.next() { #expect(received.weight >= 0, "\(name)") }
        }
    }
}
