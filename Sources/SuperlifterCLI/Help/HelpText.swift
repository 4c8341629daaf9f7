// Help, from the option table: one screen of 24 lines and 80 columns for `-h`, everything for `help COMMAND`.

package enum HelpText {
    package static func text(for topic: HelpTopic) -> String {
        switch topic {
        case .screen(nil): programScreen
        case .screen(let command?): screen(command)
        case .full(let command): full(command)
        case .manual: ManualPage.text
        case .completion(let shell): Completions.text(for: shell)
        }
    }

    package static func usage(_ command: Command) -> String {
        switch command {
        case .push: "superlifter push [OPTIONS] SOURCE... DESTINATION"
        case .pull: "superlifter pull [OPTIONS] SOURCE... DESTINATION"
        case .compare: "superlifter compare [OPTIONS] SOURCE DESTINATION"
        case .list: "superlifter list [OPTIONS] LOCATION"
        case .serve: "superlifter serve [OPTIONS]"
        case .explain: "superlifter explain [OPTIONS] LOCATION"
        case .help: "superlifter help [COMMAND | --manual | --completion SHELL]"
        }
    }

    package static func purpose(_ command: Command) -> String {
        switch command {
        case .push: "make DESTINATION, here or on another host, become SOURCE"
        case .pull: "the same, fetching from another host"
        case .compare: "say how the two differ; change nothing (exit 0: same, 1: different)"
        case .list: "list a remote directory"
        case .serve: "the far end; ssh or inetd starts it"
        case .explain: "say how a location would be reached"
        case .help: "all options of one command, or this manual as a page"
        }
    }

    private static var programScreen: String {
        var lines = ["Superlifter makes one directory tree become another, sending only what differs.", ""]
        for command in Command.allCases { lines += ["  \(usage(command))", "      \(purpose(command))"] }
        lines += [
            "", "A location is PATH, [USER@]HOST:PATH, ssh://HOST/PATH or tcp://HOST/PATH.",
            "SOURCE/ sends what is in the directory, SOURCE the directory itself.",
            "\"superlifter COMMAND -h\" shows the options used most.",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private static func screen(_ command: Command) -> String {
        var lines = [usage(command), "  \(purpose(command))", ""]
        let options = OptionTable.all.filter { $0.common && $0.commands.contains(CommandSet(command)) }
        lines += options.map { row($0.synopsis, $0.help) }
        if !options.isEmpty { lines.append("") }
        lines.append("\"superlifter help \(command.rawValue)\" shows all options; the manual is superlifter(1).")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func full(_ command: Command) -> String {
        var lines = [usage(command), "  \(purpose(command))"]
        for group in OptionGroup.allCases {
            let options = OptionTable.shown(in: group, for: CommandSet(command))
            if options.isEmpty { continue }
            lines += ["", "\(group.rawValue):"]
            for option in options {
                lines.append(row(option.synopsis, option.help))
                lines += wrapped(option.manual, width: 68).map { "            \($0)" }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Two columns; a long name gets a line of its own.
    private static func row(_ name: String, _ text: String) -> String {
        let column = 27
        let left = "  \(name)"
        let joins = left.count < column && column + text.count <= 80
        if joins { return left + String(repeating: " ", count: column - left.count) + text }
        return ([left] + wrapped(text, width: 72).map { "        \($0)" }).joined(separator: "\n")
    }

    static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
