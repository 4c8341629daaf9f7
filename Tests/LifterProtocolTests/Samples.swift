// The values that the golden files stand for, and a way to compare messages.

import LifterCodec
import LifterProtocol

enum Samples {
    static let digest = ContentDigest(low: 0x0706_0504_0302_0100, high: 0x0f0e_0d0c_0b0a_0908)
    static let nonce = [UInt8](0...15)

    static func text(_ string: String) -> [UInt8] { Array(string.utf8) }

    static func time(_ seconds: Int64, _ nanoseconds: UInt32 = 0) -> Timestamp {
        Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }

    static func attributes(
        _ kind: EntryKind, _ mode: UInt16, user: UInt32 = 0, group: UInt32 = 0, size: UInt64 = 0,
        _ modified: Timestamp = time(0)
    ) -> Attributes {
        Attributes(kind: kind, mode: mode, userID: user, groupID: group, size: size, modified: modified)
    }

    static func entry(_ name: String, _ attributes: Attributes, target: String = "") -> Entry {
        Entry(name: text(name), attributes: attributes, target: text(target))
    }

    static let hello: Hello = {
        var limits = Limits()
        limits.contentWindow = 8_388_608
        limits.listingWindow = 2_097_152
        limits.answerWindow = 2_097_152
        limits.signatureWindow = 8_388_608
        limits.openIDs = 16_384
        return Hello(
            software: "superlifter 1.0", nonce: nonce, features: ["zlib"], limits: limits,
            abilities: [.owners, .devices, .setIDs])
    }()

    static let push: Job = {
        var options = JobOptions()
        options.keepGroup = false
        options.delete = .after
        options.compression = .zstd(level: 3)
        options.timeout = 60
        return Job(
            direction: .push, purpose: .transfer, paths: [text("backup")], options: options, rules: [text("- *.o")],
            shape: .contents(attributes(.directory, 0o755, user: 1000, group: 1000, time(1_700_000_000, 500_000_000))),
            destination: nil)
    }()

    static let pull: Job = {
        var options = JobOptions()
        options.dryRun = true
        options.maxDelete = 1000
        return Job(
            direction: .pull, purpose: .compare, paths: [text("a"), text("b/")], options: options, rules: [],
            shape: nil, destination: Ready(isEmpty: true, timeGranularity: 1))
    }()

    static let summary: Summary = {
        var summary = Summary()
        summary.entries = 1000
        summary.failed = 1
        summary.totalBytes = 1 << 40
        return summary
    }()

    static let entries = EntriesMessage(
        directory: 5, answers: 7, base: 300,
        entries: [
            entry("a.c", attributes(.regular, 0o644, group: 100, size: 1234, time(1_700_000_001, 123_456_789))),
            entry("lnk", attributes(.symlink, 0o777), target: "a.c"),
        ],
        hasMore: false, isLast: false, isIncomplete: false, isPromised: true, matched: [5])

    static let outright = EntriesMessage(
        directory: 0, answers: nil, base: 1,
        entries: [
            entry("a", attributes(.directory, 0o755)), entry("b", attributes(.fifo, 0o644)),
            entry("c", attributes(.socket, 0o644)), entry("d", attributes(.characterDevice, 0o644, size: 1 << 32 | 2)),
            entry("e", attributes(.blockDevice, 0o644, size: 8 << 32 | 1)),
        ],
        hasMore: false, isLast: true, isIncomplete: true, isPromised: false, matched: [])

    static let linked = EntriesMessage(
        directory: 5, answers: nil, base: 300,
        entries: ["a", "b"].map { name in
            var entry = entry(
                name, attributes(.regular, 0o644, group: 100, size: 1234, time(1_700_000_001, 123_456_789)))
            entry.link = FileIdentity(device: 0, inode: 77, names: 3)
            return entry
        },
        hasMore: false, isLast: true, isIncomplete: false, isPromised: false, matched: [])

