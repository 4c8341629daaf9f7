import Superlifter
import SuperlifterCLI
import Testing

@Suite struct OutputTests {
    @Test func itemizedStringsAreRsyncs() {
        var sent = ItemizedChange(.sent, .file)
        #expect(sent.code == "<f.........")
        sent.contents = true
        sent.size = true
        sent.time = .set
        #expect(sent.code == "<fcst......")
        sent.time = .now
        sent.perms = true
        sent.owner = true
        sent.group = true
        #expect(sent.code == "<fcsTpog...")
        sent.accessTime = true
        sent.acl = true
        sent.xattrs = true
        #expect(sent.code == "<fcsTpoguax")
        sent.isNew = true
        #expect(sent.code == "<f+++++++++")
        #expect(ItemizedChange(.attributes, .directory).code == ".d         ")
        #expect(ItemizedChange(.local, .link).code == "cL         ")
        #expect(ItemizedChange(.hardLink, .file).code == "hf         ")
        var linked = ItemLine(ItemizedChange(.hardLink, .file), path: bytes("b"))
        linked.linkedTo = bytes("d/a")
        #expect(itemized(linked) == "hf          b => d/a")
        #expect(ItemizedChange(.deleted, .directory).code == "*deleting  ")
        var directory = ItemizedChange(.attributes, .directory)
        directory.time = .set
        #expect(directory.code == ".d..t......")
        var device = ItemizedChange(.local, .device)
        device.isNew = true
        #expect(device.code == "cD+++++++++")
        var link = ItemizedChange(.local, .link)
        link.contents = true
        link.size = true
        #expect(link.code == "cLc........")
        #expect(ItemizedChange(.received, .special).code == ">S.........")
    }

    @Test func itemizedLinesStayLines() {
        var change = ItemizedChange(.local, .directory)
        change.isNew = true
        #expect(itemized(ItemLine(change, path: bytes("a\nb"))) == "cd+++++++++ a\\#012b/")
        var link = ItemizedChange(.local, .link)
        link.isNew = true
        var line = ItemLine(link, path: [0xFF])
        line.target = bytes("é")
        #expect(itemized(line) == "cL+++++++++ \\#377 -> é")
        #expect(itemized(ItemLine(ItemizedChange(.deleted, .file), path: bytes("x"))) == "*deleting   x")
    }

    @Test(arguments: [
        ("plain ü 漢 🙂", "plain ü 漢 🙂"), ("a\u{1B}[2J", "a\\#033[2J"), ("tab\t", "tab\\#011"), ("\u{7F}", "\\#177"),
        ("\u{85}", "\\#302\\#205"), ("\u{202E}x", "\\#342\\#200\\#256x"), ("\\#012", "\\#134#012"), ("\\#09", "\\#09"),
    ])
    func namesAreMadeHarmless(_ name: String, _ shown: String) {
        #expect(Printable.text(bytes(name)) == shown)
    }

