// Digests of contents: for `--checksum` of whole ranges (one digest over the digests of their regular files, in order),
// and of single files that may be the same. One effect at a time; files are read by the workers.

import LifterCodec

enum DigestTask: Sendable {
    case range(SentRange, next: Int, digests: [ContentDigest])
    case files(ArraySlice<FileID>)
}

extension SenderMachine {
    mutating func requestDigests(_ ids: [FileID]) throws(WireError) {
        for id in ids {
            guard let entry = open[id], entry.attributes.kind == .regular, !entry.isDigestAsked else {
                throw .value("id")
            }
            open[id]?.isDigestAsked = true
        }
        if !ids.isEmpty { digestTasks.append(.files(ids[...])) }
    }

    mutating func advanceDigests() {
        while !digesting, core.outbox.waiting(.listing) < 8, let task = digestTasks.first {
            switch task {
            case .range(let range, let next, let digests): startDigest(range, next, digests)
            case .files(let ids): startDigest(ids)
            }
        }
    }

    private mutating func startDigest(_ range: SentRange, _ next: Int, _ digests: [ContentDigest]) {
        // A subtree's answer may have covered it meanwhile.
        guard ranges.range(range.sequence)?.isAnswered == false else {
            _ = digestTasks.popFirst()
            return
        }
        let (files, end) = DigestBatches.next(
            range.directory.listing, from: next, to: Int(range.upper), in: range.directory.id)
        if files.isEmpty {
            _ = digestTasks.popFirst()
            core.send(
                .rangeDigest(
                    sequence: range.sequence, DigestBatches.combine(digests, key: agreement.contentKey)))
            return
        }
        digesting = true
        run(.digestFiles(files, alone: false), as: .digestRange(range, next: end, digests: digests))
    }

    mutating func digestedRange(
        _ range: SentRange, _ next: Int, _ digests: [ContentDigest], _ results: [Result<ContentDigest, FileProblem>]
    ) {
        digesting = false
        // A file that cannot be read has no digest: the range differs.
        let more = results.map { (try? $0.get()) ?? ContentDigest(low: 0, high: 0) }
        digestTasks[0] = .range(range, next: next, digests: digests + more)
    }

    /// The next files of those that were asked about, without those that have been answered meanwhile.
    private mutating func startDigest(_ ids: ArraySlice<FileID>) {
        var batch = DigestBatches.Batch()
        var taken: [FileID] = []
        var rest = ids
        while !batch.isFull, let id = rest.popFirst() {
            guard let open = open[id] else { continue }
            batch.add(ListedFile(directory: open.directory.id, entry: open.entry))
            taken.append(id)
        }
        if rest.isEmpty { _ = digestTasks.popFirst() } else { digestTasks[0] = .files(rest) }
        if taken.isEmpty { return }
        digesting = true
        run(.digestFiles(batch.files, alone: false), as: .digestFiles(taken))
    }

    mutating func digestedFiles(_ ids: [FileID], _ results: [Result<ContentDigest, FileProblem>]) {
        digesting = false
        core.send(.fileDigests(FileDigests(zip(ids, results).map { (id: $0, result: $1) })))
    }
}

/// How both ends cut a range into effects, and make one digest of many.
enum DigestBatches {
    /// About a mebibyte of files, one at least.
    struct Batch {
        private(set) var files: [ListedFile] = []
        private var bytes: UInt64 = 0

        var isFull: Bool { files.count >= 256 || bytes >= 1 << 20 }

        mutating func add(_ file: ListedFile) {
            files.append(file)
            bytes = bytes.addingReportingOverflow(file.entry.attributes.size).partialValue
        }
    }

    /// The next regular files of a listing, and where the ones after them begin.
    static func next(
        _ listing: Listing, from start: Int, to end: Int, in directory: DirectoryID
    ) -> (files: [ListedFile], end: Int) {
        var batch = Batch()
        var index = start
        while index < end, !batch.isFull {
            if listing.attributes(at: index).kind == .regular {
                batch.add(ListedFile(directory: directory, entry: listing.entry(at: index)))
            }
            index += 1
        }
        return (batch.files, index)
    }

    static func combine(_ digests: [ContentDigest], key: ContentKey) -> ContentDigest {
        var writer = ByteWriter(reserving: digests.count * 16)
        for digest in digests { digest.encode(into: &writer) }
        let digest = key.digest(of: writer.bytes[...])
        return ContentDigest(low: digest.low, high: digest.high)
    }
}
