import Glibc
import LifterFiles
import LifterProtocol
import LifterSystem
import Testing

@Suite struct FilterTests {
    private func decision(_ pattern: String, _ path: String) -> Bool {
        var rules = FilterRules()
        let added = rules.add(Array(pattern)[...], as: .exclude)
        #expect(added)
        let isDirectory = path.hasSuffix("/")
        let bytes = isDirectory ? Array(path.utf8.dropLast()) : Array(path.utf8)
        return rules.decision(for: bytes[...], isDirectory: isDirectory) != .included
    }

    @Test(arguments: [
        // pattern, paths it excludes, paths it leaves alone
        ("foo", ["foo", "a/foo", "foo/"], ["foob", "bfoo", "foo/bar"]),
        ("/foo", ["foo"], ["a/foo"]),
        ("foo/", ["foo/", "a/foo/"], ["foo"]),
        ("a/b", ["a/b", "x/a/b"], ["xa/b", "a/x/b"]),
        ("/a/b", ["a/b"], ["x/a/b"]),
        ("*.o", ["x.o", "a/x.o", ".o"], ["x.oo"]),
        ("a/*/c", ["a/b/c", "x/a/b/c"], ["a/b/b/c", "a/c"]),
        ("a/**/c", ["a/b/c", "a/b/b/c"], ["a/c"]),
        ("**/c", ["c", "b/c", "a/b/c"], ["bc"]),
        ("a/***", ["a/", "a/b", "a/b/c", "x/a/"], ["a", "b"]),
        ("/a/**", ["a/b", "a/b/c"], ["a/", "a"]),
        ("?", ["a", "b/a"], ["ab"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "-x"]),
        ("[!a-c]x", ["dx"], ["ax"]),
        ("[^a-c]x", ["dx"], ["ax"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[[:digit:]_]", ["1", "_"], ["a"]),
        ("\\*", ["*"], ["\\x", "\\*"]),
        ("a\\b", ["a\\b"], ["ab"]),
        ("[a", [], ["[a", "a"]),
        ("a**b", ["ab", "a/x/b", "x/a/b"], ["b"]),
    ])
    func decidesLikeRsync(_ pattern: String, _ excluded: [String], _ included: [String]) {
        for path in excluded { #expect(decision(pattern, path), "\(pattern) should exclude \(path)") }
        for path in included { #expect(!decision(pattern, path), "\(pattern) should leave \(path)") }
    }

    @Test func theFirstMatchWins() {
        var rules = FilterRules()
        func add(_ rule: String, _ option: FilterRules.Default = .exclude) -> Bool {
            rules.add(Array(rule)[...], as: option)
        }
        #expect(add("+ *.c"))
        #expect(add("*"))
        #expect(rules.decision(for: Array("x.c")[...], isDirectory: false) == .included)
        #expect(rules.decision(for: Array("x.o")[...], isDirectory: false) == .excluded(rule: 1))
        #expect(add("!"))
        #expect(rules.isEmpty)
        #expect(!add("", .include))
        #expect(!add("- ", .include))
        #expect(add("!x", .include))
        #expect(rules.rules.count == 1)
    }

    /// A pattern made to take long takes no longer than others.
    @Test func staysFastOnHostilePatterns() {
        var rules = FilterRules()
        _ = rules.add(Array(String(repeating: "a*", count: 60) + "b")[...], as: .exclude)
        _ = rules.add(Array(String(repeating: "a**", count: 60) + "b")[...], as: .exclude)
        let name = Array(String(repeating: "a", count: 255))
        let start = Clock.monotonic
        for _ in 0..<100 { #expect(rules.decision(for: name[...], isDirectory: false) == .included) }
        #expect(Clock.monotonic - start < 1_000_000_000)
    }

    // MARK: Against rsync itself

    private static let hasRsync = shell("command -v rsync").isEmpty == false

    private func randomTree(_ dice: inout Dice) -> ScratchTree {
        let tree = ScratchTree()
        let names = ["a", "b", "ab", "aab", "foo", "a.o", "[a]", "a*b", "b\\a", "]", "-", "1", "A", "f o", "!a"]
        var directories = ["top"]
        tree.directory("top")
        for _ in 0..<25 {
            let name = dice.pick(directories) + "/" + dice.pick(names)
            if tree.exists(name) { continue }
            if dice.chance(45) && name.split(separator: "/").count < 6 {
                tree.directory(name)
                directories.append(name)
            } else {
                tree.file(name)
            }
        }
        return tree
    }

    private func randomRule(_ dice: inout Dice) -> String {
        let pieces = [
            "a", "b", "ab", "foo", "*", "*", "**", "***", "?", "/", "/", "/", "[a-c]", "[!a]", "[^]b]", "[]-]",
            "[[:alpha:]]", "[[:digit:]a-]", "\\*", "\\", "\\a", "[", "]", "[a", ".o", "top", "-", "[[:x:]]",
            "[[:", "[\\]a]", "f o", "!",
        ]
        var rule = dice.pick(["", "", "", "+ ", "- ", "/", "/top/"])
        for _ in 0...(dice.next() % 5) { rule += dice.pick(pieces) }
        if dice.chance(15) { rule += "/" }
        if dice.chance(10) { rule += "/***" }
        return rule
    }

    private func included(_ source: String, _ rules: FilterRules) throws -> Set<String> {
        let fileSystem = KernelFileSystem()
        var settings = FileSettings(ownUserID: Users.effectiveUser)
        settings.filter = rules
        let roots = try SourceRoots.open([Array(source)], base: .user, fileSystem: fileSystem, filter: rules)
        let layer = FileLayer(fileSystem: fileSystem, settings: settings, role: .sender(roots))
        var found: Set<String> = []
        var pending: [(id: DirectoryID, parent: DirectoryID?, name: [UInt8], path: String)] = [(0, nil, [], "")]
        var next: DirectoryID = 1
        while let directory = pending.popLast() {
            let effect = FileEffect.scan(id: directory.id, parent: directory.parent, name: directory.name)
            guard case .scanned(.success(let scan)) = layer.perform(effect) else {
                Issue.record("cannot scan \(directory.path)")
                continue
            }
            for index in 0..<scan.listing.count {
                let name = Array(scan.listing.name(at: index))
                let isDirectory = scan.listing.attributes(at: index).kind == .directory
                let path = directory.path + name.text + (isDirectory ? "/" : "")
                found.insert(path)
                if isDirectory {
                    pending.append((next, directory.id, name, path))
                    next += 1
                }
            }
        }
        return found
    }

    @Test(.enabled(if: hasRsync)) func agreesWithRsyncOnRandomTreesAndRules() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("filter property test: seed \(seed)")
        var dice = Dice(seed: seed)
        for round in 0..<120 {
            let tree = randomTree(&dice)
            var rules = FilterRules()
            var arguments = ""
            var shown: [String] = []
            for _ in 0...(dice.next() % 4) {
                let rule = randomRule(&dice)
                let isInclude = dice.chance(35)
                if rule == "+ " || rule == "- " || rule.isEmpty { continue }
                guard rules.add(Array(rule)[...], as: isInclude ? .include : .exclude) else { continue }
                shown.append((isInclude ? "--include=" : "--exclude=") + rule)
                arguments += " " + quoted(shown[shown.count - 1])
            }
            let source = tree.at("top") + (dice.chance(50) ? "/" : "")
            tree.directory("empty")
            let output = shell(
                "LC_ALL=C rsync -rn --out-format=%n \(arguments) \(quoted(source)) \(quoted(tree.at("empty/"))) 2>&1")
            let theirs = Set(output.split(separator: "\n").map(String.init)).subtracting(["./"])
            let ours = try included(source, rules)
            #expect(ours == theirs, "seed \(seed), round \(round): \(shown), \(source.hasSuffix("/"))")
            if ours != theirs { break }
        }
    }
}
