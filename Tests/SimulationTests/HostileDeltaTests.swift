// Signatures, copies and questions that no honest end sends: each ends the session at once, and nothing is written that
// was not right.

import LifterCodec
import LifterProtocol
import LifterSystem
import Testing

@Suite struct HostileDeltaTests {
    private let time = FileTime(seconds: 1_700_000_000, nanoseconds: 5)
    private let widths = HashWidths(rolling: 16, strong: 32)
    private let old: [UInt8] = {
        var random = SeededRandom(seed: 3)
        return random.bytes(2 << 20)
    }()

    /// One large and one small file, the same but for an edit, or with nothing in common.
    private func scenario(unrelated: Bool = false) -> Scenario {
        var scenario = Scenario(seed: 1)
        var new = old
        new[1000] ^= 1
        if unrelated {
            var random = SeededRandom(seed: 4)
            new = random.bytes(2 << 20)
        }
        scenario.source = tree(new, time)
        scenario.old = tree(old, FileTime(seconds: 1, nanoseconds: 0))
        scenario.plan.isInProcess = true
        scenario.plan.options.delta = .always
        scenario.plan.options.refine = .always
        return scenario
    }

    private func tree(_ contents: [UInt8], _ modified: FileTime) -> TreeSnapshot {
        var tree = TreeSnapshot(items: [[]: .init(kind: .directory, mode: 0o755, modified: time)])
        for (name, count) in [("large", contents.count), ("small", 5000)] {
            tree.items[Array(name.utf8)] = .init(
                kind: .regular, mode: 0o644, modified: modified, contents: Array(contents[..<count]))
        }
        return tree
    }

    /// Runs a session in which one end's messages are changed on their way, and perhaps those that come back to it; how
    /// the other end took it.
    private func end(
        _ scenario: Scenario, bySender: Bool, answers: ((inout Message) -> Void)? = nil,
        _ tamper: @escaping (inout Message) -> Void
    ) throws -> SessionEnd? {
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        run.outgoing(bySender ? run.sender : run.receiver).tamper = tamper
        run.outgoing(bySender ? run.receiver : run.sender).tamper = answers
        run.run()
        #expect(run.violation == nil, "\(run.violation ?? "")")
        for (path, item) in scenario.result(disks).items where item.kind == .regular {
            let known = [scenario.old, scenario.source].contains { $0.items[path]?.contents == item.contents }
            #expect(known || path.starts(with: Array(".sl-".utf8)), "a file holds what it never should")
        }
        return (bySender ? run.receiver : run.sender).machine?.end
    }

    private func expectBroken(_ end: SessionEnd?, _ fields: String...) {
        guard case .broken(.value(let field)) = end else {
            Issue.record("\(fields): \(String(describing: end))")
            return
        }
        #expect(fields.contains(field))
    }

    @Test("Messages that say nothing do no harm, and their credit comes back")
    func empty() throws {
        for isInProcess in [true, false] {
            var scenario = scenario()
            scenario.plan.isInProcess = isInProcess
            let disks = scenario.disks()
            let run = scenario.simulation(disks)
            let weight = Int(Limits().contentWindow) / 4
            for (side, nothing) in [
                (run.sender, [Message.signature(SignatureMessage([]))]),
                (run.receiver, [.delta(DeltaMessage([])), .content(ContentMessage([]))]),
            ] {
                var left = 8
                side.distort = { message, own in
                    guard message.kind.creditClass != nil, left > 0 else { return [(message, own)] }
                    left -= 1
                    return [(message, own)] + nothing.map { ($0, weight) }
                }
            }
            run.run()
            #expect(run.violation == nil && run.isSuccess, "\(run.violation ?? run.ends) \(run.failures)")
            #expect(scenario.expected(over: scenario.old).differences(in: scenario.result(disks)).isEmpty)
        }
    }

    // MARK: A sender

    @Test("Copies outside of the old version")
    func copies() throws {
        for (from, length) in [(UInt64(1) << 40, UInt64(1)), (0, 1 << 40), (UInt64(Int64.max), UInt64(Int64.max))] {
            let end = try end(scenario(), bySender: true) { message in
                guard case .delta(var delta) = message, !delta.segments[0].copies.isEmpty else { return }
                delta.segments[0].copies[0].from = from
                delta.segments[0].copies[0].length = length
                message = .delta(delta)
            }
            expectBroken(end, "delta.from", "delta.length")
        }
    }

