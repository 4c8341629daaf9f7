// The disk of an append-only session, call by call; and the file layer over it, with all its own restraint off.

import Glibc
import LifterProtocol
import LifterSystem
import Testing

@testable import LifterFiles

@Suite struct AppendOnlyTests {
    private let place = Destination()
    private let kernel = KernelFileSystem()

    private func name(_ text: String) -> ArraySlice<UInt8> { bytes(text)[...] }

    private func refuses(_ what: String, _ call: () throws(Errno) -> Void) {
        do throws(Errno) {
            try call()
            Issue.record("\(what) was done")
        } catch {
            #expect(error == .permission || error == .exists, "\(what): \(error)")
        }
    }

    /// All that a call could change of what is there.
    private func look() -> [String: [Int]] {
        var all: [String: [Int]] = [:]
        for name in place.names() + ["."] {
            guard let status = place.status(name) else { continue }
            all[name] = [
                Int(status.st_ino), Int(status.st_mode), Int(status.st_uid), Int(status.st_gid), Int(status.st_size),
                Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec), Int(status.st_nlink),
            ]
        }
        return all
    }

    @Test func everyCallThatChangesIsRefused() throws {
        for thing in Thing.allCases { thing.make(thing.rawValue, in: place) }
        let before = look()
        let disk = AppendOnlyFileSystem(kernel)
        let root = try disk.openRoot(bytes(place.path), [.read, .directory])
        defer { disk.close(root) }
        let time = FileTime(seconds: 5, nanoseconds: 0)
        for old in Thing.allCases.map(\.rawValue) {
            refuses("removing") { () throws(Errno) in try disk.remove(name(old), in: root, isDirectory: false) }
            refuses("removing") { () throws(Errno) in try disk.remove(name(old), in: root, isDirectory: true) }
            for mode in [RenameMode.replace, .noReplace, .exchange] {
                for new in ["new", "file", "directory"] where new != old {
                    refuses("renaming \(old)") { () throws(Errno) in
                        try disk.rename(name(old), in: root, to: name(new), in: root, mode)
                    }
                }
            }
            refuses("mode") { () throws(Errno) in try disk.setMode(0o700, of: name(old), in: root) }
            refuses("owner") { () throws(Errno) in try disk.setOwner(user: 1, group: 1, of: name(old), in: root) }
            refuses("time") { () throws(Errno) in try disk.setModified(time, of: name(old), in: root) }
        }
        for flags in [OpenFlags.write, [.read, .write], [.read, .truncate], [.write, .create, .truncate]] {
            refuses("opening") { () throws(Errno) in
                disk.close(try disk.open(name("file"), in: root, flags, mode: 0o600))
            }
        }
        refuses("creating") { () throws(Errno) in
            disk.close(try disk.open(name("file"), in: root, [.write, .create], mode: 0o600))
        }
        for opened in ["file", "directory", "fullDirectory"] {
            let flags: OpenFlags = opened == "file" ? .read : [.read, .directory]
            let descriptor = try disk.open(name(opened), in: root, flags, mode: 0)
            defer { disk.close(descriptor) }
            refuses("truncating") { () throws(Errno) in try disk.truncate(descriptor, to: 0) }
            refuses("reserving") { () throws(Errno) in try disk.reserve(descriptor, size: 1) }
            refuses("mode") { () throws(Errno) in try disk.setMode(0o700, of: descriptor) }
            refuses("owner") { () throws(Errno) in try disk.setOwner(user: 1, group: 1, of: descriptor) }
            refuses("time") { () throws(Errno) in try disk.setModified(time, of: descriptor) }
        }
        #expect(look() == before)
    }

    @Test func aFileIsWrittenUntilItHasItsName() throws {
        let disk = AppendOnlyFileSystem(kernel)
        let root = try disk.openRoot(bytes(place.path), [.read, .directory])
        defer { disk.close(root) }
        let part = PartName.part(of: bytes("new"))[...]
        let file = try disk.open(part, in: root, [.write, .create], mode: 0o600)
        defer { disk.close(file) }
        #expect(try disk.lock(file, isDirectory: false))
        try disk.truncate(file, to: 5)
        try disk.setMode(0o640, of: file)
        place.write("there", "old")
        refuses("replacing") { () throws(Errno) in
            try disk.rename(part, in: root, to: name("there"), in: root, .replace)
        }
        try disk.setMode(0o644, of: file)
        try disk.rename(part, in: root, to: name("new"), in: root, .replace)
        refuses("truncating") { () throws(Errno) in try disk.truncate(file, to: 0) }
        refuses("mode") { () throws(Errno) in try disk.setMode(0o600, of: file) }
        #expect(place.mode("new") == 0o644 && place.status("new")?.st_size == 5)
    }

    @Test func aPartThatIsAnotherNameOfSomethingIsNotTouched() throws {
        place.write("there", "old", mode: 0o644)
        let disk = AppendOnlyFileSystem(kernel)
        let root = try disk.openRoot(bytes(place.path), [.read, .directory])
        defer { disk.close(root) }
        let part = PartName.part(of: bytes("x"))[...]
        try disk.makeHardLink(from: name("there"), in: root, to: part, in: root)
        refuses("opening") { () throws(Errno) in disk.close(try disk.open(part, in: root, .write, mode: 0)) }
        refuses("mode") { () throws(Errno) in try disk.setMode(0o600, of: part, in: root) }
        try disk.remove(part, in: root, isDirectory: false)
        #expect(place.contents("there") == "old" && place.mode("there") == 0o644)
    }

    /// Two sessions: one builds a directory and publishes it, while the other has it open by its part name.
    @Test func whatAnotherSessionBuildsIsNotOurs() throws {
        let (builder, other) = (AppendOnlyFileSystem(kernel), AppendOnlyFileSystem(kernel))
        let root = try builder.openRoot(bytes(place.path), [.read, .directory])
        defer { builder.close(root) }
        let part = PartName.part(of: bytes("d"))[...]
        try builder.makeDirectory(part, in: root, mode: 0o700)
        let built = try builder.open(part, in: root, [.read, .directory], mode: 0)
        #expect(try builder.lock(built, isDirectory: true))
        builder.close(try builder.open(name("inside"), in: built, [.write, .create], mode: 0o644))
        let seen = try other.open(part, in: root, [.read, .directory], mode: 0)
        defer { other.close(seen) }
        #expect(try !other.lock(seen, isDirectory: true))
        refuses("removing") { () throws(Errno) in try other.remove(name("inside"), in: seen, isDirectory: false) }
        refuses("mode") { () throws(Errno) in try other.setMode(0o600, of: name("inside"), in: seen) }
        // Its own session may still think better of it, also by a path.
        try builder.setMode(0o600, of: name("inside"), in: built)
        builder.close(try builder.open(name("gone"), in: built, [.write, .create], mode: 0o644))
        try builder.remove(name("gone"), in: built, isDirectory: false)
        try builder.makeDirectory(name("sub"), in: built, mode: 0o755)
        let sub = try builder.open(part + bytes("/sub")[...], in: root, [.read, .directory], mode: 0)
        builder.close(try builder.open(name("gone"), in: sub, [.write, .create], mode: 0o644))
        try builder.remove(name("gone"), in: sub, isDirectory: false)
        // From here on it is committed, for everybody, through whatever descriptor.
        try builder.rename(part, in: root, to: name("d"), in: root, .noReplace)
        refuses("removing") { () throws(Errno) in try builder.remove(name("inside"), in: built, isDirectory: false) }
        refuses("mode") { () throws(Errno) in try builder.setMode(0o644, of: name("inside"), in: built) }
        refuses("removing") { () throws(Errno) in try builder.remove(name("sub"), in: built, isDirectory: true) }
        builder.close(try builder.open(name("stays"), in: sub, [.write, .create], mode: 0o644))
        refuses("removing") { () throws(Errno) in try builder.remove(name("stays"), in: sub, isDirectory: false) }
        builder.close(sub)
        // Its own attributes, until they are settled.
        try builder.setMode(0o750, of: built)
        builder.settle(built)
        refuses("mode") { () throws(Errno) in try builder.setMode(0o700, of: built) }
        builder.close(built)
        // The lock is free now, and the name is no part name any more. A child that another test starts has it until it
        // has become its program.
        func locks() -> Bool { (try? other.lock(seen, isDirectory: true)) == true }
        #expect((0..<200).contains { _ in locks() || usleep(10_000) != 0 })
        refuses("removing") { () throws(Errno) in try other.remove(name("inside"), in: seen, isDirectory: false) }
        #expect(place.mode("d") == 0o750 && place.mode("d/inside") == 0o600 && place.exists("d/sub/stays"))
    }

    @Test func leftoversOfOursGo() throws {
        let leftover = part(of: "d")
        place.makeDirectory(leftover)
        place.makeDirectory(leftover + "/sub", mode: 0o500)
        place.write(leftover + "/sub/file", "half")
        place.write(part(of: "f"), "half")
        let layer = try place.layer(AppendOnlyFileSystem(kernel)) { $0.appendOnly = true }
        #expect(Thing.fullDirectory.put("d", layer, rule: ReplaceRule()).isDone)
        #expect(layer.writeSmall("f", "whole").isDone)
        #expect(place.leftovers.isEmpty && place.contents("d/child") == "new" && place.contents("f") == "whole")
    }

    /// The file layer believes that it may do everything.
    @Test(arguments: Thing.allCases, Thing.allCases)
    func theDiskKeepsWhatTheLayerWouldReplace(old: Thing, new: Thing) throws {
        old.make("name", in: place)
        let before = look()
        let layer = try place.layer(AppendOnlyFileSystem(kernel)) { settings in
            settings.replacesDirectories = true
            settings.writesInPlace = true
        }
        var rule = ReplaceRule()
        rule.removeDirectory = true
        _ = new.put("name", layer, rule: rule)
        _ = layer.perform(.setAttributes(directory: 0, entry: entry("name", old.kind, mode: 0o700), set: everything))
        _ = layer.perform(.planDeletion(directory: 0, name: bytes("name"), countOnly: false))
        for _ in 0..<4 { _ = layer.perform(.deletePlanned) }
        _ = layer.perform(.sweep(directory: 0, names: [bytes("name")]))
        layer.abandonAll()
        var after = look()
        after["."] = before["."]
        #expect(after == before)
    }
}

extension Thing {
    fileprivate var kind: EntryKind {
        switch self {
        case .file: .regular
        case .directory, .fullDirectory: .directory
        case .link: .symlink
        case .fifo: .fifo
        }
    }
}
