import SuperlifterCLI
import Testing

@Suite struct ArgumentParserTests {
    @Test func orderBetweenOptionsIsKept() throws {
        let parsed = try parse("push --exclude a --include=b -v --exclude=c x y --include d")
        #expect(parsed.occurrences.map(\.id) == [.exclude, .include, .verbose, .exclude, .include])
        #expect(parsed.occurrences.map(\.value) == ["a", "b", "", "c", "d"].map(bytes))
        #expect(parsed.operands == [bytes("x"), bytes("y")])
    }

    @Test func namesThatAreNotUTF8StayAsTheyAre() throws {
        let name: [UInt8] = [0x66, 0xFF, 0xFE, 0x2F, 0xC3]
        let parsed = try ArgumentParser.parse([
            bytes("push"), bytes("--exclude=") + name, bytes("-f- ") + name, name, bytes("d"),
        ])
        #expect(parsed.occurrences.map(\.value) == [name, bytes("- ") + name])
        #expect(parsed.operands == [name, bytes("d")])
    }

    @Test func lettersClusterUntilOneTakesAValue() throws {
        let separate = try ArgumentParser.parse(["push", "-vzf", "- a", "x", "y"].map(bytes))
        let attached = try ArgumentParser.parse(["push", "-vzf- a", "x", "y"].map(bytes))
        #expect(separate == attached)
        #expect(separate.occurrences.map(\.id) == [.verbose, .compressDefault, .filter])
        let shell = try ArgumentParser.parse(["push", "-essh -p 2", "x", "h:"].map(bytes))
        #expect(shell.last(.rsh)?.value == bytes("ssh -p 2"))
    }

    @Test func negationHasTheLastWord() throws {
        #expect(try !parse("push --no-perms a b").isOn(.perms, otherwise: true))
        #expect(try parse("push --no-perms -p a b").isOn(.perms, otherwise: false))
        #expect(try !parse("push -p --no-p a b").isOn(.perms, otherwise: true))
        #expect(try !parse("push --progress --no-progress a b").isOn(.progress))
    }

    @Test func twoDashesEndTheOptionsAndOneIsAnOperand() throws {
        let parsed = try parse("push - -- -v --delete")
        #expect(parsed.operands == ["-", "-v", "--delete"].map(bytes))
        #expect(parsed.occurrences.isEmpty)
    }

    @Test(arguments: [
        ("", "say what to do"),
        ("pussh a b", "pussh: no such command; did you mean push?"),
        ("frob a b", "frob: no such command; say push"),
        ("-av a b", "the command comes first"),
        ("push --del-aft a b", "--del-aft: no such option"),
        ("push --exclud=x a b", "--exclud: no such option; write it in full: --exclude, --exclude-from"),
        ("push --delet a b", "--delet: no such option; write it in full: --delete, "),
        ("push --chekcsum a b", "--chekcsum: no such option; did you mean --checksum?"),
        ("push --no-delete a b", "--no-delete: no such option"),
        ("push --rsync-path=x a b", "--rsync-path: no such option here; use --remote-path PATH"),
        ("push -R a b", "-R: no such option here; name the directory with --mkpath"),
        ("push --zzzzzzzz a b", "--zzzzzzzz: no such option; superlifter help lists them"),
        ("push --stats=1 a b", "--stats: takes no value"),
        ("push --no-perms=1 a b", "--no-perms: takes no value"),
        ("push a b --exclude", "--exclude: needs a value: PATTERN"),
        ("push a b -e", "-e: needs a value: COMMAND"),
        ("list --delete h:", "--delete: not an option of list, but of push, pull, compare"),
        ("push --inetd a b", "--inetd: not an option of push, but of serve"),
    ])
    func wrongLinesAreExplained(_ line: String, _ start: String) throws {
        let wrong = try #require(failure { () throws(UsageFailure) in try parse(line) })
        #expect(wrong.status == .usage)
        #expect(wrong.message.hasPrefix(start), "\(wrong.message)")
        #expect(!wrong.message.contains("\n"))
    }

    @Test func noPrefixOfAnyNameIsTaken() {
        let names = Set(OptionTable.all.compactMap(\.long))
        for name in names {
            for length in 1..<name.utf8.count {
                let prefix = String(name.prefix(length))
                if names.contains(prefix) || prefix.hasPrefix("no-") { continue }
                #expect(failure { () throws(UsageFailure) in try parse("push --\(prefix) a b") } != nil, "--\(prefix)")
            }
        }
    }

    @Test func unprintableArgumentsAreShownEscaped() throws {
        let wrong = try #require(
            failure { () throws(UsageFailure) in try ArgumentParser.parse([bytes("push"), bytes("--\u{1B}[2J\u{7}")]) })
        #expect(wrong.message.hasPrefix("--\\#033[2J\\#007: no such option"))
    }
}
