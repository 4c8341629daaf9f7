// What no honest end says, and what comes in orders that simulated sessions hardly draw. Every credit comes back, every
// id is answered once, and what is wrong ends the session.

import LifterCodec
import LifterProtocol
import Testing

@Suite struct ByHandTests {
    private let digest = ContentDigest(low: 1, high: 2)
    private let widths = HashWidths(rolling: 20, strong: 32)
    private let noSpace = FileProblem(.system, errno: 28, doing: "writing")

    // MARK: Directories

    @Test("No more directories are opened than can be kept")
    func tooManyDirectories() {
        var receiver = ByHand<ReceiverMachine>()
        receiver.machine.directoryLimit = 3
        receiver.open(1, "a")
        receiver.open(2, "b")
        #expect(receiver.machine.end == nil)
        receiver.open(3, "c")
        #expect(receiver.complaint?.contains("too many directories") == true)
    }

    /// That a directory is told by entries that do not belong where they are told makes nothing of it wanted, although it
    /// was being compared. What was under way of it comes to its end.
    @Test("A directory that is given up while it is scanned and digested")
    func givenUp() {
        let file = Entry.file("f", 10)
        var options = JobOptions()
        options.checksum = true
        options.existing = true
        let rules = CompareRules(options, abilities: [], granularity: 1, key: 1)
        var receiver = ByHand<ReceiverMachine>(root: [.file("a", 1), .directory("d"), .directory("e")]) {
            $0 = options
        }
        receiver.tell(range(1, in: 0, "a", ContentDigest(low: 0, high: 0)))
        receiver.open(1, "d")
        receiver.open(2, "e")
        receiver.answerScan([file])
        receiver.tell(range(2, in: 1, "f", rules.digest(.of([file]), 0..<1, owners: nil)))
        #expect(receiver.waiting == ["scan", "digestFiles"])
        receiver.tell([.directory("d"), .directory("e")], answers: 1, base: 1)
        receiver.tell(.rangeDigest(sequence: 2, digest))
        #expect(receiver.machine.end == nil)
        receiver.answer("digestFiles", .digested([.success(digest)]))
        receiver.answer("scan", .scanned(.failure(FileProblem(.system, errno: 13, doing: "opening"))))
        // It was given up before: the sender is not asked twice to stop.
        let stops = receiver.sent.filter { if case .stop = $0 { true } else { false } }
        #expect(receiver.machine.end == nil && stops.isEmpty && receiver.outcomes(of: 1).count == 1)
        receiver.tell(.rangeDigest(sequence: 3, digest))
        #expect(receiver.complaint?.contains("rangeDigest") == true)
    }

    /// A sender has no reason to say whose numbers they are where numbers are what is kept.
    @Test("Where numbers are kept nobody looks up a name")
    func numericOwners() {
        var receiver = ByHand<ReceiverMachine>(root: [.file("a", 1)]) { $0.numericIDs = true }
        receiver.tell(.owners(Owners([OwnerName(isGroup: false, id: 7, name: path("somebody"))])), weight: 1_500_000)
        #expect(receiver.waiting.isEmpty && receiver.granted(.listing) >= 1_500_000 && receiver.machine.end == nil)
    }

    @Test("A message without entries that is not the last of its directory")
    func nothingYet() {
        var receiver = ByHand<ReceiverMachine>(root: [.file("a", 1), .file("b", 1)])
        receiver.tell([], base: 1)
        receiver.tell([.file("a", 1), .file("b", 1)], base: 1, isLast: true)
        receiver.tell(.listingEnd)
        #expect(receiver.machine.end == nil && receiver.outcomes(of: 2) == [.unchanged])
    }

    /// What was told of a directory that is not made yet keeps its credit; of this one that was more than there is.
    @Test("A new directory of more than the listing's credit is told to its end")
    func wideDirectory() {
        var receiver = ByHand<ReceiverMachine>()
        receiver.tell([.directory("new")], base: 1, isLast: true, isPromised: true)
        receiver.open(1, "new")
        for index in 0..<60 as Range<FileID> {
            receiver.tell([.directory("d\(100 + index)")], in: 1, base: 2 + index, isPromised: true, weight: 100_000)
        }
        #expect(receiver.machine.end == nil && receiver.granted(.listing) > 4_000_000)
    }

    // MARK: Contents

    @Test("Contents that were promised, of a file that only gets another mode, are dropped")
    func notNeeded() {
        var receiver = ByHand<ReceiverMachine>(root: [.file("f", 3)])
        receiver.tell([.file("f", 3, mode: 0o600)], base: 1, isPromised: true)
        receiver.send(1, [1, 2, 3], end: .whole(digest))
        #expect(receiver.waiting == ["setAttributes"] && receiver.machine.end == nil)
        receiver.answer("setAttributes", .setAttributes(.done))
        #expect(receiver.outcomes(of: 1) == [.settled(.mode)])
    }