    @Test("More than was announced, gaps, and files that nobody asked for")
    func shapes() throws {
        let wrongs: [(String, (inout DeltaSegment) -> Void)] = [
            ("delta.id", { $0.id = 99 }),
            ("content.offset", { $0.offset += 1 }),
            ("content.length", { $0.copies = Array(repeating: $0.copies[0], count: 4000) }),
            ("content.length", { $0.copies = [] }),
        ]
        for (field, wrong) in wrongs {
            let end = try end(scenario(), bySender: true) { message in
                guard case .delta(var delta) = message, let copy = delta.segments[0].copies.first, copy.length > 100
                else { return }
                wrong(&delta.segments[0])
                message = .delta(delta)
            }
            expectBroken(end, field)
        }
    }

    @Test("Questions without end, beyond the end, and about strangers")
    func refines() throws {
        let whole = [BasisRange(offset: 0, length: 2 << 20)]
        for (id, ranges) in [(nil, whole), (99, whole), (nil, [BasisRange(offset: 2 << 20, length: 64)])]
            as [(FileID?, [BasisRange])]
        {
            // The sender, who is honest, never sees what it did not ask for.
            let hide: (inout Message) -> Void = { message in
                guard case .signature(let answer) = message, answer.segments.contains(where: { $0.widths == widths })
                else { return }
                message = .signature(SignatureMessage([]))
            }
            let end = try end(scenario(unrelated: true), bySender: true, answers: hide) { message in
                guard case .delta(let delta) = message, delta.segments[0].range.count > 100_000 else { return }
                message = .refine(
                    Refine(id: id ?? delta.segments[0].id, blockLength: 4096, widths: widths, ranges: ranges))
            }
            expectBroken(end, "refine.id", "refine.ranges")
        }
    }

    @Test("A question whose answer would not fit")
    func largeRefine() throws {
        let end = try end(scenario(unrelated: true), bySender: true) { message in
            guard case .delta(let delta) = message, delta.segments[0].range.count > 100_000 else { return }
            let range = BasisRange(offset: 0, length: 2 << 20)
            message = .refine(Refine(id: delta.segments[0].id, blockLength: 16, widths: widths, ranges: [range]))
        }
        expectBroken(end, "refine.ranges")
    }

    @Test("Copies of a file that was asked for whole, and contents that have ended")
    func unasked() throws {
        var whole = scenario()
        whole.plan.options.delta = .never
        let copied = try end(whole, bySender: true) { message in
            guard case .content(let content) = message, let id = content.segments.first?.id else { return }
            let copy = DeltaCopy(literal: 0, from: 0, length: 1)
            message = .delta(
                DeltaMessage([
                    DeltaSegment(id: id, offset: 0, copies: [copy], rest: 0, bytes: [], range: 0..<0, end: nil)
                ]))
        }
        expectBroken(copied, "delta.copies", "delta.id")
        let twice = try end(scenario(), bySender: true) { message in
            guard case .delta(let delta) = message, delta.segments.last?.end != nil else { return }
            message = .delta(DeltaMessage(delta.segments + delta.segments))
        }
        expectBroken(twice, "delta.id")
    }

    @Test("What was not agreed upon")
    func notAgreed() throws {
        var whole = scenario()
        whole.plan.options.delta = .never
        let signed = try end(whole, bySender: false) { message in
            guard case .request(let request) = message, let id = request.items.first?.id else { return }
            let shape = BasisShape(basisSize: 64, blockLength: 64, widths: widths)
            let blocks = SignatureBlocks(rolling: [1], strong: [1])
            message = .signature(
                SignatureMessage([
                    SignatureSegment(id: id, shape: shape, widths: widths, offset: 0, blocks: blocks, isLast: true)
                ]))
        }
        var coarse = scenario(unrelated: true)
        coarse.plan.options.refine = .never
        let refined = try end(coarse, bySender: true) { message in
            guard case .delta(let delta) = message else { return }
            let range = BasisRange(offset: 0, length: 64)
            message = .refine(Refine(id: delta.segments[0].id, blockLength: 64, widths: widths, ranges: [range]))
        }
        for end in [signed, refined] {
            guard case .broken(.unexpected) = end else {
                Issue.record("\(String(describing: end))")
                continue
            }
        }
    }

    @Test("A file goes on where it was left only if that was asked for, and only once")
    func continuing() throws {
        let end = try end(scenario(), bySender: true) { message in
            guard case .delta(let delta) = message, let id = delta.segments.first?.id else { return }
            let segment = ContentSegment(id: id, offset: 4096, payload: .bytes([1], 0..<1), end: nil)
            message = .content(ContentMessage([segment]))
        }
        expectBroken(end, "content.offset")
    }

