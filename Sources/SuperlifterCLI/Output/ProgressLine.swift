// The live line: figures and a width in, one line of text out. The most important parts come first; what does not
// fit is left out from the end, whole part by whole part, so that a number is never cut in two.

package struct ProgressLine: Sendable {
    private var shown = ProgressFigures()
    private var lastWidth = 0

    package init() {}

    /// What to write to the terminal: the line in place of the one before. Never runs backwards.
    ///
    /// The cursor is left at the line's beginning. So when a terminal becomes narrower and breaks the line into several,
    /// all of them lie behind the cursor and can be erased, and where it cuts the line instead, nothing else is.
    package mutating func update(_ figures: ProgressFigures, width: Int) -> [UInt8] {
        shown = figures.never(behind: shown)
        let cleaning = width < lastWidth ? "\u{1B}[J" : ""
        lastWidth = width
        return Array("\r\(cleaning)\(Self.text(shown, width: width))\u{1B}[K\r".utf8)
    }

    /// What to write before anything else is, and at the end.
    package static let erasure: [UInt8] = Array("\r\u{1B}[J".utf8)

    /// The line itself, at most `width` - 1 columns, since some terminals wrap when the last one is filled.
    package static func text(_ figures: ProgressFigures, width: Int) -> String {
        var line = ""
        for part in parts(figures) {
            let longer = line.isEmpty ? part : "\(line)  \(part)"
            if longer.utf8.count > width - 1 { break }
            line = longer
        }
        return line
    }

    private static func parts(_ figures: ProgressFigures) -> [String] {
        var parts: [String] = []
        switch figures.phase {
        case .scanning: parts.append("Scanning")
        case .sending: parts.append("Sending")
        case .deleting: parts.append("Deleting")
        case .finishing: parts.append("Finishing")
        }
        if let percent = figures.percent { parts.append("\(percent)%") }
        let isFinal = figures.isScanComplete
        if figures.filesToSend > 0 {
            let whole = (isFinal ? "" : "at least ") + Quantity.size(figures.bytesToSend)
            parts.append("\(Quantity.size(figures.bytesDone)) of \(whole)")
            if figures.bytesPerSecond > 0 { parts.append("\(Quantity.size(figures.bytesPerSecond))/s") }
            if let seconds = figures.secondsLeft {
                parts.append((isFinal ? "" : "at least ") + "\(Quantity.duration(seconds)) left")
            }
            parts.append(
                "\(Quantity.count(figures.filesDone)) of \(Quantity.count(figures.filesToSend))\(isFinal ? "" : "+") files"
            )
        }
        if figures.deleted > 0 { parts.append("\(Quantity.count(figures.deleted)) deleted") }
        let scanned = "scanned \(Quantity.counted(figures.filesScanned, "entry", "entries"))"
        parts.append(scanned + (figures.bytesScanned.map { ", \(Quantity.size($0))" } ?? ""))
        return parts
    }
}
