// One option of the command line, as data.
//
// The table made of these drives everything that speaks about options: the parser, `-h`, `help COMMAND`, the
// manual page. An option that is missing here does not exist; one that is here cannot be forgotten elsewhere.

/// The commands of the program, as the first argument names them.
package enum Command: String, CaseIterable, Sendable {
    case push, pull, compare, list, serve, explain, help
}

/// The commands an option belongs to.
package struct CommandSet: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let push = CommandSet(rawValue: 1 << 0)
    package static let pull = CommandSet(rawValue: 1 << 1)
    package static let compare = CommandSet(rawValue: 1 << 2)
    package static let list = CommandSet(rawValue: 1 << 3)
    package static let serve = CommandSet(rawValue: 1 << 4)
    package static let explain = CommandSet(rawValue: 1 << 5)
    package static let help = CommandSet(rawValue: 1 << 6)

    /// The commands that change a tree.
    package static let changing: CommandSet = [.push, .pull]
    /// The commands that look at two trees.
    package static let pairing: CommandSet = [.push, .pull, .compare]
    /// The commands that talk to a peer they start or call.
    package static let client: CommandSet = [.push, .pull, .compare, .list]
    /// The commands for which a connection matters, if only to explain it.
    package static let connecting: CommandSet = [.push, .pull, .compare, .list, .explain]
    package static let all: CommandSet = [.push, .pull, .compare, .list, .serve, .explain, .help]

    package init(_ command: Command) {
        switch command {
        case .push: self = .push
        case .pull: self = .pull
        case .compare: self = .compare
        case .list: self = .list
        case .serve: self = .serve
        case .explain: self = .explain
        case .help: self = .help
        }
    }

    /// The names, as an error message lists them: `push, pull`.
    package var names: String {
        Command.allCases.filter { isSuperset(of: CommandSet($0)) }.map(\.rawValue).joined(separator: ", ")
    }
}

/// The headings under which help and manual sort the options.
package enum OptionGroup: String, CaseIterable, Sendable {
    case choosing = "Choosing what is compared and sent"
    case keeping = "Keeping what belongs to a file"
    case deleting = "Deleting"
    case writing = "Writing"
    case wire = "On the wire"
    case connecting = "Connecting"
    case seeing = "Seeing what happens"
    case serving = "Serving"
}

/// Every option that has an effect in this release. `PlanBuilder` must say what each one means.
package enum OptionID: Sendable, CaseIterable {
    case dryRun, checksum, sizeOnly, ignoreTimes, update, existing, ignoreExisting
    case exclude, include, excludeFrom, includeFrom, filter
    case perms, times, owner, group, links, devices, hardLinks, numericIDs, omitDirectoryTimes
    case delete, deleteBefore, deleteExcluded, maxDelete, force, deleteFromEmpty
    case makePath, partial, partialDir, sparse, inPlace, appendVerify, detectRenames, fuzzy
    case compress, compressDefault, bwlimit, timeout, connectTimeout, retry
    case wholeFile, blockSize, refine, checksumChoice
    case rsh, remotePath, sshPipes, via, ipv4, ipv6, address
    case verbose, quiet, itemize, progress, info, stats, json, listOnly, humanReadable, help, version
    case outFormat, logFile, logFileFormat
    case inetd, listen, root, readOnly, appendOnly, asName, unconfined, uid, gid, insecure
    case maxConnections, handshakeTimeout
    case config, checkConfig
    case manual, completion
}

/// What becomes of an option (or of its `--no-` form) when it is typed.
package enum OptionStatus: Sendable {
    /// It does what its text says.
    case built(OptionID)
    /// A planned option: refused with exit code 4 before anything starts. The text completes "--name: ...".
    case later(String)
    /// A habit from rsync that already is the case here. The text says how.
    case accepted(String)
    /// A habit from rsync with a nearest equivalent of ours, which it sets. The text says which.
    case means(OptionID, String)

    /// The option it sets, if any.
    package var id: OptionID? {
        switch self {
        case .built(let id), .means(let id, _): id
        case .later, .accepted: nil
        }
    }
}

/// One row of the table.
package struct Option: Sendable {
    /// Without the dashes; nil for an option that has only a letter.
    package var long: String?
    /// The letter, as an ASCII byte.
    package var short: UInt8?
    /// The name of the argument in help, or nil if the option takes none.
    package var metavar: String?
    /// What `--long` or `-x` does.
    package var status: OptionStatus
    /// What `--no-long` does; nil if there is no such form.
    package var negated: OptionStatus?
    /// Whether help shows the `--no-` form, because the plain one is the default.
    package var showsNegated: Bool
    package var repeatable: Bool
    package var commands: CommandSet
    package var group: OptionGroup
    /// Among the dozen that `-h` has room for.
    package var common: Bool
    /// One line, without a full stop.
    package var help: String
    /// What the manual adds to that line; may be empty.
    package var manual: String

    init(
        _ long: String?, _ short: Character?, _ metavar: String?, _ status: OptionStatus,
        negated: OptionStatus? = nil, showsNegated: Bool = false, repeatable: Bool = false,
        for commands: CommandSet, in group: OptionGroup, common: Bool = false,
        _ help: String, _ manual: String = ""
    ) {
        self.long = long
        self.short = short?.asciiValue
        self.metavar = metavar
        self.status = status
        self.negated = negated
        self.showsNegated = showsNegated
        self.repeatable = repeatable
        self.commands = commands
        self.group = group
        self.common = common
        self.help = help
        self.manual = manual
    }

    /// How help and errors write the option: `-n, --dry-run`, `--exclude PATTERN`, `--no-perms`.
    package var synopsis: String {
        if showsNegated, let long { return "--no-\(long)" }
        var names: [String] = []
        if let short { names.append("-\(Character(UnicodeScalar(short)))") }
        if let long { names.append("--\(long)") }
        let joined = names.joined(separator: ", ")
        return metavar.map { "\(joined) \($0)" } ?? joined
    }

    /// The one name under which other texts mention it: `--dry-run`, or `-z`.
    package var name: String {
        if let long { return "--\(long)" }
        return short.map { "-\(Character(UnicodeScalar($0)))" } ?? ""
    }

    /// The status that help describes: that of the form it shows.
    package var shownStatus: OptionStatus {
        showsNegated ? negated ?? status : status
    }
}
