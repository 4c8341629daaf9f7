// Digests of contents, for `--checksum`: of whole ranges (one digest over the digests of their regular files, in
// order) and of single files. One effect at a time; files are read by the workers.

import LifterCodec

enum DigestTask: Sendable {
    case range(SentRange, next: Int, digests: [ContentDigest])
    case files([FileID])
}

extension SenderMachine {
    mutating func requestDigests(_ ids: [FileID]) throws(WireError) {
        for id in ids {
            guard let entry = open[id], let node = directories[entry.directory],
                node.listing.attributes(at: Int(entry.index)).kind == .regular, !entry.isDigestAsked
            else { throw .value("id") }
            open[id]?.isDigestAsked = true
        }
        // One effect reads files of one directory.
        var batch: [FileID] = []
        for id in ids {
            if let last = batch.last, open[last]?.directory != open[id]?.directory {
                digestTasks.append(.files(batch))
                batch = []
            }
            batch.append(id)
        }
        if !batch.isEmpty { digestTasks.append(.files(batch)) }
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
        guard let node = directories[range.directory], ranges.range(range.sequence)?.isAnswered == false else {
            _ = digestTasks.popFirst()
            return
        }
        let (names, sizes, end) = DigestBatches.next(node.listing, from: next, to: Int(range.upper))
        if names.isEmpty {
            _ = digestTasks.popFirst()
            core.send(
                .rangeDigest(
                    sequence: range.sequence, DigestBatches.combine(digests, key: agreement.contentKey)))
            return
        }
        digestTasks[0] = .range(range, next: end, digests: digests)
        digesting = true
        run(.digestFiles(directory: range.directory, names: names, sizes: sizes), as: .digest)
    }

    private mutating func startDigest(_ ids: [FileID]) {
        let live = ids.filter { open[$0] != nil }
        guard let first = live.first, let directory = open[first]?.directory, let node = directories[directory]
        else {
            _ = digestTasks.popFirst()
            return
        }
        digestTasks[0] = .files(live)
        digesting = true
        let indices = live.compactMap { open[$0].map { Int($0.index) } }
        run(
            .digestFiles(
                directory: directory, names: indices.map { Array(node.listing.name(at: $0)) },
                sizes: indices.map { node.listing.attributes(at: $0).size }), as: .digest)
    }

    mutating func digested(_ results: [Result<ContentDigest, FileProblem>]) {
        digesting = false
        guard let task = digestTasks.first else { return }
        switch task {
        case .range(let range, let next, let digests):
            // A file that cannot be read has no digest: the range differs.
            let more = results.map { (try? $0.get()) ?? ContentDigest(low: 0, high: 0) }
            digestTasks[0] = .range(range, next: next, digests: digests + more)
        case .files(let ids):
            _ = digestTasks.popFirst()
            core.send(.fileDigests(FileDigests(Array(zip(ids, results)).map { (id: $0.0, result: $0.1) })))
        }
    }
}

/// How both ends cut a range into effects, and make one digest of many.
enum DigestBatches {
    private static let mostBytes: UInt64 = 1 << 20
    private static let mostFiles = 256

    /// The next regular files of a listing, about a mebibyte of them (at least one).
    static func next(
        _ listing: Listing, from start: Int, to end: Int
    ) -> (names: [[UInt8]], sizes: [UInt64], end: Int) {
        var names: [[UInt8]] = []
        var sizes: [UInt64] = []
        var bytes: UInt64 = 0
        var index = start
        while index < end, names.count < mostFiles, bytes < mostBytes {
            let attributes = listing.attributes(at: index)
            if attributes.kind == .regular {
                names.append(Array(listing.name(at: index)))
                sizes.append(attributes.size)
                bytes = bytes.addingReportingOverflow(attributes.size).partialValue
            }
            index += 1
        }
        return (names, sizes, index)
    }

    static func combine(_ digests: [ContentDigest], key: ContentKey) -> ContentDigest {
        var writer = ByteWriter(reserving: digests.count * 16)
        for digest in digests { digest.encode(into: &writer) }
        let digest = key.digest(of: writer.bytes[...])
        return ContentDigest(low: digest.low, high: digest.high)
    }
}
