// What a person (or a script) sees of a transfer: the itemised list or JSON on standard output, warnings and errors
// on standard error, the live line on a terminal, the summary at the end; and what a log keeps of it.

import Superlifter

final class TransferFace {
    private let request: TransferRequest
    private let console: Console
    private let log: RunLog?
    private let started = Stopwatch.now
    private let showsLine: Bool
    private let isMoving: Bool
    private var surroundings = ItemLine.Surroundings(process: ProgramSurroundings.processID) { LocalTime.text($0) }
    private var figures = SummaryFigures()
    private var speed = SpeedMeter()
    private var failures = FailureTally()

    init(_ request: TransferRequest, _ log: RunLog?, _ cancellation: Cancellation) {
        self.request = request
        self.log = log
        console = Console(cancellation)
        let output = request.output
        let isTerminal = ProgramSurroundings.isCapableTerminal(2)
        isMoving = request.action == .push || request.action == .pull
        switch output.progress {
        case .always: showsLine = !output.json && isMoving
        case .onTerminal: showsLine = isTerminal && !output.isQuiet && !output.json && isMoving
        case .never: showsLine = false
        }
        figures.isDryRun = request.selection.dryRun
        figures.isPull = request.action == .pull
    }

    var wantsProgress: Bool { showsLine || (request.output.json && request.output.progress != .never) }

    // MARK: Start

    func start(_ mappings: [(source: [UInt8], path: [UInt8])]) {
        surroundings.prefix = Mapping.prefix(request)
        if request.output.json {
            console.put(
                JSONLines.start(
                    command: request.action.command, isDryRun: request.selection.dryRun, mappings: mappings))
        }
        let tells = (request.output.verbosity > 0 || request.selection.dryRun) && !request.output.isQuiet
        let dry = request.selection.dryRun ? " (dry run)" : ""
        for (source, path) in mappings {
            let line = Printable.bytes(source) + Array(" -> ".utf8) + Printable.bytes(path)
            if tells, !request.output.json { console.put(line + [0x0A]) }
            log?.add(Array("\(request.action.command.rawValue) ".utf8) + line + Array(dry.utf8))
        }
        if mappings.isEmpty, let source = request.sources.first {
            log?.add(Array("\(request.action.command.rawValue) ".utf8) + Printable.bytes(source))
        }
    }

    // MARK: Events

    func show(_ event: TransferEvent) {
        switch event {
        case .item(let item): show(item)
        case .listed(let item): console.put(request.output.json ? JSONLines.entry(item) : ListLine.bytes(item))
        case .module(let name, let comment):
            console.put(request.output.json ? JSONLines.module(name, comment: comment) : ListLine.module(name, comment))
        case .deleted(let path, let isDirectory):
            figures.deleted += 1
            show(ItemLine(ItemizedChange(.deleted, isDirectory ? .directory : .file), path: path))
        case .failed(let failure): show(failure)
        case .warning(let text): warn(text)
        case .connecting(let step):
            log?.add(step)
            if request.output.verbosity > 0, !request.output.json { console.complain(ProblemLine.line(step)) }
        case .progress(let progress): show(progress)
        }
    }

    private func show(_ item: Item) {
        figures.count(item)
        show(ItemLine(item, request.action), isNew: item.changes.contains(.created))
    }

    private func show(_ line: ItemLine, isNew: Bool = false) {
        let output = request.output
        if output.json {
            console.put(JSONLines.item(line))
        } else if let format = output.format {
            put(line, format, tellsChanges: output.itemizes, isNew: isNew)
        } else if output.itemizes {
            console.put(line.text(.itemized, surroundings) + [0x0A])
        } else if output.verbosity > 0 {
            let deleting = line.change.action == .deleted ? Array("deleting ".utf8) : []
            console.put(deleting + line.brief + [0x0A])
        }
        if let log, let text = text(line, output.logFormat ?? .itemized, isNew: isNew) { log.add(text) }
    }

    private func put(_ line: ItemLine, _ format: LineFormat, tellsChanges: Bool, isNew: Bool) {
        if let text = text(line, format, tellsChanges: tellsChanges, isNew: isNew) { console.put(text + [0x0A]) }
    }

