// Everything that crosses the wire is one of these. On a stream a message is encoded into the payload of a frame;
// between two machines in one process it passes as it is.

package enum Message: Sendable {
    case hello(Hello)
    case job(Job)
    case ready(Ready)
    case abort(Abort)
    case ping(UInt64)
    case pong(UInt64)
    case credit(Credit)
    case stop(Stop)
    case summary(Summary)
    case goodbye

    case roots(RootShape)
    case owners(Owners)
    case directory(DirectoryOpened)
    case range(RangeMessage)
    case entries(EntriesMessage)
    case listingEnd
    case rangeDigest(sequence: UInt64, ContentDigest)
    case fileDigests(FileDigests)
    case sourceProblem(PathProblem)

    case same(upTo: UInt64)
    case expand(Expand)
    case subtree(Subtree)
    case request(Request)
    case outcomes(Outcomes)
    case digestRequest(IDList)
    case again
    case deleted(Deleted)
    case targetProblem(PathProblem)

    case content(ContentMessage)
    case delta(DeltaMessage)
    case signature(SignatureMessage)
    case refine(Refine)

    package var kind: MessageKind {
        switch self {
        case .hello: .hello
        case .job: .job
        case .ready: .ready
        case .abort: .abort
        case .ping: .ping
        case .pong: .pong
        case .credit: .credit
        case .stop: .stop
        case .summary: .summary
        case .goodbye: .goodbye
        case .roots: .roots
        case .owners: .owners
        case .directory: .directory
        case .range: .range
        case .entries: .entries
        case .listingEnd: .listingEnd
        case .rangeDigest: .rangeDigest
        case .fileDigests: .fileDigests
        case .sourceProblem: .sourceProblem
        case .same: .same
        case .expand: .expand
        case .subtree: .subtree
        case .request: .request
        case .outcomes: .outcomes
        case .digestRequest: .digestRequest
        case .again: .again
        case .deleted: .deleted
        case .targetProblem: .targetProblem
        case .content: .content
        case .delta: .delta
        case .signature: .signature
        case .refine: .refine
        }
    }

    /// The payload of the frame that carries this message. Throws only for contents that cannot leave the process.
    package func encoded() throws(WireError) -> [UInt8] {
        let writer = try encoded(after: 0)
        return writer.bytes + writer.tail
    }

    /// The same, behind `room` bytes left for a header; the bytes of large contents stay where they are.
    func encoded(after room: Int) throws(WireError) -> ByteWriter {
        let shared = sharedBytes
        let size = sizeHint - (shared?.count ?? 0)
        var writer = ByteWriter(reserving: room + max(0, size) + ProtocolConstants.trailerLength)
        writer.raw(repeatElement(0, count: room))
        switch self {
        case .hello(let value): value.encode(into: &writer)
        case .job(let value): value.encode(into: &writer)
        case .ready(let value): value.encode(into: &writer)
        case .abort(let value): value.encode(into: &writer)
        case .ping(let value), .pong(let value): writer.u64(value)
        case .credit(let value): value.encode(into: &writer)
        case .stop(let value): value.encode(into: &writer)
        case .summary(let value): value.encode(into: &writer)
        case .goodbye, .listingEnd, .again: break
        case .roots(let value): value.encode(into: &writer)
        case .owners(let value): value.encode(into: &writer)
        case .directory(let value): value.encode(into: &writer)
        case .range(let value): value.encode(into: &writer)
        case .entries(let value): value.encode(into: &writer)
        case .rangeDigest(let sequence, let digest):
            writer.varint(sequence)
            digest.encode(into: &writer)
        case .fileDigests(let value): value.encode(into: &writer)
        case .sourceProblem(let value), .targetProblem(let value): value.encode(into: &writer)
        case .same(let sequence): writer.varint(sequence)
        case .expand(let value): value.encode(into: &writer)
        case .subtree(let value): value.encode(into: &writer)
        case .request(let value): value.encode(into: &writer)
        case .outcomes(let value): value.encode(into: &writer)
        case .digestRequest(let value): value.encode(into: &writer)
        case .deleted(let value): value.encode(into: &writer)
        case .content(let value): try value.encode(into: &writer, shared)
        case .delta(let value): try value.encode(into: &writer, shared)
        case .signature(let value): value.encode(into: &writer)
        case .refine(let value): value.encode(into: &writer)
        }
        return writer
    }

    /// Bytes at the payload's end that may stay where they are.
    private var sharedBytes: ArraySlice<UInt8>? {
        switch self {
        case .content(let value): value.sharedBytes
        case .delta(let value): value.sharedBytes
        default: nil
        }
    }

    /// Reads a payload of the given kind; every byte must belong to the message.
    package init(kind: MessageKind, payload: [UInt8]) throws(WireError) {
        try self.init(kind: kind, ByteReader(payload))
    }

    /// The same of the bytes that the reader has left.
    init(kind: MessageKind, _ payload: ByteReader) throws(WireError) {
        var reader = payload
        self = try Self.decode(kind, &reader)
        try reader.finish()
    }

    private static func decode(_ kind: MessageKind, _ reader: inout ByteReader) throws(WireError) -> Message {
        switch kind {
        case .hello: .hello(try Hello(from: &reader))
        case .job: .job(try Job(from: &reader))
        case .ready: .ready(try Ready(from: &reader))
        case .abort: .abort(try Abort(from: &reader))
        case .ping: .ping(try reader.u64("ping"))
        case .pong: .pong(try reader.u64("pong"))
        case .credit: .credit(try Credit(from: &reader))
        case .stop: .stop(try Stop(from: &reader))
        case .summary: .summary(try Summary(from: &reader))
        case .goodbye: .goodbye
        case .roots: .roots(try RootShape(from: &reader))
        case .owners: .owners(try Owners(from: &reader))
        case .directory: .directory(try DirectoryOpened(from: &reader))
        case .range: .range(try RangeMessage(from: &reader))
        case .entries: .entries(try EntriesMessage(from: &reader))
        case .listingEnd: .listingEnd
        case .rangeDigest:
            .rangeDigest(
                sequence: try reader.varint("rangeDigest.sequence"),
                try ContentDigest(from: &reader, "rangeDigest.digest"))
        case .fileDigests: .fileDigests(try FileDigests(from: &reader))
        case .sourceProblem: .sourceProblem(try PathProblem(from: &reader))
        case .same: .same(upTo: try reader.varint("same.sequence"))
        case .expand: .expand(try Expand(from: &reader))
        case .subtree: .subtree(try Subtree(from: &reader))
        case .request: .request(try Request(from: &reader))
        case .outcomes: .outcomes(try Outcomes(from: &reader))
        case .digestRequest: .digestRequest(try IDList(from: &reader))
        case .again: .again
        case .deleted: .deleted(try Deleted(from: &reader))
        case .targetProblem: .targetProblem(try PathProblem(from: &reader))
        case .content: .content(try ContentMessage(from: &reader))
        case .delta: .delta(try DeltaMessage(from: &reader))
        case .signature: .signature(try SignatureMessage(from: &reader))
        case .refine: .refine(try Refine(from: &reader))
        }
    }

    /// About how large the encoding will be; for one allocation instead of several.
    private var sizeHint: Int {
        switch self {
        case .content(let value): value.segments.reduce(64) { $0 + Int(clamping: $1.payload.count) + 48 }
        case .delta(let value): value.segments.reduce(64) { $0 + $1.range.count + $1.copies.count * 12 + 48 }
        case .signature(let value): value.segments.reduce(16) { $0 + $1.wireBytes }
        case .refine(let value): 32 + value.ranges.count * 8
        case .entries(let value): 64 + value.entries.count * 48
        case .expand(let value): 32 + value.hashes.count * 8
        case .outcomes(let value): 16 + value.runs.count * 12
        case .hello, .job, .ready, .abort, .ping, .pong, .credit, .stop, .summary, .goodbye, .roots, .owners,
            .directory,
            .range, .listingEnd, .rangeDigest, .fileDigests, .sourceProblem, .same, .subtree, .request,
            .digestRequest, .again, .deleted, .targetProblem:
            64
        }
    }

    /// What a message counts against credit between two machines in one process, where nothing is encoded: about
    /// the memory (or, for contents in files, the work) it stands for.
    package var weight: Int {
        switch self {
        case .content(let value): value.segments.reduce(0) { $0 + 64 + Int(clamping: $1.payload.count) }
        case .entries(let value): value.entries.reduce(64) { $0 + 80 + $1.name.count + $1.target.count }
        default: sizeHint
        }
    }
}
