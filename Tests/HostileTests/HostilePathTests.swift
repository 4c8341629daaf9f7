// Paths of a Job at a confined server: whatever is written there, the session stays beneath the root.

import Glibc
import LifterProtocol
import LifterSystem
import Superlifter
import Testing

@Suite(.serialized) struct HostilePathTests {
    private static let paths: [String] = [
        "..", "../", "../..", "../beside", "/..", "/../..", "/../outside/canary", "../outside/canary",
        "dir/../..", "dir/../../outside/canary/", "dir/../../../etc", "./..", ".//..//", "~/..", "~/../outside",
        "~root/",
        "~root/..", "/etc", "/tmp", "out", "out/", "out/file", "out/below", "out/..", "relative", "relative/",
        "relative/below/", "outfile", "outfile/", "itself/..", "itself/itself/out/", "dir/out/below/",
        "dir/deep/../../out/", "home/../out/below", "missing/../../outside", "missing/../out/", "",
        ".", "/", "//", "~", "~/", "dir/.", "dir/..", "new", "new/", "a/b/c/d", "-rf", "file/../..", "file/",
        ".sl-part-x", ".sl-displaced-x", "\u{1b}[2J", "\n", "dir\\..\\..",
    ]

    private static var options: JobOptions {
        var options = Variants.deleting
        options.makePath = true
        options.deleteFromEmpty = true
        return options
    }

    @Test("Pushed to", arguments: waysOfOpening, [true, false])
    func push(usesOpenat2: Bool, isFile: Bool) throws {
        for path in Self.paths + [String(repeating: "x/", count: 10_000), String(repeating: "../", count: 20_000)] {
            let arena = try Arena()
            let kind = isFile ? EntryKind.regular.rawValue : EntryKind.directory.rawValue
            let ending = try RealEnd.server(
                .root(bytes(arena.destination), access: .write), usesOpenat2: usesOpenat2
            ) { peer in
                let shape = isFile ? HostileFrame.rootsOfItems([(bytes("file"), kind)]) : HostileFrame.rootsOfContents()
                guard peer.greetServer(job: RawJob.push(to: bytes(path), shape: shape, options: Self.options)) else {
                    return
                }
                peer.send([
                    .opened(0), .entries([.file(bytes("file"), size: 3)], flags: 20),
                    .contents([.honest(1, "bad", key: peer.digestKey)]), .listingEnd,
                ])
                _ = peer.listen()
            }
            let harm = arena.harm()
            #expect(harm == nil, "\(Display.escaped(bytes(path))): \(harm ?? "")")
            #expect(ending.isSafe, "\(Display.escaped(bytes(path))): \(ending)")
        }
    }

    /// What a client gets to see must not contain the canary's contents.
    @Test("Pulled from", arguments: waysOfOpening)
    func pull(usesOpenat2: Bool) throws {
        let arena = try Arena()
        // What may be seen of the outside are the targets of links inside, not what is there.
        for path in Self.paths + [String(repeating: "../", count: 20_000)] {
            var seen: [UInt8] = []
            let ending = try RealEnd.server(
                .root(bytes(arena.destination), access: .read), usesOpenat2: usesOpenat2
            ) { peer in
                guard peer.greetServer(job: RawJob.pull([bytes(path)], isEmpty: true)) else { return }
                _ = peer.listen()
                for case .content(let content) in peer.received {
                    for segment in content.segments {
                        if case .bytes(let bytes, let range) = segment.payload { seen += bytes[range] }
                    }
                }
            }
            let text = String(decoding: seen, as: UTF8.self)
            #expect(!text.contains("precious") && !text.contains("next to it"), "\(Display.escaped(bytes(path)))")
            #expect(ending.isSafe, "\(Display.escaped(bytes(path))): \(ending)")
        }
        #expect(arena.harm() == nil)
    }

    @Test("A read-only server takes nothing", arguments: ["/", "new", "..", "dir/"])
    func readOnly(path: String) throws {
        let arena = try Arena(keeping: ["dir", "home", "file"])
        let ending = try RealEnd.server(.root(bytes(arena.destination), access: .read)) { peer in
            guard peer.greetServer(job: RawJob.push(to: bytes(path))) else { return }
            peer.send([.opened(0), .entries([.file(bytes("file"))]), .listingEnd])
            _ = peer.listen()
        }
        #expect(ending.isFailure && arena.harm() == nil)
        #expect(access(arena.destination + "/new", F_OK) != 0)
    }
}
