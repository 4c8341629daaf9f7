// Options about how files come into being at the destination.

extension OptionTable {
    static let writing: [Option] = [
        Option(
            "mkpath", nil, nil, .built(.makePath), for: .changing, in: .writing,
            "create missing parents of DESTINATION",
            "The last component is always created; without this option its parent must exist."),
        Option(
            "partial", nil, nil, .means(.partial, "the default"), negated: .built(.partial), showsNegated: true,
            for: .changing, in: .writing, "throw away what arrived of an interrupted file",
            "By default what arrived of a file of 1 MiB or more stays beside it under a reserved name, out of sight of "
                + "the next run's comparison, and that run sends only the rest if the beginning is still the same. If it "
                + "is not, or if there is an older version, too, only that is sent which neither of them has."),
        Option(
            "partial-dir", nil, "DIR", .built(.partialDir), negated: .accepted("the default"), for: .changing,
            in: .writing, "keep what arrived of interrupted files in DIR",
            """
            DIR is one name, and then a directory of that name below each one that needs it, which goes again when it is \
            empty; or a path from the root, and then one directory for all at the receiving end (beneath --root, or \
            the module, if there is one), of which the last component is made if it is missing. Large files are also \
            written there. DIR is passed by at both ends: it is neither sent nor deleted. Where it is a symbolic link, \
            on another file system than the files, somebody else's, or can be written to by others, and on servers \
            that only add, parts stay beside the files.
            """),
        Option(
            "sparse", "S", nil, .built(.sparse), negated: .built(.sparse), for: .changing, in: .writing,
            "turn runs of zeros into holes", "Holes of the source are not read where its file system tells of them."),
        Option(
            "inplace", nil, nil, .built(.inPlace), negated: .built(.inPlace), for: .changing, in: .writing,
            "write into files that are there already",
            """
            By default a file is the old one until the new one is whole. With this option a file that is there is \
            overwritten: whoever reads it meanwhile sees a mixture, and an interrupted run leaves one. So that it can be \
            told from a whole one, its modification time is 1970 until the new contents are complete and checked; the \
            next run then sends it again, with --update, too. Hard links and open descriptors keep standing for the same \
            file. What stays where it is is not written; what moves is moved when all that differs has come and is \
            right, and until then the old contents are as they were. What has come waits in memory or, beyond 1 MiB, in a \
            file without a name beside it; where there is no room for that the file is sent whole and written as it comes.
            """),
        Option(
            "append-verify", nil, nil, .built(.appendVerify), negated: .built(.appendVerify), for: .changing,
            in: .writing, "as --inplace, and send only what a file has grown by",
            "What is there is compared by digest; if the source does not begin with it, the whole is sent. Files that "
                + "are not shorter than the source's are left alone."),
        Option(
            "detect-renames", nil, nil, .means(.detectRenames, "the default"), negated: .built(.detectRenames),
            showsNegated: true, for: .changing, in: .writing, "send renamed and moved files whole",
            """
            Otherwise, where there is a stream between the two ends, a new file of 32 KiB or more is first looked for \
            in the destination tree: one of the same size and modification time is copied if it also has the same \
            contents, which takes a digest and no transfer. The tree is looked through once, and only if there are such \
            new files. Where SOURCE has no slash at its end that is what stands below its name at the destination, and \
            the files beside it. Not with --whole-file, --inplace or --append-verify.
            """),
        Option(
            "fuzzy", "y", nil, .built(.fuzzy), negated: .built(.fuzzy), for: .changing, in: .writing,
            "for a new file start from one with a similar name beside it",
            """
            Only what differs from that one is sent, as from an older version of the same name. Of the files in the same \
            directory of the destination the one is taken whose name shares the most bytes at its beginning and its \
            end, at least half of the longer name. Not with --whole-file, --inplace or --append-verify.
            """),
        later("temp-dir", nil, "DIR", "write new files in DIR first"),
        later("delay-updates", nil, nil, "put all files in place at the end"),
        later("link-dest", nil, "DIR", "hard link to files in DIR that are the same", repeatable: true),
        later("copy-dest", nil, "DIR", "copy files from DIR that are the same", repeatable: true),
        later("compare-dest", nil, "DIR", "leave out files that are the same in DIR", repeatable: true),
        later("fsync", nil, nil, "write every file to the disk before it is put in place"),
        later("verify", nil, nil, "read back what was written and compare digests"),
    ]

    private static func later(
        _ long: String, _ short: Character?, _ metavar: String?, _ help: String,
        repeatable: Bool = false
    ) -> Option {
        Option(
            long, short, metavar, .later("not built yet"), negated: .accepted("the default"), repeatable: repeatable,
            for: .changing, in: .writing, help)
    }
}
