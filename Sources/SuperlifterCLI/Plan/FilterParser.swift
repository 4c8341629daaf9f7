// Filter rules, from the four options that make them, into one list in the order of the command line.

import Superlifter

struct FilterParser {
    /// Reads a whole file of patterns; `-` is standard input. Throws the text of the cause.
    typealias ReadFile = (_ path: [UInt8]) throws(ReadFailure) -> [UInt8]

    private(set) var rules: [FilterRule] = []

    /// `--exclude PATTERN` and `--include PATTERN`. As in rsync a pattern that begins with `+ ` or `- ` is a rule of
    /// its own, and a lone `!` forgets all rules so far.
    mutating func add(_ text: [UInt8], as verdict: FilterRule.Verdict, spelled: String) throws(UsageFailure) {
        if text == [UInt8(ascii: "!")] {
            rules.removeAll()
        } else if text.starts(with: "+ ".utf8) {
            try append(.include, text.dropFirst(2), spelled)
        } else if text.starts(with: "- ".utf8) {
            try append(.exclude, text.dropFirst(2), spelled)
        } else {
            try append(verdict, text[...], spelled)
        }
    }

    /// `--filter RULE`: `+ PATTERN`, `- PATTERN`, their words, `!` and `clear`. An underscore may stand for the space.
    mutating func add(rule: [UInt8], spelled: String) throws(UsageFailure) {
        if rule == [UInt8(ascii: "!")] || rule.elementsEqual("clear".utf8) {
            rules.removeAll()
            return
        }
        let separators: [UInt8] = [UInt8(ascii: " "), UInt8(ascii: "_")]
        guard let end = rule.firstIndex(where: separators.contains) else {
            throw UsageFailure("\(spelled): \(Printable.text(rule)): not a rule; write \"- PATTERN\"")
        }
        let word = rule[..<end]
        let pattern = rule[(end + 1)...]
        if word.elementsEqual("+".utf8) || word.elementsEqual("include".utf8) {
            try append(.include, pattern, spelled)
        } else if word.elementsEqual("-".utf8) || word.elementsEqual("exclude".utf8) {
            try append(.exclude, pattern, spelled)
        } else {
            throw UsageFailure(
                .unsupported, "\(spelled): \(Printable.text(rule)): only + and - rules are built yet")
        }
    }

    /// `--exclude-from FILE` and `--include-from FILE`: a pattern to a line, without blank lines and comments.
    mutating func add(
        file: [UInt8], as verdict: FilterRule.Verdict, spelled: String, read: ReadFile
    ) throws(UsageFailure) {
        let contents: [UInt8]
        do {
            contents = try read(file)
        } catch {
            throw UsageFailure(.fileIO, "\(Printable.text(file)): reading patterns: \(error.cause)")
        }
        for line in contents.split(separator: UInt8(ascii: "\n")) {
            let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard let first = text.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else { continue }
            try add(Array(text), as: verdict, spelled: "\(spelled) \(Printable.text(file))")
        }
    }

    private mutating func append(
        _ verdict: FilterRule.Verdict, _ pattern: ArraySlice<UInt8>, _ spelled: String
    ) throws(UsageFailure) {
        if pattern.isEmpty { throw UsageFailure("\(spelled): an empty pattern matches nothing") }
        if pattern.contains(0) { throw UsageFailure("\(spelled): no name holds a NUL byte") }
        rules.append(FilterRule(verdict, Array(pattern)))
    }
}

/// A small file that could not be read whole.
package struct ReadFailure: Error, Equatable, Sendable {
    package var cause: String
    package init(cause: String) { self.cause = cause }
}
