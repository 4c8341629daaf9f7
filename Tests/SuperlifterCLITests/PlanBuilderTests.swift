import SuperlifterCLI
import Testing

@Suite struct PlanBuilderTests {
    @Test func aPlainPushIsAnArchiveThatDeletesNothing() throws {
        let request = try #require(try transfer("push -av a/ host:b"))
        #expect(request.action == .push)
        #expect(request.sources == [bytes("a/")])
        #expect(request.destination == bytes("host:b"))
        #expect(request.keep == Keeping())
        #expect(request.deletion == Deletion())
        #expect(!request.deletion.isOn)
        #expect(request.selection == Selection())
        #expect(request.wire == Wire())
        #expect(request.output.verbosity == 1)
    }

    @Test func rulesComeInTheOrderTyped() throws {
        let request = try plan(
            ["push", "--include", "*.c", "-f", "- *.o", "--exclude-from=list", "--exclude", "+ keep", "a", "b"],
            files: ["list": "# comment\n\n; another\nx y\r\n+ z\n-  q\n"])
        guard case .transfer(let transfer) = request else { throw UsageFailure("no transfer") }
        #expect(
            transfer.selection.rules == [
                FilterRule(.include, bytes("*.c")), FilterRule(.exclude, bytes("*.o")),
                FilterRule(.exclude, bytes("x y")), FilterRule(.include, bytes("z")),
                FilterRule(.exclude, bytes(" q")), FilterRule(.include, bytes("keep")),
            ])
    }

    @Test func anExclamationMarkForgetsTheRulesSoFar() throws {
        let request = try #require(try transfer("push --exclude a --exclude ! --exclude b x y"))
        #expect(request.selection.rules == [FilterRule(.exclude, bytes("b"))])
    }

    @Test func deletionOptionsImplyDelete() throws {
        #expect(try transfer("push --delete-before a b")?.deletion.isOn == true)
        #expect(try transfer("push --delete-before a b")?.deletion.moment == .beforeContents)
        #expect(try transfer("push --delete-excluded a b")?.deletion.includesExcluded == true)
        #expect(try transfer("push --delete-after a b")?.deletion.moment == .afterContents)
        #expect(try transfer("push --delete-after a b")?.deletion.isOn == true)
        #expect(try transfer("push --delete --max-delete=50% a b")?.deletion.limit == .percent(50))
        #expect(try transfer("push --delete --max-delete 0 a b")?.deletion.limit == .entries(0))
        #expect(try transfer("push --max-delete 0 a b")?.deletion.isOn == false)
    }

    @Test(arguments: [
        ("-z", Wire.Compression.standard), ("--compress zstd", .standard), ("--compress zstd:3", .zstd(level: 3)),
        ("--compress=zstd:19", .zstd(level: 19)), ("--compress zlib", .zlib(level: 6)),
        ("--compress zlib:9", .zlib(level: 9)), ("-z --compress none", .off), ("-z --no-compress", .off),
        ("--compress none -z", .standard), ("-z --no-z", .off), ("-z --compress auto", .auto),
    ])
    func compressionIsTheLastOneSaid(_ options: String, _ expected: Wire.Compression) throws {
        #expect(try transfer("push \(options) a b")?.wire.compression == expected)
    }

    @Test(arguments: [
        ("", Wire.Digest.xxh3), ("--checksum-choice xxh3", .xxh3), ("--checksum-choice=xxh128", .xxh3),
        ("--cc auto", .xxh3), ("--cc=sha256", .sha256), ("--cc sha256 --checksum-choice xxh3", .xxh3),
    ])
    func digestsHaveTwoNamesEach(_ options: String, _ expected: Wire.Digest) throws {
        #expect(try transfer("push \(options) a b")?.wire.digest == expected)
    }

    @Test(
        arguments: [
            ("1", 1024), ("100", 102_400), ("0", nil), ("1.5m", 1_572_864), ("2M", 2 << 20), ("1G", 1 << 30),
            ("500KB", 500_000), ("1MB", 1_000_000), ("3KiB", 3072), ("800B", 800), ("0.5", 512), (".5k", 512),
        ] as [(String, UInt64?)])
    func ratesAreWrittenAsInRsync(_ rate: String, _ bytes: UInt64?) throws {
        #expect(try transfer("push --bwlimit=\(rate) a b")?.wire.rateLimit == bytes)
    }

    @Test(arguments: ["", ".", "1.2.3", "-1", "1X", "M", "511B", "0.1", "1KX", "99999999999999999", "1e3"])
    func otherRatesAreRefused(_ rate: String) throws {
        let wrong = try #require(
            failure { () throws(UsageFailure) in try plan(["push", "--bwlimit=" + rate, "a", "b"]) })
        #expect(wrong.message.hasPrefix("--bwlimit: \(rate): must be KiB a second"))
    }

    @Test func retriesAreANumber() throws {
        #expect(try transfer("push a b")?.connection.retries == 0)
        #expect(try transfer("pull --retry 7 a b")?.connection.retries == 7)
        let wrong = try #require(failure { () throws(UsageFailure) in try plan("push --retry many a b") })
        #expect(wrong == UsageFailure("--retry: many: must be a whole number, 0 to 1000000"))
    }

    @Test func compareListsWhatDiffersUnlessToldToBeQuiet() throws {
        #expect(try transfer("compare a b")?.output.itemizes == true)
        #expect(try transfer("compare -q a b")?.output.itemizes == false)
        #expect(try transfer("push a b")?.output.itemizes == false)
    }

    @Test func listOnlyMakesAPullAList() throws {
        let request = try #require(try transfer("pull --list-only h:a ."))
        #expect(request.action == .list)
        #expect(request.sources == [bytes("h:a")])
        #expect(request.destination.isEmpty)
        #expect(try transfer("pull --list-only h:a")?.action == .list)
    }

    @Test func connectionComesFromOptionsThenEnvironment() throws {
        let environment = ["SUPERLIFTER_RSH": "rsh -l", "SUPERLIFTER_REMOTE_PATH": "/opt/sl"]
        guard case .transfer(let fromEnvironment) = try plan(["push", "a", "h:"], environment: environment),
            case .transfer(let typed) = try plan(
                ["push", "-e", "ssh -v", "--remote-path=~/sl", "--via", "ssh:h", "--via=unix:/s", "a", "h:"],
                environment: environment),
            case .transfer(let empty) = try plan(["push", "a", "h:"], environment: ["SUPERLIFTER_RSH": ""])
        else { throw UsageFailure("no transfer") }
        #expect(fromEnvironment.connection.remoteShell == bytes("rsh -l"))
        #expect(fromEnvironment.connection.remotePath == bytes("/opt/sl"))
        #expect(typed.connection.remoteShell == bytes("ssh -v"))
        #expect(typed.connection.remotePath == bytes("~/sl"))
        #expect(typed.connection.hints == [bytes("ssh:h"), bytes("unix:/s")])
        #expect(empty.connection.remoteShell == nil)
    }

    @Test func infoFlagsBecomeOurs() throws {
        let output = try #require(try transfer("push --info=progress2,stats2,name0 a b")).output
        #expect(output.progress == .always)
        #expect(output.stats)
        #expect(try transfer("push --info=progress2 --no-progress a b")?.output.progress == .never)
    }

    @Test func serveReadsItsOwnOptions() throws {
        guard case .serve(let request) = try plan("serve --inetd --root /srv/x --read-only --as anna") else {
            throw UsageFailure("no serve")
        }
        #expect(request.inetd && request.readOnly && !request.unconfined)
        #expect(request.root == bytes("/srv/x"))
        #expect(request.name == bytes("anna"))
    }

    @Test(arguments: [
        ("-h", HelpTopic.screen(nil)), ("--help", .screen(nil)), ("help", .screen(nil)), ("push -h", .screen(.push)),
        ("push --help", .full(.push)), ("help serve", .full(.serve)), ("help --manual", .manual),
        ("push --help a b", .full(.push)),
    ])
    func helpIsFoundWhereItIsAsked(_ line: String, _ topic: HelpTopic) throws {
        #expect(try plan(line) == .help(topic))
    }

    @Test func aLetterHBesideOthersIsRsyncs() throws {
        #expect(try transfer("push -avh a b")?.action == .push)
        #expect(try plan("--version") == .version)
        #expect(try plan("push --version") == .version)
    }

    @Test(arguments: [
        ("push a", "push needs at least one SOURCE and a DESTINATION"),
        ("pull", "pull needs at least one SOURCE and a DESTINATION"),
        ("compare a", "compare needs exactly one SOURCE and one DESTINATION"),
        ("compare a b c", "compare needs exactly one SOURCE and one DESTINATION"),
        ("list", "list needs exactly one LOCATION"),
        ("serve x", "serve takes no operands: the whole job travels in the stream"),
        ("push h:a b", "push sends from here: its SOURCE is local; to fetch from a host say superlifter pull"),
        ("push ssh://h/a h:b", "push sends from here: its SOURCE is local; to fetch from a host say superlifter pull"),
        ("pull h:a h:b", "pull writes here: its DESTINATION is local; to send to a host say superlifter push"),
        ("compare h:a i:b", "compare needs one side on this machine; run it on one of the two hosts"),
        ("pull h:a i:b .", "several SOURCES of pull must be on the same host; pull from one host at a time"),
        ("push --via unix:/s a b", "--via says how a server is reached, but no location names one: write NAME:PATH"),
        (
            "push -c --size-only a b",
            "--checksum and --size-only say two things about when files are the same; choose one"
        ),
        ("push -cI a b", "--checksum and --ignore-times say two things about when files are the same; choose one"),
        (
            "push -I --size-only a b",
            "--size-only and --ignore-times say two things about when files are the same; choose one"
        ),
        ("push --delete-from-empty a b", "--delete-from-empty needs --delete"),
        ("push -qv a b", "--quiet and --verbose say opposite things; choose one"),
        ("push -qi a b", "--quiet and --itemize-changes say opposite things; choose one"),
        ("push -q --out-format=%n a b", "--quiet and --out-format say opposite things; choose one"),
        (
            "push --json --out-format=%n a b",
            "--json and --out-format both say what standard output is made of; choose one"
        ),
        ("pull --list-only --out-format=%n h:a", "--out-format is about changes, and a list has none"),
        (
            "push --log-file-format=%n a b",
            "--log-file-format says what the lines of --log-file FILE look like; give both"
        ),
        ("pull -4 -6 h:a b", "-4 and -6 exclude each other; without either, both kinds of address are tried"),
        (
            "serve --inetd --listen tcp:0",
            "--inetd serves one connection that is there, --listen waits for others; choose one"
        ),
        ("serve --inetd --insecure", "--max-connections and --insecure are about --listen"),
        ("serve --inetd --gid 3", "--gid needs --uid"),
        (
            "serve --config f --root d",
            "--config says what is served, and as whom; --root, --uid and --insecure do not go with it"
        ),
        ("serve --check-config", "--check-config needs --config FILE"),
        (
            "serve --inetd --append-only",
            "--read-only and --append-only need --root: they say what clients may do below that directory"
        ),
        (
            "serve --inetd --root / --read-only --append-only",
            "--read-only lets clients change nothing, --append-only lets them add; choose one"
        ),
        (
            "push -S --inplace a b",
            "--sparse makes holes in new files, and --inplace writes into old ones; choose one"
        ),
        ("push --max-delete=101% a b", "--max-delete: 101%: must be a number of entries, or 0% to 100%"),
        ("push --max-delete=-1 a b", "--max-delete: -1: must be a number of entries, or 0% to 100%"),
        ("push --timeout=1.5 a b", "--timeout: 1.5: must be whole seconds, 0 to 31536000"),
        ("push --connect-timeout 0 a b", "--connect-timeout: 0: must be whole seconds, 1 to 31536000"),
        (
            "push --timeout 99999999999999999999 a b",
            "--timeout: 99999999999999999999: must be whole seconds, 0 to 31536000"
        ),
        ("push --compress a b", "push needs at least one SOURCE and a DESTINATION"),
        (
            "push --compress a b c",
            "--compress: a: must be auto, none, zstd[:1..19] or zlib[:1..9]; for plain compression say -z"
        ),
        (
            "push --compress zstd:20 b c",
            "--compress: zstd:20: must be auto, none, zstd[:1..19] or zlib[:1..9]; for plain compression say -z"
        ),
        (
            "push --checksum-choice md5 a b",
            "--checksum-choice: md5: must be xxh3 (also as xxh128 or auto) or sha256"
        ),
        ("push --cc=none a b", "--cc: none: must be xxh3 or sha256; contents are never taken unchecked"),
        (
            "push --partial-dir a/b b c",
            "--partial-dir: a/b: must be one name without a slash, or a path that begins with one"
        ),
        (
            "push --partial-dir .. b c",
            "--partial-dir: ..: must be one name without a slash, or a path that begins with one"
        ),
        ("push --exclude= a b", "--exclude: an empty pattern matches nothing"),
        ("push --info=frob a b", "--info: frob: not a flag we know; use --progress, --stats or -v"),
        ("push -f x a b", "-f: x: not a rule; write \"- PATTERN\""),
        ("help frob", "help: frob: no such command"),
    ])
    func brokenRulesAreNamed(_ line: String, _ message: String) throws {
        let wrong = try #require(failure { () throws(UsageFailure) in try plan(line) })
        #expect(wrong == UsageFailure(message))
    }

    @Test func whatCannotBeReadOrIsNotBuiltHasItsOwnCode() throws {
        let missing = failure { () throws(UsageFailure) in try plan("push --exclude-from=nowhere a b") }
        #expect(missing == UsageFailure(.fileIO, "nowhere: reading patterns: No such file or directory"))
        let merge = failure { () throws(UsageFailure) in try plan(["push", "-f", "merge x", "a", "b"]) }
        #expect(merge == UsageFailure(.unsupported, "-f: merge x: only + and - rules are built yet"))
        let empty = failure { () throws(UsageFailure) in try plan(["push", "", "b"]) }
        #expect(empty == UsageFailure("an empty path names nothing; for the current directory write ./"))
    }

    @Test func everyRuleBetweenOptionsHasBeenBroken() {
        // The table above must grow with the rules: 14 about operands and 19 about options today.
        #expect(CrossRule.all.count == 33)
    }

    @Test(arguments: ["./a:b", "/abs/a:b", "plain", "a/b:c"])
    func aSlashBeforeTheColonIsLocal(_ source: String) throws {
        #expect(try transfer("push \(source) b")?.sources == [bytes(source)])
    }

    private func serve(_ line: String) throws -> ServeRequest {
        guard case .serve(let request) = try plan(line) else { throw UsageFailure("no server") }
        return request
    }

    @Test func whereAServerListens() throws {
        let request = try serve(
            "serve --listen tcp:0 --listen=unix:/x --root /r --insecure --uid u --gid 7 --max-connections 3 "
                + "--handshake-timeout 2.5 --timeout 9")
        #expect(request.listen == [bytes("tcp:0"), bytes("unix:/x")] && !request.inetd)
        #expect(request.isInsecure && request.user == bytes("u") && request.group == bytes("7"))
        #expect(try serve("serve --config f --max-connections 3").configuration == bytes("f"))
        #expect(try serve("serve --check-config --config f").checksConfiguration)
        #expect(request.maxConnections == 3 && request.handshakeTimeout == 2500 && request.timeout == 9)
        #expect(try serve("serve --inetd").handshakeTimeout == nil)
        #expect(try serve("serve --inetd --handshake-timeout 0.007").handshakeTimeout == 7)
    }

    @Test(arguments: [
        "--inetd --listen tcp:0", "--max-connections 3", "--insecure", "--gid 3",
        "--listen tcp:0 --max-connections 0", "--inetd --handshake-timeout 1.", "--inetd --handshake-timeout .5",
        "--inetd --handshake-timeout 1.2345", "--inetd --handshake-timeout -1",
    ])
    func whatAServerCannotMean(_ options: String) {
        #expect(failure { () throws(UsageFailure) in try plan("serve \(options)") }?.status == .usage, "\(options)")
    }

    @Test func whichAddressesAClientUses() throws {
        #expect(try transfer("pull -4 tcp://h/m x")?.connection.addressFamily == .ipv4)
        #expect(try transfer("pull -6 tcp://h/m x")?.connection.addressFamily == .ipv6)
        #expect(try transfer("pull --address ::1 tcp://h/m x")?.connection.address == bytes("::1"))
        #expect(failure { () throws(UsageFailure) in try plan("pull -4 -6 tcp://h/m x") }?.status == .usage)
    }
}
