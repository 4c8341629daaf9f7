import Glibc
import LifterProtocol
import LifterSystem
import Testing

@testable import LifterFiles

@Suite struct StagedFileTests {
    @Test func aFileAppearsWholeWithItsAttributes() throws {
        let place = Destination()
        place.write("old", "before")
        let layer = try place.layer()
        #expect(layer.stage("old", "after, and longer", digest: digest("after, and longer"), mode: 0o640).isDone)
        #expect(place.contents("old") == "after, and longer")
        #expect(place.mode("old") == 0o640)
        #expect(place.seconds("old") == 1_000)
        #expect(place.status("old")?.st_mtim.tv_nsec == 5)
        #expect(place.names() == ["old"])
    }

    @Test func aWrongDigestLeavesTheOldFile() throws {
        let place = Destination()
        place.write("old", "before")
        let layer = try place.layer()
        #expect(layer.stage("old", "after", digest: digest("else")).problem?.code == .mismatch)
        #expect(place.contents("old") == "before")
        #expect(place.names() == ["old"])
        #expect(layer.writeSmall("old", "small").isDone)
        let target = FileTarget(
            id: 4, directory: 0, entry: fileEntry("old", "abc"), set: everything, rule: ReplaceRule())
        let bad = SmallFile(target: target, range: 0..<3, digest: digest("abd"))
        guard
            case .wroteSmall(let results) = layer.perform(
                .writeSmall(directory: 0, buffer: bytes("abc"), files: [bad]))
        else { throw Errno.invalid }
        #expect(results.first?.problem?.code == .mismatch)
        #expect(place.contents("old") == "small")
    }

    @Test func setIDBitsSurviveAChangeOfOwner() throws {
        guard geteuid() == 0 else { return }
        let place = Destination()
        let layer = try place.layer()
        for (index, name) in ["small", "large"].enumerated() {
            var wanted = fileEntry(name, "x", mode: 0o6755)
            wanted.attributes.userID = 1234
            wanted.attributes.groupID = 2345
            let target = FileTarget(
                id: FileID(index), directory: 0, entry: wanted, set: everything, rule: ReplaceRule())
            if name == "small" {
                let file = SmallFile(target: target, range: 0..<1, digest: digest("x"))
                _ = layer.perform(.writeSmall(directory: 0, buffer: bytes("x"), files: [file]))
            } else {
                #expect(layer.perform(.openStage(target)).placed.isDone)
                #expect(layer.perform(.writeChunk(id: 1, payloads: [.bytes(bytes("x"), 0..<1)])).placed.isDone)
                #expect(layer.perform(.commit(id: 1, digest: digest("x"))).placed.isDone)
            }
            #expect(place.mode(name) == 0o6755)
            #expect(place.status(name)?.st_uid == 1234)
            #expect(place.status(name)?.st_gid == 2345)
        }
    }

    @Test func modesThatAreNotKeptComeFromTheMaskOrTheOldFile() throws {
        let place = Destination()
        place.write("there", "1", mode: 0o600)
        let layer = try place.layer { $0.umask = 0o027 }
        #expect(layer.writeSmall("there", "2", mode: 0o777, set: .times).isDone)
        #expect(layer.writeSmall("new", "2", mode: 0o4777, set: .times).isDone)
        #expect(layer.stage("new2", "22", digest: nil, mode: 0o4777, set: .times).isDone)
        #expect(place.mode("there") == 0o600)
        #expect(place.mode("new") == 0o750)
        #expect(place.mode("new2") == 0o750)
    }

    @Test func rulesAreAskedAtTheMomentOfCommit() throws {
        let place = Destination()
        place.write("there", "old")
        let layer = try place.layer()
        var keep = ReplaceRule()
        keep.keepExisting = true
        var newer = ReplaceRule()
        newer.keepNewer = true
        var only = ReplaceRule()
        only.onlyExisting = true
        #expect(layer.stage("there", "new", digest: nil, rule: keep).isKept)
        #expect(layer.writeSmall("there", "new", seconds: 1_000, rule: newer).isKept)
        #expect(layer.writeSmall("absent", "new", rule: only).isKept)
        #expect(place.contents("there") == "old")
        #expect(place.names() == ["there"])
        #expect(layer.writeSmall("there", "new", seconds: 4_000_000_000, rule: newer).isDone)
        #expect(layer.writeSmall("absent", "new", rule: keep).isDone)
        #expect(layer.writeSmall("there", "third", rule: only).isDone)
        #expect(place.contents("there") == "third")
    }

