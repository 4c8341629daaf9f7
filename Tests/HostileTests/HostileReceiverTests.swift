// A hostile receiver: a client that pulls and asks for what it was never told of, a server that is pushed to and does
// the same. Nothing beyond the source leaves, nothing traps, nothing hangs.

import LifterProtocol
import LifterSystem
import Superlifter
import Testing

@Suite(.serialized) struct HostileReceiverTests {
    struct Answers: Sendable {
        var name: String
        var isRefused = true
        var options = JobOptions()
        var frames: [HostileFrame]
    }

    private static func expand(_ sequence: UInt64, _ mode: UInt8, hashes: [UInt64] = [], count: UInt64? = nil)
        -> HostileFrame
    {
        var writer = ByteWriter()
        writer.varint(sequence)
        writer.u8(mode)
        if mode == 1 {
            writer.varint(count ?? UInt64(hashes.count))
            for hash in hashes { writer.u64(hash) }
        }
        return HostileFrame(.expand, writer.bytes)
    }

    private static func subtree(_ id: UInt64, _ wish: UInt8) -> HostileFrame {
        var writer = ByteWriter()
        writer.varint(id)
        writer.u8(wish)
        return HostileFrame(.subtree, writer.bytes)
    }

    private static func request(_ ids: [UInt64], count: UInt64? = nil) -> HostileFrame {
        var writer = ByteWriter()
        writer.varint(count ?? UInt64(ids.count))
        for id in ids {
            writer.varint(id)
            writer.varint(0)
        }
        return HostileFrame(.request, writer.bytes)
    }

    private static func outcomes(_ first: UInt64, _ count: UInt64, _ code: UInt8) -> HostileFrame {
        var writer = ByteWriter()
        writer.varint(1)
        writer.varint(first)
        writer.varint(count)
        writer.u8(code)
        if code == 1 { writer.varint(0xffff) }
        if code == 5 {
            writer.u8(1)
            writer.varint(UInt64(UInt32.max))
            writer.string(bytes("\u{1b}[2J"))
        }
        return HostileFrame(.outcomes, writer.bytes)
    }

    /// One segment, with hashes that are all zero.
    private static func signature(
        _ id: UInt64, flags: UInt8 = 3, size: UInt64 = 4096, block: UInt64 = 1024, strong: UInt8 = 4,
        offset: UInt64 = 0,
        count: UInt64 = 4, hashes: Int? = nil
    ) -> HostileFrame {
        var writer = ByteWriter()
        writer.varint(1)
        writer.varint(id)
        writer.u8(flags)
        if flags & 1 != 0 {
            writer.varint(size)
            writer.varint(block)
        }
        writer.u8(strong)
        writer.varint(offset)
        writer.varint(count)
        let hashes = hashes ?? Int(min(count, 80_000)) * (4 + Int(strong))
        writer.raw([UInt8](repeating: 0, count: hashes))
        return HostileFrame(.signature, writer.bytes)
    }

    private static func stop(_ kind: UInt8, _ id: UInt64) -> HostileFrame {
        var writer = ByteWriter()
        writer.u8(kind)
        if kind != 3 { writer.varint(id) }
        return HostileFrame(.stop, writer.bytes)
    }

    /// Numbers that were never given out, among them such as look negative.
    private static let strange: [UInt64] = [0, 999, 1 << 31, 1 << 32, 1 << 63, .max, .max - 1]

