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

    /// A peer that goes on writing while our last words cannot leave: nobody takes its messages any more, and what
    /// nobody takes must not keep poll from waiting.
    @Test func afterTheEndWhatArrivesIsDropped() throws {
        let ends = try Streams.makeSocketPair().release()
        let ours = Descriptor(owning: ends.reading)
        let theirs = Descriptor(owning: ends.writing)
        for end in [ours.raw, theirs.raw] { try Streams.setNonBlocking(true, of: end) }
        let link = StreamLink(
            input: ours.raw, output: ours.raw, decoder: FrameDecoder(),
            encoder: try FrameEncoder(content: .none, listings: false), contents: .none, limit: nil, received: 0,
            sent: 0)
        link.beginFarewell()
        let noise = [UInt8](repeating: 0x55, count: 64 << 10)
        var written = 0
        // More than the decoder would ever hold.
        while written < 16 << 20 {
            let transfer: Transfer = try noise.withUnsafeBytes { try Streams.write(theirs.raw, from: $0) }
            if case .bytes(let count) = transfer { written += count }
            var poller = Poller()
            link.register(in: &poller)
            _ = try poller.wait(timeout: 0)
            link.turn(poller)
        }
        var poller = Poller()
        var turns = 0
        while turns < 1_000 {
            poller.removeAll()
            link.register(in: &poller)
            if try poller.wait(timeout: 0) == 0 { break }
            link.turn(poller)
            turns += 1
        }
        #expect(turns < 1_000)
        #expect(!link.inputHasEnded)
    }
}
