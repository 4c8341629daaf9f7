import Glibc
import LifterFiles
import LifterProtocol
import LifterSystem
import Testing

@Suite struct DirectoryTableTests {
    private func table(
        on tree: ScratchTree, _ fileSystem: any FileSystem, capacity: Int = 64
    ) throws -> (DirectoryTable, RawDescriptor) {
        let root = try fileSystem.openRoot(tree.bytes(), [.read, .directory])
        let table = DirectoryTable(fileSystem: fileSystem, capacity: capacity)
        table.setRoot(root, status: try fileSystem.status(of: root))
        return (table, root)
    }

    private func inode(_ table: DirectoryTable, _ id: DirectoryID, _ fileSystem: any FileSystem) throws -> UInt64 {
        try table.withDirectory(id) { descriptor throws(FileProblem) in
            (try? fileSystem.status(of: descriptor))?.inode ?? 0
        }
    }

    @Test func reachesDepthFiveThousandWithSixteenDescriptors() throws {
        let tree = ScratchTree()
        let depth = 5_000
        let name = "a-directory-somewhere-deep"
        var descriptor = Glibc.open(tree.path, O_RDONLY | O_DIRECTORY)
        for _ in 0..<depth {
            mkdirat(descriptor, name, 0o755)
            let next = openat(descriptor, name, O_RDONLY | O_DIRECTORY)
            #expect(next >= 0)
            Glibc.close(descriptor)
            descriptor = next
        }
        Glibc.close(descriptor)

        let fileSystem = WatchedFileSystem(limit: 16)
        var inodes: [UInt64] = []
        do {
            let (table, root) = try table(on: tree, fileSystem)
            defer { fileSystem.close(root) }
            inodes.append(try inode(table, 0, fileSystem))
            for level in 1...depth {
                table.register(DirectoryID(level), parent: DirectoryID(level - 1), name: Array(name))
                inodes.append(try inode(table, DirectoryID(level), fileSystem))
            }
            #expect(Set(inodes).count == depth + 1)
            for level in (0...depth).reversed() {
                #expect(try inode(table, DirectoryID(level), fileSystem) == inodes[level])
            }
            // From the very top to the very bottom, with nothing held on the way.
            while table.releaseOne() {}
            #expect(fileSystem.openCount == 1)
            #expect(try inode(table, DirectoryID(depth), fileSystem) == inodes[depth])
            #expect(table.path(of: DirectoryID(depth)).count == depth * (name.utf8.count + 1) - 1)
        }
        #expect(fileSystem.peak <= 16)
        #expect(fileSystem.openCount == 0)
    }

    @Test func holdsNoMoreThanItsCapacity() throws {
        let tree = ScratchTree()
        let fileSystem = WatchedFileSystem()
        let (table, root) = try table(on: tree, fileSystem, capacity: 8)
        defer { fileSystem.close(root) }
        for id in 1...100 as ClosedRange<DirectoryID> {
            tree.directory("d\(id)")
            table.register(id, parent: nil, name: Array("d\(id)"))
            _ = try inode(table, id, fileSystem)
            #expect(fileSystem.openCount <= 9)
        }
        for id in 1...100 as ClosedRange<DirectoryID> { table.forget(id) }
        #expect(fileSystem.openCount == 1)
    }

    @Test func noticesASwappedDirectory() throws {
        let tree = ScratchTree()
        tree.directory("a/b")
        tree.directory("other/b")
        let fileSystem = WatchedFileSystem()
        let (table, root) = try table(on: tree, fileSystem)
        defer { fileSystem.close(root) }
        table.register(1, parent: 0, name: Array("a"))
        table.register(2, parent: 1, name: Array("b"))
        _ = try inode(table, 2, fileSystem)
        while table.releaseOne() {}

        tree.move("a", to: "away")
        tree.move("other", to: "a")
        let problem = #expect(throws: FileProblem.self) { try inode(table, 2, fileSystem) }
        #expect(problem?.code == .changed)

        tree.move("a", to: "other")
        tree.link("a", to: "away")
        #expect(throws: FileProblem.self) { try inode(table, 2, fileSystem) }

        tree.remove("a")
        tree.move("away", to: "a")
        _ = try inode(table, 2, fileSystem)
    }

    @Test func checksTheParentOfADirectoryNeverSeen() throws {
        let tree = ScratchTree()
        tree.directory("a/b")
        tree.directory("other/b")
        let fileSystem = WatchedFileSystem()
        let (table, root) = try table(on: tree, fileSystem)
        defer { fileSystem.close(root) }
        table.register(1, parent: 0, name: Array("a"))
        _ = try inode(table, 1, fileSystem)
        while table.releaseOne() {}
        tree.move("a", to: "away")
        tree.move("other", to: "a")
        table.register(2, parent: 1, name: Array("b"))
        #expect(throws: FileProblem.self) { try inode(table, 2, fileSystem) }
    }

    @Test func followsARename() throws {
        let tree = ScratchTree()
        tree.directory("part/below")
        let fileSystem = WatchedFileSystem()
        let (table, root) = try table(on: tree, fileSystem)
        defer { fileSystem.close(root) }
        table.register(1, parent: 0, name: Array("part"))
        table.register(2, parent: 1, name: Array("below"))
        let inode = try inode(table, 2, fileSystem)
        while table.releaseOne() {}
        tree.move("part", to: "final")
        table.rename(1, to: Array("final"))
        #expect(try self.inode(table, 2, fileSystem) == inode)
        #expect(table.path(of: 2).text == "final/below")
    }

    @Test func keepsTheWayToChildrenOfAForgottenDirectory() throws {
        let tree = ScratchTree()
        tree.directory("a/b/c")
        let fileSystem = WatchedFileSystem()
        let (table, root) = try table(on: tree, fileSystem)
        defer { fileSystem.close(root) }
        table.register(1, parent: 0, name: Array("a"))
        table.register(2, parent: 1, name: Array("b"))
        table.register(3, parent: 2, name: Array("c"))
        _ = try inode(table, 3, fileSystem)
        while table.releaseOne() {}
        table.forget(1)
        table.forget(2)
        _ = try inode(table, 3, fileSystem)
        table.forget(3)
        #expect(fileSystem.openCount == 1)
        #expect(!table.isRegistered(1) && !table.isRegistered(2) && !table.isRegistered(3))
        #expect(throws: FileProblem.self) { try inode(table, 3, fileSystem) }
    }
}
