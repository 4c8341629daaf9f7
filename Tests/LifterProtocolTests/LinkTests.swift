// Names of one file: in messages, in listings, and under digests.

import LifterProtocol
import Testing

@Suite struct LinkTests {
    private let file = Samples.attributes(.regular, 0o644, size: 5, Samples.time(1))

    private func entries(_ links: String, names: [String] = ["a", "b"]) -> [UInt8] {
        // Directory 0, isLast and hasLinks, base 1, empty regular files.
        var bytes: [UInt8] = [0, 0x24, 1, UInt8(names.count)]
        for name in names { bytes += [UInt8(name.utf8.count)] + Array(name.utf8) + [1, 0, 0, 0, 0, 0, 0] }
        return bytes + links.split(separator: " ").compactMap { UInt8($0, radix: 16) }
    }

    @Test(
        "What entries.links may not say",
        arguments: [
            ("00", "entries.links"), ("03 00 00 07 02 01 00 07 02 01 00 07 02", "entries.links"),
            ("01 02 00 07 02", "link.index"), ("02 01 00 07 02 00 00 07 02", "link.index"),
            ("02 00 00 07 02 00 00 07 02", "link.index"), ("01 00 00 07 01", "link.names"),
            ("01 00 80 80 80 80 10 07 02", "link.device"),
        ])
    func badLinks(_ links: String, _ field: String) { #expect(problem(.entries, entries(links)) == .value(field)) }

    @Test func goodLinks() throws {
        guard case .entries(let message) = try decoded(.entries, entries("01 01 00 07 02")) else {
            Issue.record("no entries")
            return
        }
        #expect(message.entries.map(\.link) == [nil, FileIdentity(device: 0, inode: 7, names: 2)])
    }

    @Test func directoriesHaveNoLinks() {
        let bytes: [UInt8] = [0, 0x24, 1, 1, 1, 0x61, 2, 0, 0, 0, 0, 0, 1, 0, 0, 7, 2]
        #expect(problem(.entries, bytes) == .value("link.index"))
    }

    // MARK: Digests

    private func listing(_ files: [(name: String, inode: UInt64, names: UInt32)], isSender: Bool) -> Listing {
        var listing = Listing()
        for (name, inode, names) in files {
            let link = names > 1 ? FileIdentity(device: isSender ? 1 : 9, inode: inode, names: names) : nil
            listing.append(name: Array(name.utf8)[...], file, link: link)
        }
        listing.seal(isSender: isSender, key: 77)
        return listing
    }

    private func agrees(
        _ sent: [(name: String, inode: UInt64, names: UInt32)], _ own: [(name: String, inode: UInt64, names: UInt32)],
        keeping: Bool = true
    ) -> Bool {
        var options = JobOptions()
        options.keepHardLinks = keeping
        let rules = CompareRules(options, abilities: [], granularity: 1, key: 77)
        return rules.digest(listing(sent, isSender: true), 0..<sent.count, owners: nil)
            == rules.digest(listing(own, isSender: false), 0..<own.count, owners: OwnerMap(isNumeric: true))
    }

    @Test func groupsOfOneDirectoryAgree() {
        #expect(agrees([("a", 1, 2), ("b", 1, 2), ("c", 2, 1)], [("a", 7, 2), ("b", 7, 2), ("c", 8, 1)]))
    }

    @Test func otherGroupsDiffer() {
        let pair: [(name: String, inode: UInt64, names: UInt32)] = [("a", 1, 2), ("b", 1, 2), ("c", 2, 1)]
        #expect(!agrees(pair, [("a", 7, 1), ("b", 8, 1), ("c", 9, 1)]))
        #expect(!agrees(pair, [("a", 7, 2), ("b", 8, 1), ("c", 7, 2)]))
        #expect(!agrees(pair, [("a", 7, 3), ("b", 7, 3), ("c", 7, 3)]))
        #expect(agrees(pair, [("a", 7, 3), ("b", 7, 3), ("c", 7, 3)], keeping: false))
    }

    @Test("Names outside of the directory never agree, but a single one at the receiver counts as none")
    func namesOutside() {
        #expect(!agrees([("a", 1, 2)], [("a", 7, 2)]))
        #expect(!agrees([("a", 1, 2)], [("a", 7, 1)]))
        #expect(agrees([("a", 1, 1)], [("a", 7, 2)]))
        #expect(!agrees([("a", 1, 1), ("b", 2, 1)], [("a", 7, 3), ("b", 7, 3)]))
    }
}
