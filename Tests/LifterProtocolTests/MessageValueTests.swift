// Values that are refused, message by message, under the name of the field.

import LifterCodec
import LifterProtocol
import Testing

@Suite struct MessageValueTests {
    @Test(
        arguments: [
            (.hello, "02 00 01 00 00", "hello.newest"),
            (.job, "03", "job.direction"),
            (.job, "01 04", "job.purpose"),
            (.job, "01 01 01 01 00", "job.path"),
            (.ready, "02 01 00 00 00", "ready.isEmpty"),
            (.credit, "00 00 00 00 00", "credit.class"),
            (.credit, "05 00 00 00 00", "credit.class"),
            (.stop, "00", "stop.kind"),
            (.stop, "02 80 80 80 80 10", "stop.id"),
            (.roots, "03", "shape.kind"),
            (.roots, "02 00", "shape.items"),
            (.roots, "02 01 08 01 61", "shape.item.kind"),
            (.roots, "02 01 01 02 2e 2e", "shape.item.name"),
            (.roots, "01 01 00 00 00 00 00 00", "shape.attributes"),
            (.owners, "01 02 00 00", "owner.isGroup"),
            (.owners, "01 00 01 01 00", "owner.name"),
            (.directory, "01 02", "directory.streams"),
            (.directory, "01 00 00 00", "directory.name"),
            (.directory, "01 00 00 03 61 2f 62", "directory.name"),
            (.range, "01 00 04", "range.flags"),
            (.range, "01 00 01 00 01 61", "range.lastName"),
            (.range, "01 00 01 01 00", "range.lastName"),
            (.range, "01 00 00 00 00", "range.lastName"),
            (.entries, "00 40", "entries.flags"),
            (.entries, "00 04 01 01 01 61 00 00 00 00 00", "entry.kind"),
            (.entries, "00 04 01 02 01 62 04 00 00 00 00 00 01 61 04 00 00 00 00 00", "entries.order"),
            (.entries, "00 04 01 02 01 61 04 00 00 00 00 00 01 61 04 00 00 00 00 00", "entries.order"),
            (.entries, "00 04 01 01 01 61 03 00 00 00 00 00 00", "entry.target"),
            (.entries, "00 04 01 01 01 61 03 00 00 00 00 00 02 62 00", "entry.target"),
            (.fileDigests, "01 01 02 00 00 00", "digests.isKnown"),
            (.sourceProblem, "00 00 00 00", "problem.code"),
            (.sourceProblem, "00 09 00 00", "problem.code"),
            (.expand, "01 00", "expand.mode"),
            (.expand, "01 04", "expand.mode"),
            (.subtree, "01 04", "subtree.wish"),
            (.outcomes, "01 01 00 02", "outcome.count"),
            (.outcomes, "01 01 01 07", "outcome.code"),
            (.content, "01 01 00 00 03 00", "content.end"),
            (.content, "01 01 00 02 00 61", "content.length"),
            (.content, "01 01 00 00 00 61", "content.length"),
        ] as [(MessageKind, String, String)])
    func refused(_ kind: MessageKind, _ bytes: String, _ field: String) {
        let payload = bytes.split(separator: " ").compactMap { UInt8($0, radix: 16) }
        #expect(problem(kind, payload) == .value(field))
    }

