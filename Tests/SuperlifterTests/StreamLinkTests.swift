import LifterCodec
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
            encoder: try FrameEncoder(content: .none, listings: false), contents: .none, usesHistory: true,
            limit: 40_960, received: 0, sent: 4096)
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
            encoder: try FrameEncoder(content: .none, listings: false), contents: .none, usesHistory: true,
            limit: nil, received: 0, sent: 0)
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

/// What contents are compressed against, by several threads and in whatever order these finish.
@Suite struct ContentPipelineTests {
    private static let shared = (0..<3_000).map { _ in UInt8.random(in: 0...255) }

    private func message(_ index: Int) throws -> EncodedMessage {
        let count = index % 10 == 0 ? 100_000 : 10 * (index % 90)
        let bytes = Self.shared + (0..<count).map { _ in UInt8.random(in: 0...255) }
        return try EncodedMessage(
            .content(
                ContentMessage([
                    ContentSegment(id: UInt64(index), offset: 0, payload: .bytes(bytes, 0..<bytes.count), end: nil)
                ])))
    }

    /// Sends 400 messages, at most `ahead` of them waiting at a time; how many frames had which codec. `rate`: that of
    /// the stream when a message of this number is added, and at this time.
    private func codecs(
        _ choice: CompressionChoice, usesHistory: Bool, ahead: Int = 40, rate: (Int) -> UInt64? = { _ in nil }
    ) throws -> [Int] {
        var pipeline = ContentPipeline(choice, usesHistory: usesHistory)
        var encoder = try FrameEncoder(content: .none, listings: false)
        var decoder = FrameDecoder()
        decoder.longestPayload = ProtocolConstants.longestPayload
        var counts = [0, 0, 0, 0]
        var (added, arrived) = (0, 0)
        let start = Clock.monotonic
        while arrived < 400 {
            try #require(Clock.monotonic < start + 60_000_000_000)
            while added < 400, added - arrived < ahead {
                let now = UInt64(added + 1) * 20_000_000
                pipeline.add(try message(added), rate: rate(added), now: now)
                added += 1
                pipeline.reconsider(rate: rate(added), now: now)
            }
            pipeline.collect()
            guard let next = pipeline.next(isIdle: false, now: Clock.monotonic) else {
                Clock.sleep(nanoseconds: 100_000)
                continue
            }
            let frame = try encoder.frame(next).bytes
            counts[Int(frame[1] >> 1 & 3)] += 1
            decoder.push(frame)
            guard case .content(let content)? = try decoder.next()?.message, let segment = content.segments.first,
                case .bytes(let bytes, let range) = segment.payload
            else {
                Issue.record("no contents")
                return counts
            }
            #expect(segment.id == UInt64(arrived) && bytes[range].starts(with: Self.shared))
            arrived += 1
        }
        #expect(pipeline.isEmpty)
        return counts
    }

    @Test(arguments: [1, 3, 40])
    func framesReferToThoseBeforeThem(ahead: Int) throws {
        let counts = try codecs(.zstd(level: 3), usesHistory: true, ahead: ahead)
        // Behind a long one only its end is in reach.
        #expect(counts[3] > 300 && counts[1] == 0 && counts[2] == 0, "\(counts)")
    }

    @Test func aPeerWithoutTheFeatureGetsNone() throws {
        #expect(try codecs(.zstd(level: 3), usesHistory: false)[3] == 0)
        #expect(try codecs(.auto, usesHistory: false) { _ in 100_000 }[3] == 0)
        #expect(try codecs(.zlib(level: 6), usesHistory: true)[3] == 0)
        #expect(try codecs(.none, usesHistory: true) == [400, 0, 0, 0])
    }

    /// Frames that left before, that stood in line already, and times without any compression.
    @Test func autoBeginsAnewWhereverFramesWerePlain() throws {
        let slow = try codecs(.auto, usesHistory: true) { _ in 100_000 }
        let never = try codecs(.auto, usesHistory: true) { _ in nil }
        let changing = try codecs(.auto, usesHistory: true) { $0 % 100 < 30 ? nil : 100_000 }
        #expect(never == [400, 0, 0, 0])
        #expect(slow[3] > 50 && changing[3] > 10 && slow[2] == 0, "\(slow), \(changing)")
    }
}
