import Glibc
import LifterFiles
import LifterProtocol
import LifterSystem
import Testing

@Suite struct RootTests {
    private let fileSystem = KernelFileSystem()

    private func scan(_ layer: FileLayer, _ id: DirectoryID, _ parent: DirectoryID? = nil, _ name: String = "")
        -> ScanResult?
    {
        guard case .scanned(.success(let result)) = layer.perform(.scan(id: id, parent: parent, name: Array(name)))
        else { return nil }
        return result
    }

    private func names(_ result: ScanResult?) -> [String] {
        guard let listing = result?.listing else { return ["(failed)"] }
        return (0..<listing.count).map { Array(listing.name(at: $0)).text }
    }

    private func layer(_ paths: [[UInt8]], _ base: PathBase = .user, _ filter: FilterRules = .init()) throws
        -> FileLayer
    {
        let roots = try SourceRoots.open(paths, base: base, fileSystem: fileSystem, filter: filter)
        var settings = FileSettings(ownUserID: Users.effectiveUser)
        settings.filter = filter
        return FileLayer(fileSystem: fileSystem, settings: settings, role: .sender(roots))
    }

    private func sampleTree() -> ScratchTree {
        let tree = ScratchTree()
        tree.directory("a/sub")
        tree.file("a/one", "1")
        tree.file("a/sub/deep", "d")
        tree.directory("b")
        tree.file("b/two", "2")
        tree.file("file", "f")
        tree.link("link", to: "a")
        return tree
    }

    @Test(arguments: [
        ("a/", ["one", "sub"]), ("a/.", ["one", "sub"]), ("a//", ["one", "sub"]), ("a/sub/..", ["one", "sub"]),
        ("a", ["a"]), ("./a", ["a"]), ("file", ["file"]), ("link", ["link"]), ("link/", ["one", "sub"]),
        ("link/sub", ["sub"]),
    ])
    func oneSource(_ source: String, _ expected: [String]) throws {
        let tree = sampleTree()
        #expect(names(scan(try layer([tree.bytes(source)]), 0)) == expected)
    }

    @Test func itemsAreReachedThroughTheirOwnDirectories() throws {
        let tree = sampleTree()
        let layer = try layer([tree.bytes("b/two"), tree.bytes("a/sub"), tree.bytes("file"), tree.bytes("link")])
        #expect(names(scan(layer, 0)) == ["file", "link", "sub", "two"])
        #expect(names(scan(layer, 1, 0, "sub")) == ["deep"])
        guard let listing = scan(layer, 0)?.listing, let index = listing.index(of: Array("two")[...]) else {
            Issue.record("no listing")
            return
        }
        let entry = listing.entry(at: index)
        guard
            case .readSmall(let buffer, let reads) = layer.perform(.readSmall([ListedFile(directory: 0, entry: entry)])),
            case .whole(let range, _) = reads[0]
        else {
            Issue.record("not read")
            return
        }
        #expect(Array(buffer[range]) == Array("2"))
    }

    @Test func severalContentsAndItemsMerge() throws {
        let tree = sampleTree()
        let layer = try layer([tree.bytes("a/"), tree.bytes("b/"), tree.bytes("file")])
        #expect(names(scan(layer, 0)) == ["file", "one", "sub", "two"])
        #expect(names(scan(layer, 1, 0, "sub")) == ["deep"])
    }

