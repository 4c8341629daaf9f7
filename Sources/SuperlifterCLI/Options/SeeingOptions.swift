// Options about what the program says while it works and afterwards.

extension OptionTable {
    static let seeing: [Option] = [
        Option(
            "verbose", "v", nil, .built(.verbose), negated: .accepted("the default"), repeatable: true, for: .all,
            in: .seeing, common: true, "say more: each SOURCE -> path first, then every changed name"),
        Option("quiet", "q", nil, .built(.quiet), for: .client, in: .seeing, "say nothing but errors"),
        Option(
            "itemize-changes", "i", nil, .built(.itemize), negated: .accepted("the default"), for: .pairing,
            in: .seeing,
            common: true, "list each change in rsync's 11 characters",
            "compare prints them without being asked. See ITEMISED CHANGES."),
        Option(
            "progress", nil, nil, .built(.progress), negated: .built(.progress), for: .client, in: .seeing,
            "a single live line (the default on a terminal)",
            """
            It is written to standard error. --no-progress turns it off; --progress writes it even where standard \
            error is not a terminal. A percentage appears only once the scan is complete.
            """),
        Option("stats", nil, nil, .built(.stats), for: .client, in: .seeing, "print a block of figures at the end"),
        Option(
            "json", nil, nil, .built(.json), for: .client, in: .seeing, common: true,
            "one JSON object per line on standard output",
            "See JSON LINES. Every item is reported, so -i and -v add nothing."),
        Option(
            "list-only", nil, nil, .built(.listOnly), for: [.pull, .list], in: .seeing,
            "list the source instead of copying it", "A DESTINATION may be given and is not touched."),
        Option(
            "human-readable", "h", nil, .built(.humanReadable), negated: .later("not built yet"), for: .all,
            in: .seeing,
            "alone: help on one screen",
            "As in rsync, -h beside other arguments asks for sizes with units, which is the default here."),
        Option("help", nil, nil, .built(.help), for: .all, in: .seeing, "the help of one command, in full"),
        Option("version", "V", nil, .built(.version), for: .all, in: .seeing, "print the version"),
        later("out-format", "FORMAT", "print each change as FORMAT says"),
        later("log-file", "FILE", "write what is done to FILE"),
        Option(
            "manual", nil, nil, .built(.manual), for: .help, in: .seeing, "print the manual page, in roff"),
        Option(
            "completion", nil, "SHELL", .built(.completion), for: .help, in: .seeing,
            "print what completes command lines in bash, zsh or fish",
            "contrib/completions holds copies, and says where each shell looks for them."),
    ]

    private static func later(_ long: String, _ metavar: String, _ help: String) -> Option {
        Option(long, nil, metavar, .later("not built yet"), for: .client, in: .seeing, help)
    }
}
