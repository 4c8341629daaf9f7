// What a person (or a script) sees of a transfer: the itemised list or JSON on standard output, warnings and errors
// on standard error, the live line on a terminal, the summary at the end.

import Superlifter

final class TransferFace {
    private let request: TransferRequest
    private let cancellation: Cancellation
    private let started = Stopwatch.now
    private var line = ProgressLine()
    private var isLineShown = false
    private var pending: [UInt8] = []
    private var isOutputLost = false
    private var hasGivenUp = false
    private var figures = SummaryFigures()
    private var speed = SpeedMeter()
    private let showsLine: Bool
    /// Failures that followed from others: counted, not shown one by one, unless -v is given.
    private var consequences: (count: UInt64, first: ItemFailure?) = (0, nil)

    /// Lines are collected up to this many bytes.
    private static let batch = 32 << 10

    /// Once cancelled, output that nobody takes is given up.
    init(_ request: TransferRequest, _ cancellation: Cancellation) {
        self.request = request
        self.cancellation = cancellation
        let output = request.output
        let isTerminal = ProgramSurroundings.terminalWidth(2) != nil
        let moves = request.action == .push || request.action == .pull
        switch output.progress {
        case .always: showsLine = !output.json && moves
        case .onTerminal: showsLine = isTerminal && !output.isQuiet && !output.json && moves
        case .never: showsLine = false
        }
    }

    var wantsProgress: Bool { showsLine || (request.output.json && request.output.progress != .never) }

    // MARK: Start

    func start(_ mappings: [(source: [UInt8], path: [UInt8])]) {
        if request.output.json {
            put(
                JSONLines.start(
                    command: request.action.command, isDryRun: request.selection.dryRun, mappings: mappings))
        } else if (request.output.verbosity > 0 || request.selection.dryRun) && !request.output.isQuiet {
            for mapping in mappings {
                put(Escaping.printable(mapping.source) + Array(" -> ".utf8) + Escaping.printable(mapping.path) + [0x0a])
            }
        }
    }

    // MARK: Events

    func show(_ event: TransferEvent) {
        switch event {
        case .item(let item): show(item)
        case .listed(let item): list(item)
        case .deleted(let path, let isDirectory): showDeleted(path, isDirectory)
        case .failed(let failure): show(failure)
        case .warning(let text):
            if request.output.json {
                put(JSONLines.warning(path: nil, doing: text, causes: []))
            } else {
                complain(ProblemLine.line(text))
            }
        case .connecting(let step):
            if request.output.verbosity > 0, !request.output.json { complain(ProblemLine.line(step)) }
        case .progress(let progress): show(progress)
        }
    }

    private func show(_ item: Item) {
        let isNew = item.changes.contains(.created)
        if isNew { figures.created += 1 } else if !item.changes.contains(.content) { figures.attributesChanged += 1 }
        let change = ItemizedChange(item, request.action)
        if request.output.json {
            put(
                JSONLines.item(
                    change, path: item.path, size: item.kind == .file ? item.size : nil,
                    linkTarget: item.kind == .symlink ? item.target : nil))
        } else if request.output.itemizes || (request.action == .compare && !request.output.isQuiet) {
            put(change.line(path: item.path, linkTarget: item.kind == .symlink ? item.target : nil))
        } else if request.output.verbosity > 0 {
            let slash: [UInt8] = item.kind == .directory ? [UInt8(ascii: "/")] : []
            put(Escaping.printable(item.path) + slash + [0x0a])
        }
    }

    private func showDeleted(_ path: [UInt8], _ isDirectory: Bool) {
        let change = ItemizedChange(.deleted, isDirectory ? .directory : .file)
        if request.output.json {
            put(JSONLines.item(change, path: path))
        } else if request.output.itemizes || (request.action == .compare && !request.output.isQuiet) {
            put(change.line(path: path))
        } else if request.output.verbosity > 0 {
            put(Array("deleting ".utf8) + Escaping.printable(path) + (isDirectory ? [UInt8(ascii: "/")] : []) + [0x0a])
        }
    }

    private func list(_ item: Item) {
        if request.output.json {
            put(JSONLines.item(ItemizedChange(.attributes, item.itemKind), path: item.path, size: item.size))
        } else {
            put(ListLine.bytes(item))
        }
    }

    private func show(_ failure: ItemFailure) {
        let place = failure.isAtSource ? "at the source: " : ""
        if request.output.json {
            put(JSONLines.error(path: failure.path, doing: place + failure.reason, causes: []))
        }
        if failure.isConsequence && request.output.verbosity == 0 {
            consequences = (consequences.count + 1, consequences.first ?? failure)
            return
        }
        complain(ProblemLine.line(path: failure.path, doing: place + failure.reason, causes: []))
    }