    @Test func everyTwoBytesEscapeToPrintableText() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                let shown = Printable.bytes([first, second])
                #expect(String(validating: shown, as: UTF8.self) != nil)
                #expect(!shown.contains { $0 < 0x20 || $0 == 0x7F })
            }
        }
    }

    @Test func problemsAreOneLine() {
        let line = ProblemLine.line(
            path: bytes("a\nb"), doing: "opening", causes: ["over\rthere", "Permission denied"])
        #expect(text(line) == "superlifter: a\\#012b: opening: over\\#015there: Permission denied\n")
        #expect(text(ProblemLine.line("x\ny")) == "superlifter: x\\#012y\n")
    }

    @Test func jsonIsEscapedAndBytesSurvive() {
        var object = JSONObject()
        object.field("text", "q\" b\\ n\n t\t u\u{1} d\u{7F} s\u{2028} é")
        object.field("number", UInt64.max)
        object.field("yes", true)
        object.name("path", [0x61, 0xFF, 0x62])
        object.name("plain", bytes("ok"))
        object.field("list", ["a", "b"])
        #expect(
            text(object.line)
                == #"{"text":"q\" b\\ n\n t\t u\u0001 d\u007f s\u2028 é","number":18446744073709551615,"yes":true,"#
                + #""path":"a\#u{FFFD}b","path_base64":"Yf9i","plain":"ok","list":["a","b"]}"# + "\n")
    }

    @Test(arguments: [
        ([0xFF], "/w=="), ([0xFF, 0xFE], "//4="), ([0xFF, 0xFE, 0xFD], "//79"), ([0xC3, 0x28, 0, 1], "wygAAQ=="),
    ])
    func base64IsPadded(_ name: [UInt8], _ encoded: String) {
        var object = JSONObject()
        object.name("p", name)
        #expect(text(object.line).contains("\"p_base64\":\"\(encoded)\""))
    }

    @Test func eventsBeginWithVersionAndType() {
        var figures = SummaryFigures()
        figures.filesSent = 2
        var item = ItemLine(ItemizedChange(.sent, .file), path: bytes("x"))
        item.size = 5
        var failures = FailureTally()
        failures.add(action: "opening", cause: "Permission denied", isAtSource: true, path: [0xFF])
        let lines = [
            JSONLines.start(command: .push, isDryRun: true, mappings: [(bytes("a/"), bytes("h:b"))]),
            JSONLines.item(item),
            JSONLines.progress(ProgressFigures()),
            JSONLines.warning(path: nil, doing: "scanning", causes: []),
            JSONLines.error(path: bytes("x"), doing: "opening", causes: ["No such file"]),
            JSONLines.summary(figures, failures: failures, exitCode: 23),
        ].map(text)
        for (line, type) in zip(lines, ["start", "item", "progress", "warning", "error", "summary"]) {
            #expect(line.hasPrefix("{\"version\":1,\"type\":\"\(type)\","))
            #expect(line.hasSuffix("}\n") && line.utf8.count { $0 == 10 } == 1)
        }
        #expect(lines[0].contains(#""sources":[{"source":"a/","path":"h:b"}]"#))
        #expect(lines[1].contains(#""change":"<f.........","size":5,"transferred":0"#))
        #expect(
            lines[5].contains(
                #""failures":[{"count":1,"action":"opening","causes":["Permission denied"],"side":"source","#
                    + #""first":"\#u{FFFD}","first_base64":"/w=="}]"#))
        #expect(lines[5].contains(#""exit_code":23"#) && lines[5].contains(#""files_sent":2"#))
    }

    @Test func numbersReadWell() {
        #expect(Quantity.count(0) == "0")
        #expect(Quantity.count(1_234_567) == "1,234,567")
        #expect(
            [0, 999, 1000, 1_234_567, 99_950, 999_999, UInt64.max].map(Quantity.size)
                == ["0 B", "999 B", "1.00 kB", "1.23 MB", "99.9 kB", "999 kB", "18.4 EB"])
        #expect([0, 75, 3675, 360_000].map(Quantity.duration) == ["0:00", "1:15", "1:01:15", "4 days"])
    }

    @Test func exitCodesAreRsyncs() {
        #expect(
            ExitStatus.allCases.map(\.rawValue)
                == [0, 1, 2, 3, 4, 5, 10, 11, 12, 20, 23, 24, 25, 30, 35, 127])
        #expect(CompareStatus(.success, differences: 0) == .same)
        #expect(CompareStatus(.success, differences: 1) == .different)
        #expect(CompareStatus(.partial, differences: 1) == .trouble)
    }

    @Test func summariesSayWhatWasDone() {
        var figures = SummaryFigures()
        figures.filesSent = 1
        figures.bytesSent = 3_000_000
        figures.milliseconds = 1500
        figures.deleted = 2
        figures.filesScanned = 1000
        #expect(figures.line == "Sent 1 file, 3.00 MB in 1.5 s (2.00 MB/s); 2 deleted; 1,000 entries compared.")
        figures.isDryRun = true
        #expect(figures.line == "Would send 1 file, 3.00 MB; would delete 2; 1,000 entries compared.")
        figures.isPull = true
        #expect(figures.line.hasPrefix("Would receive 1 file, "))
        #expect(figures.block.contains("Number of regular files transferred: 1\n"))
    }
}

