// Every other call of the door to the disk, on a real directory.

import Glibc
import Testing

@testable import LifterSystem

@Suite struct FileSystemTests {
    let scratch: Scratch
    var files: KernelFileSystem { scratch.files }
    var root: RawDescriptor { scratch.root }

    init() throws { scratch = try Scratch() }

    static let hostileNames = ["", ".", "..", "/", "/etc", "a/b", "../x", "a/", "x\0y", "./x"]

    @Test(arguments: hostileNames)
    func singleNamesOnly(name: String) throws {
        try scratch.makeFile("a")
        let bad = name.name
        let good = "a".name
        var calls: [() throws -> Void] = [
            { _ = try files.status(of: bad, in: root) },
            { _ = try files.readLink(bad, in: root) },
            { try files.makeDirectory(bad, in: root, mode: 0o755) },
            { try files.makeLink(to: [1], named: bad, in: root) },
            { try files.makeNode(.fifo, named: bad, in: root, mode: 0o600, device: 0) },
            { try files.makeHardLink(from: bad, in: root, to: "n".name, in: root) },
            { try files.makeHardLink(from: good, in: root, to: bad, in: root) },
            { try files.remove(bad, in: root, isDirectory: false) },
            { try files.remove(bad, in: root, isDirectory: true) },
            { try files.setMode(0o600, of: bad, in: root) },
            { try files.setOwner(user: 0, group: nil, of: bad, in: root) },
            { try files.setModified(FileTime(seconds: 1, nanoseconds: 0), of: bad, in: root) },
        ]
        for mode in [RenameMode.replace, .noReplace, .exchange] {
            calls.append { try files.rename(good, in: root, to: bad, in: root, mode) }
            calls.append { try files.rename(bad, in: root, to: "n".name, in: root, mode) }
        }
        for (index, call) in calls.enumerated() {
            do {
                try call()
                Issue.record("call \(index) took \(name)")
            } catch let error as Errno {
                #expect(error == .invalid || error == .crossDevice, "call \(index) on \(name)")
            }
        }
        #expect(try scratch.names() == ["a"])
    }

    @Test func statusTellsAll() throws {
        let status = try scratch.makeFile("file", "12345", mode: 0o640)
        #expect(status.kind == .regular && status.size == 5 && status.mode == 0o640 && status.links == 1)
        #expect(status.userID == geteuid() && status.groupID == getegid())
        #expect(try files.status(of: "file".name, in: root).isSameObject(as: status))
        #expect(abs(status.modified.seconds - Clock.wall.seconds) < 60)
        #expect(try files.status(of: root).kind == .directory)
        #expect(throws: Errno.noEntry) { try files.status(of: "none".name, in: root) }
        #expect(throws: Errno.badDescriptor) { try files.status(of: -1) }
    }

    @Test func factsAreOfTheFileSystem() throws {
        let facts = try files.facts(of: root)
        #expect(facts.available > 0 && facts.timeGranularity >= 1 && facts.type != 0)
        let proc = try files.openRoot("/proc".bytes, [.read, .directory])
        defer { files.close(proc) }
        #expect(try files.facts(of: proc).type == 0x9fa0)
    }

    @Test func namesOfALargeDirectory() throws {
        let expected = (0..<3000).map { "name-\($0)-\(String(repeating: "x", count: $0 % 200))" } + [".hidden", "..."]
        for name in expected { try scratch.makeFile(name) }
        try files.makeDirectory("sub".name, in: root, mode: 0o755)
        #expect(try scratch.names() == (expected + ["sub"]).sorted())

        var names = DirectoryNames()
        while try files.readNames(of: root, into: &names) {}
        let sub = (0..<names.count).first { names[$0].elementsEqual("sub".utf8) }
        #expect(sub.map { names.kinds[$0] } == .directory)
        #expect(try !files.readNames(of: root, into: &names))
        let file = try files.open(expected[0].name, in: root, .read, mode: 0)
        defer { files.close(file) }
        #expect(throws: Errno.notDirectory) { try files.readNames(of: file, into: &names) }
    }