    static let outcomes = Outcomes([
        Outcomes.Run(first: 300, count: 10, outcome: .settled([.created, .content])),
        Outcomes.Run(first: 310, count: 1, outcome: .unchanged),
        Outcomes.Run(first: 311, count: 1, outcome: .skipped),
        Outcomes.Run(first: 312, count: 1, outcome: .later),
        Outcomes.Run(first: 313, count: 1, outcome: .failed(FileProblem(.system, errno: 28, doing: "writing"))),
    ])

    static let content = ContentMessage([
        ContentSegment(id: 300, offset: 0, payload: .bytes(text("hello"), 0..<5), end: .whole(digest)),
        ContentSegment(
            id: 301, offset: 1000, payload: .bytes([], 0..<0),
            end: .failed(FileProblem(.vanished, errno: 2, doing: "opening"))),
    ])

    static let delta = DeltaMessage([
        DeltaSegment(
            id: 300, offset: 0,
            copies: [
                DeltaCopy(literal: 2, from: 0, length: 1400), DeltaCopy(literal: 0, from: 2100, length: 700),
            ],
            rest: 3, bytes: text("hello"), range: 0..<5, end: .whole(digest)),
        DeltaSegment(
            id: 301, offset: 1 << 20, copies: [DeltaCopy(literal: 0, from: 1 << 32, length: 1 << 30)], rest: 0,
            bytes: [], range: 0..<0, end: nil),
    ])

    private static let short = HashWidths(rolling: 14, strong: 37)
    private static let long = HashWidths(rolling: 32, strong: 64)

    static let signature = SignatureMessage([
        SignatureSegment(
            id: 300, shape: BasisShape(basisSize: 2800, blockLength: 1400, widths: short), widths: short, offset: 0,
            blocks: SignatureBlocks(rolling: [0x3421, 0x1234], strong: [0x1f_edcb_a987, 0]), isLast: true),
        SignatureSegment(
            id: 301, shape: BasisShape(basisSize: 1 << 40, blockLength: 4 << 20, widths: long), widths: long,
            offset: 0, blocks: SignatureBlocks(), isLast: false),
        SignatureSegment(
            id: 301, widths: long, offset: 0, blocks: SignatureBlocks(), isLast: true, isGivenUp: true),
    ])