    // MARK: A receiver

    /// Of a directory, a link, and of a file whose contents are on their way.
    @Test("Signatures of what is no file, or was asked for already")
    func otherIDs() throws {
        for name in ["dir", "link", "whole"] {
            var scenario = scenario()
            scenario.source.items[path("dir")] = .init(kind: .directory, mode: 0o700, modified: time)
            scenario.old.items[path("dir")] = .init(kind: .directory, mode: 0o755, modified: time)
            scenario.source.items[path("link")] = .init(kind: .symlink, mode: 0o777, modified: time, target: [0x78])
            scenario.source.items[path("whole")] = .init(
                kind: .regular, mode: 0o644, modified: time, contents: Array(old[..<200_000]))
            let disks = scenario.disks()
            let run = scenario.simulation(disks)
            let ids = Told()
            run.outgoing(run.sender).tamper = { message in
                guard case .entries(let entries) = message else { return }
                for (index, entry) in entries.entries.enumerated() {
                    ids.all[entry.name] = entries.base + UInt64(index)
                }
            }
            run.outgoing(run.receiver).tamper = { message in
                guard case .signature(var signature) = message, let id = ids.all[path(name)] else { return }
                signature.segments[0].id = id
                message = .signature(signature)
            }
            run.run()
            #expect(run.violation == nil)
            #expect(ids.all[path(name)] != nil, "\(name) was never told")
            expectBroken(run.sender.machine?.end, "signature.id")
        }
    }

    private final class Told {
        var all: [[UInt8]: FileID] = [:]
    }

    @Test("Signatures of strangers, twice, with gaps, too long, too short")
    func signatures() throws {
        let wrongs: [(String, (inout SignatureSegment) -> Void)] = [
            ("signature.id", { $0.id = 99 }),
            ("signature.id", { ($0.shape, $0.id) = (nil, 1 << 40) }),
            ("signature.offset", { $0.offset += 1 }),
            ("signature.size", { $0.shape?.basisSize = 0 }),
            ("signature.size", { $0.shape?.basisSize = UInt64(Int64.max) }),
            ("signature.count", { $0.shape?.basisSize += 1 << 20 }),
            ("signature.count", { $0.blocks = SignatureBlocks() }),
            (
                "signature.count",
                { segment in
                    segment.blocks.rolling.append(1)
                    segment.blocks.strong.append(1)
                }
            ),
            ("signature.widths", { $0.widths = HashWidths(rolling: 32, strong: 63) }),
        ]
        for (field, wrong) in wrongs {
            let end = try end(scenario(), bySender: false) { message in
                guard case .signature(var signature) = message else { return }
                wrong(&signature.segments[0])
                message = .signature(signature)
            }
            expectBroken(end, field)
        }
    }

    @Test("A signature told twice, and one begun within another")
    func again() throws {
        let end = try end(scenario(), bySender: false) { message in
            guard case .signature(let signature) = message else { return }
            message = .signature(SignatureMessage(signature.segments + signature.segments))
        }
        expectBroken(end, "signature.id")
        let within = try self.end(scenario(), bySender: false) { message in
            guard case .signature(var signature) = message else { return }
            signature.segments[0].isLast = false
            message = .signature(SignatureMessage(signature.segments + signature.segments))
        }
        expectBroken(within, "signature.id")
    }

    @Test("Answers that are not what was asked")
    func answers() throws {
        var new = old
        for index in stride(from: 500, to: new.count, by: 200_000) { new[index] ^= 1 }
        var scenario = scenario()
        scenario.source = tree(new, time)
        let wrongs: [(inout [SignatureSegment]) -> Void] = [
            { $0[0].offset += 1 }, { $0[0].blocks.rolling.append(1) },
            { $0[0].widths = HashWidths(rolling: 32, strong: 63) },
            // An end before all was told, and none where it was.
            { $0[0].isLast = true },
            { segments in
                let last = segments.count - 1
                segments[last].isLast = false
                segments.append(segments[last])
            },
        ]
        for wrong in wrongs {
            var isAsked = false
            let end = try end(scenario, bySender: false) { message in
                guard case .signature(var signature) = message, signature.segments[0].shape == nil else { return }
                isAsked = true
                wrong(&signature.segments)
                message = .signature(signature)
            }
            #expect(isAsked)
            expectBroken(end, "signature.offset", "signature.count", "signature.widths", "signature.id")
        }
    }
}
