// Options about what is kept of a file besides its contents. Nearly everything is kept unless an option says no.

extension OptionTable {
    static let keeping: [Option] = [
        kept("perms", "p", .perms, "do not keep permissions", "New files get the mode of the source less the umask."),
        kept(
            "times", "t", .times, "do not keep modification times",
            "The next run will then find that the times differ, and send the files again unless told --size-only or -c."
        ),
        kept("owner", "o", .owner, "do not keep owners (kept only when the receiver runs as root)"),
        kept("group", "g", .group, "do not keep groups (kept only when the receiver runs as root)"),
        kept("links", "l", .links, "leave out symbolic links"),
        kept(
            "devices", "D", .devices, "leave out devices, sockets and FIFOs",
            "Devices and special files are made only when the receiver runs as root."),
        kept(
            "hard-links", "H", .hardLinks, "do not keep hard links: send each name as a file of its own",
            "Names of one file in the source become names of one file in the destination, and names that are not do "
                + "not stay so. Only names within the transfer count."),
        Option(
            "numeric-ids", nil, nil, .built(.numericIDs), for: .pairing, in: .keeping,
            "keep the numbers of owners and groups, not their names"),
        Option(
            "omit-dir-times", "O", nil, .built(.omitDirectoryTimes), for: .pairing, in: .keeping,
            "do not keep the modification times of directories"),
        later("xattrs", "X", nil, "keep extended attributes"),
        later("acls", "A", nil, "keep access control lists"),
        later("atimes", "U", nil, "keep access times"),
        later("copy-links", "L", nil, "send what symbolic links point to"),
        later("copy-unsafe-links", nil, nil, "send what links that lead out of the tree point to"),
        later("safe-links", nil, nil, "leave out links that lead out of the tree"),
        later("copy-dirlinks", "k", nil, "send links to directories as directories"),
        later("keep-dirlinks", "K", nil, "follow links to directories in the destination"),
        later("executability", "E", nil, "keep only whether a file is executable"),
        later("chmod", nil, "CHANGES", "change permissions on the way"),
        later("chown", nil, "USER:GROUP", "change owners on the way"),
        later("usermap", nil, "MAP", "change owners by a table"),
        later("groupmap", nil, "MAP", "change groups by a table"),
        later("fake-super", nil, nil, "keep owners and devices in extended attributes"),
        later("omit-link-times", "J", nil, "do not keep the times of symbolic links"),
        Option(
            "super", nil, nil, .later("not built yet"), negated: .later("not built yet"), for: .pairing, in: .keeping,
            "try what only root may do, whoever runs the receiver"),
    ]

    /// An attribute kept by default: the plain form repeats the default, the `--no-` form turns it off.
    private static func kept(
        _ long: String, _ short: Character, _ id: OptionID, _ help: String, _ manual: String = ""
    ) -> Option {
        Option(
            long, short, nil, .means(id, "the default"), negated: .built(id), showsNegated: true, for: .pairing,
            in: .keeping, help, manual)
    }

    private static func later(
        _ long: String, _ short: Character?, _ metavar: String?, _ help: String
    ) -> Option {
        Option(
            long, short, metavar, .later("not built yet"), negated: .accepted("the default"), for: .pairing,
            in: .keeping, help)
    }
}
