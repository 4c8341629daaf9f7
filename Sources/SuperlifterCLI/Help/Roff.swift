// The few parts a manual page is made of, and how each is written in man(7) macros.

enum ManualBlock: Sendable {
    case section(String)
    case subsection(String)
    case paragraph(String)
    /// A term and what it means.
    case item(String, String)
    /// Lines that stay as they are: commands, tables.
    case lines([String])
}

enum Roff {
    static func page(_ blocks: [ManualBlock]) -> String {
        blocks.map(source).joined()
    }

    private static func source(_ block: ManualBlock) -> String {
        switch block {
        case .section(let title): ".SH \(escaped(title.uppercased()))\n"
        case .subsection(let title): ".SS \(escaped(title))\n"
        case .paragraph(let text): ".PP\n\(filled(text))"
        case .item(let term, let text): ".TP\n.B \(escaped(term))\n\(filled(text))"
        case .lines(let lines): ".PP\n.nf\n.RS 4\n" + lines.map { "\(line($0))\n" }.joined() + ".RE\n.fi\n"
        }
    }

    /// Text in lines of a width that diffs well; the formatter fills them anew.
    private static func filled(_ text: String) -> String {
        HelpText.wrapped(text, width: 110).map { "\(line($0))\n" }.joined()
    }

    /// A line must not begin with a control character of roff.
    private static func line(_ text: String) -> String {
        let line = escaped(text)
        return line.hasPrefix(".") || line.hasPrefix("'") ? "\\&\(line)" : line
    }

    /// Backslashes doubled, and hyphens, quotes and accents kept in ASCII, so that commands can be copied.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "'": result += "\\(aq"
            case "`": result += "\\(ga"
            case "^": result += "\\(ha"
            case "~": result += "\\(ti"
            default: result.append(character)
            }
        }
        return result
    }
}