    /// The shape and the destination go with the direction; a list is a pull.
    @Test func jobsAreWhole() throws {
        var jobs: [(Job, String)] = []
        var job = Samples.push
        job.shape = nil
        jobs.append((job, "job.direction"))
        job = Samples.push
        job.destination = Samples.pull.destination
        jobs.append((job, "job.direction"))
        job = Samples.pull
        job.shape = Samples.push.shape
        jobs.append((job, "job.direction"))
        job = Samples.push
        job.purpose = .list
        jobs.append((job, "job.purpose"))
        job = Samples.push
        job.paths.append([0x61])
        jobs.append((job, "job.paths"))
        job = Samples.pull
        job.paths = []
        jobs.append((job, "job.paths"))
        for (job, field) in jobs { #expect(problem(.job, try Message.job(job).encoded()) == .value(field)) }
    }

    /// Every option alone survives the way there and back, and takes one attribute.
    @Test func everyOptionTravels() throws {
        let changes: [(inout JobOptions) -> Void] = [
            { $0.dryRun = true }, { $0.checksum = true }, { $0.ignoreTimes = true }, { $0.sizeOnly = true },
            { $0.update = true }, { $0.existing = true }, { $0.ignoreExisting = true }, { $0.keepPermissions = false },
            { $0.keepTimes = false }, { $0.keepUser = false }, { $0.keepGroup = false }, { $0.keepLinks = false },
            { $0.keepDevices = false }, { $0.keepSpecials = false }, { $0.omitDirectoryTimes = true },
            { $0.numericIDs = true }, { $0.delete = .after }, { $0.delete = .before }, { $0.deleteExcluded = true },
            { $0.deleteFromEmpty = true }, { $0.force = true }, { $0.maxDelete = 0 }, { $0.maxDelete = .max },
            { $0.maxDeletePercent = 0 }, { $0.maxDeletePercent = 100 },
            { $0.makePath = true }, { $0.compression = .auto }, { $0.rateLimit = 65_536 },
            { $0.compression = .zstd(level: -7) }, { $0.compression = .zlib(level: 9) },
            { $0.timeout = .max }, { $0.topOnly = true }, { $0.keepHardLinks = true },
            { $0.digest = .sha256 }, { $0.partialDirectory = [0x2e, 0x70] }, { $0.partialDirectory = [0x2f] },
            { $0.keepPartials = false }, { $0.sparse = true }, { $0.detectRenames = false }, { $0.fuzzy = true },
            { $0.writing = .inPlace }, { $0.writing = .append }, { $0.delta = .never }, { $0.delta = .always },
            { $0.refine = .never }, { $0.refine = .always }, { $0.blockLength = 64 }, { $0.blockLength = 16 << 20 },
        ]
        var seen: Set<JobOptions> = [JobOptions()]
        for change in changes {
            var job = Samples.pull
            job.options = JobOptions()
            change(&job.options)
            #expect(seen.insert(job.options).inserted)
            guard case .job(let read) = try decoded(.job, try Message.job(job).encoded()) else { continue }
            #expect(read == job)
        }
    }

    /// Attribute lists: unknown even tags are skipped, unknown odd ones refused; tags rise; a flag has no value.
    @Test(
        arguments: [
            ("00", nil), ("01 66 02 61 62", nil), ("01 65 00", "job.options (unknown option 101)"),
            ("02 03 00 01 00", "job.options"), ("02 01 00 01 00", "job.options"), ("01 01 01 00", "job.options"),
            ("01 29 01 03", "job.delete"), ("01 29 02 80 02", "job.delete"), ("01 2f 05 80 80 80 80 10", "job.options"),
            ("01 2d 02 03 00", "job.compression"), ("01 2d 02 00 02", "job.compression"), ("01 2d 02 00 00", nil),
            ("01 51 02 80 08", nil), ("01 4c 01 01", nil), ("01 4c 01 02", "job.digest"),
            ("01 4c 02 81 02", "job.digest"),
            ("01 4d 01 2e", "job.partialDirectory"), ("01 4d 00", "job.partialDirectory"),
            ("01 4d 02 2f 00", "job.partialDirectory"),
            ("01 4d 03 61 2f 62", "job.partialDirectory"), ("01 4d 02 2f 61", nil), ("01 4d 02 2e 61", nil),
            ("01 4b 01 3f", "job.blockLength"), ("01 4b 01 40", nil), ("01 53 01 65", "job.maxDeletePercent"),
            ("01 53 01 64", nil),
        ] as [(String, String?)])
    func attributeLists(_ list: String, _ field: String?) {
        let options = list.split(separator: " ").compactMap { UInt8($0, radix: 16) }
        let payload: [UInt8] = [2, 1, 1, 1, 0x61] + options + [0, 0, 1, 0, 1, 0, 0, 0]
        #expect(problem(.job, payload) == field.map { .value($0) })
    }

    /// A window that is not announced is no window.
    @Test func helloAnnouncesAllItsLimits() throws {
        let bytes = try Golden.bytes("hello")
        let list = try #require(bytes.lastIndex(of: 6))
        let attributes: [[UInt8]] = [
            [1, 4, 0x80, 0x80, 0x80, 4], [3, 4, 0x80, 0x80, 0x80, 1], [5, 4, 0x80, 0x80, 0x80, 1],
            [7, 4, 0x80, 0x80, 0x80, 4], [9, 3, 0x80, 0x80, 1], [11, 1, 7],
        ]
        #expect(Array(bytes[(list + 1)...]) == Array(attributes.joined()))
        for index in attributes.indices {
            var fewer = attributes
            fewer.remove(at: index)
            let found = problem(.hello, bytes[..<list] + [5] + fewer.joined())
            #expect(found == (index == 5 ? nil : .value("hello.limits")))
        }
    }

    /// A newer peer's attributes of a request are skipped when they may be.
    @Test func requestsMayCarryMore() throws {
        guard case .request(let request) = try decoded(.request, [1, 5, 2, 62, 1, 9, 64, 0]) else { return }
        #expect(request.items == [Request.Item(5)])
        #expect(problem(.request, [1, 5, 1, 1, 0]) == .value("request.attributes (unknown option 1)"))
    }

    /// Of nothing there is no beginning, and a digest is not longer than a digest.
    @Test func aResumeIsWhole() {
        let digest = [UInt8](repeating: 7, count: 16)
        #expect(problem(.request, [1, 5, 1, 2, 17, 1] + digest) == nil)
        #expect(problem(.request, [1, 5, 1, 2, 17, 0] + digest) == .value("request.resume"))
        #expect(problem(.request, [1, 5, 1, 2, 18, 1] + digest + [0]) == .trailing)
        #expect(problem(.request, [1, 5, 1, 2, 16, 1] + digest.dropLast()) == .truncated("request.resume"))
    }

    @Test func everyFigureOfASummaryTravels() throws {
        let figures: [WritableKeyPath<Summary, UInt64>] = [
            \.entries, \.settled, \.failed, \.vanished, \.deleted, \.contentBytes, \.files, \.refusedDeletions,
            \.differing, \.totalBytes,
        ]
        var all = Summary()
        for (index, figure) in figures.enumerated() {
            all[keyPath: figure] = UInt64(index) + 1
            var one = Summary()
            one[keyPath: figure] = .max
            for summary in [one, all] {
                guard case .summary(let read) = try decoded(.summary, try Message.summary(summary).encoded()) else {
                    continue
                }
                #expect(read == summary)
            }
        }
    }

    @Test func summariesSkipWhatIsNewer() throws {
        guard case .summary(let summary) = try decoded(.summary, [2, 2, 1, 7, 100, 1, 1]) else { return }
        #expect(summary.entries == 7)
    }

    /// A path that is too long to be told keeps its end.
    @Test func longPathsAreCutInReports() throws {
        let path = [UInt8](repeating: 0x61, count: 70_000) + [0x62]
        let kept = Array(path.suffix(65_536))
        guard case .deleted(let deleted) = try decoded(.deleted, try Message.deleted(Deleted([path])).encoded()),
            case .targetProblem(let report) = try decoded(
                .targetProblem,
                try Message.targetProblem(PathProblem(path: path, problem: FileProblem(.refused, doing: ""))).encoded())
        else {
            Issue.record("decoded to another kind")
            return
        }
        #expect(deleted.paths == [kept])
        #expect(report.path == kept)
    }

    /// What exists only inside one process has no bytes.
    @Test func contentsInFilesCannotLeave() {
        final class File: SourceFile {
            var descriptor: Int32 { -1 }
        }
        for segment in [
            ContentSegment(id: 1, offset: 0, payload: .file(File(), offset: 0, length: 1), end: nil),
            ContentSegment(id: 1, offset: 0, payload: .bytes([], 0..<0), end: .whole(nil)),
        ] {
            #expect(throws: WireError.self) { try Message.content(ContentMessage([segment])).encoded() }
        }
    }

    @Test func everyErrorHasWords() {
        let errors: [WireError] = [
            .preamble([]), .check, .tooLong(length: 7), .truncated("a"), .value("a"), .trailing, .unknownKind(9),
            .compression, .credit("content"), .unexpected("a"),
        ]
        #expect(Set(errors.map(\.text)).count == errors.count)
    }
}