    private func show(_ progress: TransferProgress) {
        var now = ProgressFigures()
        now.phase = progress.isScanned && progress.filesDone < progress.filesToSend ? .sending : .scanning
        if progress.isScanned && progress.filesDone >= progress.filesToSend { now.phase = .finishing }
        now.isScanComplete = progress.isScanned
        now.filesScanned = progress.entries
        now.bytesScanned = progress.bytesToSend
        now.filesToSend = progress.filesToSend
        now.bytesToSend = progress.bytesToSend
        now.filesDone = progress.filesDone
        now.bytesDone = progress.bytesDone
        now.bytesPerSecond = speed.measure(progress.bytesDone, at: Stopwatch.now)
        if request.output.json { return put(JSONLines.progress(now)) }
        guard showsLine else { return }
        flush()
        isLineShown = true
        write(line.update(now, width: ProgramSurroundings.terminalWidth(2) ?? 80), to: .error)
    }

    // MARK: The end

    /// False when standard output could not be written.
    func end(_ summary: TransferSummary, _ status: ExitStatus) -> Bool {
        figures.filesScanned = summary.entries
        figures.filesSent = summary.files
        figures.bytesSent = summary.totalBytes
        figures.bytesScanned = summary.totalBytes
        figures.deleted = summary.deleted
        figures.failed = summary.failed + summary.vanished
        figures.literalBytes = summary.contentBytes
        figures.matchedBytes = summary.matchedBytes
        figures.wireBytesOut = summary.sentBytes
        figures.wireBytesIn = summary.receivedBytes
        figures.milliseconds = (Stopwatch.now - started) / 1_000_000
        figures.isDryRun = request.selection.dryRun
        eraseLine()
        let moves = request.action == .push || request.action == .pull
        if request.output.json {
            put(JSONLines.summary(figures, exitCode: status.rawValue))
        } else {
            if request.output.stats { put(Array(figures.block.utf8)) }
            let isTerminal = ProgramSurroundings.terminalWidth(1) != nil
            if moves && isTerminal && !request.output.isQuiet && !request.output.stats {
                put(Array((figures.line + "\n").utf8))
            }
        }
        flush()
        explain(status, summary)
        return !isOutputLost
    }

    func fail(_ error: SuperlifterError, _ status: ExitStatus) {
        eraseLine()
        if request.output.json {
            put(JSONLines.error(path: nil, doing: error.message, causes: error.causes))
            put(JSONLines.summary(figures, exitCode: status.rawValue))
        }
        flush()
        write(ProblemLine.line(error.description), to: .error)
    }

    private func explain(_ status: ExitStatus, _ summary: TransferSummary) {
        if summary.refusedDeletions > 0 {
            complain(
                ProblemLine.line(
                    "nothing was deleted: \(summary.refusedDeletions) deletions are more than --max-delete allows"))
        }
        if let first = consequences.first {
            complain(
                ProblemLine.line(
                    path: first.path, doing: first.reason,
                    causes: consequences.count > 1
                        ? [
                            "and \(Quantity.counted(consequences.count - 1, "other entry", "other entries")) (-v names them)"
                        ]
                        : []))
        }
        if status == .partial {
            complain(ProblemLine.line("\(Quantity.counted(summary.failed, "entry", "entries")) failed (named above)"))
        }
    }

    // MARK: Writing

    private func put(_ bytes: [UInt8]) {
        pending += bytes
        if pending.count >= Self.batch || isLineShown { flush() }
    }

    private func flush() {
        guard !pending.isEmpty else { return }
        eraseLine()
        if !write(pending, to: .output) { isOutputLost = true }
        pending.removeAll(keepingCapacity: true)
    }

    private func complain(_ bytes: [UInt8]) {
        flush()
        eraseLine()
        write(bytes, to: .error)
    }

    @discardableResult
    private func write(_ bytes: [UInt8], to stream: StandardStream) -> Bool {
        // A reader who was given up is not waited for again.
        if hasGivenUp { return false }
        let isWritten = stream.write(bytes) { [cancellation] in cancellation.isCancelled }
        hasGivenUp = !isWritten && cancellation.isCancelled
        return isWritten
    }

    private func eraseLine() {
        guard isLineShown else { return }
        isLineShown = false
        write(ProgressLine.erasure, to: .error)
    }
}

/// Bytes per second over the last few seconds.
struct SpeedMeter {
    private var samples: [(time: UInt64, bytes: UInt64)] = []

    mutating func measure(_ bytes: UInt64, at time: UInt64) -> UInt64 {
        samples.append((time, bytes))
        while samples.count > 2, time - samples[0].time > 3_000_000_000 { samples.removeFirst() }
        guard let first = samples.first, time > first.time, bytes > first.bytes else { return 0 }
        return UInt64(Double(bytes - first.bytes) / (Double(time - first.time) / 1e9))
    }
}
