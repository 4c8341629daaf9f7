// Compressed frames: one history for each class of messages, contents each by itself, and peers that lie.

import LifterCodec
import LifterProtocol
import Testing

@Suite struct CompressionTests {
    private func text(_ count: Int, _ seed: UInt64 = 1) -> [UInt8] {
        var random = SeededNumbers(seed: seed)
        var words: [UInt8] = []
        while words.count < count { words += Array("line \(random.next(below: 50)) of a file\n".utf8) }
        return Array(words[..<count])
    }

    private func noise(_ count: Int, _ seed: UInt64 = 2) -> [UInt8] {
        var random = SeededNumbers(seed: seed)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    private func content(_ bytes: [UInt8]) -> Message {
        .content(ContentMessage([ContentSegment(id: 1, offset: 0, payload: .bytes(bytes, 0..<bytes.count), end: nil)]))
    }

    private func owners(_ first: UInt32, _ count: UInt32 = 50) -> Message {
        .owners(
            Owners(
                (first..<first + count).map { OwnerName(isGroup: false, id: $0, name: Array("person-\($0)".utf8)) }))
    }

    private func decoder() -> FrameDecoder {
        var decoder = FrameDecoder()
        decoder.longestPayload = ProtocolConstants.longestPayload
        return decoder
    }

    /// Sends messages through a pair and checks that they arrive; the lengths of their frames.
    private func roundTrip(_ messages: [Message], _ choice: CompressionChoice, listings: Bool = true) throws -> [Int] {
        var encoder = try FrameEncoder(content: choice, listings: listings)
        var decoder = decoder()
        return try messages.map { message in
            let frame = try encoder.frame(try EncodedMessage(message)).bytes
            decoder.push(frame)
            let received = try #require(try decoder.next())
            #expect(described(received.message) == described(message))
            // Credit counts uncompressed bytes, whatever travelled.
            #expect(received.weight == (try message.encoded().count))
            return frame.count
        }
    }

    @Test func messagesOfAClassShareTheirHistory() throws {
        let same = try roundTrip([owners(1), owners(1), owners(1)], .none)
        #expect(same[1] < same[0] / 3 && same[2] < same[0] / 3)
        let plain = try roundTrip([owners(1), owners(1)], .none, listings: false)
        #expect(plain[0] == plain[1] && plain[0] > same[0])
        // Listings and answers have histories of their own; control and contents pass in between.
        let expand = Message.expand(
            Expand(sequence: 1, mode: .differing, hashes: (0..<100 as Range<UInt64>).map { $0 / 7 }))
        _ = try roundTrip(
            [owners(1), expand, .ping(1), content(text(1000)), owners(1), expand, .goodbye, owners(20), expand],
            .zstd(level: 3))
    }

    @Test(
        arguments: [.standard, .zstd(level: 1), .zstd(level: -7), .zstd(level: 19), .zlib(level: 1), .zlib(level: 9)]
            as [CompressionChoice])
    func contentsStandByThemselves(_ choice: CompressionChoice) throws {
        let lengths = try roundTrip([content(text(100_000)), content(text(100_000)), content(noise(50_000))], choice)
        #expect(lengths[0] < 40_000 && lengths[0] == lengths[1])
        // What does not shrink travels as it is.
        #expect(lengths[2] > 50_000 && lengths[2] < 50_040)

        // Any one can be read without the others.
        var encoder = try FrameEncoder(content: choice, listings: true)
        encoder.rekey(5)
        _ = try encoder.frame(try EncodedMessage(content(text(100_000))))
        encoder.rekey(7)
        let second = try encoder.frame(try EncodedMessage(content(text(90_000, 3)))).bytes
        var decoder = decoder()
        decoder.rekey(7)
        decoder.push(second)
        #expect(try decoder.next() != nil)
    }

    /// What a thread of its own does to contents beforehand: each message its own way, in one stream.
    @Test func contentsMayComeCompressed() throws {
        var encoder = try FrameEncoder(content: .none, listings: true)
        var decoder = decoder()
        let compressor = ContentCompressor()
        let methods: [ContentMethod] = [
            .zstd(level: 1), .none, .zlib(level: 6), .zstd(level: 12), .zlib(level: 1), .zstd(level: -7),
        ]
        for (index, method) in methods.enumerated() {
            for bytes in [text(100_000, UInt64(index)), noise(50_000), text(70), text(10)] {
                let message = content(bytes)
                var encoded = try EncodedMessage(message)
                let weight = encoded.payloadLength
                try compressor.compress(&encoded, method)
                #expect(encoded.payloadLength == weight && encoded.wireLength <= weight)
                #expect(
                    (encoded.wireLength < weight) == (method != .none && bytes.count == 100_000) || bytes.count == 70)
                let frame = try encoder.frame(encoded).bytes
                decoder.push(frame)
                let received = try #require(try decoder.next())
                #expect(described(received.message) == described(message) && received.weight == weight)
            }
        }
    }

