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
            "out-format", nil, "FORMAT", .built(.outFormat), for: .pairing, in: .seeing,
            "print a line for each changed entry, as FORMAT says", "See FORMATS."),
        Option(
            "progress", nil, nil, .built(.progress), negated: .built(.progress), for: .client, in: .seeing,
            "a single live line (the default on a terminal)",
            """
            It is written to standard error, ten times a second, as wide as the terminal is at that moment, and taken \
            away at the end. --no-progress turns it off; --progress writes it even where standard error is not a \
            terminal, or one that calls itself dumb. A percentage appears only once all is scanned and compared; before, \
            what is to be sent is "at least" so much.
            """),
        Option(
            "log-file", nil, "FILE", .built(.logFile), for: [.push, .pull, .compare, .list, .serve], in: .seeing,
            "add what happens to FILE, line by line",
            """
            Each line begins with date, time and process, and is written at once and at the end of FILE, so that runs may \
            share it. A FILE that cannot be opened is an error before anything starts; if it cannot be written later, the \
            run goes on, and its exit code is at least 11. serve logs each client and what it was told, before the \
            server gives up its rights.
            """),
        Option(
            "log-file-format", nil, "FORMAT", .built(.logFileFormat), for: .pairing, in: .seeing,
            "what --log-file says of each changed entry",
            "\"%i %n%L\" if it is not given; empty for nothing. See FORMATS."),
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
        Option(
            "manual", nil, nil, .built(.manual), for: .help, in: .seeing, "print the manual page, in roff"),
        Option(
            "completion", nil, "SHELL", .built(.completion), for: .help, in: .seeing,
            "print what completes command lines in bash, zsh or fish",
            "contrib/completions holds copies, and says where each shell looks for them."),
    ]
}
