// One changed entry as a line of text, in a format of the user's.

import Superlifter

package struct ItemLine: Sendable {
    package var change: ItemizedChange
    /// Below the root of the job.
    package var path: [UInt8]
    /// Bytes of a file.
    package var size: UInt64 = 0
    package var transferred: UInt64 = 0
    /// Permission bits; nil where nothing is there any more.
    package var mode: UInt16?
    /// Seconds since 1970.
    package var modified: Int64 = 0
    package var user: UInt32 = 0
    package var group: UInt32 = 0
    package var target: [UInt8]?
    package var linkedTo: [UInt8]?

    package init(_ change: ItemizedChange, path: [UInt8]) {
        self.change = change
        self.path = path
    }

    /// What the line of one run has in common with its others.
    package struct Surroundings: Sendable {
        package var process: Int32
        /// What `%f` puts before the path, with its slash.
        package var prefix: [UInt8] = []
        /// Seconds since 1970.
        package var now: Int64 = 0
        /// Local time, as `2026/11/21 06:07:08`.
        package var timeText: @Sendable (Int64) -> String

        package init(process: Int32, timeText: @escaping @Sendable (Int64) -> String) {
            self.process = process
            self.timeText = timeText
        }
    }

    /// The line without its end. What formats take from names is escaped; their own text is left as it is.
    package func text(_ format: LineFormat, _ surroundings: Surroundings) -> [UInt8] {
        var line: [UInt8] = []
        for piece in format.pieces {
            switch piece {
            case .literal(let bytes): line += bytes
            case .field(let field, let layout): line += padded(value(field, layout, surroundings), layout)
            }
        }
        return line
    }

    private func value(
        _ field: LineFormat.Field, _ layout: LineFormat.Layout, _ surroundings: Surroundings
    ) -> [UInt8] {
        func number(_ value: UInt64) -> [UInt8] {
            Array((layout.isGrouped ? Quantity.count(value) : String(value)).utf8)
        }
        switch field {
        case .change: return Array(change.code.utf8)
        case .name: return name
        case .link: return link
        case .length: return number(size)
        case .transferred: return number(transferred)
        case .longName: return longName(surroundings.prefix)
        case .operation: return Array(operation.utf8)
        case .modified:
            return surroundings.timeText(modified).utf8.map { $0 == UInt8(ascii: " ") ? UInt8(ascii: "-") : $0 }
        case .now: return Array(surroundings.timeText(surroundings.now).utf8)
        case .process: return Array(String(surroundings.process).utf8)
        case .permissions: return Array((mode.map(Permissions.text) ?? "---------").utf8)
        case .user: return number(UInt64(user))
        case .group: return number(UInt64(group))
        }
    }

    /// What -v says: the name, and for a further name of a file that one's.
    package var brief: [UInt8] {
        linkedTo == nil ? name : name + Array(" => ".utf8) + Printable.bytes(linkedTo ?? [])
    }

    /// With a slash behind a directory.
    package var name: [UInt8] {
        var name = Printable.bytes(path)
        if change.kind == .directory, name.last != UInt8(ascii: "/") { name.append(UInt8(ascii: "/")) }
        return name
    }

    private var link: [UInt8] {
        if let linkedTo { return linkedTo.isEmpty ? [] : Array(" => ".utf8) + Printable.bytes(linkedTo) }
        return target.map { Array(" -> ".utf8) + Printable.bytes($0) } ?? []
    }

    /// As rsync's: the source in front of the path, no slash behind it, and none before it. Nothing is before what is
    /// deleted, which is elsewhere.
    private func longName(_ source: [UInt8]) -> [UInt8] {
        let prefix = change.action == .deleted ? [] : source
        var long = prefix + path
        while long.count > 1, long.last == UInt8(ascii: "/") { long.removeLast() }
        while long.count > 1, long.first == UInt8(ascii: "/") { long.removeFirst() }
        return Printable.bytes(long)
    }

    private var operation: String {
        switch change.action {
        case .deleted: "del."
        case .received: "recv"
        case .sent, .local, .hardLink, .attributes: isPull ? "recv" : "send"
        }
    }

    /// Set where contents come here.
    package var isPull = false

    private func padded(_ text: [UInt8], _ layout: LineFormat.Layout) -> [UInt8] {
        let characters = text.count { $0 & 0xC0 != 0x80 }
        guard characters < layout.width else { return text }
        let blanks = [UInt8](repeating: UInt8(ascii: " "), count: layout.width - characters)
        return layout.isFlushLeft ? text + blanks : blanks + text
    }
}

/// Permission bits as ls shows them.
package enum Permissions {
    /// Nine letters: `rwxr-xr-x`.
    package static func text(_ mode: UInt16) -> String {
        let letters = Array("rwxrwxrwx")
        var text = ""
        for bit in 0..<9 {
            let isSet = mode & (1 << UInt16(8 - bit)) != 0
            text.append(special(mode, bit, isSet) ?? (isSet ? letters[bit] : "-"))
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
}