    private static var table: [Answers] {
        var table: [Answers] = []
        for number in strange {
            table.append(Answers(name: "a request for \(number)", frames: [request([number])]))
            table.append(Answers(name: "the subtree \(number)", frames: [subtree(number, 1)]))
            table.append(Answers(name: "digests of \(number)", frames: [.number(.digestRequest, 1, number)]))
            for mode in 1...3 as ClosedRange<UInt8> {
                table.append(
                    Answers(
                        name: "an expansion of range \(number) in mode \(mode)", isRefused: number > 1,
                        frames: [expand(number, mode, hashes: [1])]))
            }
            if number > 0 {
                table.append(Answers(name: "Same up to \(number)", frames: [.number(.same, number)]))
                table.append(Answers(name: "an outcome for \(number)", frames: [outcomes(number, 1, 2)]))
            }
            table.append(Answers(name: "a stop of \(number)", isRefused: false, frames: [stop(1, number)]))
            table.append(
                Answers(
                    name: "a stop of directory \(number)", isRefused: number > UInt64(UInt32.max),
                    frames: [stop(2, number)]))
        }
        table += [
            Answers(name: "outcomes far beyond", frames: [outcomes(1, 65_536, 1)]),
            Answers(name: "outcomes beyond the top", frames: [outcomes(UInt64(Int64.max), 65_536, 1)]),
            Answers(name: "no outcomes", frames: [outcomes(1, 0, 2)]),
            Answers(name: "a failed root", frames: [outcomes(0, 2, 5)]),
            Answers(name: "the root's outcome twice", frames: [outcomes(0, 1, 5), outcomes(0, 1, 5)]),
            Answers(name: "Ready twice", frames: [HostileFrame(.ready, [1, 1, 0, 0, 0])]),
            Answers(name: "Again at once", isRefused: false, frames: [HostileFrame(.again)]),
            Answers(name: "a huge count of requests", frames: [request([], count: .max)]),
            Answers(name: "a huge count of hashes", frames: [expand(1, 1, count: .max)]),
            Answers(name: "an expansion twice", isRefused: false, frames: [expand(1, 2), expand(1, 2), expand(1, 3)]),
            Answers(
                name: "digests of a range twice", options: Variants.checksum,
                frames: [HostileFrame](repeating: expand(1, 3), count: 2)),
            Answers(
                name: "contents without end",
                frames: [expand(1, 2)] + [HostileFrame](repeating: request([1, 2, 3, 4]), count: 500)),
            Answers(
                name: "a file's digest twice", options: Variants.checksum,
                frames: [expand(1, 2)] + [HostileFrame](repeating: .number(.digestRequest, 1, 2), count: 2)),
            Answers(
                name: "hashes that are all the same", isRefused: false,
                frames: [expand(1, 1, hashes: [UInt64](repeating: 1, count: 4000))]),
            Answers(name: "Goodbye at once", isRefused: false, frames: [.summary, .goodbye]),
            Answers(name: "the largest summary", isRefused: false, frames: [.largestSummary, .goodbye]),
            Answers(name: "a listing from a receiver", frames: [.opened(0)]),
            Answers(name: "contents from a receiver", frames: [.contents([RawSegment(id: 1, bytes: [1])])]),
            Answers(
                name: "paths that were deleted, with escapes", isRefused: false,
                frames: [HostileFrame(.deleted, [2, 4] + bytes("\u{1b}[2J") + [0])]),
        ]
        return table
    }

    /// Behind a question for all entries, so that there are ids that a signature might be for.
    private static var signatures: [Answers] {
        var table = strange.map { Answers(name: "a signature for \($0)", frames: [expand(1, 2), signature($0)]) }
        for (what, frame) in [
            ("of nothing", signature(1, size: 0, count: 0)),
            ("of blocks of no length", signature(1, block: 0)),
            ("of short blocks", signature(1, block: 63)),
            ("of long blocks", signature(1, block: 1 << 24 + 1)),
            ("of blocks without end", signature(1, block: .max)),
            ("of hashes too short", signature(1, strong: 1)),
            ("of hashes too long", signature(1, strong: 9)),
            ("of the largest file", signature(1, size: UInt64(Int64.max), block: 64, count: 0, hashes: 0)),
            ("that would fill the window", signature(1, size: 1 << 40, block: 1 << 20, strong: 8, count: 80_000)),
            ("with a gap", signature(1, offset: 1024)),
            ("with too many blocks", signature(1, count: 5)),
            ("with too few blocks", signature(1, count: 3)),
            ("of more blocks than there are bytes", signature(1, count: .max)),
            ("with bytes left over", signature(1, hashes: 33)),
            ("with unknown flags", signature(1, flags: 0x83)),
            ("given up before its end", signature(1, flags: 5)),
        ] {
            table.append(Answers(name: "a signature \(what)", frames: [expand(1, 2), frame]))
        }
        table += [
            // It might answer a question about a file that has failed meanwhile.
            Answers(
                name: "a signature that goes on without a beginning", isRefused: false,
                frames: [expand(1, 2), signature(1, flags: 2)]),
            Answers(name: "a signature twice", frames: [expand(1, 2), signature(1), signature(1)]),
            Answers(
                name: "a signature within another",
                frames: [expand(1, 2), signature(1, flags: 1, count: 1), signature(2)]),
            Answers(
                name: "more signatures than there is credit for",
                frames: [expand(1, 2)]
                    + [HostileFrame](
                        repeating: signature(1, flags: 1, size: 200 << 20, block: 1024, strong: 8, count: 80_000),
                        count: 9)),
            Answers(name: "a delta from a receiver", frames: [HostileFrame(.delta, [1, 1, 0, 0, 0, 0])]),
            Answers(name: "a Refine from a receiver", frames: [HostileFrame(.refine, [1, 64, 2, 1, 0, 64])]),
        ]
        return table
    }