    /// As in rsync, a format without `%i` tells only what was transferred or made, and directories; and one that tells
    /// neither that nor the operation says of a deletion that it is one. An empty format tells nothing.
    private func text(
        _ line: ItemLine, _ format: LineFormat, tellsChanges: Bool = false, isNew: Bool
    ) -> [UInt8]? {
        if format.pieces.isEmpty { return nil }
        switch line.change.action {
        case .deleted where !format.tellsDeletions: return Array("deleting ".utf8) + line.name
        case .attributes where line.change.kind != .directory && !format.tellsChanges && !tellsChanges && !isNew:
            return nil
        case .sent, .received, .local, .hardLink, .attributes, .deleted:
            surroundings.now = LocalTime.now
            return line.text(format, surroundings)
        }
    }

    private func show(_ failure: ItemFailure) {
        figures.failed += 1
        failures.add(
            action: failure.action, cause: failure.cause, isAtSource: failure.isAtSource, path: failure.path)
        let text = ProblemLine.text(
            path: failure.path, doing: (failure.isAtSource ? "at the source: " : "") + failure.reason, causes: [])
        if request.output.json { console.put(JSONLines.error(failure)) }
        log?.add(text)
        if failure.isConsequence && request.output.verbosity == 0 {
            // It followed from another failure; the last lines count it.
            failures.untold += 1
        } else {
            console.complain(ProblemLine.ending(text))
        }
    }

    private func warn(_ text: String) {
        log?.add(text)
        if request.output.json {
            console.put(JSONLines.warning(path: nil, doing: text, causes: []))
        } else {
            console.complain(ProblemLine.line(text))
        }
    }

    private func show(_ progress: TransferProgress) {
        var now = ProgressFigures(progress)
        now.deleted = figures.deleted
        now.bytesPerSecond = speed.measure(progress.bytesDone, at: Stopwatch.now)
        if request.output.json { return console.put(JSONLines.progress(now)) }
        if showsLine { console.show(now) }
    }

    // MARK: The end

    /// How the session ended, all in all: what could not be written counts, too. `outcome` says what that makes of the
    /// program's end.
    func end(
        _ summary: TransferSummary, _ given: ExitStatus, _ outcome: (ExitStatus) -> Outcome
    ) -> Outcome {
        figures.take(summary)
        figures.milliseconds = (Stopwatch.now - started) / 1_000_000
        console.eraseLine()
        console.flush()
        let counts = isMoving ? figures.line : "\(Quantity.counted(figures.filesScanned, "entry", "entries")) seen."
        log?.add("\(counts) Exit code \(outcome(given).code).")
        var status = given
        if let problem = log?.problem {
            console.complain(ProblemLine.line(problem))
            if status == .success { status = .fileIO }
        }
        if request.output.json {
            console.put(JSONLines.summary(figures, failures: failures, exitCode: outcome(status).code))
        } else {
            if request.output.stats { console.put(Array(figures.block.utf8)) }
            let isTerminal = ProgramSurroundings.terminalWidth(1) != nil
            if isMoving && isTerminal && !request.output.isQuiet && !request.output.stats {
                console.put(Array((figures.line + "\n").utf8))
            }
        }
        console.flush()
        explain(summary)
        return outcome(console.isOutputLost ? .fileIO : status)
    }

    func fail(_ error: SuperlifterError, _ outcome: Outcome) {
        figures.milliseconds = (Stopwatch.now - started) / 1_000_000
        console.eraseLine()
        if request.output.json {
            console.put(JSONLines.error(path: nil, doing: error.message, causes: error.causes))
            console.put(JSONLines.summary(figures, failures: failures, exitCode: outcome.code))
        }
        console.flush()
        // Of one failure there was a line of its own.
        if failures.count > 1 { say(["\(Quantity.count(failures.count)) entries failed before that"], failures.lines) }
        console.complain(ProblemLine.line(error.description))
        log?.add("\(error.description) (exit code \(outcome.code))")
    }

    private func explain(_ summary: TransferSummary) {
        if summary.refusedDeletions > 0 {
            say(["nothing was deleted: \(summary.refusedDeletions) deletions are more than --max-delete allows"], [])
        }
        say([], failures.closing(failed: summary.failed, vanished: summary.vanished))
    }

    private func say(_ heads: [String], _ lines: [[UInt8]]) {
        for line in heads.map({ Array($0.utf8) }) + lines {
            console.complain(ProblemLine.ending(line))
            log?.add(line)
        }
    }
}
