// Looking for files under other names: what is noted, and what of that is still so when it is asked for.

import Glibc
import LifterCodec
import LifterProtocol
import LifterSystem
import Testing

@testable import LifterFiles

@Suite struct TreeIndexTests {
    private let place = Destination()

    private func write(_ name: String, _ contents: String, seconds: Int = 1_700_000_000) {
        place.write(name, contents)
        date(name, seconds)
    }

    private func date(_ name: String, _ seconds: Int) {
        var times = [timespec(tv_sec: seconds, tv_nsec: 7), timespec(tv_sec: seconds, tv_nsec: 7)]
        utimensat(AT_FDCWD, "\(place.path)/\(name)", &times, AT_SYMLINK_NOFOLLOW)
    }

    private func index(_ layer: FileLayer, smallest: UInt64 = 1, directories: [[UInt8]]? = nil) -> Int {
        var steps = 1
        let effect = FileEffect.indexTree(smallest: smallest, directories: directories)
        while case .indexedTree(more: true) = layer.perform(effect) { steps += 1 }
        return steps
    }

    private func search(
        _ layer: FileLayer, _ contents: String, name: String = "new", seconds: Int64 = 1_700_000_000
    ) -> SearchResult {
        let file = SoughtFile(
            id: 1, name: Array(name.utf8), size: UInt64(contents.utf8.count),
            modified: Timestamp(seconds: seconds, nanoseconds: 7))
        while true {
            guard case .searched(let results) = layer.perform(.search([file])), let result = results.first else {
                return .absent
            }
            if result != .more { return result }
        }
    }

    private func path(_ layer: FileLayer, _ result: SearchResult) -> String? {
        guard case .found(let found, _) = result, let path = layer.treeIndex.path(of: found) else { return nil }
        let whole = path.directory.isEmpty ? path.name : path.directory + [UInt8(ascii: "/")] + path.name
        return String(decoding: whole, as: UTF8.self)
    }

    @Test func aFileIsFoundBySizeAndTimeAndDigested() throws {
        place.makeDirectory("a")
        place.makeDirectory("a/b")
        write("top", "at the top")
        write("a/b/deep", "further down")
        let layer = try place.layer { $0.digestStep = 5 }
        #expect(index(layer) == 1)
        let found = search(layer, "further down")
        #expect(path(layer, found) == "a/b/deep")
        let digest = XXH3.hash128(Array("further down".utf8), seed: Destination.key)
        guard case .found(_, let told) = found else { return }
        #expect(told == ContentDigest(low: digest.low, high: digest.high))
        #expect(path(layer, search(layer, "at the top")) == "top")
        #expect(search(layer, "further down", seconds: 1_700_000_001) == .absent)
        #expect(search(layer, "longer than all of them") == .absent)
    }

    @Test func thoseOfTheSameNameComeFirst() throws {
        for name in ["a", "b", "c"] {
            place.makeDirectory(name)
            write("\(name)/\(name)", "contents \(name)")
        }
        let layer = try place.layer()
        _ = index(layer)
        for name in ["a", "b", "c"] {
            #expect(path(layer, search(layer, "contents \(name)", name: name)) == "\(name)/\(name)")
        }
        #expect(path(layer, search(layer, "contents x")) != nil)
    }

