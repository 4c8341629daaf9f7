// superlifter(1): prose from `ManualProse`, options, exit codes and rsync's habits from their tables.
// `superlifter help --manual` prints it; Docs/superlifter.1 is a copy, and a test compares the two.

package enum ManualPage {
    package static let text: String = header + Roff.page(blocks)

    private static let header = """
        .\\" Made from the option table by: superlifter help --manual
        .TH SUPERLIFTER 1 "" "superlifter \(Program.version)" "User Commands"
        .nh
        .ad l

        """

    private static var blocks: [ManualBlock] {
        ManualProse.opening + synopsis + ManualProse.locations + options + ManualProse.seeing + ManualProse.serving
            + exitCodes + habits + ManualProse.closing
    }

    private static var synopsis: [ManualBlock] {
        [.section("Synopsis"), .lines(Command.allCases.map(HelpText.usage) + ["superlifter --version"])]
            + [.section("Commands")]
            + Command.allCases.map { .item($0.rawValue, HelpText.purpose($0).capitalizedSentence) }
    }

    private static var options: [ManualBlock] {
        var blocks: [ManualBlock] = [
            .section("Options"),
            .paragraph(
                """
                Names are rsync's wherever the meaning is. Options and operands may be mixed; -- ends the options. A \
                value stands behind = or is the next argument; letters may be joined, and the last of them may take a \
                value. Names cannot be abbreviated. Where an option is given twice, the last one counts, except for \
                those marked as repeatable.
                """),
        ]
        for group in OptionGroup.allCases {
            blocks.append(.subsection(group.rawValue))
            blocks += OptionTable.shown(in: group).map { .item($0.synopsis, description(of: $0)) }
        }
        blocks += [
            .subsection("Options that later releases will have"),
            .paragraph(
                "These are refused with exit code 4, before anything starts: "
                    + OptionTable.refused.joined(separator: ", ") + "."),
        ]
        return blocks
    }

    private static func description(of option: Option) -> String {
        var sentences = [option.help.capitalizedSentence]
        if !option.manual.isEmpty { sentences.append(option.manual) }
        if option.repeatable { sentences.append("Repeatable.") }
        return sentences.joined(separator: " ")
    }

    private static var exitCodes: [ManualBlock] {
        [
            .section("Exit codes"),
            .paragraph("They follow rsync's table, so that scripts keep working."),
        ]
            + ExitStatus.allCases.map { .item(String($0.rawValue), $0.meaning.capitalizedSentence) }
            + [
                .paragraph(
                    "compare ends as diff does: 0 if the two are the same, 1 if they differ, 2 if there was trouble.")
            ]
    }

    private static var habits: [ManualBlock] {
        var blocks: [ManualBlock] = [
            .section("For fingers that know rsync"),
            .paragraph("These are accepted, because they ask for what happens anyway or have a nearest equivalent:"),
        ]
        for option in OptionTable.all {
            switch option.status {
            case .accepted(let note), .means(_, let note):
                var names = option
                names.showsNegated = false
                blocks.append(.item(names.synopsis, note.capitalizedSentence))
            case .built, .later: break
            }
        }
        let harmless = OptionTable.all.compactMap { option -> String? in
            if case .accepted? = option.negated, let long = option.long { return "--no-\(long)" }
            return nil
        }
        blocks.append(.item(harmless.joined(separator: ", "), "The default, or without effect here."))
        blocks += [
            .paragraph(
                """
                A single colon is always ssh; for what rsync writes HOST::MODULE, write tcp://HOST/MODULE. -h beside \
                other arguments asks for human-readable sizes, as in rsync; alone it is help. These have an answer \
                of another kind, which the error message gives, too:
                """)
        ]
        blocks += OptionTable.elsewhere.map { row in
            .item((row.name.utf8.count == 1 ? "-" : "--") + row.name, row.advice.capitalizedSentence)
        }
        return blocks
    }
}

extension String {
    /// With a capital first letter and a full stop. What begins with a dash is a name and stays as it is.
    var capitalizedSentence: String {
        let sentence = prefix(1).uppercased() + dropFirst()
        return sentence.hasSuffix(".") ? sentence : sentence + "."
    }
}
