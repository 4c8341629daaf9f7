// One line of `list`: mode, size, time, name, as `rsync --list-only` prints them.

import Superlifter

enum ListLine {
    static func bytes(_ item: Item) -> [UInt8] {
        let size = String(item.size)
        let padding = String(repeating: " ", count: max(0, 14 - size.count))
        let time = LocalTime.text(item.modifiedSeconds)
        var line = Array("\(kind(item))\(Permissions.text(item.mode)) \(padding)\(size) \(time) ".utf8)
        line += Printable.bytes(item.path)
        if item.kind == .symlink { line += Array(" -> ".utf8) + Printable.bytes(item.target) }
        return line + [UInt8(ascii: "\n")]
    }

    /// A server's module, as rsync prints one: the name, and what the server says of it.
    static func module(_ name: [UInt8], _ comment: String) -> [UInt8] {
        let shown = Printable.bytes(name)
        guard !comment.isEmpty else { return shown + [UInt8(ascii: "\n")] }
        let padding = [UInt8](repeating: UInt8(ascii: " "), count: max(0, 15 - shown.count))
        return shown + padding + [UInt8(ascii: "\t")] + Printable.bytes(Array(comment.utf8)) + [UInt8(ascii: "\n")]
    }

    private static func kind(_ item: Item) -> String {
        switch item.kind {
        case .file: "-"
        case .directory: "d"
        case .symlink: "l"
        case .fifo: "p"
        case .socket: "s"
        case .characterDevice: "c"
        case .blockDevice: "b"
        }
    }
}