    @Test func whatDoesNotTakePartIsPassedBy() throws {
        place.makeDirectory("hidden")
        place.makeDirectory(".sl-part-0123456789abcdef")
        write("hidden/one", "1")
        write(".sl-part-0123456789abcdef/two", "22")
        write("three.o", "333")
        place.makeLink("four", to: "three.o")
        write("small", "55555")
        let layer = try place.layer { settings in
            _ = settings.filter.append(pattern: Array("hidden/".utf8), isInclude: false)
            _ = settings.filter.append(pattern: Array("*.o".utf8), isInclude: false)
        }
        _ = index(layer, smallest: 1)
        for contents in ["1", "22", "333"] { #expect(search(layer, contents) == .absent, "\(contents)") }
        #expect(path(layer, search(layer, "55555")) == "small")
        let other = try place.layer()
        _ = index(other, smallest: 4)
        #expect(search(other, "333") == .absent)
    }

    @Test func ofARootOfItemsOnlyThoseAreEntered() throws {
        place.makeDirectory("chosen")
        place.makeDirectory("chosen/other")
        place.makeDirectory("other")
        write("chosen/other/one", "1")
        write("other/two", "22")
        write("three", "333")
        let layer = try place.layer()
        _ = index(layer, directories: [Array("chosen".utf8), Array("gone".utf8)])
        #expect(path(layer, search(layer, "1")) == "chosen/other/one")
        #expect(search(layer, "22") == .absent)
        #expect(path(layer, search(layer, "333")) == "three")
    }

    @Test func aLargeTreeTakesSeveralSteps() throws {
        for directory in 0..<5 {
            place.makeDirectory("d\(directory)")
            for number in 0..<600 { write("d\(directory)/f\(number)", "\(directory)", seconds: number) }
        }
        let layer = try place.layer()
        #expect(index(layer) > 1)
        for number in [0, 299, 599] {
            #expect(search(layer, "x", name: "f\(number)", seconds: Int64(number)) != .absent)
        }
    }

    @Test func whoMayOnlyAddIsToldNothing() throws {
        write("a", "contents")
        let layer = try place.layer { $0.appendOnly = true }
        _ = index(layer)
        #expect(search(layer, "contents") == .absent)
    }

    // MARK: What was noted

    @Test func whatDoesNotStayInMemoryIsFoundInTheFile() throws {
        let layer = try place.layer()
        var log = TreeLog(fileSystem: layer.fileSystem, blockLimit: 2) { layer.spoolFiles.make() }
        let directories = (0..<50).map { _ in log.directory() }
        for number in 0..<20_000 {
            let directory = number * 7 % 50
            log.append(
                key: UInt64(number), name: Array("a file \(number)".utf8)[...], in: directories[directory],
                path: { Array("directory \(directory)".utf8) })
        }
        #expect(log.isSpooled && log.count == 20_000)
        var found: [UInt64: TreeLog.Position] = [:]
        log.each(
            { $0 % 1000 == 3 },
            { key, name, position in
                #expect(name.elementsEqual("a file \(key)".utf8))
                found[key] = position
            })
        #expect(found.count == 20)
        for (key, position) in found {
            let path = try #require(log.path(at: position))
            #expect(path.directory == Array("directory \(key * 7 % 50)".utf8))
            #expect(path.name == Array("a file \(key)".utf8))
        }
        #expect(log.path(at: TreeLog.Position(directory: 1, file: 5)) == nil)
        #expect(log.path(at: TreeLog.Position(directory: 1 << 40, file: 1 << 40)) == nil)
    }

    @Test func whereNoFileCanBeHadWhatFitsIsKept() throws {
        var log = TreeLog(fileSystem: KernelFileSystem(), blockLimit: 1) { nil }
        let directory = log.directory()
        var kept = 0
        while log.append(key: 1, name: Array("name".utf8)[...], in: directory, path: { [] }) { kept += 1 }
        #expect(kept > 3_000 && kept < 6_000)
        var found = 0
        log.each({ $0 == 1 }, { _, _, _ in found += 1 })
        #expect(found == kept)
    }

    // MARK: What changes after it was noted

    @Test(arguments: 0...5)
    func whatIsNotedIsOnlyAHint(variant: Int) throws {
        place.makeDirectory("a")
        write("a/file", "contents")
        write("other", "contents", seconds: 1)
        let outside = Destination()
        outside.write("file", "contents")
        let layer = try place.layer()
        _ = index(layer)
        #expect(search(layer, "contents") != .absent)
        let file = "\(place.path)/a/file"
        switch variant {
        case 0: unlink(file)
        case 1: write("a/file", "contents", seconds: 5)
        case 2: write("a/file", "other contents")
        case 3:
            unlink(file)
            symlink("../other", file)
        case 4:
            unlink(file)
            mkfifo(file, 0o644)
        default:
            rename("\(place.path)/a", "\(place.path)/b")
            symlink(outside.path, "\(place.path)/a")
        }
        #expect(search(layer, "contents") == .absent)
    }
}