    /// By the name of the golden file.
    static let messages: [String: Message] = [
        "hello": .hello(hello),
        "job": .job(push),
        "job-pull": .job(pull),
        "ready": .ready(Ready(isEmpty: false, timeGranularity: 2_000_000_000)),
        "abort": .abort(Abort(exit: 23, errno: 13, text: "näh!\n")),
        "ping": .ping(0x0102_0304_0506_0708),
        "pong": .pong(0x0102_0304_0506_0708),
        "credit": .credit(Credit(creditClass: .content, amount: 4 << 20)),
        "stop": .stop(.file(300)),
        "stop-directory": .stop(.directory(5)),
        "stop-contents": .stop(.contents),
        "summary": .summary(summary),
        "goodbye": .goodbye,
        "roots": .roots(
            .items([
                RootShape.Item(name: text("a.c"), kind: .regular), RootShape.Item(name: text("src"), kind: .directory),
            ])),
        "roots-contents": .roots(.contents(attributes(.directory, 0o4777, group: .max, time(-1)))),
        "owners": .owners(
            Owners([
                OwnerName(isGroup: false, id: 1000, name: text("ann")),
                OwnerName(isGroup: true, id: 100_000, name: []),
            ])),
        "directory": .directory(DirectoryOpened(id: 5, parent: 2, name: text("src"), streams: true)),
        "directory-root": .directory(DirectoryOpened(id: 0, parent: 0, name: [], streams: false)),
        "range": .range(
            RangeMessage(
                sequence: 7, directory: 5, lastName: text("z.c"), count: 3, digest: digest, isLast: true,
                isIncomplete: false)),
        "range-empty": .range(
            RangeMessage(
                sequence: 1, directory: 0, lastName: [], count: 0, digest: ContentDigest(low: 0, high: 1 << 63),
                isLast: true, isIncomplete: true)),
        "entries": .entries(entries),
        "entries-outright": .entries(outright),
        "entries-links": .entries(linked),
        "listingEnd": .listingEnd,
        "rangeDigest": .rangeDigest(sequence: 7, digest),
        "fileDigests": .fileDigests(
            FileDigests([
                (id: 300, result: .success(digest)),
                (id: 301, result: .failure(FileProblem(.changed, doing: "reading"))),
            ])),
        "sourceProblem": .sourceProblem(
            PathProblem(path: text("src/") + [0xff], problem: FileProblem(.system, errno: 13, doing: "opening"))),
        "same": .same(upTo: 1 << 63),
        "expand": .expand(Expand(sequence: 7, mode: .differing, hashes: [0, 1, .max])),
        "expand-all": .expand(Expand(sequence: 8, mode: .all)),
        "expand-contents": .expand(Expand(sequence: 9, mode: .contents)),
        "subtree": .subtree(Subtree(id: 300, wish: .contents)),
        "request": .request(Request([Request.Item(300), Request.Item(301)])),
        "request-resume": .request(
            Request([Request.Item(300, resume: Resume(length: 1_048_576, digest: digest))])),
        "request-only": .request(
            Request([Request.Item(300, resume: Resume(length: 1_048_576, digest: digest), onlyResumes: true)])),
        "outcomes": .outcomes(outcomes),
        "outcomes-linked": .outcomes(
            Outcomes([Outcomes.Run(first: 301, count: 1, outcome: .linked([.created, .linked], to: text("src/a")))])),
        "digestRequest": .digestRequest(IDList([300, 301])),
        "again": .again,
        "deleted": .deleted(Deleted([text("old/a"), text("old/")])),
        "targetProblem": .targetProblem(
            PathProblem(path: text("."), problem: FileProblem(.refused, errno: -1, doing: ""))),
        "content": .content(content),
        "content-middle": .content(
            ContentMessage([ContentSegment(id: 1, offset: 262_144, payload: .bytes(text("abc"), 0..<3), end: nil)])),
        "delta": .delta(delta),
        "signature": .signature(signature),
        "signature-refined": .signature(
            SignatureMessage([
                SignatureSegment(
                    id: 301, widths: long, offset: 65_536,
                    blocks: SignatureBlocks(rolling: [0xffff_ffff], strong: [0x0706_0504_0302_0100]), isLast: true)
            ])),
        "refine": .refine(
            Refine(
                id: 301, blockLength: 512, widths: short,
                ranges: [BasisRange(offset: 0, length: 1024), BasisRange(offset: 65_536, length: 700)])),
    ]
}

/// What a message says, in words: equal for equal messages, wherever the bytes of contents are kept.
func described(_ message: Message) -> String {
    if case .delta(let delta) = message {
        return delta.segments.map { segment in
            "\(segment.id) at \(segment.offset): \(segment.copies), \(segment.rest), \(String(describing: segment.end)), "
                + "\(Array(segment.bytes[segment.range]))"
        }.joined(separator: "; ")
    }
    guard case .content(let content) = message else { return "\(message)" }
    return content.segments.map { segment in
        var words = "\(segment.id) at \(segment.offset), \(String(describing: segment.end)): "
        if case .bytes(let bytes, let range) = segment.payload { words += "\(Array(bytes[range]))" }
        return words
    }.joined(separator: "; ")
}

func decoded(_ kind: MessageKind, _ payload: [UInt8]) throws(WireError) -> Message {
    try Message(kind: kind, payload: payload)
}

/// The error that decoding ends in; nil when it does not.
func problem(_ kind: MessageKind, _ payload: [UInt8]) -> WireError? {
    do throws(WireError) {
        _ = try decoded(kind, payload)
        return nil
    } catch {
        return error
    }
}
