import SuperlifterCLI
import Testing

@Suite struct LineFormatTests {
    private var surroundings: ItemLine.Surroundings {
        var some = ItemLine.Surroundings(process: 42) { "time \($0)" }
        some.prefix = bytes("/home/s/")
        some.now = 7
        return some
    }

    private var file: ItemLine {
        var change = ItemizedChange(.sent, .file)
        change.size = true
        var line = ItemLine(change, path: bytes("d/ä"))
        line.size = 1_234_567
        line.transferred = 1024
        line.mode = 0o4751
        line.modified = 3
        line.user = 1000
        line.group = 50
        return line
    }

    private func format(_ text: String) throws -> LineFormat { try LineFormat(bytes(text)) }

    private func show(_ line: ItemLine, _ text: String) throws -> String {
        String(decoding: line.text(try format(text), surroundings), as: UTF8.self)
    }

    @Test(arguments: [
        ("%i %n%L", "<f.s....... d/ä"), ("%l", "1234567"), ("%'l", "1,234,567"), ("%12l|", "     1234567|"),
        ("%-12'l|", "1,234,567   |"), ("%'-12l|", "1,234,567   |"), ("%b", "1024"), ("%f", "home/s/d/ä"),
        ("%o", "send"), ("%M", "time-3"), ("%t", "time 7"), ("%p", "42"), ("%B", "rwsr-x--x"), ("%U:%G", "1000:50"),
        ("100%% %%n", "100% %n"), ("", ""), ("plain", "plain"), ("%5n|%-5n|", "  d/ä|d/ä  |"),
    ])
    func escapesSayWhatRsyncsSay(_ text: String, _ shown: String) throws {
        #expect(try show(file, text) == shown)
    }

    @Test func linksDirectoriesAndDeletions() throws {
        var link = ItemLine(ItemizedChange(.local, .link), path: bytes("l"))
        link.target = bytes("to\nwhere")
        #expect(try show(link, "%n%L") == "l -> to\\#012where")
        var hard = ItemLine(ItemizedChange(.hardLink, .file), path: bytes("h"))
        hard.linkedTo = bytes("d/a")
        #expect(try show(hard, "%n%L %o") == "h => d/a send")
        hard.linkedTo = []
        hard.isPull = true
        #expect(try show(hard, "%n%L %o") == "h recv")
        let directory = ItemLine(ItemizedChange(.local, .directory), path: bytes("."))
        #expect(try show(directory, "%n %f") == "./ home/s/.")
        let gone = ItemLine(ItemizedChange(.deleted, .directory), path: bytes("x"))
        #expect(try show(gone, "%i|%o|%n|%B") == "*deleting  |del.|x/|---------")
    }

    @Test func whatLinesTellIsKnown() throws {
        #expect(try format("%n").tellsChanges == false && format("%n").tellsDeletions == false)
        #expect(try format("%o").tellsChanges == false && format("%o").tellsDeletions)
        #expect(try format("x%-20i").tellsChanges && format("x%-20i").tellsDeletions)
        #expect(try format("%i %n%L") == LineFormat.itemized)
    }

    @Test(arguments: [
        ("%Q", "%Q is not an escape"), ("%h", "%h is not an escape"), ("%", "% at its end"), ("a%-7", "%-7 at its end"),
        ("%\u{1B}", "%\\#033 is not"), ("%1001n", "a field is at most 1000"), ("%''l", "one ' groups digits"),
        ("%'5'l", "one '"),
        ("%99999999999999999999n", "a field is at most"),
    ])
    func whatIsNoEscapeIsNamed(_ text: String, _ start: String) throws {
        let refused = try #require(
            failure { () throws(UsageFailure) in try plan(["push", "--out-format", text, "a", "b"]) })
        #expect(refused.status == .usage)
        #expect(refused.message.hasPrefix("--out-format: " + start), "\(refused.message)")
    }

    @Test func requestsHoldFormatsAndLogs() throws {
        let words = ["push", "--out-format=%n", "--log-file=/x/y", "--log-file-format=", "a", "b"]
        guard case .transfer(let request) = try plan(words) else { throw UsageFailure("no transfer") }
        #expect(request.output.format == (try format("%n")))
        #expect(request.output.logFile == bytes("/x/y"))
        #expect(request.output.logFormat?.pieces.isEmpty == true)
        guard case .serve(let serve) = try plan("serve --inetd --log-file l") else { throw UsageFailure("no server") }
        #expect(serve.logFile == bytes("l"))
    }

    @Test(arguments: [
        "push -q --out-format=%n a b", "push --json --out-format=%n a b", "push --log-file-format=%n a b",
        "pull --list-only --out-format=%n h:a", "push --log-file= a b", "list --out-format=%n a",
    ])
    func contradictionsAreRefused(_ line: String) throws {
        let refused = try #require(failure { () throws(UsageFailure) in try plan(line) })
        #expect(refused.status == .usage)
    }
}

@Suite struct FailureTallyTests {
    private func lines(_ tally: FailureTally, _ failed: UInt64, _ vanished: UInt64 = 0) -> [String] {
        tally.closing(failed: failed, vanished: vanished).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func reasonsAreSortedAndTheFirstIsNamed() {
        var tally = FailureTally()
        tally.add(action: "opening", cause: "Permission denied", isAtSource: true, path: bytes("one"))
        for name in ["a\n", "b"] { tally.add(action: "", cause: "No space", isAtSource: false, path: bytes(name)) }
        #expect(
            lines(tally, 3) == [
                "3 entries failed; all others are done (exit code 23)", "  2 No space; first: a\\#012",
                "  1 at the source: opening: Permission denied; first: one",
            ])
    }

    @Test func oneThatWasToldNeedsNoSecondLine() {
        var tally = FailureTally()
        tally.add(action: "opening", cause: "it has vanished", isAtSource: true, path: bytes("x"))
        #expect(lines(tally, 0, 1) == ["1 entry vanished; all others are done (exit code 24)"])
        #expect(lines(tally, 2, 1).first == "2 entries failed, 1 entry vanished; all others are done (exit code 23)")
        tally.untold = 1
        #expect(lines(tally, 1).count == 2)
        #expect(lines(FailureTally(), 0).isEmpty)
    }

    @Test func manyReasonsStayBounded() {
        var tally = FailureTally()
        for number in 0..<100 { tally.add(action: "\(number)", cause: "", isAtSource: false, path: []) }
        #expect(tally.count == 100 && tally.reasons.count == FailureTally.mostReasons)
        #expect(lines(tally, 100).last == "  84 for other reasons")
    }
}
