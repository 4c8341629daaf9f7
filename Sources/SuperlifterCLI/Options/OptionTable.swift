// The table itself: the themes in the order help shows them, and the look-ups the parser needs.

/// All options of the program.
package enum OptionTable {
    package static let all: [Option] =
        choosing + keeping + deleting + writing + wire + connecting + seeing + serving + habits

    /// The option written `--name`, by its exact name: a prefix of a name is not a name, since a script that relies
    /// on one breaks when an option is added.
    package static func option(long name: ArraySlice<UInt8>) -> Option? {
        all.first { $0.long.map { $0.utf8.elementsEqual(name) } ?? false }
    }

    package static func option(short letter: UInt8) -> Option? {
        all.first { $0.short == letter }
    }

    /// The option whose `--no-` form is meant by what follows `--no-`: a long name, or as in rsync a letter.
    package static func option(negated name: ArraySlice<UInt8>) -> Option? {
        let found =
            if name.count == 1, let letter = name.first { option(short: letter) } else { option(long: name) }
        return found?.negated == nil ? nil : found
    }

    /// The options of one theme that help shows, without the habits that only repeat a default.
    package static func shown(in group: OptionGroup, for commands: CommandSet = .all) -> [Option] {
        all.filter { option in
            guard option.group == group, !option.commands.isDisjoint(with: commands) else { return false }
            switch option.shownStatus {
            case .built: return true
            case .later, .accepted, .means: return false
            }
        }
    }

    /// The options that are refused in this release, as typed: `--inplace`, `--no-partial`.
    package static var refused: [String] {
        all.flatMap { option -> [String] in
            var names: [String] = []
            if case .later = option.status { names.append(option.name) }
            if case .later? = option.negated, let long = option.long { names.append("--no-\(long)") }
            return names
        }
    }
}
