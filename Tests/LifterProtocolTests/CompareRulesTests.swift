// The digest of a range: each attribute alone changes it when the job keeps that attribute, and does not otherwise.

import LifterProtocol
import Testing

@Suite struct CompareRulesTests {
    private static let all: Abilities = [.owners, .devices, .setIDs]

    private func rules(
        _ abilities: Abilities = all, granularity: UInt32 = 1, key: UInt64 = 77,
        _ change: (inout JobOptions) -> Void = { _ in }
    ) -> CompareRules {
        var options = JobOptions()
        change(&options)
        return CompareRules(options, abilities: abilities, granularity: granularity, key: key)
    }

    private func listing(_ entries: [Entry]) -> Listing {
        var listing = Listing()
        for entry in entries {
            listing.append(name: entry.name[...], entry.attributes, target: entry.target[...])
        }
        return listing
    }

    private func digest(_ rules: CompareRules, _ entries: [Entry], _ owners: OwnerMap? = nil) -> ContentDigest {
        rules.digest(listing(entries), 0..<entries.count, owners: owners)
    }

    private static let base: [EntryKind: Entry] = {
        var base: [EntryKind: Entry] = [:]
        for kind in [
            EntryKind.regular, .directory, .symlink, .fifo, .socket, .characterDevice, .blockDevice,
        ] {
            let attributes = Samples.attributes(
                kind, 0o644, user: 1000, group: 100, size: kind == .regular ? 5 : 0, Samples.time(1_000_000, 500))
            base[kind] = Samples.entry("name", attributes, target: kind == .symlink ? "there" : "")
        }
        return base
    }()

    struct Attribute: Sendable, CustomTestStringConvertible {
        var name: String
        var kinds: [EntryKind]
        var change: @Sendable (inout Entry) -> Void
        var testDescription: String { name }
    }

    private static let every: [EntryKind] = [
        .regular, .directory, .symlink, .fifo, .socket, .characterDevice, .blockDevice,
    ]
    private static let objects: [EntryKind] = [.symlink, .fifo, .socket, .characterDevice, .blockDevice]
    static let attributes = [
        Attribute(name: "name", kinds: every) { $0.name.append(0x61) },
        Attribute(name: "size", kinds: [.regular, .characterDevice, .blockDevice]) { $0.attributes.size += 1 },
        Attribute(name: "target", kinds: [.symlink]) { $0.target.append(0x61) },
        Attribute(name: "mode", kinds: [.regular, .directory, .fifo, .socket, .characterDevice, .blockDevice]) {
            $0.attributes.mode ^= 0o001
        },
        Attribute(name: "set-id", kinds: [.regular, .directory]) { $0.attributes.mode ^= 0o4000 },
        Attribute(name: "sticky", kinds: [.directory]) { $0.attributes.mode ^= 0o1000 },
        Attribute(name: "directory seconds", kinds: [.directory]) { $0.attributes.modified.seconds += 1 },
        Attribute(name: "file seconds", kinds: [.regular]) { $0.attributes.modified.seconds += 1 },
        Attribute(name: "file nanoseconds", kinds: [.regular]) { $0.attributes.modified.nanoseconds += 1 },
        Attribute(name: "seconds", kinds: objects) { $0.attributes.modified.seconds += 1 },
        Attribute(name: "nanoseconds", kinds: objects) { $0.attributes.modified.nanoseconds += 1 },
        Attribute(name: "user", kinds: every) { $0.attributes.userID += 1 },
        Attribute(name: "group", kinds: every) { $0.attributes.groupID += 1 },
    ]

    /// Which attributes each option (or missing ability) takes out of the digest.
    private var cases: [(name: String, rules: CompareRules, ignored: Set<String>)] {
        let times: Set = ["seconds", "nanoseconds", "directory seconds"]
        let fileTimes: Set = ["file seconds", "file nanoseconds"]
        return [
            ("everything", rules(), []),
            ("no permissions", rules { $0.keepPermissions = false }, ["mode", "set-id", "sticky"]),
            // A file's time decides whether it is sent, kept or not, unless something else decides that.
            ("no times", rules { $0.keepTimes = false }, times),
            (
                "no times, by size",
                rules {
                    $0.keepTimes = false
                    $0.sizeOnly = true
                }, times.union(fileTimes)
            ),
            (
                "no times, by contents",
                rules {
                    $0.keepTimes = false
                    $0.checksum = true
                }, times.union(fileTimes)
            ),
            ("no directory times", rules { $0.omitDirectoryTimes = true }, ["directory seconds"]),
            ("no user", rules { $0.keepUser = false }, ["user"]),
            ("no group", rules { $0.keepGroup = false }, ["group"]),
            ("cannot own", rules([.devices, .setIDs]), ["user", "group"]),
            ("cannot set ids", rules([.owners, .devices]), ["set-id"]),
            ("whole seconds", rules(granularity: 1_000_000_000), ["nanoseconds", "file nanoseconds"]),
            ("size only", rules { $0.sizeOnly = true }, []),
            ("checksum", rules { $0.checksum = true }, []),
            ("numeric ids", rules { $0.numericIDs = true }, []),
        ]
    }

