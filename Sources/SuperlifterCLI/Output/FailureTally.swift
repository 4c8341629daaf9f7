// What failed, by reason: how often, and where first. Told at the end, when the single lines may have scrolled away.
// Reasons come from the peer as well, so only so many are told apart.

import Superlifter

package struct FailureTally: Sendable {
    package struct Reason: Equatable, Sendable {
        /// What was being done, and why it failed.
        package var action: String
        package var cause: String
        package var isAtSource: Bool
        package var count: UInt64
        /// The path of the first.
        package var first: [UInt8]

        package var text: String {
            (isAtSource ? "at the source: " : "") + (action.isEmpty ? cause : "\(action): \(cause)")
        }
    }

    package private(set) var reasons: [Reason] = []
    /// Failures for further reasons.
    package private(set) var others: UInt64 = 0
    /// Failures that nothing was said of when they happened.
    package var untold: UInt64 = 0

    package static let mostReasons = 16

    package init() {}

    package var count: UInt64 { reasons.reduce(others) { $0 &+ $1.count } }

    package mutating func add(action: String, cause: String, isAtSource: Bool, path: [UInt8]) {
        let index = reasons.firstIndex { $0.action == action && $0.cause == cause && $0.isAtSource == isAtSource }
        if let index {
            reasons[index].count &+= 1
        } else if reasons.count < Self.mostReasons {
            reasons.append(Reason(action: action, cause: cause, isAtSource: isAtSource, count: 1, first: path))
        } else {
            others &+= 1
        }
    }

    /// The closing lines, without the program's name: how many failed, then each reason, the most frequent first.
    /// `failed`, `vanished`: as the session counted them.
    package func closing(failed: UInt64, vanished: UInt64) -> [[UInt8]] {
        guard failed > 0 || vanished > 0 else { return [] }
        var counts: [String] = []
        if failed > 0 { counts.append("\(Quantity.counted(failed, "entry", "entries")) failed") }
        if vanished > 0 { counts.append("\(Quantity.counted(vanished, "entry", "entries")) vanished") }
        let code = failed > 0 ? ExitStatus.partial.rawValue : ExitStatus.vanished.rawValue
        let head = "\(counts.joined(separator: ", ")); all others are done (exit code \(code))"
        // One that was named just above needs no second line.
        return [Array(head.utf8)] + (count > 1 || untold > 0 ? lines : [])
    }

    /// One for each reason.
    package var lines: [[UInt8]] {
        let sorted = reasons.enumerated().sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }
        var lines = sorted.map { _, reason in
            Array("  \(Quantity.count(reason.count)) \(reason.text); first: ".utf8) + Printable.bytes(reason.first)
        }
        if others > 0 { lines.append(Array("  \(Quantity.count(others)) for other reasons".utf8)) }
        return lines
    }
}
