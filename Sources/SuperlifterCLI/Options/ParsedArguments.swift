// What was typed, in the order in which it was typed. What it means is `Request`'s business.

/// One option as it stood on the command line.
package struct Occurrence: Equatable, Sendable {
    package var id: OptionID
    /// The argument's bytes, exactly; empty for an option that takes none.
    package var value: [UInt8]
    /// Whether the `--no-` form was typed.
    package var negated: Bool
    /// The option as typed, without its value, for messages: `-z`, `--no-perms`.
    package var spelled: String

    package init(id: OptionID, value: [UInt8] = [], negated: Bool = false, spelled: String) {
        self.id = id
        self.value = value
        self.negated = negated
        self.spelled = spelled
    }
}

package struct ParsedArguments: Equatable, Sendable {
    package var command: Command
    package var occurrences: [Occurrence] = []
    package var operands: [[UInt8]] = []

    /// The last occurrence of an option: with several, the last one counts.
    package func last(_ id: OptionID) -> Occurrence? {
        occurrences.last { $0.id == id }
    }

    /// Whether an option without value is on, its `--no-` form having the last word if it came last.
    package func isOn(_ id: OptionID, otherwise: Bool = false) -> Bool {
        last(id).map { !$0.negated } ?? otherwise
    }
}

/// A command line that cannot be carried out. Nothing has been started.
package struct UsageFailure: Error, Equatable, Sendable {
    package var status: ExitStatus
    /// One line of printable text, without the program's name.
    package var message: String

    package init(_ message: String) { self.init(.usage, message) }

    package init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }
}
