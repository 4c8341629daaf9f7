// Frames: what is damaged, lost, repeated or put in another order does not pass.

import LifterCodec
import LifterProtocol
import Testing

@Suite struct FrameTests {
    /// A recorded session's frames, after the preamble.
    private func session(_ name: String) throws -> [UInt8] {
        Array(try Golden.bytes(name).dropFirst(ProtocolConstants.preamble.count))
    }

    private func frames(_ bytes: [UInt8]) -> [[UInt8]] {
        var frames: [[UInt8]] = []
        var position = 0
        while position + 12 <= bytes.count {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[position + 4 + $1]) << ($1 * 8) }
            frames.append(Array(bytes[position..<position + 12 + length + 8]))
            position += 12 + length + 8
        }
        return frames
    }

    private enum Outcome: Equatable {
        case whole(Int)
        case waiting(Int)
        case refused(WireError, after: Int)
    }

    private func read(_ bytes: [UInt8], _ key: UInt64, openers: Int = 2) -> Outcome {
        var decoder = FrameDecoder()
        decoder.push(bytes)
        var count = 0
        do throws(WireError) {
            while try decoder.next() != nil {
                count += 1
                if count == openers { decoder.rekey(key) }
            }
        } catch {
            return .refused(error, after: count)
        }
        return decoder.isBetweenFrames ? .whole(count) : .waiting(count)
    }

    /// Not one flipped bit of a session passes, and none makes the reader wait for bytes that never come: a damaged
    /// length is noticed by the header's own check.
    @Test(arguments: [("session-client", true, 2), ("session-server", false, 1)])
    func everyFlippedBitIsNoticed(_ name: String, _ isClient: Bool, _ openers: Int) throws {
        let bytes = try session(name)
        let key = Recording.key(isClient: isClient)
        #expect(read(bytes, key, openers: openers) == .whole(frames(bytes).count))
        let lengths = frames(bytes).map(\.count)
        var passed = 0
        for index in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[index] ^= 1 << UInt8(bit)
                guard case .refused(.check, let count) = read(damaged, key, openers: openers) else {
                    passed += 1
                    continue
                }
                // Everything before the damaged frame, and nothing of it, was let through.
                var end = 0
                var whole = 0
                for length in lengths {
                    end += length
                    if end > index { break }
                    whole += 1
                }
                if count != whole { passed += 1 }
            }
        }
        #expect(passed == 0)
    }

    /// Longer damage: random bytes over random places.
    @Test func burstsAreNoticed() throws {
        var random = SeededNumbers(seed: 20_261_120)
        let bytes = try session("session-client")
        let key = Recording.key(isClient: true)
        for _ in 0..<2000 {
            var damaged = bytes
            let start = Int(random.next(below: UInt64(bytes.count)))
            for index in start..<min(bytes.count, start + 1 + Int(random.next(below: 32))) {
                damaged[index] = UInt8(truncatingIfNeeded: random.next())
            }
            if damaged == bytes { continue }
            if case .refused(.check, _) = read(damaged, key) { continue }
            Issue.record("damage at \(start) passed (seed \(random.seed))")
        }
    }

    @Test func lostRepeatedAndReorderedFramesAreNoticed() throws {
        let all = frames(try session("session-client"))
        let key = Recording.key(isClient: true)
        func refused(_ frames: [[UInt8]], _ what: String) {
            guard case .refused(.check, _) = read(Array(frames.joined()), key) else {
                Issue.record("\(what) passed")
                return
            }
        }
        for index in all.indices {
            if index < all.count - 1 {
                var lost = all
                lost.remove(at: index)
                refused(lost, "without frame \(index)")
                var swapped = all
                swapped.swapAt(index, index + 1)
                refused(swapped, "frame \(index) after the next")
            }
            var repeated = all
            repeated.insert(all[index], at: index)
            refused(repeated, "frame \(index) twice")
        }
        // The last frame lost is a stream that ends without Goodbye, which the session notices.
        #expect(read(Array(all.dropLast().joined()), key) == .whole(all.count - 1))
        // A whole session of another pair of nonces does not pass beyond the first flight.
        #expect(read(Array(all.joined()), key ^ 1) == .refused(.check, after: 2))
    }

    /// The header is enough to see a damaged length, and it is looked at as soon as its twelve bytes are there.
    @Test func aDamagedLengthIsNoticedBeforeThePayload() throws {
        let frame = frames(try session("session-client"))[0]
        for bit in 32..<64 {
            var decoder = FrameDecoder()
            var header = Array(frame[..<12])
            header[bit / 8] ^= 1 << UInt8(bit % 8)
            decoder.push(header)
            #expect(throws: WireError.check) { _ = try decoder.next() }
            // A broken stream stays broken.
            decoder.push(frame)
            #expect(throws: WireError.check) { _ = try decoder.next() }
        }
    }

    @Test(
        arguments: [
            (0x7f, 1, 0, WireError.unknownKind(0x7f)), (0x7f, 0, 0, nil), (0x36, 1, 0, .unknownKind(0x36)),
            (0x7f, 8, 0, .value("header.flags")), (0x7f, 0x80, 0, .value("header.flags")),
            (0x7f, 6, 0, nil), (0x7f, 0x10, 0, .value("header.flags")), (0x0a, 1, 1, .value("header.job")),
            (0x0a, 1, 0x8000, .value("header.job")),
            // The flag of a known kind says nothing.
            (0x0a, 0, 0, nil), (0x05, 1, 0, .truncated("ping")),
            // Control messages are never compressed.
            (0x0a, 3, 0, .value("header.flags")), (0x0a, 5, 0, .value("header.flags")),
            (0x0a, 7, 0, .value("header.flags")),
        ] as [(UInt8, UInt8, UInt16, WireError?)])
    func headers(_ kind: UInt8, _ flags: UInt8, _ job: UInt16, _ expected: WireError?) throws {
        var decoder = FrameDecoder()
        let first = RawFrame(kind: kind, flags: flags, job: job, payload: []).bytes(ProtocolConstants.openingChain)
        decoder.push(first.bytes + RawFrame(kind: 0x15, payload: []).bytes(first.chain).bytes)
        var thrown: WireError?
        do throws(WireError) {
            while let received = try decoder.next() {
                // An unknown kind that may be skipped is skipped; what follows is read.
                if kind == 0x7f { #expect(received.message.kind == .listingEnd) }
            }
        } catch {
            thrown = error
        }
        #expect(thrown == expected)
    }

    @Test func everyKindButPingsAndReportsIsCritical() throws {
        for kind in MessageKind.allCases {
            #expect(kind.isCritical == ![.ping, .pong, .sourceProblem, .targetProblem].contains(kind))
        }
    }

    @Test func theLongestPayload() throws {
        for (length, fits) in [((1 << 20) - 1, true), (1 << 20, true), ((1 << 20) + 1, false)] {
            var decoder = FrameDecoder()
            decoder.rekey(9)
            // An unknown kind may be as long as any.
            let frame = RawFrame(kind: 0x7f, flags: 0, payload: [UInt8](repeating: 1, count: length)).bytes(9)
            // Too long is said from the header alone.
            decoder.push(fits ? frame.bytes : Array(frame.bytes[..<12]))
            if fits {
                #expect(try decoder.next() == nil)
                #expect(decoder.isBetweenFrames)
            } else {
                #expect(throws: WireError.tooLong(length: UInt64(length))) { _ = try decoder.next() }
            }
        }
    }

    /// Until the peer's Hello has been read, payloads are short.
    @Test func theLongestHello() throws {
        for (length, fits) in [(65_535, true), (65_536, true), (65_537, false)] {
            var decoder = FrameDecoder()
            let payload = [UInt8](repeating: 0, count: length)
            decoder.push(RawFrame(kind: 0x7f, flags: 0, payload: payload).bytes(ProtocolConstants.openingChain).bytes)
            if fits {
                #expect(try decoder.next() == nil)
            } else {
                #expect(throws: WireError.tooLong(length: 65_537)) { _ = try decoder.next() }
            }
        }
    }

    /// Frames arrive in pieces of every size; nothing depends on where they are cut.
    @Test func piecesOfAnySize() throws {
        let bytes = try session("session-client")
        let key = Recording.key(isClient: true)
        for size in 1...64 {
            var decoder = FrameDecoder()
            var count = 0
            var position = 0
            while position < bytes.count {
                decoder.push(Array(bytes[position..<min(bytes.count, position + size)]))
                position += size
                while try decoder.next() != nil {
                    count += 1
                    if count == 2 { decoder.rekey(key) }
                }
            }
            #expect(count == Recording.client.count)
            #expect(decoder.buffered == 0 && decoder.isBetweenFrames)
        }
    }

    /// A long stream does not pile up in the decoder.
    @Test func usedBytesAreLetGo() throws {
        var encoder = try FrameEncoder(content: .none, listings: false)
        var decoder = FrameDecoder()
        decoder.longestPayload = ProtocolConstants.longestPayload
        for number in 0..<300 {
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 5000)
            let segment = ContentSegment(id: 1, offset: 0, payload: .bytes(bytes, 0..<5000), end: nil)
            let frame = try encoder.frame(try EncodedMessage(.content(ContentMessage([segment])))).bytes
            decoder.push(Array(frame[..<100]))
            #expect(try decoder.next() == nil)
            #expect(decoder.buffered == 100)
            decoder.push(Array(frame[100...]))
            #expect(try decoder.next() != nil)
        }
        #expect(decoder.buffered == 0)
    }
}

/// A frame made by hand, so that it can be wrong.
struct RawFrame {
    var kind: UInt8
    var flags: UInt8 = 1
    var job: UInt16 = 0
    var payload: [UInt8]

    /// The frame's bytes under a chain, and the chain after it.
    func bytes(_ chain: UInt64) -> (bytes: [UInt8], chain: UInt64) {
        var writer = ByteWriter()
        writer.u8(kind)
        writer.u8(flags)
        writer.u16(job)
        writer.u32(UInt32(payload.count))
        writer.u32(UInt32(truncatingIfNeeded: XXH3.hash64(writer.bytes, seed: chain)))
        writer.raw(payload)
        let next = XXH3.hash64(writer.bytes, seed: chain)
        writer.u64(next)
        return (writer.bytes, next)
    }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededNumbers: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }

    mutating func next(below limit: UInt64) -> UInt64 { next() % limit }
}
