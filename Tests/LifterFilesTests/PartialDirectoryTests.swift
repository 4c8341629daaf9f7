// Parts in a directory of their own (`--partial-dir`): there and back, for several directories in one, and beside their
// targets where that directory is not fit.

import Glibc
import LifterProtocol
import LifterSystem
import Testing

@testable import LifterFiles

@Suite struct PartialDirectoryTests {
    private func layer(_ place: Destination, _ kept: PartialPlace) throws -> FileLayer {
        try place.layer { settings in
            settings.smallestPartial = 1
            settings.partialPlace = kept
        }
    }

    private func target(_ name: String, _ contents: String, in directory: DirectoryID = 0, id: FileID = 1) -> FileTarget
    {
        FileTarget(
            id: id, directory: directory, entry: fileEntry(name, contents), set: everything, rule: ReplaceRule())
    }

    /// Writes the first bytes of a file, and gives it up.
    private func leave(_ first: String, of target: FileTarget, _ layer: FileLayer) {
        #expect(layer.perform(.openStage(target)).placed.isDone)
        let payload = Payload.bytes(bytes(first), 0..<first.utf8.count)
        #expect(layer.perform(.writeChunk(id: target.id, payloads: [payload])).placed.isDone)
        _ = layer.perform(.abandon(id: target.id))
    }

    /// A part is asked for until it is free. A child that is started at this moment, by a test of something else, holds
    /// all our locks until it becomes its program.
    private func takeUp(_ target: FileTarget, _ layer: FileLayer) -> PartialDigest? {
        for _ in 0..<500 {
            guard case .digestedPartial(let found) = layer.perform(.digestPartial(target)) else { return nil }
            guard case .unusable = found else { return found }
            usleep(10_000)
        }
        return nil
    }

    /// Takes it up again, and puts the file in place.
    private func goOn(with rest: String, _ whole: String, of target: FileTarget, _ layer: FileLayer) {
        guard case .whole(let resume) = takeUp(target, layer) else {
            Issue.record("nothing to go on with")
            return
        }
        #expect(resume.length == UInt64(whole.utf8.count - rest.utf8.count))
        let payload = Payload.bytes(bytes(rest), 0..<rest.utf8.count)
        #expect(layer.perform(.writeChunk(id: target.id, payloads: [payload])).placed.isDone)
        #expect(layer.perform(.commit(id: target.id, digest: digest(whole))).placed.isDone)
    }

    @Test func belowEachDirectory() throws {
        let place = Destination()
        let file = target("file", "the whole")
        leave("the ", of: file, try layer(place, .below(name: bytes(".parts"))))
        #expect(place.names() == [".parts", ".parts/" + part(of: "file")])
        #expect(place.mode(".parts") == 0o700)
        goOn(with: "whole", "the whole", of: file, try layer(place, .below(name: bytes(".parts"))))
        #expect(place.names() == ["file"])
        #expect(place.contents("file") == "the whole")
    }

    /// Also where a run ends while it looks at what was left.
    @Test func whatWasNotGoneOnWithStaysWhole() throws {
        let place = Destination()
        // More than one step reads.
        let (first, rest) = (String(repeating: "some of ", count: 100_000), "all")
        let file = target("file", first + rest)
        leave(first, of: file, try layer(place, .beside))
        let layer = try place.layer { settings in
            settings.smallestPartial = 1
            settings.digestStep = 1
        }
        guard case .more = takeUp(file, layer) else { throw Errno.invalid }
        layer.abandonAll()
        let next = try self.layer(place, .beside)
        goOn(with: rest, first + rest, of: file, next)
        #expect(place.contents("file") == first + rest)
    }

    /// What is there besides is the user's.
    @Test func itGoesOnlyWhenItIsEmpty() throws {
        let place = Destination()
        place.makeDirectory(".parts")
        place.write(".parts/mine", "mine")
        let layer = try layer(place, .below(name: bytes(".parts")))
        #expect(layer.stage("file", "all", digest: digest("all")).isDone)
        #expect(place.names() == [".parts", ".parts/mine", "file"])
    }

    @Test func oneForAll() throws {
        let (place, parts) = (Destination(), Destination())
        let kept = PartialPlace.fixed(path: bytes(parts.path + "/made"), base: .user)
        for name in ["a", "b"] { place.makeDirectory(name) }
        for isFirst in [true, false] {
            let layer = try layer(place, kept)
            for (index, name) in ["a", "b"].enumerated() {
                let id = DirectoryID(index + 1)
                _ = layer.perform(.scan(id: id, parent: 0, name: bytes(name)))
                let file = target("file", "\(name) is whole", in: id, id: FileID(id))
                if isFirst {
                    leave("\(name) is", of: file, layer)
                } else {
                    goOn(with: " whole", "\(name) is whole", of: file, layer)
                }
            }
            #expect(parts.names().count == (isFirst ? 3 : 1), "\(parts.names())")
            #expect(place.leftovers.isEmpty)
        }
        #expect(place.contents("a/file") == "a is whole")
        #expect(place.contents("b/file") == "b is whole")
    }

    @Test func aScanPassesItBy() throws {
        let place = Destination()
        place.makeDirectory(".parts")
        place.write(".parts/" + part(of: "file"), "some")
        place.write("file", "old")
        let layer = try layer(place, .below(name: bytes(".parts")))
        guard case .scanned(.success(let scan)) = layer.perform(.scan(id: 0, parent: nil, name: [])) else {
            throw Errno.invalid
        }
        #expect(scan.listing.count == 1)
        #expect(scan.resumable == [bytes(part(of: "file"))])
        guard case .swept(count: 1) = layer.perform(.sweep(directory: 0, names: scan.resumable)) else {
            throw Errno.invalid
        }
        #expect(place.names() == ["file"])
    }

    @Test(arguments: ["link", "file", "open", "others"])
    func notFit(_ kind: String) throws {
        let (place, outside) = (Destination(), Destination())
        switch kind {
        case "link": place.makeLink(".parts", to: outside.path)
        case "file": place.write(".parts", "a file")
        case "open": place.makeDirectory(".parts", mode: 0o777)
        default:
            guard geteuid() == 0 else { return }
            place.makeDirectory(".parts")
            chown("\(place.path)/.parts", 65_534, 65_534)
        }
        if kind == "open" { chmod("\(place.path)/.parts", 0o777) }
        let file = target("file", "the whole")
        leave("the ", of: file, try layer(place, .below(name: bytes(".parts"))))
        #expect(place.leftovers == [part(of: "file")])
        #expect(outside.names().isEmpty)
        goOn(with: "whole", "the whole", of: file, try layer(place, .below(name: bytes(".parts"))))
        #expect(place.names() == [".parts", "file"])
    }

    /// Another object under the part's name is nobody's part.
    @Test func whatWasPutInItsPlaceIsNotTaken() throws {
        let place = Destination()
        let layer = try layer(place, .below(name: bytes(".parts")))
        let file = target("file", "the whole")
        #expect(layer.perform(.openStage(file)).placed.isDone)
        let all = Payload.bytes(bytes("the whole"), 0..<9)
        #expect(layer.perform(.writeChunk(id: 1, payloads: [all])).placed.isDone)
        unlink("\(place.path)/.parts/\(part(of: "file"))")
        place.write(".parts/" + part(of: "file"), "something else")
        #expect(!layer.perform(.commit(id: 1, digest: digest("the whole"))).placed.isDone)
        #expect(place.contents("file") == nil)
    }
}
