import LifterFiles
import LifterSystem
import Testing

struct ModuleFileSystemTests {
    /// What is hidden is not there: not in listings, not by name, not to be made or removed.
    @Test func hiddenNames() throws {
        let tree = ScratchTree()
        let below = KernelFileSystem()
        let root = try below.openRoot(tree.bytes(), [.read, .directory])
        defer { below.close(root) }
        let hiding = ModuleFileSystem(
            below, hiding: [Array("*.key".utf8), Array("secret".utf8), []], root: root)
        func name(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }
        try below.makeDirectory(name("secret"), in: root, mode: 0o755)
        try below.makeDirectory(name("seen"), in: root, mode: 0o755)
        for file in ["a.key", "b", "secret/c", "seen/d.key"] {
            below.close(try below.open(name(file), in: root, [.write, .create], mode: 0o644))
        }
        var names = DirectoryNames()
        while try hiding.readNames(of: root, into: &names) {}
        #expect(Set((0..<names.count).map { Array(names[$0]) }) == [Array(name("b")), Array(name("seen"))])
        #expect(try hiding.status(of: name("b"), in: root).kind == .regular)
        for hidden in ["a.key", "secret", "secret/c", "seen/d.key"] {
            #expect(throws: Errno.noEntry) { try hiding.open(name(hidden), in: root, [.read], mode: 0) }
        }
        for hidden in ["a.key", "secret"] {
            #expect(throws: Errno.noEntry) { try hiding.status(of: name(hidden), in: root) }
            #expect(throws: Errno.noEntry) { try hiding.remove(name(hidden), in: root, isDirectory: false) }
            #expect(throws: Errno.noEntry) { try hiding.setMode(0, of: name(hidden), in: root) }
            #expect(throws: Errno.noEntry) {
                try hiding.rename(name(hidden), in: root, to: name("x"), in: root, .replace)
            }
            #expect(throws: Errno.access) {
                try hiding.rename(name("b"), in: root, to: name(hidden), in: root, .replace)
            }
        }
        #expect(throws: Errno.access) { try hiding.open(name("n.key"), in: root, [.write, .create], mode: 0o644) }
        #expect(throws: Errno.access) { try hiding.makeDirectory(name("n.key"), in: root, mode: 0o755) }
        #expect(throws: Errno.access) { try hiding.makeLink(to: [1], named: name("n.key"), in: root) }
        #expect(throws: Errno.access) {
            try hiding.makeHardLink(from: name("b"), in: root, to: name("n.key"), in: root)
        }
        #expect(throws: Errno.noEntry) {
            try hiding.makeHardLink(from: name("a.key"), in: root, to: name("n"), in: root)
        }
        // A directory that holds something hidden is not empty, whatever it looks like.
        #expect(throws: Errno.notEmpty) { try hiding.remove(name("seen"), in: root, isDirectory: true) }
    }

    /// The root under the module's name, and only there.
    @Test func rootByName() throws {
        let tree = ScratchTree()
        tree.directory("pub/pub")
        tree.file("file")
        tree.file("pub/inner")
        let below = KernelFileSystem()
        let root = try below.openRoot(tree.bytes(), [.read, .directory])
        defer { below.close(root) }
        let named = ModuleFileSystem(below, hiding: [], root: root, rootName: Array("pub".utf8))
        func name(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }
        let top = try named.reopen(root)
        defer { named.close(top) }
        for directory in [root, top] {
            #expect(try named.status(of: name("pub"), in: directory).inode == below.status(of: root).inode)
            named.close(try named.open(name("pub/file"), in: directory, [.read], mode: 0))
            let module = try named.open(name("pub"), in: directory, [.read, .directory], mode: 0)
            // Inside, names are what they are.
            named.close(try named.open(name("pub/inner"), in: module, [.read], mode: 0))
            #expect(try named.status(of: name("pub"), in: module).inode != below.status(of: root).inode)
            named.close(module)
        }
        #expect(throws: Errno.noEntry) { try named.open(name("public"), in: top, [.read], mode: 0) }
    }
}