    @Test func aSampleTellsWhatCanBeCompressed() throws {
        let compressor = ContentCompressor()
        func probe(_ bytes: [UInt8]) throws -> Double {
            var message = try EncodedMessage(content(bytes))
            return try compressor.probe(&message)
        }
        #expect(try probe(noise(200_000)) > 0.98)
        #expect(try probe(text(200_000)) < 0.5)
        #expect(try probe(noise(100_000) + text(100_000)) < 0.8)
        // So little that looking first would not save anything.
        #expect(try probe(noise(100)) == 0)
    }

    @Test func shortPayloadsAreNotCompressed() throws {
        for (length, isCompressed) in [(63, false), (64, true)] {
            var encoder = try FrameEncoder(content: .zstd(level: 3), listings: true)
            let message = content([UInt8](repeating: 0x61, count: length - 5))
            #expect(try message.encoded().count == length)
            let frame = try encoder.frame(try EncodedMessage(message)).bytes
            #expect((frame[1] == 3) == isCompressed)
        }
    }

    /// A message that does not shrink must still fit into a payload, history or not.
    @Test func theLongestMessagesOfAStreamedClass() throws {
        func deleted(_ length: Int, _ seed: UInt64) throws -> Message {
            // Up to 65,536 bytes of noise behind three of length, and one byte for the count.
            var rest = length - 1
            var paths: [[UInt8]] = []
            while rest > 0 {
                let count = min(rest, 65_539)
                let path = noise(count < 16_387 ? max(0, count - 2) : count - 3, seed &+ UInt64(paths.count))
                paths.append(path)
                rest -= count
            }
            let message = Message.deleted(Deleted(paths))
            #expect(try message.encoded().count == length)
            return message
        }
        let streamed = ProtocolConstants.longestStreamed
        for length in [streamed, streamed + 1, ProtocolConstants.longestPayload] {
            let lengths = try roundTrip([deleted(length, 1), deleted(2000, 2), deleted(length, 3)], .none)
            #expect(lengths.allSatisfy { $0 <= ProtocolConstants.longestPayload + 20 })
            #expect(lengths[0] > length)
        }
    }

    // MARK: Lies

    private func refusal(_ kind: MessageKind, codec: UInt8, _ announced: UInt32, _ bytes: [UInt8]) -> WireError? {
        var writer = ByteWriter()
        writer.u32(announced)
        writer.raw(bytes)
        var decoder = decoder()
        let frame = RawFrame(kind: kind.rawValue, flags: 1 | codec << 1, payload: writer.bytes)
        decoder.push(frame.bytes(ProtocolConstants.openingChain).bytes)
        do throws(WireError) {
            _ = try decoder.next()
            return nil
        } catch {
            return error
        }
    }

    @Test func announcedLengthsMustBeExact() throws {
        let payload = try content(text(1000)).encoded()
        let zstd = try ZstdCompressor().compress(payload, level: 3)
        let zlib = try ZlibCompressor().compress(payload)
        let stream = try ZstdStreamCompressor().compress(try owners(1).encoded())
        let exact = UInt32(payload.count)
        let streamed = UInt32(try owners(1).encoded().count)
        for (offset, expected) in [(-1, .compression), (0, nil), (1, .compression)] as [(Int32, WireError?)] {
            let announced = UInt32(Int32(exact) + offset)
            #expect(refusal(.content, codec: 1, announced, zstd) == expected)
            #expect(refusal(.content, codec: 2, announced, zlib) == expected)
            #expect(refusal(.owners, codec: 1, UInt32(Int32(streamed) + offset), stream) == expected)
        }
        #expect(refusal(.content, codec: 1, 0, zstd) == .compression)
        #expect(refusal(.content, codec: 1, 1 << 20 + 1, zstd) == .tooLong(length: 1 << 20 + 1))
        #expect(refusal(.content, codec: 1, .max, zstd) == .tooLong(length: UInt64(UInt32.max)))
    }

