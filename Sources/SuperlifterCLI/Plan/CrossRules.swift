// Rules between options and operands: what cannot go together, and what needs company. One row each, checked in
// order before any value is looked at; the first that applies is the error.

package struct CrossRule: Sendable {
    package var message: String
    package var isBroken: @Sendable (ParsedArguments) -> Bool

    private init(_ message: String, _ isBroken: @escaping @Sendable (ParsedArguments) -> Bool) {
        self.message = message
        self.isBroken = isBroken
    }

    package static let all: [CrossRule] = operands + options

    private static let operands: [CrossRule] = [
        CrossRule("push needs at least one SOURCE and a DESTINATION") {
            $0.command == .push && $0.operands.count < 2
        },
        CrossRule("pull needs at least one SOURCE and a DESTINATION") {
            $0.command == .pull && $0.operands.count < ($0.isOn(.listOnly) ? 1 : 2)
        },
        CrossRule("compare needs exactly one SOURCE and one DESTINATION") {
            $0.command == .compare && $0.operands.count != 2
        },
        CrossRule("list needs exactly one LOCATION") { $0.command == .list && $0.operands.count != 1 },
        CrossRule("explain needs exactly one LOCATION") { $0.command == .explain && $0.operands.count != 1 },
        CrossRule("serve takes no operands: the whole job travels in the stream") {
            $0.command == .serve && !$0.operands.isEmpty
        },
        CrossRule("help takes at most one command") { $0.command == .help && $0.operands.count > 1 },
        CrossRule("--list-only shows one SOURCE at a time") { $0.isOn(.listOnly) && $0.operands.count > 2 },
        CrossRule("an empty path names nothing; for the current directory write ./") {
            $0.operands.contains { $0.isEmpty }
        },
        CrossRule("push sends from here: its SOURCE is local; to fetch from a host say superlifter pull") {
            $0.command == .push && $0.operands.dropLast().contains(where: LocationShape.isRemote)
        },
        CrossRule("pull writes here: its DESTINATION is local; to send to a host say superlifter push") {
            $0.command == .pull && $0.operands.count > 1 && !$0.isOn(.listOnly)
                && LocationShape.isRemote($0.operands.last ?? [])
        },
        CrossRule("compare needs one side on this machine; run it on one of the two hosts") {
            $0.command == .compare && $0.operands.allSatisfy(LocationShape.isRemote)
        },
        CrossRule("several SOURCES of pull must be on the same host; pull from one host at a time") {
            $0.command == .pull && Set($0.operands.dropLast().map(LocationShape.host)).count > 1
        },
        CrossRule("--via says how a server is reached, but no location names one: write NAME:PATH") {
            $0.last(.via) != nil && !$0.operands.contains(where: LocationShape.isRemote)
        },
    ]

    private static let options: [CrossRule] = [
        CrossRule("--checksum and --size-only say two things about when files are the same; choose one") {
            $0.isOn(.checksum) && $0.isOn(.sizeOnly)
        },
        CrossRule("--checksum and --ignore-times say two things about when files are the same; choose one") {
            $0.isOn(.checksum) && $0.isOn(.ignoreTimes)
        },
        CrossRule("--size-only and --ignore-times say two things about when files are the same; choose one") {
            $0.isOn(.sizeOnly) && $0.isOn(.ignoreTimes)
        },
        CrossRule("--sparse makes holes in new files, and --inplace writes into old ones; choose one") {
            $0.isOn(.sparse) && ($0.isOn(.inPlace) || $0.isOn(.appendVerify))
        },
        CrossRule("--delete-from-empty needs --delete") { $0.isOn(.deleteFromEmpty) && !$0.asksToDelete },
        CrossRule("--quiet and --verbose say opposite things; choose one") {
            $0.command != .serve && $0.isOn(.quiet) && $0.isOn(.verbose)
        },
        CrossRule("--quiet and --itemize-changes say opposite things; choose one") {
            $0.isOn(.quiet) && $0.isOn(.itemize)
        },
        CrossRule("--quiet and --out-format say opposite things; choose one") {
            $0.isOn(.quiet) && $0.last(.outFormat) != nil
        },
        CrossRule("--json and --out-format both say what standard output is made of; choose one") {
            $0.isOn(.json) && $0.last(.outFormat) != nil
        },
        CrossRule("--out-format is about changes, and a list has none") {
            $0.isOn(.listOnly) && $0.last(.outFormat) != nil
        },
        CrossRule("--log-file-format says what the lines of --log-file FILE look like; give both") {
            $0.last(.logFileFormat) != nil && $0.last(.logFile) == nil
        },
        CrossRule("-4 and -6 exclude each other; without either, both kinds of address are tried") {
            $0.isOn(.ipv4) && $0.isOn(.ipv6)
        },
        CrossRule("--inetd serves one connection that is there, --listen waits for others; choose one") {
            $0.isOn(.inetd) && $0.last(.listen) != nil
        },
        CrossRule("--max-connections and --insecure are about --listen") {
            ($0.last(.maxConnections) != nil && $0.last(.listen) == nil && $0.last(.config) == nil)
                || ($0.isOn(.insecure) && $0.last(.listen) == nil)
        },
        CrossRule("--config says what is served, and as whom; --root, --uid and --insecure do not go with it") {
            $0.last(.config) != nil && ($0.last(.root) != nil || $0.last(.uid) != nil || $0.isOn(.insecure))
        },
        CrossRule("--check-config needs --config FILE") { $0.isOn(.checkConfig) && $0.last(.config) == nil },
        CrossRule("--gid needs --uid") { $0.last(.gid) != nil && $0.last(.uid) == nil },
        CrossRule("--read-only and --append-only need --root: they say what clients may do below that directory") {
            ($0.isOn(.readOnly) || $0.isOn(.appendOnly)) && $0.last(.root) == nil
        },
        CrossRule("--read-only lets clients change nothing, --append-only lets them add; choose one") {
            $0.isOn(.readOnly) && $0.isOn(.appendOnly)
        },
    ]
}

extension ParsedArguments {
    /// Whether one of the options that imply `--delete` is on.
    var asksToDelete: Bool {
        isOn(.delete) || isOn(.deleteBefore) || isOn(.deleteExcluded)
    }
}