    @Test("A difference without copies needs no basis; one with copies does", arguments: [false, true])
    func withoutBasis(copies: Bool) {
        var receiver = ByHand<ReceiverMachine>()
        receiver.tell([.file("f", 3)], base: 1, isPromised: true)
        let copied = copies ? [DeltaCopy(literal: 0, from: 0, length: 3)] : []
        receiver.tell(
            .delta(
                DeltaMessage([
                    DeltaSegment(
                        id: 1, offset: 0, copies: copied, rest: copies ? 0 : 3, bytes: [1, 2, 3],
                        range: copies ? 0..<0 : 0..<3, end: .whole(digest))
                ])))
        #expect(receiver.waiting == (copies ? [] : ["writeSmall"]))
        #expect(receiver.complaint == nil || copies)
        #expect(receiver.complaint?.contains("delta.copies") ?? false == copies)
    }

    @Test("When the disk is full no more contents are asked for")
    func fullDisk() {
        var receiver = ByHand<ReceiverMachine>()
        receiver.tell([.file("a", 1), .file("b", 1)], base: 1, isPromised: true)
        for id in 1...2 as ClosedRange<FileID> {
            receiver.send(id, [1], end: .whole(digest))
            receiver.answer("writeSmall", .wroteSmall([.failed(noSpace)]))
        }
        receiver.tell([.file("c", 1)], base: 3)
        #expect(receiver.waiting.isEmpty)
        guard case .failed(let problem)? = receiver.outcomes(of: 3).first, problem.code == .stopped else {
            Issue.record("\(receiver.outcomes(of: 3))")
            return
        }
    }

    /// Its first contents waited for the directory; the sender gave up on it before that was there.
    @Test("A file that fails before its directory is there is answered once", arguments: [true, false])
    func failedBefore(isMade: Bool) {
        var receiver = ByHand<ReceiverMachine>()
        receiver.tell([.directory("d")], base: 1, isLast: true, isPromised: true)
        receiver.open(1, "d")
        receiver.tell([.file("large", 10 << 20)], in: 1, base: 2, isLast: true, isPromised: true)
        #expect(receiver.waiting == ["makeDirectory"])
        receiver.send(2, [1, 2, 3], end: nil)
        receiver.send(2, from: 3, [], end: .failed(FileProblem(.vanished, doing: "reading")))
        receiver.answer("makeDirectory", .madeDirectory(isMade ? .done : .failed(noSpace)))
        #expect(receiver.waiting == (isMade ? ["publishDirectory"] : []))
        #expect(receiver.outcomes(of: 2).count == 1 && receiver.machine.end == nil)
    }

    // MARK: Signatures

    /// One question is being answered and one waits when the file fails here.
    @Test("Finer signatures of a file that has failed are not told, and their credit comes back")
    func failedWhileRefined() {
        let old = Entry.file("f", 8 << 20)
        var receiver = ByHand<ReceiverMachine>(root: [old]) {
            $0.delta = .always
            $0.refine = .always
        }
        receiver.tell([.file("f", 9 << 20, seconds: 2)], base: 1, isLast: true)
        receiver.tell(.listingEnd)
        let shape = BasisShape(basisSize: 8 << 20, blockLength: 1 << 16, widths: widths)
        receiver.answer("openBasis", .openedBasis(.success(shape)))
        while case .signRanges(_, let length, _, let ranges)? = receiver.effects.first?.effect {
            receiver.answer("signRanges", .signedRanges(.success(ranges.map { blocks($0, length) })))
        }
        let range = BasisRange(offset: 0, length: 1 << 16)
        for _ in 0..<2 {
            receiver.tell(
                .refine(Refine(id: 1, blockLength: 1024, widths: widths, ranges: [range])), weight: 900_000)
        }
        let told = receiver.sent.count { if case .signature = $0 { true } else { false } }
        #expect(receiver.waiting == ["signRanges"] && told > 0)
        receiver.send(1, [], end: .failed(FileProblem(.changed, doing: "reading")))
        receiver.answer("closeBasis", .closedBasis)
        while receiver.waiting.contains("finishDirectory") {
            receiver.answer("finishDirectory", .finishedDirectory(.done))
        }
        // Nothing is left but the effect that is out.
        #expect(!receiver.sent.contains { if case .goodbye = $0 { true } else { false } })
        receiver.answer("signRanges", .signedRanges(.success([blocks(range, 1024)])))
        #expect(receiver.sent.contains { if case .goodbye = $0 { true } else { false } })
        #expect(receiver.granted(.signature) == 1_800_000)
        #expect(receiver.sent.count { if case .signature = $0 { true } else { false } } == told)
    }

