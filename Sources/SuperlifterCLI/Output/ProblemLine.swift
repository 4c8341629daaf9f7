// Warnings and errors on standard error: one line each, whatever the names in it hold.
//
//     superlifter: PATH: what was being done: cause: cause

import Superlifter

package enum ProblemLine {
    /// A line about one path. `causes` lead from the nearest to the farthest.
    package static func line(path: some Collection<UInt8>, doing action: String, causes: [String]) -> [UInt8] {
        ending(text(path: path, doing: action, causes: causes))
    }

    /// The same without the program's name and the end of the line.
    package static func text(path: some Collection<UInt8>, doing action: String, causes: [String]) -> [UInt8] {
        Printable.bytes(path) + Array(([""] + [action] + causes).map(Printable.line).joined(separator: ": ").utf8)
    }

    /// A line about the run as a whole.
    package static func line(_ message: String) -> [UInt8] {
        ending(Array(Printable.line(message).utf8))
    }

    /// Printable text as a whole line.
    package static func ending(_ text: [UInt8]) -> [UInt8] {
        Array("superlifter: ".utf8) + text + [UInt8(ascii: "\n")]
    }
}
