// zstd and zlib in both shapes: what goes in comes out, and nothing else gets in.

import LifterCodec
import Testing

/// Both codecs behind one face, so that each promise is tested on each.
enum Codec: CaseIterable {
    case zstd, zlib

    func compress(_ bytes: [UInt8]) throws -> [UInt8] {
        switch self {
        case .zstd: try ZstdCompressor().compress(bytes, level: 3)
        case .zlib: try ZlibCompressor().compress(bytes)
        }
    }

    func decompress(_ bytes: [UInt8], exactSize: Int) throws -> [UInt8] {
        switch self {
        case .zstd: try ZstdDecompressor().decompress(bytes, exactSize: exactSize)
        case .zlib: try ZlibDecompressor().decompress(bytes, exactSize: exactSize)
        }
    }

    func makeStreams() throws -> (send: ([UInt8]) throws -> [UInt8], receive: ([UInt8], Int) throws -> [UInt8]) {
        switch self {
        case .zstd:
            let (sender, receiver) = (try ZstdStreamCompressor(), try ZstdStreamDecompressor())
            return ({ try sender.compress($0) }, { try receiver.decompress($0, exactSize: $1) })
        case .zlib:
            let (sender, receiver) = (try ZlibStreamCompressor(), try ZlibStreamDecompressor())
            return ({ try sender.compress($0) }, { try receiver.decompress($0, exactSize: $1) })
        }
    }
}

@Suite struct BlockTests {
    @Test(arguments: Codec.allCases, [0, 1, 100, 65_536, 1_000_003])
    func roundTrip(codec: Codec, size: Int) throws {
        var generator = Generator(seed: UInt64(size))
        for bytes in [generator.bytes(size), generator.text(size), [UInt8](repeating: 7, count: size)] {
            let packed = try codec.compress(bytes)
            let unpacked = try codec.decompress(packed, exactSize: size)
            #expect(unpacked == bytes)
        }
    }

    @Test func contextsAreReused() throws {
        let (zstd, unzstd) = (try ZstdCompressor(), try ZstdDecompressor())
        let (zlib, unzlib) = (try ZlibCompressor(level: 1), try ZlibDecompressor())
        var generator = Generator(seed: 3)
        for size in [5000, 0, 17, 200_000] {
            let bytes = generator.text(size)
            #expect(try unzstd.decompress(zstd.compress(bytes, level: -5), exactSize: size) == bytes)
            #expect(try unzlib.decompress(zlib.compress(bytes), exactSize: size) == bytes)
        }
        // Levels out of range are moved into it.
        #expect(try unzstd.decompress(zstd.compress([1, 2], level: .max), exactSize: 2) == [1, 2])
        #expect(try unzstd.decompress(zstd.compress([1, 2], level: .min), exactSize: 2) == [1, 2])
    }

    @Test(arguments: Codec.allCases)
    func exactSizeIsDemanded(codec: Codec) throws {
        let packed = try codec.compress([UInt8](repeating: 42, count: 10_000))
        for size in [0, 1, 9_999] {
            #expect(throws: CodecError.tooLong) { try codec.decompress(packed, exactSize: size) }
        }
        #expect(throws: CodecError.tooShort) { try codec.decompress(packed, exactSize: 10_001) }
        #expect(throws: CodecError.malformed) { try codec.decompress(packed, exactSize: -1) }
    }

    /// A bomb of 600:1 and more costs what was announced and no more.
    @Test(arguments: Codec.allCases)
    func bombIsRefused(codec: Codec) throws {
        let packed = try codec.compress([UInt8](repeating: 0, count: 64 << 20))
        #expect(packed.count < 100_000)
        #expect(throws: CodecError.tooLong) { try codec.decompress(packed, exactSize: 4096) }
    }

    @Test(arguments: Codec.allCases)
    func damageIsRefusedOrKeepsTheSize(codec: Codec) throws {
        let seed: UInt64 = 20_261
        var generator = Generator(seed: seed)
        let bytes = generator.text(5000)
        let packed = try codec.compress(bytes)
        #expect(throws: CodecError.self, "truncated") {
            try codec.decompress(Array(packed.dropLast()), exactSize: bytes.count)
        }
        #expect(throws: CodecError.self, "trailing garbage") {
            try codec.decompress(packed + [1, 2, 3, 4, 5], exactSize: bytes.count)
        }
        for _ in 0..<2000 {
            var damaged = packed
            let place = Int.random(in: 0..<damaged.count, using: &generator)
            damaged[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            // zstd frames carry no check here; whatever comes must have the announced size.
            if let result = try? codec.decompress(damaged, exactSize: bytes.count) {
                #expect(result.count == bytes.count, "seed \(seed)")
            }
        }
        for _ in 0..<500 {
            let noise = generator.bytes(Int.random(in: 0...300, using: &generator))
            #expect(throws: CodecError.self, "seed \(seed)") { try codec.decompress(noise, exactSize: 300) }
        }
    }
}

