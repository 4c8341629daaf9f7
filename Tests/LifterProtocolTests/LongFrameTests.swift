// Long frames: what was read into an array is written from there, and what arrives is read to where it stays. Neither
// may change a byte.

import LifterCodec
import Testing

@testable import LifterProtocol

struct LongFrameTests {
    private static let lengths = [1, 16_383, 16_384, 60_000, 65_517, 65_518, 100_000, 262_144, (1 << 20) - 300]

    private static func bytes(_ count: Int, _ generator: inout SeededNumbers) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// Segments that lie behind each other in one array, with some that are empty between them.
    private static func segments(_ bytes: [UInt8], _ cuts: [Int]) -> [ContentSegment] {
        var start = 0
        var segments: [ContentSegment] = []
        for (number, end) in (cuts.sorted() + [bytes.count]).enumerated() {
            let id = FileID(number + 1)
            segments.append(
                ContentSegment(
                    id: id, offset: 0, payload: .bytes(bytes, start..<end),
                    end: .whole(ContentDigest(low: 1, high: id))))
            segments.append(ContentSegment(id: id, offset: 0, payload: .bytes([], 0..<0), end: nil))
            start = end
        }
        return segments
    }

    private static func contents(_ message: Message) throws -> [[UInt8]] {
        guard case .content(let content) = message else { return [] }
        return content.segments.map { segment in
            guard case .bytes(let bytes, let range) = segment.payload else { return [] }
            return Array(bytes[range])
        }
    }

    private static func decoder() -> FrameDecoder {
        var decoder = FrameDecoder()
        decoder.longestPayload = ProtocolConstants.longestPayload
        return decoder
    }

    /// The bytes on the wire are those of a message put together by hand, whether its contents lie in one array or not.
    @Test func sharedBytesMakeTheSameFrame() throws {
        var generator = SeededNumbers(seed: 7)
        for length in Self.lengths {
            let bytes = Self.bytes(length, &generator)
            let shared = Self.segments(bytes, [length / 3, length / 2])
            let apart = shared.map { segment in
                guard case .bytes(let all, let range) = segment.payload else { return segment }
                var copy = segment
                copy.payload = .bytes(Array(all[range]), 0..<range.count)
                return copy
            }
            var one = try FrameEncoder(content: .none, listings: false)
            var other = try FrameEncoder(content: .none, listings: false)
            let frame = try one.frame(try EncodedMessage(.content(ContentMessage(shared))))
            #expect(frame.body.isEmpty == (length < 16_384))
            #expect(try frame.bytes == other.frame(try EncodedMessage(.content(ContentMessage(apart)))).bytes)
            #expect(frame.count == frame.bytes.count)
            // The next frame's check depends on this one's.
            let ping = try EncodedMessage(.ping(1))
            #expect(try one.frame(ping).bytes == other.frame(ping).bytes)
        }
    }

    /// What is left of a frame at every place, cut at every length.
    @Test func restOfAFrame() throws {
        let bytes = [UInt8](repeating: 9, count: 20_000)
        var encoder = try FrameEncoder(content: .none, listings: false)
        let frame = try encoder.frame(try EncodedMessage(.content(ContentMessage(Self.segments(bytes, [])))))
        let whole = frame.bytes
        let places = Array(0...64) + [10_000] + Array(whole.count - 40..<whole.count)
        for start in places {
            for most in [1, 2, 7, 30, 19_990, .max] {
                let rest = frame.withRest(after: start, upTo: most) { pieces in pieces.flatMap { Array($0) } }
                #expect(rest == Array(whole[start...].prefix(most)))
            }
        }
    }

    /// Frames come through whole however they are cut, and whether they are pushed or read into their place.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func readIntoTheirPlace(seed: UInt64) throws {
        var generator = SeededNumbers(seed: seed)
        var encoder = try FrameEncoder(content: .none, listings: false)
        var stream: [UInt8] = []
        var expected: [[[UInt8]]] = []
        for _ in 0..<12 {
            let bytes = Self.bytes(Self.lengths.randomElement(using: &generator) ?? 1, &generator)
            let segments = Self.segments(bytes, [Int.random(in: 0...bytes.count, using: &generator)])
            stream += try encoder.frame(try EncodedMessage(.content(ContentMessage(segments)))).bytes
            expected.append(try Self.contents(.content(ContentMessage(segments))))
        }
        var decoder = Self.decoder()
        var found: [[[UInt8]]] = []
        var position = 0
        while position < stream.count {
            let most = [1, 11, 4096, 70_000, 300_000].randomElement(using: &generator) ?? 1
            if decoder.missing > 0, Bool.random(using: &generator) {
                decoder.fill { place in
                    let count = min(most, place.count, stream.count - position)
                    place.copyBytes(from: stream[position..<position + count])
                    position += count
                    return count
                }
            } else {
                let end = min(stream.count, position + most)
                decoder.push(Array(stream[position..<end]))
                position = end
            }
            while let message = try decoder.next() { found.append(try Self.contents(message.message)) }
        }
        #expect(found == expected)
        #expect(decoder.buffered == 0 && decoder.isBetweenFrames && !decoder.holdsLongFrame)
    }

    /// A flipped bit anywhere in a long frame is noticed, and no second message follows.
    @Test func damageIsNoticed() throws {
        var encoder = try FrameEncoder(content: .none, listings: false)
        let bytes = [UInt8](repeating: 3, count: 100_000)
        let frame = try encoder.frame(try EncodedMessage(.content(ContentMessage(Self.segments(bytes, []))))).bytes
        for place in [12, 13, 50_000, frame.count - 9, frame.count - 8, frame.count - 1] {
            var damaged = frame
            damaged[place] ^= 0x10
            var decoder = Self.decoder()
            decoder.push(Array(damaged[..<1000]))
            #expect(try decoder.next() == nil)
            #expect(decoder.missing == frame.count - 1000)
            decoder.push(Array(damaged[1000...]))
            #expect(throws: WireError.check) { _ = try decoder.next() }
            #expect(throws: WireError.check) { _ = try decoder.next() }
        }
    }
}
