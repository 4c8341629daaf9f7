// What a run has done, as the session counted it, and the two ways of saying so.

package struct SummaryFigures: Equatable, Sendable {
    package var filesScanned: UInt64 = 0
    package var directoriesScanned: UInt64 = 0
    package var bytesScanned: UInt64 = 0
    /// Regular files whose contents were sent.
    package var filesSent: UInt64 = 0
    /// Their sizes together.
    package var bytesSent: UInt64 = 0
    /// Of these, bytes that travelled, and bytes that the destination had already.
    package var literalBytes: UInt64 = 0
    package var matchedBytes: UInt64 = 0
    /// Entries created of any kind.
    package var created: UInt64 = 0
    /// Entries of which only attributes changed.
    package var attributesChanged: UInt64 = 0
    /// Names that became further names of a file.
    package var linked: UInt64 = 0
    package var deleted: UInt64 = 0
    package var failed: UInt64 = 0
    /// Bytes on the wire, both from this end's view; 0 for a local run.
    package var wireBytesOut: UInt64 = 0
    package var wireBytesIn: UInt64 = 0
    package var milliseconds: UInt64 = 0
    /// Whether nothing was really done.
    package var isDryRun = false
    /// Whether contents came here.
    package var isPull = false

    package init() {}

    /// One line without a newline: `Sent 3 files, 1.20 MB in 0.4 s (3.00 MB/s); 2 deleted.`
    package var line: String {
        let verb = isPull ? isDryRun ? "Would receive" : "Received" : isDryRun ? "Would send" : "Sent"
        var text = "\(verb) \(Quantity.counted(filesSent, "file", "files")), \(Quantity.size(bytesSent))"
        if !isDryRun {
            text += " in \(Quantity.elapsed(milliseconds: milliseconds))"
            if bytesSent > 0, milliseconds > 0 { text += " (\(Quantity.size(bytesPerSecond))/s)" }
        }
        if linked > 0 { text += "; \(Quantity.counted(linked, "hard link", "hard links"))" }
        if attributesChanged > 0 { text += "; \(Quantity.count(attributesChanged)) changed in attributes only" }
        if deleted > 0 {
            text += "; \(isDryRun ? "would delete " : "")\(Quantity.count(deleted))\(isDryRun ? "" : " deleted")"
        }
        if failed > 0 { text += "; \(Quantity.count(failed)) failed" }
        return text + "; \(Quantity.counted(filesScanned, "entry", "entries")) compared."
    }

    /// The block of `--stats`, one figure to a line, in the words of rsync where it has them.
    package var block: String {
        let rows: [(String, String)] = [
            ("Number of files", Quantity.count(filesScanned)),
            ("Number of directories", Quantity.count(directoriesScanned)),
            ("Number of created files", Quantity.count(created)),
            ("Number of deleted files", Quantity.count(deleted)),
            ("Number of regular files transferred", Quantity.count(filesSent)),
            ("Number of hard links made", Quantity.count(linked)),
            ("Number of files changed in attributes only", Quantity.count(attributesChanged)),
            ("Number of files that failed", Quantity.count(failed)),
            ("Total file size", "\(Quantity.count(bytesScanned)) bytes"),
            ("Total transferred file size", "\(Quantity.count(bytesSent)) bytes"),
            ("Literal data", "\(Quantity.count(literalBytes)) bytes"),
            ("Matched data", "\(Quantity.count(matchedBytes)) bytes"),
            ("Total bytes sent", Quantity.count(wireBytesOut)),
            ("Total bytes received", Quantity.count(wireBytesIn)),
            ("Total time", Quantity.elapsed(milliseconds: milliseconds)),
        ]
        return rows.map { "\($0.0): \($0.1)\n" }.joined()
    }

    /// The fields of the JSON summary.
    var fields: [(String, UInt64)] {
        [
            ("files_scanned", filesScanned), ("directories_scanned", directoriesScanned),
            ("bytes_scanned", bytesScanned), ("files_sent", filesSent), ("bytes_sent", bytesSent),
            ("literal_bytes", literalBytes), ("matched_bytes", matchedBytes),
            ("created", created), ("attributes_changed", attributesChanged), ("hard_links", linked),
            ("deleted", deleted), ("failed", failed), ("wire_bytes_out", wireBytesOut), ("wire_bytes_in", wireBytesIn),
            ("milliseconds", milliseconds),
        ]
    }

    private var bytesPerSecond: UInt64 {
        let (product, overflow) = bytesSent.multipliedReportingOverflow(by: 1000)
        return overflow ? bytesSent / max(1, milliseconds / 1000) : product / max(1, milliseconds)
    }
}
