// Options that choose which files are compared, and what makes two of them differ.

extension OptionTable {
    static let choosing: [Option] = [
        Option(
            "dry-run", "n", nil, .built(.dryRun), for: .changing, in: .choosing, common: true,
            "show what would be done, change nothing",
            "Both sides are scanned and compared as for the real run; the plan is the same, and so is the itemised list."
        ),
        Option(
            "checksum", "c", nil, .built(.checksum), for: .pairing, in: .choosing, common: true,
            "compare contents by digest, not by size and mtime",
            "Every file that has the same size on both sides is read on both sides."),
        Option(
            "size-only", nil, nil, .built(.sizeOnly), for: .pairing, in: .choosing,
            "files of the same size are the same", "Differences in mtime alone are not looked at."),
        Option(
            "ignore-times", "I", nil, .built(.ignoreTimes), for: .pairing, in: .choosing,
            "send every file, even where size and mtime agree"),
        Option(
            "update", "u", nil, .built(.update), for: .pairing, in: .choosing,
            "leave files alone that are newer in the destination"),
        Option(
            "existing", nil, nil, .built(.existing), for: .pairing, in: .choosing,
            "change only what the destination already has; create nothing",
            "Together with --ignore-existing nothing is written at all, so that only deletions remain."),
        Option(
            "ignore-existing", nil, nil, .built(.ignoreExisting), for: .pairing, in: .choosing,
            "create what is missing; leave existing files as they are"),
        Option(
            "exclude", nil, "PATTERN", .built(.exclude), repeatable: true, for: .client, in: .choosing, common: true,
            "leave out what matches PATTERN",
            """
            Patterns are those of rsync: a leading / ties the pattern to the top of the transfer, a trailing / matches \
            directories only, * stops at a slash and ** does not. The first rule that matches decides, in the order \
            of the command line. An excluded name is neither sent nor deleted.
            """),
        Option(
            "include", nil, "PATTERN", .built(.include), repeatable: true, for: .client, in: .choosing,
            "keep in what matches PATTERN, whatever later rules say"),
        Option(
            "exclude-from", nil, "FILE", .built(.excludeFrom), repeatable: true, for: .client, in: .choosing,
            "read exclude patterns from FILE, one to a line (- is stdin)",
            """
            Empty lines and lines that begin with # or ; are passed over. A line that begins with "+ " or "- " is an \
            include or exclude rule, whichever of the two options names the file.
            """),
        Option(
            "include-from", nil, "FILE", .built(.includeFrom), repeatable: true, for: .client, in: .choosing,
            "read include patterns from FILE, one to a line (- is stdin)"),
        Option(
            "filter", "f", "RULE", .built(.filter), repeatable: true, for: .client, in: .choosing,
            "add one rule: \"+ PATTERN\", \"- PATTERN\" or \"!\"",
            """
            The words include, exclude and clear may stand for the signs. The other rules of rsync (merge, dir-merge, \
            hide, show, protect, risk, and modifiers) are refused in this release with exit code 4.
            """),
        later("modify-window", nil, "SECONDS", "times that differ by a little count as equal"),
        later("gitignore", nil, nil, "leave out what .gitignore files name"),
        later("files-from", nil, "FILE", "send exactly the names listed in FILE"),
        later("from0", "0", nil, "names in --files-from end with NUL"),
        later("max-size", nil, "SIZE", "leave out files larger than SIZE"),
        later("min-size", nil, "SIZE", "leave out files smaller than SIZE"),
        later("one-file-system", "x", nil, "do not cross into other file systems"),
        later("dirs", "d", nil, "send directories without their contents"),
    ]

    private static func later(
        _ long: String, _ short: Character?, _ metavar: String?, _ help: String
    ) -> Option {
        Option(
            long, short, metavar, .later("not built yet"), negated: .accepted("the default"), repeatable: false,
            for: .pairing, in: .choosing, help)
    }
}
