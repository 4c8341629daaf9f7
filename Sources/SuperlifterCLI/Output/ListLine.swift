// One line of `list`: mode, size, time, name, as `rsync --list-only` prints them.

import Glibc
import Superlifter

enum ListLine {
    static func bytes(_ item: Item) -> [UInt8] {
        let size = String(item.size)
        let padding = String(repeating: " ", count: max(0, 14 - size.count))
        var line = Array("\(mode(item)) \(padding)\(size) \(time(item.modifiedSeconds)) ".utf8)
        line += Escaping.printable(item.path)
        if item.kind == .symlink { line += Array(" -> ".utf8) + Escaping.printable(item.target) }
        return line + [UInt8(ascii: "\n")]
    }

    /// A server's module, as rsync prints one: the name, and what the server says of it.
    static func module(_ name: [UInt8], _ comment: String) -> [UInt8] {
        let shown = Escaping.printable(name)
        guard !comment.isEmpty else { return shown + [UInt8(ascii: "\n")] }
        let padding = [UInt8](repeating: UInt8(ascii: " "), count: max(0, 15 - shown.count))
        return shown + padding + [UInt8(ascii: "\t")] + Escaping.printable(Array(comment.utf8)) + [UInt8(ascii: "\n")]
    }

    private static func mode(_ item: Item) -> String {
        let kind =
            switch item.kind {
            case .file: "-"
            case .directory: "d"
            case .symlink: "l"
            case .fifo: "p"
            case .socket: "s"
            case .characterDevice: "c"
            case .blockDevice: "b"
            }
        let letters = Array("rwxrwxrwx")
        var text = kind
        for bit in 0..<9 {
            let isSet = item.mode & (1 << UInt16(8 - bit)) != 0
            text.append(special(item.mode, bit, isSet) ?? (isSet ? letters[bit] : "-"))
        }
        return text
    }

    /// Set-user-id, set-group-id and sticky take the place of an x.
    private static func special(_ mode: UInt16, _ bit: Int, _ isSet: Bool) -> Character? {
        switch bit {
        case 2 where mode & 0o4000 != 0: isSet ? "s" : "S"
        case 5 where mode & 0o2000 != 0: isSet ? "s" : "S"
        case 8 where mode & 0o1000 != 0: isSet ? "t" : "T"
        default: nil
        }
    }

    private static func time(_ seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        guard localtime_r(&time, &parts) != nil else { return String(seconds) }
        var buffer = [CChar](repeating: 0, count: 32)
        let count = strftime(&buffer, buffer.count, "%Y/%m/%d %H:%M:%S", &parts)
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