@Suite struct ProgressTests {
    private var halfway: ProgressFigures {
        var figures = ProgressFigures()
        figures.phase = .sending
        figures.filesScanned = 12_345
        figures.bytesScanned = 4_000_000_000
        figures.filesToSend = 200
        figures.bytesToSend = 1_000_000_000
        figures.filesDone = 50
        figures.bytesDone = 500_000_000
        figures.bytesPerSecond = 100_000_000
        return figures
    }

    @Test func aPercentageWaitsForTheScan() {
        var figures = halfway
        #expect(
            ProgressLine.text(figures, width: 200)
                == "Sending  500 MB of at least 1.00 GB  100 MB/s  at least 0:05 left  50 of 200+ files"
                + "  scanned 12,345 entries, 4.00 GB")
        figures.isScanComplete = true
        #expect(
            ProgressLine.text(figures, width: 200)
                == "Sending  50%  500 MB of 1.00 GB  100 MB/s  0:05 left  50 of 200 files"
                + "  scanned 12,345 entries, 4.00 GB")
        figures.bytesScanned = nil
        figures.deleted = 1234
        #expect(ProgressLine.text(figures, width: 200).hasSuffix("  1,234 deleted  scanned 12,345 entries"))
    }

    @Test func noWidthIsExceededAndNoNumberCut() {
        var figures = halfway
        figures.isScanComplete = true
        let whole = ProgressLine.text(figures, width: 500)
        for width in 0...120 {
            let line = ProgressLine.text(figures, width: width)
            #expect(line.utf8.count < max(1, width))
            #expect(whole == line || line.isEmpty || whole.hasPrefix(line + "  "))
        }
        #expect(ProgressLine.text(figures, width: 40) == "Sending  50%  500 MB of 1.00 GB")
        #expect(ProgressLine.text(figures, width: 80).hasSuffix("50 of 200 files"))
    }

    @Test func nothingRunsBackwards() {
        var line = ProgressLine()
        _ = line.update(halfway, width: 200)
        var late = halfway
        late.phase = .scanning
        late.filesDone = 40
        late.bytesDone = 400_000_000
        late.filesScanned = 1
        #expect(text(line.update(late, width: 200)) == "\r\(ProgressLine.text(halfway, width: 200))\u{1B}[K\r")
    }

    @Test func aNarrowerTerminalIsCleanedBelow() {
        var line = ProgressLine()
        _ = line.update(halfway, width: 80)
        #expect(text(line.update(halfway, width: 40)).hasPrefix("\r\u{1B}[JSending"))
        #expect(text(line.update(halfway, width: 40)).hasPrefix("\rSending"))
        #expect(text(line.update(halfway, width: 80)).hasPrefix("\rSending"))
    }

    @Test func extremesDoNotTrap() {
        var figures = ProgressFigures()
        figures.phase = .sending
        figures.isScanComplete = true
        figures.filesToSend = .max
        figures.bytesToSend = .max
        figures.bytesDone = .max
        figures.filesDone = .max
        figures.bytesPerSecond = 1
        #expect(figures.percent == 100)
        figures.bytesDone = 0
        #expect(figures.percent == 0)
        #expect(figures.secondsLeft == .max)
        figures.bytesToSend = 0
        figures.filesToSend = 0
        #expect(figures.percent == nil)
    }
}

private func itemized(_ line: ItemLine) -> String {
    text(line.text(.itemized, ItemLine.Surroundings(process: 1) { _ in "" }))
}

private func text(_ line: [UInt8]) -> String { String(decoding: line, as: UTF8.self) }
