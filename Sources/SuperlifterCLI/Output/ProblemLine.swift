// Warnings and errors on standard error: one line each, whatever the names in it hold.
//
//     superlifter: PATH: what was being done: cause: cause

package enum ProblemLine {
    /// A line about one path. `causes` lead from the nearest to the farthest.
    package static func line(path: some Collection<UInt8>, doing action: String, causes: [String]) -> [UInt8] {
        ending(text(path: path, doing: action, causes: causes))
    }

    /// The same without the program's name and the end of the line.
    package static func text(path: some Collection<UInt8>, doing action: String, causes: [String]) -> [UInt8] {
        Escaping.printable(path) + Array(([""] + [action] + causes).map(flat).joined(separator: ": ").utf8)
    }

    /// A line about the run as a whole.
    package static func line(_ message: String) -> [UInt8] {
        ending(Array(flat(message).utf8))
    }

    /// Printable text as a whole line.
    package static func ending(_ text: [UInt8]) -> [UInt8] {
        Array("superlifter: ".utf8) + text + [UInt8(ascii: "\n")]
    }

    /// Texts may come from the peer or from another program's standard error. Escapes that are there already are
    /// left as they are.
    private static func flat(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 >= 0x7F }) else { return text }
        return Escaping.printableText(Array(text.utf8))
    }
}
