// The events of `--json`: one object per line on standard output, in this order: `start`, then `item`, `module`,
// `progress`, `warning` and `error` as they happen, at last one `summary`, whatever happened. Every object begins with the
// version of this format and its type. Fields may be added within a version; none changes its meaning.

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

    /// - Parameter size: bytes of a regular file.
    package static func item(
        _ change: ItemizedChange, path: [UInt8], size: UInt64? = nil, linkTarget: [UInt8]? = nil,
        linkedTo: [UInt8]? = nil
    ) -> [UInt8] {
        var object = event("item")
        object.name("path", path)
        object.field("kind", name(change.kind))
        object.field("action", name(change.action))
        object.field("new", change.isNew)
        object.field("change", change.code)
        if let size { object.field("size", size) }
        if let linkTarget { object.name("target", linkTarget) }
        if let linkedTo, !linkedTo.isEmpty { object.name("linked_to", linkedTo) }
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
        object.field("bytes_scanned", figures.bytesScanned)
        object.field("files_to_send", figures.filesToSend)
        object.field("bytes_to_send", figures.bytesToSend)
        object.field("files_done", figures.filesDone)
        object.field("bytes_done", figures.bytesDone)
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

    package static func summary(_ figures: SummaryFigures, exitCode: Int32) -> [UInt8] {
        var object = event("summary")
        object.field("exit_code", UInt64(max(0, exitCode)))
        for (name, value) in figures.fields { object.field(name, value) }
        return object.line
    }

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