    @Test func twoSourcesWithOneNameAreAnError() throws {
        let tree = sampleTree()
        tree.file("b/one", "other")
        let (first, second) = (tree.bytes("a/one"), tree.bytes("b/"))
        let problem = #expect(throws: RootProblem.self) {
            try SourceRoots.open([first, second], base: .user, fileSystem: fileSystem)
        }
        #expect(problem == .sameName(name: Array("one"), first: first, second: second))
        var filter = FilterRules()
        _ = filter.add(Array("one")[...], as: .exclude)
        #expect(names(scan(try layer([first, second], .user, filter), 0)) == ["two"])
    }

    @Test func missingSourcesAreNamed() {
        let tree = sampleTree()
        for source in ["none", "none/", "file/", "none/x"] {
            let problem = #expect(throws: RootProblem.self) {
                try SourceRoots.open([tree.bytes(source)], base: .user, fileSystem: fileSystem)
            }
            guard case .system(let path, _, _)? = problem else {
                Issue.record("\(source): \(String(describing: problem))")
                continue
            }
            #expect(path == tree.bytes(source))
        }
    }

    @Test func confinedPathsStayBeneath() throws {
        let tree = sampleTree()
        let root = try fileSystem.openRoot(tree.bytes(), [.read, .directory])
        defer { fileSystem.close(root) }
        for (path, expected) in [
            ("", ["a", "b", "file", "link"]), ("/", ["a", "b", "file", "link"]), ("~", ["a", "b", "file", "link"]),
            ("~/a/", ["one", "sub"]), ("/a/", ["one", "sub"]), ("//a", ["a"]), ("a/sub/../", ["one", "sub"]),
            ("link", ["link"]),
        ] {
            #expect(names(scan(try layer([Array(path)], .beneath(root)), 0)) == expected, "\(path)")
        }
        for path in ["..", "../x", "/..", "a/../..", "~/.."] {
            #expect(throws: RootProblem.outside(path: Array(path))) {
                try SourceRoots.open([Array(path)], base: .beneath(root), fileSystem: fileSystem)
            }
        }
        // No link is followed, not even one that stays inside.
        #expect(throws: RootProblem.self) {
            try SourceRoots.open([Array("link/")], base: .beneath(root), fileSystem: fileSystem)
        }
        #expect(throws: RootProblem.self) {
            try SourceRoots.open([Array("link/sub")], base: .beneath(root), fileSystem: fileSystem)
        }
    }

    // MARK: The destination

    private func destination(
        _ path: [UInt8], single: Bool = false, mkpath: Bool = false, dryRun: Bool = false, base: PathBase = .user
    ) throws(RootProblem) -> DestinationRoot {
        var options = DestinationRoot.Options()
        options.singleFile = single
        options.makesPath = mkpath
        options.dryRun = dryRun
        return try DestinationRoot.open(path, options, base: base, fileSystem: fileSystem)
    }

    @Test func directoriesGoIntoTheDestination() throws {
        let tree = sampleTree()
        tree.directory("empty")
        let existing = try destination(tree.bytes("a"))
        #expect(existing.existed && !existing.isEmpty && existing.renamedTo == nil && !existing.isMissing)
        #expect(try destination(tree.bytes("empty/")).isEmpty)
        #expect(try destination(tree.bytes("link")).existed)

        for name in ["new", "new2/", "new3/.", "new4//"] {
            let created = try destination(tree.bytes(name))
            #expect(!created.existed && created.isEmpty && created.renamedTo == nil)
        }
        #expect(["new", "new2", "new3", "new4"].allSatisfy { tree.exists($0) })

        #expect(throws: RootProblem.missingParents(path: tree.bytes("x/y"))) { try destination(tree.bytes("x/y")) }
        #expect(!tree.exists("x"))
        _ = try destination(tree.bytes("x/y/z/"), mkpath: true)
        #expect(tree.exists("x/y/z"))
        #expect(throws: RootProblem.notDirectory(path: tree.bytes("file"))) { try destination(tree.bytes("file")) }
    }

    @Test func aSingleFileGoesInsideOrGetsTheName() throws {
        let tree = sampleTree()
        #expect(try destination(tree.bytes("a"), single: true).renamedTo == nil)
        #expect(try destination(tree.bytes("link"), single: true).renamedTo == nil)
        #expect(try destination(tree.bytes("fresh/"), single: true).renamedTo == nil)
        #expect(tree.exists("fresh"))

        let renamed = try destination(tree.bytes("name"), single: true)
        #expect(renamed.renamedTo == Array("name") && renamed.existed && !renamed.isEmpty)
        #expect(!tree.exists("name"))
        #expect(try destination(tree.bytes("file"), single: true).renamedTo == Array("file"))
        #expect(throws: RootProblem.self) { try destination(tree.bytes("x/name"), single: true) }
        #expect(try destination(tree.bytes("x/name"), single: true, mkpath: true).renamedTo == Array("name"))
        #expect(tree.exists("x") && !tree.exists("x/name"))
    }

    @Test func aDryRunCreatesNothing() throws {
        let tree = sampleTree()
        let missing = try destination(tree.bytes("new"), dryRun: true)
        #expect(missing.isMissing && missing.isEmpty && !missing.existed && !tree.exists("new"))
        var settings = FileSettings(ownUserID: Users.effectiveUser)
        settings.dryRun = true
        let layer = FileLayer(fileSystem: fileSystem, settings: settings, role: .receiver(missing))
        #expect(names(scan(layer, 0)) == [])
        #expect(throws: RootProblem.self) { try destination(tree.bytes("x/y"), dryRun: true) }
        #expect(try destination(tree.bytes("x/y"), mkpath: true, dryRun: true).isMissing)
        #expect(!tree.exists("x"))
    }

    @Test func aConfinedDestinationStaysBeneath() throws {
        let tree = sampleTree()
        let root = try fileSystem.openRoot(tree.bytes(), [.read, .directory])
        defer { fileSystem.close(root) }
        let base = PathBase.beneath(root)
        #expect(try destination(Array("/"), base: base).existed)
        _ = try destination(Array("~/made"), base: base)
        #expect(tree.exists("made"))
        _ = try destination(Array("/p/q"), mkpath: true, base: base)
        #expect(tree.exists("p/q"))
        #expect(throws: RootProblem.outside(path: Array("../x"))) { try destination(Array("../x"), base: base) }
        #expect(throws: RootProblem.self) { try destination(Array("link/x"), base: base) }
        #expect(!tree.exists("a/x"))
        #expect(try destination(Array("link"), single: true, base: base).renamedTo == Array("link"))
    }
}