    @Test func malformedPayloads() throws {
        #expect(refusal(.content, codec: 1, 10, []) == .compression)
        #expect(refusal(.content, codec: 1, 10, noise(50)) == .compression)
        #expect(refusal(.content, codec: 2, 10, noise(50)) == .compression)
        #expect(refusal(.owners, codec: 1, 10, noise(50)) == .compression)
        // The streamed classes know zstd only; control messages no codec at all.
        #expect(refusal(.owners, codec: 2, 10, noise(50)) == .compression)
        #expect(refusal(.ping, codec: 1, 8, noise(50)) == .value("header.flags"))
        // A payload too short for its own length.
        var decoder = decoder()
        decoder.push(RawFrame(kind: 0x30, flags: 3, payload: [1, 0, 0]).bytes(ProtocolConstants.openingChain).bytes)
        #expect(throws: WireError.truncated("payload.length")) { _ = try decoder.next() }
        // Two compressed blocks where one is expected, and a stream with bytes behind it.
        let payload = try content(text(1000)).encoded()
        let zlib = try ZlibCompressor().compress(payload)
        #expect(refusal(.content, codec: 2, UInt32(payload.count), zlib + [0]) == .compression)
    }

    /// A window beyond the limit is refused before memory is taken for it.
    @Test func historiesAreBounded() throws {
        for (log, fits) in [(10, true), (20, true), (21, false), (23, false)] {
            let stream = try ZstdStreamCompressor(level: 3, windowLog: log)
            let bytes = try stream.compress(try owners(1).encoded())
            let expected: WireError? = fits ? nil : .compression
            #expect(refusal(.owners, codec: 1, UInt32(try owners(1).encoded().count), bytes) == expected, "\(log)")
        }
    }

    /// A few hundred bytes that stand for a gigabyte are refused in no time and little memory.
    @Test func bombsAreRefusedQuickly() throws {
        let zeros = [UInt8](repeating: 0, count: 64 << 20)
        let zstd = try ZstdCompressor().compress(zeros, level: 19)
        let zlib = try ZlibCompressor(level: 9).compress(zeros)
        let stream = try ZstdStreamCompressor().compress(zeros)
        #expect(zstd.count < 10_000 && zlib.count < 100_000)
        let clock = ContinuousClock()
        let time = clock.measure {
            for _ in 0..<10 {
                #expect(refusal(.content, codec: 1, 1 << 20, zstd) == .compression)
                #expect(refusal(.content, codec: 2, 1 << 20, zlib) == .compression)
                #expect(refusal(.owners, codec: 1, 1 << 20, stream) == .compression)
            }
        }
        // 30 refusals, each bounded by 1 MiB of output: some 50 ms. Unbounded, they would be 2 GiB.
        #expect(time < .seconds(10))
    }

    /// After one wrong frame of a streamed class the session is over, even if the next frame is fine.
    @Test func aBrokenHistoryStaysBroken() throws {
        var encoder = try FrameEncoder(content: .none, listings: true)
        let first = try encoder.frame(try EncodedMessage(owners(1))).bytes
        let second = try encoder.frame(try EncodedMessage(owners(1))).bytes
        #expect(second.count < first.count)
        // The second without the first: its chain is right, its history is not there.
        let payload = Array(second[12..<second.count - 8])
        var decoder = decoder()
        decoder.push(RawFrame(kind: 0x11, flags: 3, payload: payload).bytes(ProtocolConstants.openingChain).bytes)
        #expect(throws: WireError.compression) { _ = try decoder.next() }
        #expect(throws: WireError.compression) { _ = try decoder.next() }
    }
}
