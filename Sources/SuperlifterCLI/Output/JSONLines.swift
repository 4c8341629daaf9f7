// The events of `--json`: one object per line on standard output, in this order: `start`, then `item`, `entry`,
// `module`, `progress`, `warning` and `error` as they happen, at last one `summary`, whatever happened. Every object
// begins with the version of this format and its type. Fields may be added within a version; none changes its meaning.
// Docs/json-lines.schema.json is their schema, and Docs/json-lines.md the text to it.

import Superlifter

package enum JSONLines {
    package static let version: UInt64 = 1

    /// `mappings` says for each SOURCE as written what it becomes.
    package static func start(
        command: Command, isDryRun: Bool, mappings: [(source: [UInt8], path: [UInt8])]
    ) -> [UInt8] {
        var object = event("start")
        object.field("command", command.rawValue)
        object.field("program", "superlifter \(Program.version)")
        object.field("dry_run", isDryRun)
        object.field(
            "sources",
            mappings.map { mapping in
                var row = JSONObject()
                row.name("source", mapping.source)
                row.name("path", mapping.path)
                return row
            })
        return object.line
    }

    package static func item(_ item: ItemLine) -> [UInt8] {
        let change = item.change
        var object = event("item")
        object.name("path", item.path)
        object.field("kind", name(change.kind))
        object.field("action", name(change.action))
        object.field("new", change.isNew)
        object.field("change", change.code)
        if change.kind == .file, change.action != .deleted {
            object.field("size", item.size)
            if change.action == .sent || change.action == .received { object.field("transferred", item.transferred) }
        }
        if let target = item.target { object.name("target", target) }
        if let linkedTo = item.linkedTo, !linkedTo.isEmpty { object.name("linked_to", linkedTo) }
        return object.line
    }

    /// A name in a directory that is listed.
    static func entry(_ item: Item) -> [UInt8] {
        var object = event("entry")
        object.name("path", item.path)
        object.field("kind", name(item.itemKind))
        if item.kind == .file { object.field("size", item.size) }
        let octal = String(item.mode & 0o7777, radix: 8)
        object.field("mode", String(repeating: "0", count: 4 - octal.count) + octal)
        object.field("modified", item.modifiedSeconds)
        object.field("modified_nanoseconds", UInt64(item.modifiedNanoseconds))
        object.field("user", UInt64(item.userID))
        object.field("group", UInt64(item.groupID))
        if item.kind == .symlink { object.name("target", item.target) }
        return object.line
    }

    /// A module of a server.
    package static func module(_ name: [UInt8], comment: String) -> [UInt8] {
        var object = event("module")
        object.name("path", name)
        object.field("comment", comment)
        return object.line
    }

    package static func progress(_ figures: ProgressFigures) -> [UInt8] {
        var object = event("progress")
        object.field("phase", figures.phase.rawValue)
        object.field("scan_complete", figures.isScanComplete)
        object.field("files_scanned", figures.filesScanned)
        if let bytes = figures.bytesScanned { object.field("bytes_scanned", bytes) }
        object.field("files_to_send", figures.filesToSend)
        object.field("bytes_to_send", figures.bytesToSend)
        object.field("files_done", figures.filesDone)
        object.field("bytes_done", figures.bytesDone)
        object.field("deleted", figures.deleted)
        object.field("bytes_per_second", figures.bytesPerSecond)
        if let seconds = figures.secondsLeft { object.field("seconds_left", seconds) }
        return object.line
    }

    package static func warning(path: [UInt8]?, doing action: String, causes: [String]) -> [UInt8] {
        problem("warning", path, action, causes)
    }

    package static func error(path: [UInt8]?, doing action: String, causes: [String]) -> [UInt8] {
        problem("error", path, action, causes)
    }

    /// One entry that failed.
    static func error(_ failure: ItemFailure) -> [UInt8] {
        var object = event("error")
        object.name("path", failure.path)
        object.field("action", failure.action)
        object.field("causes", [failure.cause])
        object.field("side", side(failure.isAtSource))
        return object.line
    }

    package static func summary(_ figures: SummaryFigures, failures: FailureTally, exitCode: Int32) -> [UInt8] {
        var object = event("summary")
        object.field("exit_code", UInt64(max(0, exitCode)))
        object.field("dry_run", figures.isDryRun)
        for (name, value) in figures.fields { object.field(name, value) }
        object.field(
            "failures",
            failures.reasons.map { reason in
                var row = JSONObject()
                row.field("count", reason.count)
                row.field("action", reason.action)
                row.field("causes", [reason.cause])
                row.field("side", side(reason.isAtSource))
                row.name("first", reason.first)
                return row
            })
        return object.line
    }

    private static func side(_ isAtSource: Bool) -> String { isAtSource ? "source" : "destination" }

    private static func problem(_ type: String, _ path: [UInt8]?, _ action: String, _ causes: [String]) -> [UInt8] {
        var object = event(type)
        if let path { object.name("path", path) }
        object.field("action", action)
        object.field("causes", causes)
        return object.line
    }

    private static func event(_ type: String) -> JSONObject {
        var object = JSONObject()
        object.field("version", version)
        object.field("type", type)
        return object
    }

    private static func name(_ kind: ItemizedChange.Kind) -> String {
        switch kind {
        case .file: "file"
        case .directory: "directory"
        case .link: "link"
        case .device: "device"
        case .special: "special"
        }
    }

    private static func name(_ action: ItemizedChange.Action) -> String {
        switch action {
        case .sent: "send"
        case .received: "receive"
        case .local: "make"
        case .hardLink: "hard_link"
        case .attributes: "attributes"
        case .deleted: "delete"
        }
    }
}