    /// Frames of a receiver by chance.
    private static func random(_ seed: UInt64) -> Answers {
        var chance = Chance(seed: seed)
        var frames: [HostileFrame] = []
        for _ in 0..<(1 + chance.below(12)) {
            let number = chance.isTrue(oneIn: 6) ? chance.next() >> UInt64(chance.below(64)) : UInt64(chance.below(9))
            switch chance.below(10) {
            case 0: frames.append(request([number, number]))
            case 1: frames.append(subtree(number, UInt8(1 + chance.below(3))))
            case 2: frames.append(expand(number, UInt8(1 + chance.below(3)), hashes: [number]))
            case 3: frames.append(.number(.same, number))
            case 4: frames.append(outcomes(number, UInt64(1 + chance.below(3)), UInt8(1 + chance.below(5))))
            case 5: frames.append(stop(UInt8(1 + chance.below(3)), number))
            case 6: frames.append(.number(.digestRequest, 1, number))
            case 7: frames.append(HostileFrame(.again))
            case 8: frames.append(signature(number, flags: UInt8(chance.below(8)), count: UInt64(chance.below(6))))
            default: frames.append(HostileFrame(.targetProblem, [1, 0x1b, 1, 5, 1, 0x1b]))
            }
        }
        return Answers(name: "seed \(seed)", isRefused: false, options: chance.pick(Variants.all), frames: frames)
    }

    private static let all: [Answers] = table + signatures + (1...150).map { random($0) }

    @Test("A client that asks a server for what it was not told", arguments: waysOfOpening)
    func client(usesOpenat2: Bool) throws {
        let arena = try Arena()
        for isEmpty in [true, false] {
            for answers in Self.all {
                var view = PeerView.closed
                let ending = try RealEnd.server(
                    .root(bytes(arena.destination), access: .read), usesOpenat2: usesOpenat2
                ) { peer in
                    let job = RawJob.pull([bytes("/")], options: answers.options, isEmpty: isEmpty)
                    guard peer.greetServer(job: job) else { return }
                    view = peer.playAsReceiver(answers.frames)
                }
                Self.judge(answers, ending, view)
            }
        }
        #expect(arena.harm() == nil)
    }

    @Test("A server that asks a client for what it was not told", arguments: waysOfOpening)
    func server(usesOpenat2: Bool) throws {
        let arena = try Arena()
        let source = arena.destination + "/"
        for answers in Self.all where answers.name != "Ready twice" {
            var view = PeerView.closed
            let ending = try RealEnd.run(
                { (descriptor) throws(SuperlifterError) in
                    var client = Client()
                    client.usesOpenat2 = usesOpenat2
                    client.options = answers.options.ofClient
                    _ = try client.push(
                        [bytes(source)], toPath: bytes("x"), input: descriptor, output: descriptor
                    ) { _ in }
                },
                against: { peer in
                    guard peer.greetClient() != nil else { return }
                    peer.send(HostileFrame(.ready, [1, 1, 0, 0, 0]))
                    view = peer.playAsReceiver(answers.frames)
                })
            Self.judge(answers, ending, view)
        }
        #expect(arena.harm() == nil)
    }

    private static func judge(_ answers: Answers, _ ending: Ending, _ view: PeerView) {
        #expect(ending.isSafe, "\(answers.name): \(ending)")
        guard answers.isRefused else { return }
        #expect(ending.isFailure, "\(answers.name): \(ending)")
        if case .abort = view { return }
        Issue.record("\(answers.name): no reason was given but \(view)")
    }
}

extension HostilePeer {
    /// Lets the sender tell its first directory, then answers as told.
    mutating func playAsReceiver(_ frames: [HostileFrame]) -> PeerView {
        while let message = next(within: 60_000_000) {
            if case .entries = message { break }
            if case .range = message { break }
        }
        send(frames)
        return listen()
    }
}
