// A server that is asked for one thing and sends another: what the user did not name stays as it is, inside the
// destination too.

import LifterProtocol
import Superlifter
import Testing

@Suite(.serialized) struct UnaskedTests {
    private static let file = EntryKind.regular.rawValue
    private static let directory = EntryKind.directory.rawValue

    private static func list(
        _ name: String, items: [(String, UInt8)]?, _ frames: @escaping @Sendable (UInt64) -> [HostileFrame]
    ) -> HostileList {
        var list = HostileList(name, .refusal, frames: frames)
        if let items { list.shape = HostileFrame.rootsOfItems(items.map { (bytes($0.0), $0.1) }) }
        return list
    }

    /// Into `.ssh` of a home that is the destination: opened under the root, entries with contents.
    private static let intoHome: @Sendable (UInt64) -> [HostileFrame] = { key in
        [
            .opened(0), .opened(1, in: 0, named: bytes(".ssh")),
            .entries([.directory(bytes(".ssh"))]),
            .entries([.file(bytes("authorized_keys"), size: 3)], in: 1, from: 2, flags: 20),
            .contents([.honest(2, "bad", key: key)]), .listingEnd,
        ]
    }

    /// The same without telling of it at all.
    private static let silently: @Sendable (UInt64) -> [HostileFrame] = { key in
        [
            .opened(0), .opened(1, in: 0, named: bytes(".ssh")), .entries([.file(bytes("notes"))]),
            .entries([.file(bytes("authorized_keys"), size: 3)], in: 1, from: 2, flags: 20),
            .contents([.honest(2, "bad", key: key)]), .listingEnd,
        ]
    }

    private static let lists: [HostileList] = [
        list("another name among the items", items: [("notes", file), (".ssh", directory)], intoHome),
        list("another name instead", items: [(".ssh", directory)], intoHome),
        list("another name behind the items' back", items: [("notes", file)], intoHome),
        list("another directory, never told of", items: [("notes", file)], silently),
        list("a whole directory where a name was asked for", items: nil, intoHome),
    ]

    @Test("Into an existing directory", arguments: waysOfOpening)
    func intoDirectory(usesOpenat2: Bool) throws {
        for list in Self.lists {
            let arena = try Arena(keeping: ["home"])
            let ending = try RealEnd.pull(
                ["notes"], to: arena.destination + "/home", usesOpenat2: usesOpenat2
            ) { $0.serve(list) }
            judge(list, ending, arena, "into a directory")
        }
    }

    @Test("Under a new name", arguments: waysOfOpening)
    func underNewName(usesOpenat2: Bool) throws {
        for list in Self.lists {
            let arena = try Arena(keeping: ["home/.ssh"])
            let ending = try RealEnd.pull(
                ["notes"], to: arena.destination + "/home/notes2", usesOpenat2: usesOpenat2
            ) { $0.serve(list) }
            judge(list, ending, arena, "under a new name")
        }
    }

    @Test("Kinds that were not asked for are not made")
    func kinds() throws {
        let list = HostileList("nodes and links") { _ in
            [
                .opened(0),
                .entries([
                    .device(bytes("a-device"), .characterDevice, number: 1 << 32 | 3),
                    RawEntry(name: bytes("b-fifo"), kind: EntryKind.fifo.rawValue),
                    RawEntry(name: bytes("c-socket"), kind: EntryKind.socket.rawValue),
                    .link(bytes("d-link"), to: bytes("/etc/passwd")), .directory(bytes("e-directory")),
                ]), .opened(1, named: bytes("e-directory")), .entries([], in: 1, from: 6), .listingEnd,
            ]
        }
        var options = TransferOptions()
        options.keepsDevices = false
        options.keepsLinks = false
        let arena = try Arena(populated: false)
        let ending = try RealEnd.pull(["source/"], to: arena.destination, options) { $0.serve(list) }
        judge(list, ending, arena, "")
        #expect(Set(Arena.names(in: arena.destination)).isSubset(of: ["e-directory"]))
    }

    @Test("Set-id bits and owners only where they are kept")
    func setIDs() throws {
        let list = HostileList("a program of root's") { key in
            [
                .opened(0),
                .entries([RawEntry(name: bytes("program"), mode: 0o6755, user: 4711, group: 4711, size: 3)], flags: 20),
                .contents([.honest(1, "bad", key: key)]), .listingEnd,
            ]
        }
        var options = TransferOptions()
        options.keepsPermissions = false
        options.keepsOwner = false
        options.keepsGroup = false
        let arena = try Arena(populated: false)
        let ending = try RealEnd.pull(["source/"], to: arena.destination, options) { $0.serve(list) }
        judge(list, ending, arena, "")
        let made = try #require(Arena.identities(of: arena.destination + "/program").values.first)
        #expect(made.mode & 0o6000 == 0 && made.user != 4711 && made.group != 4711)
    }
}
