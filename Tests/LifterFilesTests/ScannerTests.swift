import Glibc
import LifterFiles
import LifterProtocol
import LifterSystem
import Testing

@Suite struct ScannerTests {
    private let fileSystem = KernelFileSystem()

    private func settings() -> FileSettings { FileSettings(ownUserID: Users.effectiveUser) }

    private func sender(_ tree: ScratchTree, _ settings: FileSettings) throws -> FileLayer {
        let roots = try SourceRoots.open([tree.bytes() + [UInt8(ascii: "/")]], base: .user, fileSystem: fileSystem)
        return FileLayer(fileSystem: fileSystem, settings: settings, role: .sender(roots))
    }

    private func receiver(_ tree: ScratchTree, _ settings: FileSettings) throws -> FileLayer {
        let root = try DestinationRoot.open(tree.bytes(), .init(), base: .user, fileSystem: fileSystem)
        return FileLayer(fileSystem: fileSystem, settings: settings, role: .receiver(root))
    }

    private func scan(_ layer: FileLayer, _ id: DirectoryID = 0, _ parent: DirectoryID? = nil, _ name: String = "")
        throws -> ScanResult
    {
        guard case .scanned(let result) = layer.perform(.scan(id: id, parent: parent, name: Array(name))) else {
            throw FileProblem(.stopped, doing: "no scan")
        }
        return try result.get()
    }

    private func names(_ result: ScanResult) -> [String] {
        (0..<result.listing.count).map { Array(result.listing.name(at: $0)).text }
    }

    @Test func listsEveryKindWithItsAttributes() throws {
        let tree = ScratchTree()
        tree.file("regular", "twelve bytes")
        chmod(tree.at("regular"), 0o6751)
        tree.date("regular", 1_000_000)
        tree.directory("directory")
        tree.link("link", to: "somewhere/else")
        mkfifo(tree.at("fifo"), 0o600)
        let result = try scan(try sender(tree, settings()))
        #expect(names(result) == ["directory", "fifo", "link", "regular"])
        #expect((0..<4).map { result.listing.attributes(at: $0).kind } == [.directory, .fifo, .symlink, .regular])
        let regular = result.listing.attributes(at: 3)
        #expect(regular.size == 12 && regular.mode == 0o6751)
        #expect(regular.modified == Timestamp(seconds: 1_000_000, nanoseconds: 0))
        #expect(Array(result.listing.target(at: 2)).text == "somewhere/else")
        #expect(result.attributes.kind == .directory && result.attributes.mode == 0o700)
        #expect(result.problems.isEmpty)
        #expect(
            result.owners.contains(
                OwnerName(
                    isGroup: false, id: Users.effectiveUser,
                    name: try #require(
                        try Users.userName(Users.effectiveUser)))))
        #expect(result.owners.count == 2)
    }

    @Test func sortsByBytesWhateverTheNames() throws {
        let tree = ScratchTree()
        var expected: [[UInt8]] = []
        var dice = Dice(seed: 7)
        for _ in 0..<2_000 {
            var name = Array("common-prefix-")
            for _ in 0..<(dice.next() % 14) { name.append(dice.pick([0x61, 0x62, 0xff, 0x80, 0x01])) }
            let path = (tree.bytes() + [0x2f] + name + [0]).map { CChar(bitPattern: $0) }
            let descriptor = Glibc.open(path, O_CREAT | O_EXCL | O_WRONLY, 0o600)
            if descriptor >= 0 {
                expected.append(name)
                Glibc.close(descriptor)
            }
        }
        expected.sort { $0.lexicographicallyPrecedes($1) }
        let listing = try scan(try sender(tree, settings())).listing
        #expect((0..<listing.count).map { Array(listing.name(at: $0)) } == expected)
    }

    @Test func theSenderLeavesOutWhatTheJobDoesNotKeep() throws {
        let tree = ScratchTree()
        tree.file("regular")
        tree.link("link", to: "x")
        mkfifo(tree.at("fifo"), 0o600)
        tree.file(".sl-part-0123456789abcdef")
        tree.directory(".sl-displaced-x")
        var settings = settings()
        settings.keepsLinks = false
        settings.keepsSpecials = false
        settings.numericIDs = true
        let sent = try scan(try sender(tree, settings))
        #expect(names(sent) == ["regular"])
        #expect(sent.owners.isEmpty)
        let found = try scan(try receiver(tree, settings))
        #expect(names(found) == ["fifo", "link", "regular"])
        #expect(Set(found.partials.map { $0.text }) == [".sl-part-0123456789abcdef", ".sl-displaced-x"])
    }

    @Test func excludedNamesAreNeitherListedNorProtectedTwice() throws {
        let tree = ScratchTree()
        tree.file("keep")
        tree.file("x.o")
        tree.directory("sub")
        tree.file("sub/x.o")
        var settings = settings()
        _ = settings.filter.add(Array("/sub/*.o")[...], as: .exclude)
        let layer = try sender(tree, settings)
        #expect(names(try scan(layer)) == ["keep", "sub", "x.o"])
        #expect(names(try scan(layer, 1, 0, "sub")) == [])
        let protecting = try receiver(tree, settings)
        #expect(names(try scan(protecting, 1, nil, "sub")) == [])
        settings.deletesExcluded = true
        #expect(names(try scan(try receiver(tree, settings), 1, nil, "sub")) == ["x.o"])
    }

    @Test func aSecondScanSeesTheSameAndMore() throws {
        let tree = ScratchTree()
        tree.directory("sub")
        tree.file("sub/a")
        let layer = try receiver(tree, settings())
        #expect(names(try scan(layer)) == ["sub"])
        #expect(names(try scan(layer, 1, 0, "sub")) == ["a"])
        tree.file("sub/b")
        tree.file("c")
        #expect(names(try scan(layer, 1, 0, "sub")) == ["a", "b"])
        #expect(names(try scan(layer)) == ["c", "sub"])
    }

    @Test func whatCannotBeOpenedIsAFailure() throws {
        let tree = ScratchTree()
        tree.file("file")
        tree.link("link", to: "/")
        let layer = try sender(tree, settings())
        for (id, name) in [(1, "missing"), (2, "file"), (3, "link")] {
            #expect(throws: FileProblem.self) { try scan(layer, DirectoryID(id), 0, name) }
        }
    }

    @Test func scansADeepTreeWithFewDescriptors() throws {
        let tree = ScratchTree()
        let depth = 300
        var path = ""
        for _ in 0..<depth { path += "d/" }
        tree.directory(path)
        let limited = WatchedFileSystem(limit: 16)
        do {
            let roots = try SourceRoots.open([tree.bytes() + [0x2f]], base: .user, fileSystem: limited)
            let layer = FileLayer(fileSystem: limited, settings: settings(), role: .sender(roots))
            for level in 0..<depth {
                let parent = level == 0 ? nil : DirectoryID(level - 1)
                let result = try scan(layer, DirectoryID(level), parent, level == 0 ? "" : "d")
                #expect(names(result) == ["d"])
            }
        }
        #expect(limited.openCount == 0)
        #expect(limited.peak <= 16)
    }
}