    @Test func aLockedPartIsLeftAlone() throws {
        let place = Destination()
        let system = KernelFileSystem()
        let root = try system.openRoot(bytes(place.path), [.read, .directory])
        defer { system.close(root) }
        let other = try system.open(
            PartName.part(of: bytes("f"))[...], in: root, [.write, .create], mode: 0o600)
        #expect(try system.lock(other, isDirectory: false))
        let layer = try place.layer()
        #expect(layer.stage("f", "mine", digest: nil).isDone)
        #expect(place.names() == [part(of: "f"), "f"].sorted())
        guard case .swept(let count) = layer.perform(.sweep(directory: 0, names: [bytes("f")])) else {
            throw Errno.invalid
        }
        #expect(count == 0)
        system.close(other)
        // A child that another test is just starting holds a copy of every descriptor until it executes.
        for _ in 0..<200 where place.names() != ["f"] {
            _ = layer.perform(.sweep(directory: 0, names: [bytes("f")]))
            usleep(5_000)
        }
        #expect(place.names() == ["f"])
    }

    @Test func anUnlockedPartOfOursIsCleared() throws {
        let place = Destination()
        place.write(part(of: "f"), "half of someth", mode: 0o444)
        place.makeDirectory(part(of: "d"))
        place.write(part(of: "d") + "/inside", "x")
        let layer = try place.layer()
        #expect(layer.stage("f", "mine", digest: nil).isDone)
        #expect(
            layer.perform(.makeDirectory(id: 1, parent: 0, entry: entry("d", .directory), rule: ReplaceRule()))
                .placed.isDone)
        #expect(layer.perform(.publishDirectory(id: 1, final: nil)).placed.isDone)
        #expect(place.names() == ["d", "f"])
        #expect(place.contents("f") == "mine")
    }

    @Test func aPartOfSomebodyElseIsLeftAlone() throws {
        guard geteuid() == 0 else { return }
        let place = Destination()
        place.write(part(of: "f"), "theirs")
        #expect(chown("\(place.path)/\(part(of: "f"))", 1234, 1234) == 0)
        // As root it may be what a killed run had given its owner; anybody else leaves it.
        let layer = try place.layer { $0.ownUserID = 4321 }
        #expect(layer.stage("f", "mine", digest: nil).isDone)
        #expect(place.contents(part(of: "f")) == "theirs")
        _ = layer.perform(.sweep(directory: 0, names: [bytes("f")]))
        #expect(place.contents(part(of: "f")) == "theirs")
    }

    /// Between looking at a leftover and locking it, somebody puts another file under its name.
    @Test func aPartThatWasSwappedIsNotTaken() throws {
        let place = Destination()
        place.write(part(of: "f"), "leftover")
        place.write("victim", "precious")
        let path = place.path
        let system = FaultingFileSystem()
        let name = part(of: "f")
        system.onCall { call, _ in
            if call == .lock { rename("\(path)/victim", "\(path)/\(name)") }
        }
        let layer = try place.layer(system)
        guard case .swept(let count) = layer.perform(.sweep(directory: 0, names: [bytes("f")])) else {
            throw Errno.invalid
        }
        #expect(count == 0)
        #expect(place.contents(name) == "precious")
    }

    @Test func smallFilesInANewDirectoryCostFourCalls() throws {
        let place = Destination()
        let system = FaultingFileSystem()
        let layer = try place.layer(system)
        _ = layer.perform(.makeDirectory(id: 1, parent: 0, entry: entry("d", .directory), rule: ReplaceRule()))
        _ = layer.writeSmall("first", "1", in: 1)
        let files = (0..<10).map { index in
            SmallFile(
                target: FileTarget(
                    id: 0, directory: 1, entry: fileEntry("f\(index)", "1"), set: everything, rule: ReplaceRule()),
                range: 0..<1, digest: digest("1"))
        }
        system.forgetCalls()
        guard
            case .wroteSmall(let results) = layer.perform(
                .writeSmall(directory: 1, buffer: bytes("1"), files: files))
        else { throw Errno.invalid }
        #expect(results.allSatisfy { $0.isDone })
        // Open, write, time (close is not counted); and for the first of a batch its owner and mode are looked at.
        let calls = system.calls
        #expect(calls.count <= 10 * 3 + 4, "\(calls)")
        #expect(layer.perform(.publishDirectory(id: 1, final: nil)).placed.isDone)
        #expect(place.mode("d/f9") == 0o644 && place.mode("d/f0") == 0o644)
    }

    @Test func aFullDiskFailsOneFileAndNotTheOthers() throws {
        guard geteuid() == 0 else { return }
        let mountPoint = Destination()
        guard mount("tmpfs", mountPoint.path, "tmpfs", 0, "size=1m") == 0 else { return }
        defer { umount2(mountPoint.path, Int32(MNT_DETACH)) }
        let place = Destination(at: mountPoint.path)
        place.write("keep", "old")
        let layer = try place.layer()
        let big = String(repeating: "x", count: 3 << 20)
        #expect(layer.stage("keep", big, digest: nil).problem?.errno == ENOSPC)
        #expect(layer.writeSmall("keep", String(repeating: "y", count: 2 << 20)).problem?.errno == ENOSPC)
        #expect(layer.writeSmall("other", "fits").isDone)
        #expect(place.names() == ["keep", "other"])
        #expect(place.contents("keep") == "old")
    }

    @Test func aSourceOfThisProcessIsCopiedAndWatched() throws {
        let place = Destination()
        place.write("source", String(repeating: "0123456789abcdef", count: 40_000))
        let system = KernelFileSystem()
        let root = try system.openRoot(bytes(place.path), [.read, .directory])
        defer { system.close(root) }
        let contents = try #require(place.contents("source"))
        for changes in [false, true] {
            let descriptor = try system.open(bytes("source")[...], in: root, .read, mode: 0)
            let source = WatchedSource(
                descriptor: descriptor, status: try system.status(of: descriptor), fileSystem: system)
            let layer = try place.layer()
            let target = FileTarget(
                id: 1, directory: 0, entry: fileEntry("copy", contents), set: everything, rule: ReplaceRule())
            #expect(layer.perform(.openStage(target)).placed.isDone)
            let size = UInt64(contents.utf8.count)
            #expect(
                layer.perform(
                    .writeChunk(
                        id: 1,
                        payloads: [
                            .file(source, offset: 0, length: 8192), .file(source, offset: 8192, length: size - 8192),
                        ])
                ).placed.isDone)
            if changes { place.write("source", "changed") }
            let result = layer.perform(.commit(id: 1, digest: nil)).placed
            if changes { #expect(result.problem?.code == .changed) } else { #expect(result.isDone) }
            #expect(place.contents("copy") == contents)
        }
        #expect(place.leftovers.isEmpty)
    }

    /// Two runs into one destination at once: every file is one run's or the other's, whole.
    @Test func twoRunsNeverMixAFile() throws {
        let place = Destination()
        let names = (0..<8).map { "f\($0)" }
        let texts = ["a", "b"].map { String(repeating: $0, count: 100_000) }
        let path = place.path
        let runs = try texts.map { text in
            let layer = try place.layer()
            return Background {
                for round in 0..<20 {
                    for name in names {
                        // Small and staged writing share the part names.
                        let result =
                            round % 2 == 0
                            ? layer.writeSmall(name, text) : layer.stage(name, text, digest: digest(text))
                        if !result.isDone { print("\(path)/\(name): \(result)") }
                    }
                }
            }
        }
        for _ in 0..<200 {
            for name in names {
                if let found = place.contents(name) { #expect(texts.contains(found), "\(name): \(found.count)") }
            }
        }
        for run in runs { run.join() }
        for name in names { #expect(texts.contains(place.contents(name) ?? "")) }
        #expect(place.leftovers == [])
    }

    @Test func whatIsStillInWorkCanBeThrownAway() throws {
        let place = Destination()
        let system = FaultingFileSystem()
        do {
            let layer = try place.layer(system)
            let target = FileTarget(
                id: 1, directory: 0, entry: fileEntry("f", "abc"), set: everything, rule: ReplaceRule())
            #expect(layer.perform(.openStage(target)).placed.isDone)
            _ = layer.perform(.makeDirectory(id: 1, parent: 0, entry: entry("d", .directory), rule: ReplaceRule()))
            #expect(layer.writeSmall("in", "1", in: 1).isDone)
            #expect(place.leftovers.count == 3)
            layer.abandonAll()
        }
        #expect(place.names() == [])
        #expect(system.openCount == 0)
    }
}