@Suite struct HistoryTests {
    @Test(arguments: [(1, 5000), (7, 300), (100_000, 5000), (262_144, 524_288), (300, 0)])
    func roundTrip(history: Int, size: Int) throws {
        var generator = Generator(seed: UInt64(history))
        let (zstd, unzstd) = (try ZstdCompressor(), try ZstdDecompressor())
        let before = generator.bytes(history)
        for level in [-5, 1, 3, 6, 12, 19] {
            for bytes in [generator.text(size), Array((before + before + generator.bytes(size)).prefix(size))] {
                let packed = try zstd.compress(before + bytes, history: history, level: level)
                #expect(try unzstd.decompress(packed, history: before, exactSize: size) == bytes)
                // Neither end keeps anything of it.
                let alone = try zstd.compress(bytes, level: level)
                #expect(try unzstd.decompress(alone, exactSize: size) == bytes)
                #expect(try ZstdDecompressor().decompress(alone, exactSize: size) == bytes)
            }
        }
    }

    @Test func whatWasThereBeforeIsNotSentAgain() throws {
        var generator = Generator(seed: 11)
        let bytes = generator.bytes(50_000)
        let packed = try ZstdCompressor().compress(bytes + bytes, history: bytes.count, level: 3)
        #expect(packed.count < 100)
    }

    @Test func theWrongHistoryIsRefusedOrKeepsTheSize() throws {
        var generator = Generator(seed: 12)
        let bytes = generator.bytes(5_000)
        let packed = try ZstdCompressor().compress(bytes + bytes, history: bytes.count, level: 3)
        let reader = try ZstdDecompressor()
        #expect(throws: CodecError.self, "none") { try reader.decompress(packed, exactSize: bytes.count) }
        #expect(throws: CodecError.self, "empty") { try reader.decompress(packed, history: [], exactSize: bytes.count) }
        #expect(throws: CodecError.self, "its end") {
            try reader.decompress(packed, history: Array(bytes.suffix(100)), exactSize: bytes.count)
        }
        let other = generator.bytes(bytes.count)
        #expect(try reader.decompress(packed, history: other, exactSize: bytes.count).count == bytes.count)
        for (size, error) in [(0, CodecError.tooLong), (4_999, .tooLong), (5_001, .tooShort), (-1, .malformed)] {
            #expect(throws: error) { try reader.decompress(packed, history: bytes, exactSize: size) }
        }
        // After all that it is as good as new.
        #expect(try reader.decompress(packed, history: bytes, exactSize: bytes.count) == bytes)
    }
}

@Suite struct ConversationTests {
    @Test(arguments: Codec.allCases)
    func eachMessageIsReadableAtOnce(codec: Codec) throws {
        let seed: UInt64 = 99
        var generator = Generator(seed: seed)
        let (send, receive) = try codec.makeStreams()
        let sizes = [1, 0, 30, 5000, 0, 131_072, 131_073, 700_000, 2] + Array(repeating: 0, count: 40) + [9]
        for size in sizes {
            let message = size % 2 == 0 ? generator.text(size) : generator.bytes(size)
            let received = try receive(send(message), size)
            #expect(received == message, "seed \(seed), size \(size)")
        }
    }

    @Test(arguments: Codec.allCases)
    func historyIsShared(codec: Codec) throws {
        var generator = Generator(seed: 4)
        let message = generator.bytes(2000)
        let (send, receive) = try codec.makeStreams()
        let (first, second) = (try send(message), try send(message))
        #expect(first.count >= 2000 && second.count < 200)
        #expect(try receive(first, 2000) == message)
        #expect(try receive(second, 2000) == message)
    }

    @Test(arguments: Codec.allCases)
    func bombEndsTheStream(codec: Codec) throws {
        let (send, receive) = try codec.makeStreams()
        let bomb = try send([UInt8](repeating: 0, count: 16 << 20))
        #expect(throws: CodecError.tooLong) { try receive(bomb, 1000) }
        let next = try send([1])
        #expect(throws: CodecError.broken) { try receive(next, 1) }
    }

    @Test(arguments: Codec.allCases)
    func wrongSizesAreRefused(codec: Codec) throws {
        for (announced, error) in [(99, CodecError.tooLong), (101, .tooShort), (0, .tooLong), (-1, .malformed)] {
            let (send, receive) = try codec.makeStreams()
            let message = try send([UInt8](repeating: 5, count: 100))
            #expect(throws: error) { try receive(message, announced) }
        }
        let (send, receive) = try codec.makeStreams()
        let message = try send(Array(0...99))
        #expect(throws: CodecError.tooShort) { try receive(Array(message.prefix(50)), 100) }
    }

    @Test func largeWindowIsRefused() throws {
        // A frame header that asks for 2^27 bytes: magic, descriptor without single segment, (27 - 10) << 3.
        let hostile: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00]
        let receiver = try ZstdStreamDecompressor()
        #expect(throws: CodecError.windowTooLarge) { try receiver.decompress(hostile, exactSize: 1) }
        #expect(receiver.memory < 1 << 20)
    }

    @Test func memoryStaysSmall() throws {
        var generator = Generator(seed: 8)
        let (sender, receiver) = (try ZstdStreamCompressor(level: 3, windowLog: 17), try ZstdStreamDecompressor())
        for _ in 0..<40 {
            let message = generator.text(100_000)
            let received = try receiver.decompress(sender.compress(message), exactSize: message.count)
            #expect(received == message)
        }
        #expect(sender.memory < 2 << 20, "\(sender.memory)")
        #expect(receiver.memory < 1 << 20, "\(receiver.memory)")
    }
}