    @Test(arguments: attributes)
    func eachAttributeAlone(_ attribute: Attribute) throws {
        for (name, rules, ignored) in cases {
            for kind in attribute.kinds {
                let before = try #require(Self.base[kind])
                var after = before
                attribute.change(&after)
                let isSame = digest(rules, [before]) == digest(rules, [after])
                #expect(isSame == ignored.contains(attribute.name), "\(name), \(kind)")
                let isSameHash =
                    rules.hash(listing([before]), 0, owners: nil) == rules.hash(listing([after]), 0, owners: nil)
                #expect(isSameHash == isSame, "\(name), \(kind)")
            }
        }
    }

    /// Where an attribute means nothing it does not count: a link's mode, a directory's size.
    @Test func meaninglessAttributes() throws {
        let link = try #require(Self.base[.symlink])
        var changed = link
        changed.attributes.mode = 0
        #expect(digest(rules(), [link]) == digest(rules(), [changed]))
        let directory = try #require(Self.base[.directory])
        changed = directory
        changed.attributes.size = 4096
        #expect(digest(rules(), [directory]) == digest(rules(), [changed]))
    }

    @Test func kindsDiffer() {
        var digests: Set<ContentDigest> = []
        for entry in Self.base.values { digests.insert(digest(rules { $0.keepPermissions = false }, [entry])) }
        #expect(digests.count == Self.base.count)
    }

    /// Neighbouring fields cannot be mistaken for one another, nor one long entry for two short ones.
    @Test func nothingRunsTogether() {
        func link(_ name: String, _ target: String) -> Entry {
            Samples.entry(name, Samples.attributes(.symlink, 0), target: target)
        }
        #expect(digest(rules(), [link("ab", "c")]) != digest(rules(), [link("a", "bc")]))
        #expect(
            digest(rules(), [link("a", "c"), link("b", "d")]) != digest(rules(), [link("b", "d"), link("a", "c")]))
        #expect(digest(rules(), []) != digest(rules(), [link("a", "b")]))
        // Names longer than a peer may send still do not collide.
        let long = String(repeating: "x", count: 256)
        #expect(digest(rules(), [link(long, "a")]) != digest(rules(), [link("", "a")]))
    }

    @Test func theKeyOfTheSessionCounts() throws {
        let entry = try #require(Self.base[.regular])
        #expect(digest(rules(key: 1), [entry]) != digest(rules(key: 2), [entry]))
    }

    /// The canonical bytes are these, and no others: written out, field by field.
    @Test func canonicalBytes() throws {
        let file = Samples.entry(
            "f", Samples.attributes(.regular, 0o4755, user: 1, group: 2, size: 3, Samples.time(4, 5)))
        let link = Samples.entry("l", Samples.attributes(.symlink, 0o777, Samples.time(-1)), target: "to")
        var writer = ByteWriter()
        writer.u16(1)
        writer.raw(Array("f".utf8))
        writer.u8(1)
        writer.u64(3)
        writer.u16(0o4755)
        writer.u64(4)
        writer.u32(5)
        writer.u8(1)
        writer.u32(1)
        writer.u8(1)
        writer.u32(2)
        writer.u16(1)
        writer.raw(Array("l".utf8))
        writer.u8(3)
        writer.u32(2)
        writer.raw(Array("to".utf8))
        writer.u64(.max)
        writer.u32(0)
        writer.u8(1)
        writer.u32(0)
        writer.u8(1)
        writer.u32(0)
        #expect(digest(rules(key: 9), [file, link]) == Hashing.digest(writer.bytes, 9))
        let first = Array(writer.bytes[..<(2 + 1 + 1 + 8 + 2 + 12 + 10)])
        #expect(rules(key: 9).hash(listing([file, link]), 0, owners: nil) == Hashing.hash(first, 9))
    }

    /// The example of Docs/protocol.md.
    @Test func theExampleOfTheDocument() {
        let key = Agreement.key(client: Samples.nonce, server: Samples.nonce, seed: ProtocolConstants.digestKeySeed)
        #expect(key == 0xe89b_6cd8_c674_1d8a)
        let file = Samples.entry(
            "f", Samples.attributes(.regular, 0o644, user: 1, group: 2, size: 3, Samples.time(4, 5)))
        let rules = rules(key: key)
        #expect(rules.hash(listing([file]), 0, owners: nil) == 0xd485_7d6e_9d04_673e)
        #expect(
            digest(rules, [file]) == ContentDigest(low: 0x93db_0319_6c38_b4d6, high: 0x1970_0e1b_3919_653f))
        #expect(digest(rules, []) == ContentDigest(low: 0x310a_d016_7575_1426, high: 0x60f8_07c4_750d_363f))
    }

    // MARK: Owners

    @Test func ownersAreHashedInTheSendersNumbers() throws {
        var theirs = try #require(Self.base[.regular])
        var own = theirs
        theirs.attributes.userID = 1000
        theirs.attributes.groupID = 100
        own.attributes.userID = 501
        own.attributes.groupID = 20
        var owners = OwnerMap(isNumeric: false)
        #expect(digest(rules(), [theirs]) != digest(rules(), [own], owners))
        owners.announce(OwnerName(isGroup: false, id: 1000, name: Samples.text("ann")), local: 501)
        owners.announce(OwnerName(isGroup: true, id: 100, name: Samples.text("users")), local: 20)
        #expect(digest(rules(), [theirs]) == digest(rules(), [own], owners))
        // Two of theirs for one of ours: which one it was cannot be told, so it differs.
        owners.announce(OwnerName(isGroup: false, id: 1001, name: Samples.text("anne")), local: 501)
        #expect(digest(rules(), [theirs]) != digest(rules(), [own], owners))
        #expect(digest(rules { $0.keepUser = false }, [theirs]) == digest(rules { $0.keepUser = false }, [own], owners))
    }

    /// An owner that the sender never announced is not the sender's user 0.
    @Test func noInverseIsNotZero() throws {
        var theirs = try #require(Self.base[.regular])
        theirs.attributes.userID = 0
        theirs.attributes.groupID = 0
        var own = theirs
        own.attributes.userID = 501
        var owners = OwnerMap(isNumeric: false)
        owners.announce(OwnerName(isGroup: true, id: 0, name: Samples.text("root")), local: 0)
        #expect(digest(rules(), [theirs]) != digest(rules(), [own], owners))
    }
}

