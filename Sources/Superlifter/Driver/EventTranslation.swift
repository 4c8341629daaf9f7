// From the machines' events to the public ones.

import LifterProtocol
import LifterSystem

extension TransferEvent {
    init(_ event: MachineEvent) {
        switch event {
        case .item(let path, let entry, let changes, let literal):
            var item = Item(path: path, entry: entry, changes: changes)
            item.transferredBytes = literal
            self = .item(item)
        case .linked(let path, let entry, let changes, let first):
            var item = Item(path: path, entry: entry, changes: changes)
            item.linkedTo = first
            self = .item(item)
        case .listed(let path, let entry): self = .listed(Item(path: path, entry: entry, changes: []))
        case .deleted(let path, let isDirectory): self = .deleted(path: path, isDirectory: isDirectory)
        case .failed(let path, let problem, let atSource):
            self = .failed(
                ItemFailure(
                    path: path, action: Display.escaped(Array(problem.doing.utf8)), cause: problem.cause,
                    isVanished: problem.code == .vanished, isAtSource: atSource,
                    isConsequence: problem.code == .stopped))
        case .warning(let text): self = .warning(text)
        }
    }

    init(_ progress: Progress) {
        self = .progress(
            TransferProgress(
                entries: progress.entries, scannedBytes: progress.scannedBytes, filesToSend: progress.filesToSend,
                filesDone: progress.filesDone, bytesToSend: progress.bytesToSend, bytesDone: progress.bytesDone,
                isScanned: progress.isScanned, isDeleting: progress.isDeleting))
    }
}

extension FileProblem {
    /// Why it failed.
    var cause: String {
        switch code {
        case .system: Errno(rawValue: errno).description
        case .vanished: "it has vanished"
        case .changed: "it changed while it was being read; run again when it rests"
        case .mismatch: "what arrived does not have the announced digest, twice"
        case .inTheWay: "something is in the way"
        case .refused: "not allowed"
        case .unsupported: "cannot be kept here"
        case .stopped: "given up"
        }
    }
}

extension TransferSummary {
    init(_ summary: Summary, sent: UInt64, received: UInt64) {
        self.init()
        entries = summary.entries
        changed = summary.settled
        files = summary.files
        deleted = summary.deleted
        failed = summary.failed
        vanished = summary.vanished
        refusedDeletions = summary.refusedDeletions
        contentBytes = summary.contentBytes
        matchedBytes = summary.matchedBytes
        totalBytes = summary.totalBytes
        links = summary.links
        directories = summary.directories
        sourceBytes = summary.sourceBytes
        sentBytes = sent
        receivedBytes = received
    }
}
