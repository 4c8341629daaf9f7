// Where a run stands. Taken from the session now and then, and made into the live line or a JSON event.

package struct ProgressFigures: Equatable, Sendable {
    /// The phases by the names people see.
    package enum Phase: String, Comparable, Sendable, CaseIterable {
        case scanning, sending, deleting, finishing

        package static func < (left: Phase, right: Phase) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    package var phase = Phase.scanning
    /// Once true, the figures "to send" are final.
    package var isScanComplete = false
    package var filesScanned: UInt64 = 0
    /// Nil where this end does not learn it.
    package var bytesScanned: UInt64?
    /// What is known so far; includes what is done.
    package var filesToSend: UInt64 = 0
    package var bytesToSend: UInt64 = 0
    package var filesDone: UInt64 = 0
    package var bytesDone: UInt64 = 0
    package var deleted: UInt64 = 0
    /// Averaged by the caller over the last seconds; 0 where nothing moved.
    package var bytesPerSecond: UInt64 = 0

    package init() {}

    /// These figures, none of them behind `earlier`: numbers that come from several threads may arrive out of order,
    /// but what a person has seen done stays done.
    package func never(behind earlier: ProgressFigures) -> ProgressFigures {
        var figures = self
        figures.phase = max(phase, earlier.phase)
        figures.isScanComplete = isScanComplete || earlier.isScanComplete
        figures.filesScanned = max(filesScanned, earlier.filesScanned)
        figures.bytesScanned = bytesScanned.map { max($0, earlier.bytesScanned ?? 0) } ?? earlier.bytesScanned
        figures.deleted = max(deleted, earlier.deleted)
        figures.filesDone = max(filesDone, earlier.filesDone)
        figures.bytesDone = max(bytesDone, earlier.bytesDone)
        figures.filesToSend = max(filesToSend, earlier.filesToSend, figures.filesDone)
        figures.bytesToSend = max(bytesToSend, earlier.bytesToSend, figures.bytesDone)
        return figures
    }

    /// Of the bytes (of the files where there are no bytes), cut to whole percent; nil before the scan is complete
    /// or where nothing is to be sent.
    package var percent: UInt64? {
        guard isScanComplete else { return nil }
        if bytesToSend > 0 { return Self.percent(bytesDone, of: bytesToSend) }
        return filesToSend > 0 ? Self.percent(filesDone, of: filesToSend) : nil
    }

    /// Seconds for what is known to be left at this speed; nil where nothing moves.
    package var secondsLeft: UInt64? {
        guard bytesPerSecond > 0, phase == .scanning || phase == .sending else { return nil }
        let left = bytesToSend > bytesDone ? bytesToSend - bytesDone : 0
        return left / bytesPerSecond + (left % bytesPerSecond > 0 ? 1 : 0)
    }

    private static func percent(_ part: UInt64, of whole: UInt64) -> UInt64 {
        let (product, overflow) = part.multipliedReportingOverflow(by: 100)
        return min(100, overflow ? part / max(1, whole / 100) : product / whole)
    }
}
