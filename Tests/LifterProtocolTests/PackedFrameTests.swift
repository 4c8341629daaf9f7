// Several short listing messages, or answers, in one frame.

import LifterCodec
import Testing

@testable import LifterProtocol

@Suite struct PackedFrameTests {
    private func range(_ sequence: UInt64) -> Message {
        .range(
            RangeMessage(
                sequence: sequence, directory: 3, lastName: [97], count: 1,
                digest: ContentDigest(low: sequence, high: 2), isLast: true, isIncomplete: false))
    }

    private func outbox(_ window: UInt32 = 4 << 20, encodes: Bool = true) -> Outbox {
        var limits = Limits()
        limits.listingWindow = window
        return Outbox(encodes: encodes, peer: limits)
    }

    private func frames(_ outbox: inout Outbox) throws -> [[UInt8]] {
        var encoder = try FrameEncoder(content: .none, listings: true)
        var frames: [[UInt8]] = []
        while case .encoded(let message)? = outbox.next() { frames.append(try encoder.frame(message).bytes) }
        return frames
    }

    @Test(
        "What waits together travels together, and comes out in order with its weight", arguments: [1, 2, 3, 400, 2000])
    func together(count: Int) throws {
        var outbox = outbox()
        for number in 1...UInt64(count) { try outbox.send(range(number)) }
        let frames = try frames(&outbox)
        #expect(frames.count == (count + 399) / 400 || frames.count <= 1 + count * 40 / ProtocolConstants.longestPacked)
        #expect(outbox.listingsLeft == UInt64(count) && outbox.isEmpty)
        var decoder = FrameDecoder()
        var seen: [UInt64] = []
        var weight = 0
        for frame in frames {
            for byte in frame { decoder.push([byte]) }
            while let message = try decoder.next() {
                weight += message.weight
                if case .range(let range) = message.message { seen.append(range.sequence) }
            }
        }
        #expect(seen == Array(1...UInt64(count)) && decoder.isBetweenFrames)
        // Exactly what the sender took from its credit.
        let plain = try (1...UInt64(count)).reduce(0) { try $0 + EncodedMessage(range($1)).payloadLength }
        #expect(count == 1 ? weight == plain : weight == plain + 2 * count)
    }

    @Test("Credit covers the whole frame; what it does not cover waits")
    func credit() throws {
        let each = try EncodedMessage(range(1)).payloadLength
        var outbox = outbox(UInt32(2 * each + 5))
        for _ in 0..<3 { try outbox.send(range(1)) }
        // Two fit with their lengths only if there is room for those as well.
        #expect(try frames(&outbox).count == 2)
        #expect(!outbox.canSend && !outbox.isEmpty)
        try outbox.grant(Credit(creditClass: .listing, amount: UInt32(each)))
        #expect(try frames(&outbox).count == 1)
    }

    @Test("Long messages travel alone, and nothing overtakes them")
    func long() throws {
        var outbox = outbox()
        let owner = OwnerName(isGroup: false, id: 7, name: Array(repeating: 97, count: 200))
        try outbox.send(range(1))
        try outbox.send(.owners(Owners(Array(repeating: owner, count: 20))))
        try outbox.send(range(2))
        try outbox.send(.listingEnd)
        let frames = try frames(&outbox)
        #expect(frames.count == 3)
        var decoder = FrameDecoder()
        for frame in frames { decoder.push(frame) }
        var kinds: [MessageKind] = []
        while let message = try decoder.next() { kinds.append(message.message.kind) }
        #expect(kinds == [.range, .owners, .range, .listingEnd])
    }

    @Test("A few bytes wait while the disk is asked for more, but not for ever")
    func waiting() throws {
        var outbox = outbox()
        outbox.expectsListings = true
        try outbox.send(range(1))
        #expect(!outbox.canSend && outbox.next() == nil)
        outbox.expectsListings = false
        #expect(outbox.canSend)
        outbox.expectsListings = true
        for number in 2...1 + Tuning.worthAFrame / 20 { try outbox.send(range(UInt64(number))) }
        #expect(outbox.canSend)
        #expect(try frames(&outbox).count == 1)
    }

    @Test("Answers that wait together travel together, in their order")
    func answers() throws {
        var outbox = outbox()
        let answers: [Message] = [
            .expand(Expand(sequence: 7, mode: .differing, hashes: [1, 2])), .same(upTo: 9), .again,
            .request(Request([Request.Item(4)])),
        ]
        for answer in answers { try outbox.send(answer) }
        try outbox.send(range(1))
        let frames = try frames(&outbox)
        #expect(frames.count == 2 && outbox.isEmpty && outbox.listingsLeft == 1)
        var decoder = FrameDecoder()
        for frame in frames { decoder.push(frame) }
        var seen: [String] = []
        while let message = try decoder.next() { seen.append(described(message.message)) }
        #expect(seen == (answers + [range(1)]).map(described))
    }

    @Test("A packed frame of another class, or with another class inside, is refused")
    func refused() throws {
        func decode(_ kind: MessageKind, _ payload: [UInt8]) throws(WireError) -> Message? {
            var buffer = [UInt8](repeating: 0, count: ProtocolConstants.headerLength) + payload
            FrameHeader(kind: kind, codec: .none, isPacked: true, length: payload.count)
                .write(into: &buffer, chain: ProtocolConstants.openingChain)
            let check = XXH3.hash64(buffer, seed: ProtocolConstants.openingChain)
            for shift in 0..<8 { buffer.append(UInt8(truncatingIfNeeded: check >> UInt64(shift * 8))) }
            var decoder = FrameDecoder()
            decoder.push(buffer)
            return try decoder.next()?.message
        }
        let end = MessageKind.listingEnd.rawValue
        #expect(try decode(.listingEnd, [end, 0])?.kind == .listingEnd)
        #expect(throws: WireError.value("header.flags")) { try decode(.ping, [end, 0]) }
        #expect(throws: WireError.value("header.flags")) { try decode(.content, [end, 0]) }
        #expect(throws: WireError.value("packed.kind")) { try decode(.listingEnd, [MessageKind.again.rawValue, 0]) }
        #expect(try decode(.same, [MessageKind.again.rawValue, 0])?.kind == .again)
        #expect(throws: WireError.value("packed.kind")) { try decode(.same, [end, 0]) }
        #expect(throws: WireError.value("header.flags")) { try decode(.signature, [end, 0]) }
        #expect(throws: WireError.unknownKind(0x7e)) { try decode(.listingEnd, [0x7e, 0]) }
        #expect(throws: WireError.truncated("packed.kind")) { try decode(.listingEnd, []) }
        #expect(throws: WireError.truncated("packed.payload")) { try decode(.listingEnd, [end, 0, end, 9]) }
        #expect(throws: WireError.trailing) { try decode(.listingEnd, [end, 1, 0]) }
        // What is decoded at once is bounded, however little it takes to say.
        let longest = [[UInt8]](repeating: [MessageKind.again.rawValue, 0], count: 8192).flatMap { $0 }
        #expect(try decode(.again, longest)?.kind == .again)
        #expect(throws: WireError.tooLong(length: 16_386)) { try decode(.again, longest + longest.prefix(2)) }
    }
}