    @Test("Contents are not asked for in two ways at once")
    func askedTwice() {
        var sender = ByHand<SenderMachine>(root: [.file("f", 10_000)]) { $0.delta = .always }
        let shape = BasisShape(basisSize: 3000, blockLength: 1000, widths: widths)
        let part = SignatureSegment(
            id: 1, shape: shape, widths: widths, offset: 0,
            blocks: blocks(BasisRange(offset: 0, length: 1000), 1000), isLast: false)
        sender.tell(.signature(SignatureMessage([part])))
        #expect(sender.machine.end == nil && sender.waiting.isEmpty)
        sender.tell(.request(Request([Request.Item(1)])))
        #expect(sender.complaint?.contains("request.id") == true)
    }

    // MARK: Answers

    @Test("Answers that nobody waits for leave together, a little later, and the last one at once")
    func answersTogether() {
        let files = (1...3).map { Entry.file("f\($0)", 1) }
        var receiver = ByHand<ReceiverMachine>(root: files, onStream: true)
        receiver.tell((1...3).map { .file("f\($0)", 1, mode: 0o600) }, base: 1, isLast: true)
        #expect(receiver.waiting == Array(repeating: "setAttributes", count: 3))
        for _ in 1...2 { receiver.answer("setAttributes", .setAttributes(.done)) }
        #expect(receiver.outcomes(of: 1).isEmpty && receiver.machine.deadline?.reason == "others to travel with")
        receiver.sleep()
        #expect(receiver.outcomes(of: 1).count == 1 && receiver.outcomes(of: 2).count == 1)
        #expect(receiver.sent.count { if case .outcomes = $0 { true } else { false } } == 1)
        #expect(receiver.machine.deadline?.reason == "keepalive")
        receiver.answer("setAttributes", .setAttributes(.done))
        #expect(receiver.outcomes(of: 3).count == 1)
    }

    @Test("Answers that are due wake once, and leave when the stream has room")
    func answersWithoutRoom() {
        var receiver = ByHand<ReceiverMachine>(root: (1...2).map { .file("f\($0)", 1) }, onStream: true)
        receiver.tell((1...2).map { .file("f\($0)", 1, mode: 0o600) }, base: 1, isLast: true)
        receiver.answer("setAttributes", .setAttributes(.done))
        receiver.hasRoom = false
        #expect(receiver.machine.deadline?.reason == "others to travel with")
        receiver.sleep()
        #expect(receiver.outcomes(of: 1).isEmpty && receiver.machine.deadline?.reason == "keepalive")
        receiver.hasRoom = true
        #expect(receiver.outcomes(of: 1).count == 1)
    }

    // MARK: Digests

    /// What is asked about may be answered before its turn comes.
    @Test("Digests that nobody waits for any more are not made")
    func answeredBefore() {
        let files = (0..<200).map { Entry.file("f\(1000 + $0)", 10) }
        var sender = ByHand<SenderMachine>(root: files) { $0.checksum = true }
        sender.tell(.expand(Expand(sequence: 1, mode: .contents)))
        #expect(sender.waiting == ["digestFiles"])
        sender.tell(.same(upTo: 1))
        sender.answer("digestFiles", .digested(files.map { _ in .success(digest) }))
        #expect(!sender.sent.contains { if case .rangeDigest = $0 { true } else { false } })

        sender = ByHand<SenderMachine>(root: [.file("a", 10), .file("b", 10)]) { $0.checksum = true }
        sender.tell(.digestRequest(IDList([1])))
        sender.tell(.digestRequest(IDList([2])))
        sender.tell(.outcomes(Outcomes([Outcomes.Run(first: 2, count: 1, outcome: .skipped)])))
        sender.answer("digestFiles", .digested([.success(digest)]))
        #expect(sender.waiting.isEmpty && sender.machine.end == nil)
        #expect(sender.sent.count { if case .fileDigests = $0 { true } else { false } } == 1)
    }

    private func range(
        _ sequence: UInt64, in directory: DirectoryID, _ last: String, _ digest: ContentDigest
    ) -> Message {
        .range(
            RangeMessage(
                sequence: sequence, directory: directory, lastName: path(last), count: 1, digest: digest,
                isLast: directory != 0, isIncomplete: false))
    }

    private func blocks(_ range: BasisRange, _ length: UInt32) -> SignatureBlocks {
        let count = Int(BasisShape.blocks(in: range.length, of: length))
        return SignatureBlocks(
            rolling: [UInt32](repeating: 7, count: count), strong: [UInt64](repeating: 9, count: count))
    }
}
