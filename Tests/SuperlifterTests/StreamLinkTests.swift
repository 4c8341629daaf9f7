import LifterProtocol
import LifterSystem
import Testing

@testable import Superlifter

@Suite struct StreamLinkTests {
    /// The loop asks twice before it waits: once what to wait for, and once how long. Were the answers of two moments,
    /// nothing might be left to wait for, and the session would stand still for ever.
    @Test func whatALimitHoldsUpIsWaitedForUntilTheNextTry() throws {
        let ends = try Streams.makeSocketPair().release()
        let ours = Descriptor(owning: ends.reading)
        let theirs = Descriptor(owning: ends.writing)
        try Streams.setNonBlocking(true, of: ours.raw)
        let link = StreamLink(
            input: ours.raw, output: ours.raw, decoder: FrameDecoder(),
            encoder: try FrameEncoder(content: .none, listings: false), contents: .none, limit: 40_960, received: 0,
            sent: 4096)
        try link.send(.encoded(EncodedMessage(.abort(Abort(exit: 20, text: "a word")))))
        link.flush()
        // The handshake's 4096 bytes are made up for first.
        let moment = try #require(link.wakesAt)
        while Clock.monotonic < moment { Clock.sleep(nanoseconds: 1_000_000) }
        #expect(link.wakesAt == moment)
        var poller = Poller()
        link.register(in: &poller)
        #expect(link.wakesAt == moment)
        while !link.isFlushed {
            try #require(Clock.monotonic < moment + 5_000_000_000)
            Clock.sleep(nanoseconds: 1_000_000)
            link.flush()
        }
        #expect(link.wakesAt == nil)
        var arrived = [UInt8](repeating: 0, count: 4096)
        let transfer: Transfer = try arrived.withUnsafeMutableBytes { bytes in
            try Streams.read(theirs.raw, into: bytes)
        }
        #expect(transfer == .bytes(Int(link.sent - 4096)))
    }
}
