// What fingers trained on rsync type. Options whose effect is our default, or that have a nearest equivalent, are
// accepted; for the others the error names what to type instead.

extension OptionTable {
    static let habits: [Option] = [
        habit("archive", "a", .accepted("the default: recursive, and everything kept that can be")),
        habit("recursive", "r", .accepted("the default"), negated: .later("not built yet")),
        habit(
            "specials", nil, .accepted("the default"), negated: .later("not built yet; --no-devices leaves out both")),
        habit(nil, "P", .means(.progress, "--progress and --partial")),
        Option(
            "info", nil, "FLAGS", .means(.info, "progress2 is --progress, stats2 is --stats, name is -v"),
            for: .client, in: .seeing, "choose what is said"),
        habit("delete-after", nil, .means(.delete, "--delete, which acts after the last content"), for: .changing),
        habit("delete-during", nil, .means(.delete, "--delete"), for: .changing),
        habit("delete-delay", nil, .means(.delete, "--delete, which plans first and acts last"), for: .changing),
        habit("del", nil, .means(.delete, "--delete"), for: .changing),
        habit("ignore-non-existing", nil, .means(.existing, "--existing"), for: .pairing),
        habit("protect-args", "s", .accepted("the default: names never pass through a shell"), negated: nil),
        habit("secluded-args", nil, .accepted("the default: names never pass through a shell")),
        habit(
            "inc-recursive", nil, .accepted("the default: a tree is sent while it is scanned"),
            negated: .accepted("no effect: deletions and --stats never need it")),
        habit("i-r", nil, .accepted("as --inc-recursive"), negated: .accepted("as --no-inc-recursive")),
        habit(
            "motd", nil, .accepted("the default: servers send no message of the day"),
            negated: .accepted("the default: servers send no message of the day")),
        Option(
            "contimeout", nil, "SECONDS", .means(.connectTimeout, "--connect-timeout"), for: .connecting,
            in: .wire, "as --connect-timeout"),
        Option(
            "compress-choice", nil, "METHOD", .means(.compress, "--compress METHOD"), for: .client, in: .wire,
            "as --compress"),
        Option(
            "cc", nil, "NAME", .means(.checksumChoice, "--checksum-choice NAME"), for: .client, in: .wire,
            "as --checksum-choice"),
        Option("zc", nil, "METHOD", .means(.compress, "--compress METHOD"), for: .client, in: .wire, "as --compress"),
    ]

    private static func habit(
        _ long: String?, _ short: Character?, _ status: OptionStatus, negated: OptionStatus? = nil,
        for commands: CommandSet = .client
    ) -> Option {
        Option(long, short, nil, status, negated: negated, for: commands, in: .seeing, "a habit from rsync")
    }

    /// Options of rsync that ours answer in another way: the name without dashes, and what to do instead.
    package static let elsewhere: [(name: String, advice: String)] = [
        ("rsync-path", "use --remote-path PATH"),
        ("daemon", "use superlifter serve"),
        ("server", "use superlifter serve --inetd"),
        ("port", "write the port into the location: tcp://HOST:PORT/MODULE"),
        ("compress-level", "use --compress zstd:LEVEL"),
        ("zl", "use --compress zstd:LEVEL"),
        ("skip-compress", "not needed: what does not shrink is sent as it is"),
        ("new-compress", "use --compress zlib"),
        ("old-compress", "use --compress zlib"),
        ("cvs-exclude", "use --exclude PATTERN"),
        ("C", "use --exclude PATTERN"),
        ("F", "use --exclude-from FILE"),
        ("relative", "name the directory with --mkpath: push SOURCE DESTINATION/PATH"),
        ("R", "name the directory with --mkpath: push SOURCE DESTINATION/PATH"),
        ("append", "what is there is never trusted unseen; use --append-verify"),
        ("human", "sizes have units by default"),
        ("debug", "use -v"),
        ("M", "nothing is passed to the far side by argument; all options travel in the stream"),
        ("remote-option", "nothing is passed to the far side by argument; all options travel in the stream"),
        ("iconv", "names are bytes and stay as they are"),
        ("old-args", "names never pass through a shell"),
        ("trust-sender", "what a peer says is always checked"),
        ("max-alloc", "memory is bounded by itself"),
        ("write-batch", "there are no batches; keep a copy and push from it"),
        ("read-batch", "there are no batches; keep a copy and push from it"),
        ("protocol", "the two ends agree on a version by themselves"),
        ("blocking-io", "any stream will do as it is; see --ssh-pipes"),
        ("ignore-errors", "deletions are withheld only where a listing failed"),
        ("prune-empty-dirs", "leave them out with --exclude PATTERN"),
        ("m", "leave them out with --exclude PATTERN"),
    ]
}
