// The model held against the kernel: whatever the simulation shows is worth as much as the model is true.

import Glibc
import LifterSystem
import TestPlace
import Testing

@Suite struct ModelFileSystemTests {
    /// Random calls on both, errno by errno. One call in three or so must succeed, or nothing was tried.
    @Test(
        "Model and kernel give the same answers", .enabled(if: geteuid() == 0, "the kernel must allow everything"),
        arguments: Seeds.upTo(30))
    func modelAgreesWithKernel(seed: UInt64) throws {
        try ScratchDirectory.with { path throws in
            var run = try SideBySide(seed: seed, directory: path)
            let problem = run.run(steps: 2_500)
            run.closeAll()
            if let problem {
                let before = run.log.suffix(30).joined(separator: "\n  ")
                Issue.record("seed \(seed), call \(run.log.count): \(problem)\n  \(before)")
            }
            #expect(run.succeeded > 500 && run.failed > 200, "seed \(seed)")
        }
    }

    @Test("Descriptor numbers are the lowest free ones, and run out")
    func descriptors() throws {
        let system = ModelFileSystem(firstDescriptor: 3)
        system.descriptorLimit = 4
        let root = try system.openRoot(Array("/".utf8), [.read, .directory])
        let numbers = try (0..<3).map { _ in try system.reopen(root) }
        #expect([root] + numbers == [3, 4, 5, 6])
        #expect(throws: Errno.tooManyOpen) { try system.reopen(root) }
        system.close(5)
        system.close(4)
        #expect(try system.reopen(root) == 4)
        #expect(try system.reopen(root) == 5)
    }

    @Test("Room for bytes and for objects runs out, and comes back")
    func room() throws {
        var settings = ModelDisk.Settings()
        settings.byteBudget = 12_288
        settings.nodeBudget = 3
        let system = ModelFileSystem(disk: ModelDisk(settings: settings))
        let root = try system.openRoot(Array("/".utf8), [.read, .directory])
        let file = try system.open(Array("a".utf8)[...], in: root, [.write, .create], mode: 0o600)
        try system.reserve(file, size: 5_000)
        #expect(try system.status(of: file).size == 0)
        #expect(try system.facts(of: root).available == 4_096)
        let bytes = [UInt8](repeating: 7, count: 20_000)
        #expect(try system.write(bytes, to: file, at: 0) == 12_288)
        #expect(throws: Errno.noSpace) { try system.write(bytes, to: file, at: 12_288) }
        try system.makeDirectory(Array("b".utf8)[...], in: root, mode: 0o700)
        #expect(throws: Errno.noSpace) { try system.makeDirectory(Array("c".utf8)[...], in: root, mode: 0o700) }
        // An unlinked file keeps its room until it is closed.
        try system.remove(Array("a".utf8)[...], in: root, isDirectory: false)
        #expect(try system.facts(of: root).available == 0)
        system.close(file)
        #expect(try system.facts(of: root).available == 12_288)
        try system.makeDirectory(Array("c".utf8)[...], in: root, mode: 0o700)
    }

    @Test("Two processes share a disk; locks belong to open files and end with them")
    func processes() throws {
        let one = ModelFileSystem()
        let root = try one.openRoot(Array("/".utf8), [.read, .directory])
        let file = try one.open(Array("a".utf8)[...], in: root, [.write, .create], mode: 0o600)
        #expect(try one.lock(file, isDirectory: false))
        #expect(try one.lock(file, isDirectory: false))

        let other = one.anotherProcess()
        let otherRoot = try other.openRoot(Array("/".utf8), [.read, .directory])
        let same = try other.open(Array("a".utf8)[...], in: otherRoot, .write, mode: 0)
        #expect(try !other.lock(same, isDirectory: false))
        let next = one.kill()
        #expect(one.crashed)
        #expect(throws: Errno.io) { try one.status(of: root) }
        #expect(try other.lock(same, isDirectory: false))
        #expect(next.callCount == 0)
    }

    @Test("Whoever is not root is asked for permission")
    func permission() throws {
        let root = ModelFileSystem()
        var tree = TreeSnapshot(items: [[]: .init(kind: .directory, mode: 0o755)])
        tree.items[Array("open".utf8)] = .init(kind: .directory, mode: 0o1777)
        tree.items[Array("open/theirs".utf8)] = .init(kind: .regular, mode: 0o600)
        root.disk.plant(tree, at: [])
        let user = root.anotherProcess(identity: .init(user: 1000, group: 1000))
        let top = try user.openRoot(Array("/".utf8), [.read, .directory])
        let open = try user.open(Array("open".utf8)[...], in: top, [.read, .directory], mode: 0)
        let (theirs, mine) = (Array("theirs".utf8)[...], Array("mine".utf8)[...])
        #expect(throws: Errno.access) { try user.makeDirectory(mine, in: top, mode: 0o700) }
        #expect(throws: Errno.access) { try user.open(theirs, in: open, .read, mode: 0) }
        #expect(throws: Errno.permission) { try user.setMode(0o666, of: theirs, in: open) }
        #expect(throws: Errno.permission) { try user.remove(theirs, in: open, isDirectory: false) }
        try user.makeDirectory(mine, in: open, mode: 0o700)
        #expect(try user.status(of: mine, in: open).userID == 1000)
        #expect(throws: Errno.permission) { try user.setOwner(user: 0, group: nil, of: mine, in: open) }
    }
}

/// A directory on the real disk for one test.
enum ScratchDirectory {
    static func with(_ body: ([UInt8]) throws -> Void) throws {
        let path = Array(try TestPlace.makeDirectory(for: "model").utf8)
        defer { removeAll(path) }
        try body(path)
    }

    /// Everything below, whatever its modes.
    private static func removeAll(_ path: [UInt8]) {
        let system = KernelFileSystem()
        guard let top = try? system.openRoot(path, [.read, .directory]) else { return }
        defer { system.close(top) }
        empty(top, system)
        _ = (path + [0]).withUnsafeBytes { rmdir($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
    }

    private static func empty(_ directory: RawDescriptor, _ system: KernelFileSystem) {
        var names = DirectoryNames()
        while (try? system.readNames(of: directory, into: &names)) == true {}
        for index in 0..<names.count {
            let name = names[index]
            if let inside = try? system.open(name, in: directory, [.read, .directory], mode: 0) {
                empty(inside, system)
                system.close(inside)
                try? system.remove(name, in: directory, isDirectory: true)
            } else {
                try? system.remove(name, in: directory, isDirectory: false)
            }
        }
    }
}
