// Options about what the destination loses. Nothing is deleted unless one of them is given.

extension OptionTable {
    static let deleting: [Option] = [
        Option(
            "delete", nil, nil, .built(.delete), for: .pairing, in: .deleting, common: true,
            "delete what the source does not have",
            """
            Deletions are planned first and carried out after the last content has been settled. They are withheld in a \
            directory whose listing had an error, below an entry that could not be read as a directory, and everywhere \
            if the session did not complete or the source itself could not be read. They never reach beyond what a \
            SOURCE maps to. With compare, names that only the destination has count as differences either way.
            """),
        Option(
            "delete-before", nil, nil, .built(.deleteBefore), for: .changing, in: .deleting,
            "delete before sending contents, for a nearly full disk",
            "Implies --delete. The plan is complete before the first deletion, so --max-delete still refuses in time."),
        Option(
            "delete-excluded", nil, nil, .built(.deleteExcluded), for: .changing, in: .deleting,
            "delete excluded names from the destination, too", "Implies --delete."),
        Option(
            "max-delete", nil, "N|P%", .built(.maxDelete), for: .changing, in: .deleting,
            "refuse all deletions if there would be more than N",
            """
            If the plan exceeds the limit nothing at all is deleted and the exit code is 25; transfers are done all \
            the same. P% is a share of the entries that the destination holds before.
            """),
        Option(
            "force", nil, nil, .built(.force), for: .changing, in: .deleting,
            "let a file replace a directory that is not empty", "--delete allows the same."),
        Option(
            "delete-from-empty", nil, nil, .built(.deleteFromEmpty), for: .changing, in: .deleting,
            "let an empty SOURCE delete everything",
            """
            Without it a SOURCE directory that is empty deletes nothing: more often than not a disk was not mounted. \
            Needs --delete. A SOURCE that cannot be read never deletes anything.
            """),
        later("backup", "b", nil, "keep what would be replaced or deleted"),
        later("backup-dir", nil, "DIR", "keep it below DIR"),
        later("suffix", nil, "SUFFIX", "keep it under its name with SUFFIX"),
        later("remove-source-files", nil, nil, "remove files from the source once they are settled"),
    ]

    private static func later(
        _ long: String, _ short: Character?, _ metavar: String?, _ help: String
    ) -> Option {
        Option(
            long, short, metavar, .later("not built yet"), negated: .accepted("the default"), for: .changing,
            in: .deleting, help)
    }
}
