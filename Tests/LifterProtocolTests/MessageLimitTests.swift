// Each limit of each message, one below, at, and one above; and the longest message of each kind against the payload.

import LifterProtocol
import Testing

@Suite struct MessageLimitTests {
    /// Encodes `build(n)` for n around `limit`: only what is above the limit is refused, under the field's name.
    private func check(
        _ limit: Int, _ field: String, _ build: (Int) -> Message, _ location: SourceLocation = #_sourceLocation
    ) throws {
        for count in [limit - 1, limit, limit + 1] {
            let message = build(count)
            let found = problem(message.kind, try message.encoded())
            #expect(found == (count > limit ? .value(field) : nil), "\(count)", sourceLocation: location)
        }
    }

    private func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: UInt8(ascii: "n"), count: count) }

    private func numbered(_ count: Int) -> [Entry] {
        (0..<count).map { index in
            let digits = String(index)
            return Samples.entry(
                String(repeating: "0", count: 6 - digits.count) + digits, Samples.attributes(.fifo, 0))
        }
    }

    private func push(_ change: (inout Job) -> Void) -> Message {
        var job = Samples.push
        change(&job)
        return .job(job)
    }

    @Test func names() throws {
        try check(255, "entry.name") { count in
            .entries(entries([Entry(name: bytes(count), attributes: Samples.attributes(.fifo, 0))]))
        }
        try check(255, "directory.name") {
            .directory(DirectoryOpened(id: 1, parent: 0, name: bytes($0), streams: false))
        }
        try check(255, "range.lastName") { range(count: 1, lastName: bytes($0)) }
        try check(255, "shape.item.name") { .roots(.items([RootShape.Item(name: bytes($0), kind: .regular)])) }
        try check(256, "owner.name") { .owners(Owners([OwnerName(isGroup: false, id: 1, name: bytes($0))])) }
        try check(4095, "entry.target") { count in
            let link = Entry(name: bytes(1), attributes: Samples.attributes(.symlink, 0), target: bytes(count))
            return .entries(entries([link]))
        }
    }

    @Test func paths() throws {
        try check(65_536, "job.path") { count in push { $0.paths = [bytes(count)] } }
        try check(65_536, "job.rule") { count in push { $0.rules = [bytes(count)] } }
        try check(4096, "job.paths") { count in
            var job = Samples.pull
            job.paths = [[UInt8]](repeating: [0x61], count: count)
            return .job(job)
        }
        try check(65_536, "job.rules") { count in push { $0.rules = [[UInt8]](repeating: [], count: count) } }
        try check(65_536, "shape.items") { count in
            .roots(.items([RootShape.Item](repeating: RootShape.Item(name: [0x61], kind: .fifo), count: count)))
        }
    }

    @Test func lists() throws {
        try check(4096, "range.count") { range(count: UInt32($0), lastName: bytes(1)) }
        try check(4096, "entries.count") { .entries(entries(numbered($0))) }
        try check(4096, "entries.matched") { count in
            var message = Samples.entries
            message.matched = bytes(count)
            return .entries(message)
        }
        try check(32_768, "expand.hashes") {
            .expand(Expand(sequence: 1, mode: .differing, hashes: [UInt64](repeating: 1, count: $0)))
        }
        try check(4096, "ids") { .digestRequest(IDList([FileID](repeating: 1, count: $0))) }
        try check(4096, "request.ids") { .request(Request([Request.Item](repeating: Request.Item(1), count: $0))) }
        try check(4096, "outcomes") {
            .outcomes(Outcomes([Outcomes.Run](repeating: Samples.outcomes.runs[1], count: $0)))
        }
        try check(65_536, "outcome.count") {
            .outcomes(Outcomes([Outcomes.Run(first: 1, count: UInt32($0), outcome: .skipped)]))
        }
        try check(4096, "digests") {
            .fileDigests(FileDigests(Array(repeating: (id: 1, result: .success(Samples.digest)), count: $0)))
        }
        try check(4096, "content.segments") { count in
            let empty = ContentSegment(id: 1, offset: 0, payload: .bytes([], 0..<0), end: nil)
            return .content(ContentMessage([ContentSegment](repeating: empty, count: count)))
        }
    }

    @Test func numbers() throws {
        let most = Int(Int64.max) - 1
        for offset in 0...2 as ClosedRange<UInt64> {
            let value = UInt64(most) + offset
            let fits = offset < 2
            let file = Samples.entry("a", Samples.attributes(.regular, 0, size: value))
            #expect((problem(.entries, try Message.entries(entries([file])).encoded()) == nil) == fits)
            let content = ContentMessage([ContentSegment(id: 1, offset: value, payload: .bytes([], 0..<0), end: nil)])
            #expect((problem(.content, try Message.content(content).encoded()) == nil) == fits)
            var based = entries([])
            based.base = value
            #expect((problem(.entries, try Message.entries(based).encoded()) == nil) == fits)
            let run = Outcomes.Run(first: value, count: 1, outcome: .skipped)
            #expect((problem(.outcomes, try Message.outcomes(Outcomes([run])).encoded()) == nil) == fits)
        }
        for (nanoseconds, fits) in [(999_999_999, true), (1_000_000_000, false)] as [(UInt32, Bool)] {
            let fifo = Samples.entry("a", Samples.attributes(.fifo, 0, Samples.time(0, nanoseconds)))
            let found = problem(.entries, try Message.entries(entries([fifo])).encoded())
            #expect(found == (fits ? nil : .value("time.nanoseconds")))
        }
        for (granularity, fits) in [(0, false), (1, true), (4_000_000_000, true), (4_000_000_001, false)]
            as [(UInt32, Bool)]
        {
            let ready = Message.ready(Ready(isEmpty: false, timeGranularity: granularity))
            #expect(problem(.ready, try ready.encoded()) == (fits ? nil : .value("ready.timeGranularity")))
        }
        let mode = Message.entries(entries([Samples.entry("a", Samples.attributes(.fifo, 0o10000))]))
        #expect(problem(.entries, try mode.encoded()) == .value("entry.mode"))
    }

    @Test func windows() throws {
        func check(_ least: UInt32, _ most: UInt32, _ field: WritableKeyPath<Limits, UInt32>) throws {
            for (value, fits) in [(least - 1, false), (least, true), (most, true), (most + 1, false)] {
                var hello = Samples.hello
                hello.limits[keyPath: field] = value
                let found = problem(.hello, try Message.hello(hello).encoded())
                #expect(found == (fits ? nil : .value("hello.limits")), "\(value)")
            }
        }
        try check(2 << 20, 16 << 20, \.contentWindow)
        try check(2 << 20, 4 << 20, \.listingWindow)
        try check(2 << 20, 4 << 20, \.answerWindow)
        try check(2 << 20, 8 << 20, \.signatureWindow)
        try check(64, 65_536, \.openIDs)
    }

    @Test func levelsOfCompression() throws {
        for (choice, fits) in [
            (.zstd(level: -8), false), (.zstd(level: -7), true), (.zstd(level: 19), true), (.zstd(level: 20), false),
            (.zlib(level: 0), false), (.zlib(level: 1), true), (.zlib(level: 9), true), (.zlib(level: 10), false),
        ] as [(CompressionChoice, Bool)] {
            let job = push { $0.options.compression = choice }
            #expect(problem(.job, try job.encoded()) == (fits ? nil : .value("job.compression")))
        }
    }

    /// No level is the sender's choice, and not what zstd takes a zero for.
    @Test func noLevelOfCompression() throws {
        guard case .job(let job) = try decoded(.job, push { $0.options.compression = .standard }.encoded()) else {
            Issue.record("no job")
            return
        }
        #expect(job.options.compression == .standard)
        #expect(ContentMethod(.standard, for: .content) == .zstd(level: 3))
        #expect(ContentMethod(.standard, for: .delta) == .zstd(level: 5))
        #expect(ContentMethod(.zstd(level: 3), for: .delta) == .zstd(level: 3))
        for choice in [.none, .auto] as [CompressionChoice] { #expect(ContentMethod(choice, for: .delta) == nil) }
    }

    /// The longest message of each kind that this program makes fits into a payload; so does what a list of limits
    /// allows, wherever one message is all that may be said.
    @Test func theLongestMessagesFit() throws {
        let longProblem = FileProblem(.system, errno: -1, doing: String(repeating: "€", count: 400))
        let longName = bytes(255)
        let farTime = Samples.time(.min, 999_999_999)
        let attributes = Samples.attributes(.regular, 0o7777, user: .max, group: .max, size: UInt64(Int64.max), farTime)
        var hello = Samples.hello
        hello.features = [String](repeating: String(repeating: "x", count: 200), count: 250)
        let path = [UInt8](repeating: 0x61, count: 200_000)
        let link = Entry(
            name: longName, attributes: Samples.attributes(.symlink, 0o7777, user: .max, group: .max, farTime),
            target: bytes(4095))
        var entries = Samples.entries
        entries.entries = numbered(1023) + [link]
        entries.matched = bytes(4096)
        let ids = [FileID](repeating: FileID(Int64.max), count: 4096)
        let failed = Outcomes.Run(first: FileID(Int64.max), count: 65_536, outcome: .failed(longProblem))
        let segment = ContentSegment(
            id: .max, offset: UInt64(Int64.max), payload: .bytes(bytes(2048), 0..<2048), end: .failed(longProblem))
        let longResume = Resume(length: UInt64(Int64.max), digest: Samples.digest)
        let messages: [Message] = [
            .hello(hello), .abort(Abort(exit: 255, errno: -1, text: String(repeating: "€", count: 5000))),
            .ping(.max), .stop(.file(.max)), .roots(.contents(attributes.asDirectory)),
            .directory(DirectoryOpened(id: .max, parent: .max, name: longName, streams: true)),
            range(count: 4096, lastName: longName), .entries(entries), .rangeDigest(sequence: .max, Samples.digest),
            .fileDigests(FileDigests(ids.map { (id: $0, result: .failure(longProblem)) })),
            .sourceProblem(PathProblem(path: path, problem: longProblem)),
            .targetProblem(PathProblem(path: path, problem: longProblem)), .same(upTo: .max),
            .expand(Expand(sequence: .max, mode: .differing, hashes: [UInt64](repeating: .max, count: 32_768))),
            .subtree(Subtree(id: .max, wish: .nothing)),
            .request(Request(ids.map { Request.Item($0, resume: longResume) })), .digestRequest(IDList(ids)),
            .outcomes(Outcomes([Outcomes.Run](repeating: failed, count: 4096))), .deleted(Deleted([path])),
            .content(ContentMessage([ContentSegment](repeating: segment, count: 128))),
        ]
        for message in messages {
            let encoded = try EncodedMessage(message)
            #expect(encoded.payloadLength <= ProtocolConstants.longestPayload)
            #expect(problem(message.kind, try message.encoded()) == nil, "\(message.kind)")
        }
    }

    @Test func aMessageBeyondAPayloadIsNotMade() throws {
        for (count, fits) in [(-1, true), (0, true), (1, false)] {
            let bytes = [UInt8](repeating: 0, count: ProtocolConstants.longestPayload + count - 7)
            let segment = ContentSegment(id: 1, offset: 0, payload: .bytes(bytes, 0..<bytes.count), end: nil)
            let message = Message.content(ContentMessage([segment]))
            #expect((try? EncodedMessage(message).payloadLength) == (fits ? (1 << 20) + count : nil))
        }
        var hello = Samples.hello
        hello.features = [String](repeating: String(repeating: "x", count: 300), count: 250)
        #expect(throws: WireError.self) { _ = try EncodedMessage(.hello(hello)) }
    }

    private func entries(_ entries: [Entry]) -> EntriesMessage {
        EntriesMessage(
            directory: 0, answers: nil, base: 1, entries: entries, hasMore: false, isLast: true, isIncomplete: false,
            isPromised: false, matched: [])
    }

    private func range(count: UInt32, lastName: [UInt8]) -> Message {
        .range(
            RangeMessage(
                sequence: .max, directory: .max, lastName: lastName, count: count, digest: Samples.digest,
                isLast: false, isIncomplete: false))
    }
}

extension Attributes {
    fileprivate var asDirectory: Attributes {
        var copy = self
        copy.kind = .directory
        copy.size = 0
        return copy
    }
}
