// push, pull, compare and list: the request becomes the library's options, its events become lines, its end becomes
// an exit code.

import LifterService
import Superlifter

struct TransferRun {
    private let request: TransferRequest

    init(_ request: TransferRequest) { self.request = request }

    func run() -> Outcome {
        let log: RunLog?
        do throws(ReadFailure) {
            log = try RunLog.open(request.output.logFile)
        } catch {
            StandardStream.error.write(ProblemLine.line(RunLog.refusal(request.output.logFile ?? [], error.cause)))
            return request.action == .compare ? .compared(.trouble) : .ended(.fileIO)
        }
        let cancellation = Cancellation()
        let face = TransferFace(request, log, cancellation)
        Interrupts.cancel(cancellation)
        var client = Client()
        do throws(SuperlifterError) {
            face.start(Mapping.rows(request))
            client.options = try options()
            client.connecting = ConnectOptions(request.connection, timeout: request.wire.connectTimeout)
            client.cancellation = cancellation
            client.showsProgress = face.wantsProgress
            let summary = try transfer(client) { face.show($0) }
            return end(summary, face)
        } catch {
            return fail(error, face)
        }
    }

    private func transfer(
        _ client: Client, _ observe: @escaping (TransferEvent) -> Void
    ) throws(SuperlifterError) -> TransferSummary {
        switch request.action {
        case .push: try client.push(request.sources, to: request.destination, observe: observe)
        case .pull: try client.pull(request.sources, to: request.destination, observe: observe)
        case .compare:
            try client.compare(request.sources[0], with: request.destination, observe: observe)
        case .list: try client.list(request.sources[0], observe: observe)
        }
    }

    // MARK: Ends

    private func end(_ summary: TransferSummary, _ face: TransferFace) -> Outcome {
        let isComparison = request.action == .compare
        return face.end(summary, ExitStatus(rawValue: Int32(summary.exitCode)) ?? .partial) { status in
            isComparison
                ? .compared(CompareStatus(status, differences: summary.hasDifferences ? 1 : 0)) : .ended(status)
        }
    }

    private func fail(_ error: SuperlifterError, _ face: TransferFace) -> Outcome {
        let status = ExitStatus(rawValue: Int32(error.code.exitCode)) ?? .protocolStream
        let outcome: Outcome = request.action == .compare ? .compared(.trouble) : .ended(status)
        face.fail(error, outcome)
        return outcome
    }

    // MARK: Options

    private func options() throws(SuperlifterError) -> TransferOptions {
        var options = TransferOptions()
        let selection = request.selection
        options.comparison =
            switch selection.comparison {
            case .quick: .quick
            case .sizeOnly: .sizeOnly
            case .checksum: .checksum
            case .always: .always
            }
        options.dryRun = selection.dryRun
        options.updateOnly = selection.updateOnly
        options.existingOnly = selection.existingOnly
        options.ignoreExisting = selection.ignoreExisting
        options.rules = selection.rules.map {
            FilterPattern(isInclude: $0.verdict == .include, pattern: $0.pattern)
        }
        options.keepsPermissions = request.keep.perms
        options.keepsTimes = request.keep.times
        options.keepsDirectoryTimes = request.keep.directoryTimes
        options.keepsOwner = request.keep.owner
        options.keepsGroup = request.keep.group
        options.keepsLinks = request.keep.links
        options.keepsDevices = request.keep.devices
        options.keepsHardLinks = request.keep.hardLinks
        options.numericIDs = request.keep.numericIDs
        try applyDeletion(&options)
        options.makesPath = request.writing.makesPath
        options.keepsPartials = request.writing.keepsPartials
        options.partialDirectory = request.writing.partialDirectory
        options.sparse = request.writing.sparse
        options.detectsRenames = request.writing.detectsRenames
        options.startsFromSimilar = request.writing.fuzzy
        options.writing =
            switch request.writing.mode {
            case .aside: .aside
            case .inPlace: .inPlace
            case .append: .append
            }
        options.compression =
            switch request.wire.compression {
            case nil, .auto: .auto
            case .off: .none
            case .standard: .standard
            case .zstd(let level): .zstd(level: level)
            case .zlib(let level): .zlib(level: level)
            }
        options.difference = request.wire.wholeFile.map { $0 ? .never : .always } ?? .streamed
        options.digest =
            switch request.wire.digest {
            case .xxh3: .xxh3
            case .sha256: .sha256
            }
        options.blockLength = request.wire.blockSize
        options.refinement =
            switch request.wire.refinement {
            case .auto: .auto
            case .always: .always
            case .never: .never
            }
        options.rateLimit = request.wire.rateLimit
        options.timeout = request.wire.timeout
        return options
    }

    private func applyDeletion(_ options: inout TransferOptions) throws(SuperlifterError) {
        let deletion = request.deletion
        if deletion.isOn { options.deletion = deletion.moment == .beforeContents ? .before : .after }
        options.deletesExcluded = deletion.includesExcluded
        options.deletesFromEmptySource = deletion.fromEmptySource
        options.force = deletion.force
        switch deletion.limit {
        case nil: break
        case .entries(let count): options.deletionLimit = count
        case .percent(let share): options.deletionPercentLimit = share
        }
    }
}
