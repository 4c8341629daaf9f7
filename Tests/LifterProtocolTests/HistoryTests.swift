// Contents that are compressed against those before them: both ends have to mean the same bytes.

import LifterCodec
import LifterProtocol
import Testing

@Suite struct ContentHistoryTests {
    private var random = SeededNumbers(seed: 20_270_101)

    /// Bytes that do not get smaller by themselves.
    private mutating func noise(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    private func content(_ bytes: [UInt8], id: UInt64 = 1) -> Message {
        .content(ContentMessage([ContentSegment(id: id, offset: 0, payload: .bytes(bytes, 0..<bytes.count), end: nil)]))
    }

    private func encoder(_ choice: CompressionChoice = .zstd(level: 3), history: Bool = true) throws -> FrameEncoder {
        var encoder = try FrameEncoder(content: choice, listings: true)
        encoder.usesHistory = history
        return encoder
    }

    private func decoder() -> FrameDecoder {
        var decoder = FrameDecoder()
        decoder.longestPayload = ProtocolConstants.longestPayload
        return decoder
    }

    /// Sends a message through a pair and checks that it arrives; its codec, and the length of its frame.
    private func send(
        _ message: Message, _ encoder: inout FrameEncoder, _ decoder: inout FrameDecoder
    ) throws -> (codec: UInt8, length: Int) {
        let frame = try encoder.frame(try EncodedMessage(message)).bytes
        decoder.push(frame)
        let received = try #require(try decoder.next())
        #expect(described(received.message) == described(message))
        #expect(received.weight == (try message.encoded().count))
        return (frame[1] >> 1 & 3, frame.count)
    }

    @Test mutating func aFrameRefersToThoseBeforeIt() throws {
        var (encoder, decoder) = (try encoder(), decoder())
        let (one, two) = (noise(20_000), noise(20_000))
        // What does not shrink leaves plain, and is referred to all the same; so is what is too short.
        #expect(try send(content(one), &encoder, &decoder).codec == 0)
        #expect(try send(content([1, 2, 3]), &encoder, &decoder).codec == 0)
        #expect(try send(.ping(1), &encoder, &decoder).codec == 0)
        #expect(try send(content(two), &encoder, &decoder).codec == 0)
        for bytes in [one, two, one + two] {
            let (codec, length) = try send(content(bytes), &encoder, &decoder)
            #expect(codec == 3 && length < 200)
        }
    }

    @Test mutating func aPeerWithoutTheFeatureGetsFramesByThemselves() throws {
        var (encoder, decoder) = (try encoder(history: false), decoder())
        let text = [UInt8](repeating: 0x61, count: 20_000)
        for _ in 0..<3 { #expect(try send(content(text), &encoder, &decoder).codec == 1) }
        var other = try self.encoder(.zlib(level: 6))
        var otherDecoder = self.decoder()
        for _ in 0..<3 { #expect(try send(content(text), &other, &otherDecoder).codec == 2) }
    }

    /// Both ends forget at the same place, by bytes and by frames.
    @Test mutating func historyIsBounded() throws {
        for (count, filler, isKnown) in [
            (1, 200_000, true), (1, 262_120, false), (20, 13_200, false), (20, 10_000, true), (62, 100, true),
            (64, 100, false),
        ] {
            var (encoder, decoder) = (try encoder(), decoder())
            let bytes = noise(20_000)
            _ = try send(content(bytes), &encoder, &decoder)
            for _ in 0..<count { _ = try send(content(noise(filler)), &encoder, &decoder) }
            // Long enough to reach back as far as possible.
            let (_, length) = try send(content(bytes + noise(70_000)), &encoder, &decoder)
            #expect((length < 75_000) == isKnown, "\(count) of \(filler): \(length)")
        }
    }

    /// As threads do it: what each message follows is known before any of them is compressed.
    @Test mutating func contentsMayComeCompressed() throws {
        var (encoder, decoder) = (try FrameEncoder(content: .none, listings: true), decoder())
        let compressors = [ContentCompressor(), ContentCompressor()]
        let shared = noise(3_000)
        var history = ContentHistory()
        var work: [(message: Message, encoded: EncodedMessage, before: ContentHistory, method: ContentMethod)] = []
        let methods: [ContentMethod] = [
            .zstd(level: 3), .none, .zstd(level: 1), .zlib(level: 6), .zstd(level: 12), .zstd(level: -7),
        ]
        for index in 0..<200 {
            let bytes = shared + noise(Int(random.next(below: index % 7 == 0 ? 200_000 : 2_000)))
            let message = content(bytes, id: UInt64(index))
            let encoded = try EncodedMessage(message)
            work.append((message, encoded, history, methods[Int(random.next(below: 6))]))
            history.append(encoded)
        }
        var done = work.map(\.encoded)
        for index in work.indices.shuffled(using: &random) {
            try compressors[index % 2].compress(&done[index], work[index].method, after: work[index].before)
        }
        var counts = [0, 0, 0, 0]
        for (index, encoded) in done.enumerated() {
            let frame = try encoder.frame(encoded).bytes
            counts[Int(frame[1] >> 1 & 3)] += 1
            decoder.push(frame)
            #expect(described(try #require(try decoder.next()).message) == described(work[index].message))
        }
        #expect(counts[3] > 50 && counts[0] > 20)
    }

    /// An encoder cannot know what was in contents that came compressed, so it begins anew behind them.
    @Test mutating func anEncoderForgetsWhatItHasNotSeen() throws {
        var (encoder, decoder) = (try encoder(), decoder())
        let bytes = noise(20_000)
        _ = try send(content(bytes), &encoder, &decoder)
        var foreign = try EncodedMessage(content(noise(100)))
        foreign.leavePlain()
        decoder.push(try encoder.frame(foreign).bytes)
        _ = try #require(try decoder.next())
        #expect(try send(content(bytes), &encoder, &decoder).codec == 0)
        #expect(try send(content(bytes), &encoder, &decoder).codec == 3)
    }

    @Test func theRecordedFramesAreRead() throws {
        var decoder = FrameDecoder()
        decoder.push(try Golden.bytes("session-history"))
        let shared = Array("One line that the next file has as well, after another beginning.\n".utf8)
        #expect(described(try #require(try decoder.next()).message) == described(content(shared, id: 300)))
        let second = content(Array("Begun anew. ".utf8) + shared, id: 301)
        #expect(described(try #require(try decoder.next()).message) == described(second))
        #expect(decoder.isBetweenFrames)
    }

    // MARK: Lies

    /// What becomes of a frame of codec 3 behind one of 1,000 bytes, or as the first.
    private func refusal(
        _ announced: UInt32, _ reach: UInt32?, _ bytes: [UInt8], first: [UInt8]?, kind: MessageKind = .content
    ) throws -> WireError? {
        var decoder = decoder()
        var chain = ProtocolConstants.openingChain
        if let first {
            let frame = RawFrame(kind: MessageKind.content.rawValue, payload: first).bytes(chain)
            chain = frame.chain
            decoder.push(frame.bytes)
            _ = try #require(try decoder.next())
        }
        var writer = ByteWriter()
        writer.u32(announced)
        if let reach { writer.u32(reach) }
        writer.raw(bytes)
        decoder.push(RawFrame(kind: kind.rawValue, flags: 7, payload: writer.bytes).bytes(chain).bytes)
        do throws(WireError) {
            _ = try decoder.next()
            return nil
        } catch {
            return error
        }
    }

    @Test mutating func whatIsNotThereIsNotReferredTo() throws {
        let payload = try content(noise(1_000)).encoded()
        let count = UInt32(payload.count)
        let packed = try ZstdCompressor().compress(payload + payload, history: payload.count, level: 3)
        #expect(try refusal(count, count, packed, first: payload) == nil)
        #expect(try refusal(count, count, packed, first: nil) == .compression)
        #expect(try refusal(count, 0, packed, first: payload) == .compression)
        #expect(try refusal(count, count + 1, packed, first: payload) == .compression)
        #expect(try refusal(count, .max, packed, first: payload) == .compression)
        #expect(try refusal(count, count - 1, packed, first: payload) == .compression)
        #expect(try refusal(count - 1, count, packed, first: payload) == .compression)
        #expect(try refusal(count + 1, count, packed, first: payload) == .compression)
        #expect(try refusal(.max, count, packed, first: payload) == .tooLong(length: UInt64(UInt32.max)))
        #expect(try refusal(count, count, noise(50), first: payload) == .compression)
        #expect(try refusal(count, nil, [1, 2], first: payload) == .truncated("history.length"))
        // Contents only.
        #expect(try refusal(count, count, packed, first: payload, kind: .owners) == .compression)
        #expect(try refusal(8, count, packed, first: payload, kind: .ping) == .value("header.flags"))
    }
}