@Suite struct OwnerMapTests {
    private func user(_ id: UInt32, _ name: String = "x") -> OwnerName {
        OwnerName(isGroup: false, id: id, name: Samples.text(name))
    }

    @Test func numbersStandForThemselvesWhereNumeric() {
        var owners = OwnerMap(isNumeric: true)
        owners.announce(user(5), local: 7)
        #expect(owners.local(for: 5, isGroup: false) == 5)
        #expect(owners.announced(for: 7, isGroup: false) == 7)
    }

    @Test func namesDecideElseNumbers() {
        var owners = OwnerMap(isNumeric: false)
        owners.announce(user(5), local: 7)
        owners.announce(user(6), local: nil)
        #expect(owners.local(for: 5, isGroup: false) == 7)
        #expect(owners.local(for: 6, isGroup: false) == 6)
        #expect(owners.local(for: 8, isGroup: false) == 8)
        #expect(owners.announced(for: 7, isGroup: false) == 5)
        #expect(owners.announced(for: 6, isGroup: false) == 6)
        #expect(owners.announced(for: 5, isGroup: false) == nil)
        // Groups are another matter.
        #expect(owners.local(for: 5, isGroup: true) == 5)
        #expect(owners.announced(for: 7, isGroup: true) == nil)
    }

    @Test func rootIsRoot() {
        var owners = OwnerMap(isNumeric: false)
        owners.announce(user(0, "toor"), local: 1000)
        #expect(owners.local(for: 0, isGroup: false) == 0)
        #expect(owners.announced(for: 0, isGroup: false) == 0)
        #expect(owners.announced(for: 1000, isGroup: false) == nil)
    }

    @Test func announcingTwiceChangesNothing() {
        var owners = OwnerMap(isNumeric: false)
        owners.announce(user(5), local: 7)
        owners.announce(user(5), local: 8)
        #expect(owners.local(for: 5, isGroup: false) == 7)
        #expect(owners.announced(for: 7, isGroup: false) == 5)
        #expect(owners.announced(for: 8, isGroup: false) == nil)
    }

    @Test func twoOfTheirsForOneOfOursHaveNoInverse() {
        var owners = OwnerMap(isNumeric: false)
        for id in [5, 6, 7] as [UInt32] { owners.announce(user(id), local: 9) }
        #expect(owners.local(for: 6, isGroup: false) == 9)
        #expect(owners.announced(for: 9, isGroup: false) == nil)
    }
}
