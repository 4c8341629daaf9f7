// What completes command lines in the shells, from the option table: the commands, then each command's options with
// their one line of help. `superlifter help --completion SHELL` prints it; contrib/completions holds copies, and a test
// compares the two.

/// The shells whose completions there are.
package enum Shell: String, CaseIterable, Sendable {
    case bash, zsh, fish

    init?(_ name: [UInt8]) {
        guard let shell = Shell.allCases.first(where: { $0.rawValue.utf8.elementsEqual(name) }) else { return nil }
        self = shell
    }
}

package enum Completions {
    package static func text(for shell: Shell) -> String {
        let body =
            switch shell {
            case .bash: bash
            case .zsh: zsh
            case .fish: fish
            }
        return body.joined(separator: "\n") + "\n"
    }

    private static func origin(_ shell: Shell) -> String {
        "# Made from the option table by: superlifter help --completion \(shell.rawValue)"
    }

    /// What help shows for a command.
    private static func options(_ command: Command) -> [Option] {
        OptionGroup.allCases.flatMap { OptionTable.shown(in: $0, for: CommandSet(command)) }
    }

    /// The names of an option as typed, letter first.
    private static func names(_ option: Option) -> [String] {
        if option.showsNegated, let long = option.long { return ["--no-\(long)"] }
        let letter = option.short.map { "-\(Character(UnicodeScalar($0)))" }
        return [letter, option.long.map { "--\($0)" }].compactMap(\.self)
    }

    /// Whether the option's value names a file.
    private static func takesFile(_ option: Option) -> Bool {
        ["FILE", "DIR", "PATH"].contains(option.metavar)
    }

    private static var commands: String { Command.allCases.map(\.rawValue).joined(separator: " ") }

    // MARK: bash

    private static var bash: [String] {
        var lines = [
            origin(.bash), "_superlifter() {", "    local word=${COMP_WORDS[COMP_CWORD]} options",
            "    if ((COMP_CWORD == 1)); then",
            "        mapfile -t COMPREPLY < <(compgen -W '\(commands) --version' -- \"$word\")", "        return",
            "    fi", "    case ${COMP_WORDS[1]} in",
        ]
        for command in Command.allCases {
            let all = options(command).compactMap { names($0).last }
            lines += ["    \(command.rawValue))", "        options='\(all.joined(separator: " "))' ;;"]
        }
        // Anything else is a path, which readline completes by itself.
        return lines + [
            "    esac", "    if [[ $word == -* ]]; then",
            "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")",
            "    elif [[ ${COMP_WORDS[1]} == help ]]; then",
            "        mapfile -t COMPREPLY < <(compgen -W '\(commands)' -- \"$word\")", "    fi", "}",
            "complete -o default -o bashdefault -F _superlifter superlifter",
        ]
    }

    // MARK: zsh

    private static var zsh: [String] {
        var lines = [
            "#compdef superlifter", origin(.zsh), "_superlifter() {", "    if ((CURRENT == 2)); then",
            "        local -a commands=(",
        ]
        lines += Command.allCases.map { "            \(quoted("\($0.rawValue):\(HelpText.purpose($0))"))" }
        lines += [
            "        )", "        _describe command commands", "        return", "    fi",
            "    local command=$words[2]",
            "    shift words", "    ((CURRENT--))", "    case $command in",
        ]
        for command in Command.allCases {
            lines.append("    \(command.rawValue))")
            lines.append("        _arguments -S \\")
            lines += options(command).map { "            \(zshSpecification($0)) \\" }
            lines.append(
                command == .help ? "            '1:command:(\(commands))' ;;" : "            '*:location:_files' ;;")
        }
        return lines + ["    esac", "}", "_superlifter \"$@\""]
    }

    private static func zshSpecification(_ option: Option) -> String {
        let names = names(option)
        let help = option.help.map { "[]:\\".contains($0) ? "\\\($0)" : String($0) }.joined()
        let value = option.metavar.map { ":\($0):\(takesFile(option) ? "_files" : " ")" } ?? ""
        let text = quoted("[\(help)]\(value)")
        let all = names.joined(separator: ",")
        switch (option.repeatable, names.count) {
        case (true, 1): return "'*\(all)'\(text)"
        case (true, _): return "'*'{\(all)}\(text)"
        case (false, 1): return "'\(all)'\(text)"
        case (false, _): return "'(\(names.joined(separator: " ")))'{\(all)}\(text)"
        }
    }

    // MARK: fish

    private static var fish: [String] {
        var lines = [origin(.fish)]
        for command in Command.allCases {
            lines.append(
                "complete -c superlifter -n __fish_use_subcommand -f -a \(command.rawValue) "
                    + "-d \(quoted(HelpText.purpose(command)))")
        }
        for group in OptionGroup.allCases {
            for option in OptionTable.shown(in: group) {
                let seen = option.commands.names.split(separator: ", ").joined(separator: " ")
                var line = "complete -c superlifter -n '__fish_seen_subcommand_from \(seen)'"
                if let short = option.short, !option.showsNegated { line += " -s \(Character(UnicodeScalar(short)))" }
                if let long = option.long { line += " -l \(option.showsNegated ? "no-" : "")\(long)" }
                if option.metavar != nil { line += takesFile(option) ? " -r -F" : " -x" }
                lines.append(line + " -d \(quoted(option.help))")
            }
        }
        return lines
    }

    /// In single quotes, which hold in all three shells.
    private static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