    @Test func namesNeedNotBeText() throws {
        let name: [UInt8] = [0xff, 0x0a, 0x80, 0x20]
        try files.makeDirectory(name[...], in: root, mode: 0o700)
        var names = DirectoryNames()
        while try files.readNames(of: root, into: &names) {}
        #expect(names.count == 1 && names[0].elementsEqual(name))
    }

    @Test func links() throws {
        for target in ["x", "/nowhere", String(repeating: "t/", count: 2000)] {
            try files.makeLink(to: target.bytes, named: "link".name, in: root)
            #expect(try files.readLink("link".name, in: root) == target.bytes)
            #expect(try files.status(of: "link".name, in: root).kind == .symlink)
            try files.remove("link".name, in: root, isDirectory: false)
        }
        #expect(throws: Errno.invalid) { try files.makeLink(to: [65, 0], named: "link".name, in: root) }
        try scratch.makeFile("file")
        #expect(throws: Errno.invalid) { try files.readLink("file".name, in: root) }
    }

    @Test func readAndWriteAtOffsets() throws {
        let file = try files.open("f".name, in: root, [.read, .write, .create], mode: 0o600)
        defer { files.close(file) }
        #expect(try [1, 2, 3].withUnsafeBytes { try files.write(file, from: $0, at: 10) } == 24)
        var buffer = [UInt8](repeating: 9, count: 100)
        #expect(try buffer.withUnsafeMutableBytes { try files.read(file, into: $0, at: 10) } == 24)
        #expect(buffer[0] == 1 && buffer[8] == 2)
        #expect(try buffer.withUnsafeMutableBytes { try files.read(file, into: $0, at: 34) } == 0)
        #expect(throws: Errno.invalid) {
            try buffer.withUnsafeMutableBytes { try files.read(file, into: $0, at: .max) }
        }
        #expect(throws: Errno.fileTooBig) { try buffer.withUnsafeBytes { try files.write(file, from: $0, at: .max) } }
    }

    @Test func nodes() throws {
        try files.makeNode(.fifo, named: "fifo".name, in: root, mode: 0o600, device: 0)
        try files.makeNode(.socket, named: "socket".name, in: root, mode: 0o600, device: 0)
        #expect(try files.status(of: "fifo".name, in: root).kind == .fifo)
        #expect(try files.status(of: "socket".name, in: root).kind == .socket)
        for kind in [FileKind.regular, .directory, .symlink] {
            #expect(throws: Errno.invalid) {
                try files.makeNode(kind, named: "n".name, in: root, mode: 0o600, device: 0)
            }
        }
        let device: UInt64 = 511 << 32 | 70_000
        do {
            try files.makeNode(.characterDevice, named: "dev".name, in: root, mode: 0o600, device: device)
            let status = try files.status(of: "dev".name, in: root)
            #expect(status.kind == .characterDevice && status.specialDevice == device)
        } catch {
            #expect(error == .permission && geteuid() != 0)
        }
    }

    @Test func hardLinksAndRemoval() throws {
        let first = try scratch.makeFile("one", "x")
        try files.makeHardLink(from: "one".name, in: root, to: "two".name, in: root)
        #expect(try files.status(of: "two".name, in: root).isSameObject(as: first))
        #expect(throws: Errno.exists) { try files.makeHardLink(from: "one".name, in: root, to: "two".name, in: root) }
        // A link is linked itself.
        try files.makeLink(to: "/etc/passwd".bytes, named: "soft".name, in: root)
        try files.makeHardLink(from: "soft".name, in: root, to: "soft2".name, in: root)
        #expect(try files.status(of: "soft2".name, in: root).kind == .symlink)
        try files.makeDirectory("d".name, in: root, mode: 0o755)
        #expect(throws: Errno.isDirectory) { try files.remove("d".name, in: root, isDirectory: false) }
        #expect(throws: Errno.notDirectory) { try files.remove("one".name, in: root, isDirectory: true) }
        try files.remove("d".name, in: root, isDirectory: true)
        for name in ["one", "two", "soft", "soft2"] { try files.remove(name.name, in: root, isDirectory: false) }
        #expect(try scratch.names() == [])
    }

    @Test func renames() throws {
        try scratch.makeFile("a", "A")
        try scratch.makeFile("b", "B")
        #expect(throws: Errno.exists) { try files.rename("a".name, in: root, to: "b".name, in: root, .noReplace) }
        try files.rename("a".name, in: root, to: "b".name, in: root, .exchange)
        #expect(try scratch.contents("a") == "B" && scratch.contents("b") == "A")
        try files.rename("a".name, in: root, to: "c".name, in: root, .noReplace)
        try files.rename("c".name, in: root, to: "b".name, in: root, .replace)
        #expect(try scratch.contents("b") == "B")
        #expect(try scratch.names() == ["b"])
    }

    @Test func renamesWithoutTheKernelsFlag() throws {
        try scratch.makeFile("a", "A")
        try scratch.makeFile("b", "B")
        try files.makeDirectory("d".name, in: root, mode: 0o755)
        try files.makeDirectory("e".name, in: root, mode: 0o755)
        #expect(throws: Errno.exists) { try files.renameWithoutFlags("a".name, root, "b".name, root) }
        #expect(throws: Errno.exists) { try files.renameWithoutFlags("d".name, root, "e".name, root) }
        #expect(throws: Errno.exists) { try files.renameWithoutFlags("d".name, root, "b".name, root) }
        try files.renameWithoutFlags("a".name, root, "c".name, root)
        try files.renameWithoutFlags("d".name, root, "f".name, root)
        #expect(try scratch.names() == ["b", "c", "e", "f"])
        #expect(try scratch.contents("c") == "A")
    }

    @Test(arguments: [true, false])
    func modesNeverFollowLinks(hasFchmodat2: Bool) throws {
        if !hasFchmodat2 { files.fchmodat2 = .missing }
        try scratch.makeFile("file", mode: 0o600)
        try files.makeLink(to: "file".bytes, named: "link".name, in: root)
        try files.setMode(0o4751, of: "file".name, in: root)
        #expect(try files.status(of: "file".name, in: root).mode == 0o4751)
        #expect(throws: Errno.notSupported) { try files.setMode(0o777, of: "link".name, in: root) }
        #expect(throws: Errno.noEntry) { try files.setMode(0o777, of: "none".name, in: root) }
        #expect(try files.status(of: "file".name, in: root).mode == 0o4751)
        // A mode that lets nobody read is no obstacle to setting another.
        try files.setMode(0, of: "file".name, in: root)
        try files.setMode(0o640, of: "file".name, in: root)
        let file = try files.open("file".name, in: root, .read, mode: 0)
        defer { files.close(file) }
        try files.setMode(0o1600 | 1 << 20, of: file)
        #expect(try files.status(of: file).mode == 0o1600)
    }

    @Test func owners() throws {
        try scratch.makeFile("file")
        try files.makeLink(to: "file".bytes, named: "link".name, in: root)
        #expect(throws: Errno.invalid) { try files.setOwner(user: .max, group: nil, of: "file".name, in: root) }
        try files.setOwner(user: nil, group: nil, of: "file".name, in: root)
        guard geteuid() == 0 else { return }
        try files.setOwner(user: 4711, group: nil, of: "link".name, in: root)
        try files.setOwner(user: nil, group: 4712, of: "link".name, in: root)
        let (link, file) = (
            try files.status(of: "link".name, in: root), try files.status(of: "file".name, in: root)
        )
        #expect(link.userID == 4711 && link.groupID == 4712 && file.userID == 0 && file.groupID != 4712)
        let open = try files.open("file".name, in: root, .read, mode: 0)
        defer { files.close(open) }
        try files.setOwner(user: 5, group: 6, of: open)
        let changed = try files.status(of: open)
        #expect(changed.userID == 5 && changed.groupID == 6)
    }

    @Test func times() throws {
        let before = try scratch.makeFile("file")
        try files.makeLink(to: "file".bytes, named: "link".name, in: root)
        for time in [
            FileTime(seconds: 1_000_000_000, nanoseconds: 123_456_789), FileTime(seconds: -5, nanoseconds: 999_999_999),
            FileTime(seconds: 0, nanoseconds: 0), FileTime(seconds: 5_000_000_000, nanoseconds: 1),
        ] {
            try files.setModified(time, of: "file".name, in: root)
            let status = try files.status(of: "file".name, in: root)
            #expect(status.modified == time && status.accessed == before.accessed)
        }
        let file = try files.open("file".name, in: root, .read, mode: 0)
        defer { files.close(file) }
        let last = FileTime(seconds: 77, nanoseconds: 7)
        try files.setModified(last, of: file)
        try files.setModified(FileTime(seconds: 88, nanoseconds: 8), of: "link".name, in: root)
        #expect(try files.status(of: file).modified == last)
        #expect(try files.status(of: "link".name, in: root).modified.seconds == 88)
        // The kernel's secret words "now" and "omit" are no times.
        for nanoseconds: UInt32 in [1_000_000_000, (1 << 30) - 1, (1 << 30) - 2, .max] {
            let bad = FileTime(seconds: 1, nanoseconds: nanoseconds)
            #expect(throws: Errno.invalid) { try files.setModified(bad, of: file) }
            #expect(throws: Errno.invalid) { try files.setModified(bad, of: "file".name, in: root) }
        }
    }

    @Test func sizesAndSpace() throws {
        let file = try files.open("f".name, in: root, [.read, .write, .create], mode: 0o600)
        defer { files.close(file) }
        try files.reserve(file, size: 0)
        do {
            try files.reserve(file, size: 1 << 20)
            let status = try files.status(of: file)
            #expect(status.size == 0 && status.blocks >= 2048)
        } catch {
            #expect(error == .notSupported)
        }
        try files.truncate(file, to: 12_345)
        #expect(try files.status(of: file).size == 12_345)
        #expect(throws: Errno.fileTooBig) { try files.truncate(file, to: .max) }
        #expect(throws: Errno.fileTooBig) { try files.reserve(file, size: .max) }
        try files.sync(file)
        try files.sync(root)
    }

    @Test func clones() throws {
        try scratch.makeFile("a", String(repeating: "x", count: 4096))
        let source = try files.open("a".name, in: root, .read, mode: 0)
        let target = try files.open("b".name, in: root, [.write, .create], mode: 0o600)
        defer {
            files.close(source)
            files.close(target)
        }
        try files.clone(source, from: 0, length: 0, to: target, at: 0)
        #expect(try files.status(of: target).size == 0)
        do {
            try files.clone(source, from: 0, length: 4096, to: target, at: 0)
            #expect(try scratch.contents("b") == scratch.contents("a"))
        } catch let error as Errno {
            #expect([Errno.notSupported, .crossDevice, .invalid].contains(error))
        }
    }

    @Test func locksBelongToTheOpenFile() throws {
        try scratch.makeFile("f")
        let first = try files.open("f".name, in: root, .write, mode: 0)
        let second = try files.open("f".name, in: root, .write, mode: 0)
        #expect(try files.lock(first, isDirectory: false))
        #expect(try files.lock(first, isDirectory: false))
        #expect(try !files.lock(second, isDirectory: false))
        files.close(first)
        #expect(try files.lock(second, isDirectory: false))
        files.close(second)

        let other = try files.reopen(root)
        #expect(try files.lock(root, isDirectory: true))
        #expect(try !files.lock(other, isDirectory: true))
        files.close(other)
    }
}
