// The first flight: who is speaking, what it can do, and how much may be under way towards it.

package struct Hello: Hashable, Sendable {
    /// The versions of the protocol this side speaks, both included.
    package var oldest: UInt16
    package var newest: UInt16
    /// Name and release of the program, for messages to people.
    package var software: String
    /// Sixteen random bytes, new in each session.
    package var nonce: [UInt8]
    /// Optional abilities by name; unknown ones are ignored.
    package var features: [String]
    package var limits: Limits
    package var abilities: Abilities
    /// From a server that was asked which modules it has: what it says of them. Empty otherwise.
    package var modules: [ModuleNote] = []

    package init(
        software: String, nonce: [UInt8], features: [String], limits: Limits, abilities: Abilities,
        oldest: UInt16 = ProtocolConstants.version, newest: UInt16 = ProtocolConstants.version
    ) {
        self.software = software
        self.nonce = nonce
        self.features = features
        self.limits = limits
        self.abilities = abilities
        self.oldest = oldest
        self.newest = newest
    }

    package static let zlibFeature = "zlib"
    /// Contents may be compressed against those before them.
    package static let historyFeature = "history"
    /// Signature, Delta and Refine.
    package static let deltaFeature = "delta"
    /// A request may say how much of a file is there already.
    package static let resumeFeature = "resume"
    /// Into a destination that holds something, large files are not promised: the receiver may have them already.
    package static let renamesFeature = "renames"
    /// Contents can be digested with SHA-256. Named only where the job asks for it, since finding out takes a moment.
    package static let sha256Feature = "sha256"

    func encode(into writer: inout ByteWriter) {
        writer.u16(oldest)
        writer.u16(newest)
        writer.text(software)
        writer.raw(nonce)
        writer.varint(UInt64(features.count))
        for feature in features { writer.text(feature) }
        var values = AttributeListWriter()
        values.number(1, UInt64(limits.contentWindow))
        values.number(3, UInt64(limits.listingWindow))
        values.number(5, UInt64(limits.answerWindow))
        values.number(7, UInt64(limits.signatureWindow))
        values.number(9, UInt64(limits.openIDs))
        values.number(11, UInt64(abilities.rawValue))
        if let notes = ModuleNote.encoded(modules) { values.bytes(12, notes) }
        values.encode(into: &writer)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        oldest = try reader.u16("hello.oldest")
        newest = try reader.u16("hello.newest")
        guard oldest <= newest else { throw .value("hello.newest") }
        software = try reader.text("hello.software")
        nonce = Array(try reader.raw(ProtocolConstants.nonceLength, "hello.nonce"))
        let count = try reader.count("hello.features", each: 1, upTo: 256)
        features = []
        for _ in 0..<count { features.append(try reader.text("hello.feature")) }
        // All of them must be there: an announcement has no defaults that could be tuned.
        limits = Limits()
        (limits.contentWindow, limits.listingWindow, limits.answerWindow, limits.signatureWindow) = (0, 0, 0, 0)
        limits.openIDs = 0
        abilities = []
        var list = try AttributeListReader(from: &reader, "hello.values")
        while let tag = try list.next() {
            switch tag {
            case 1: limits.contentWindow = try list.number32()
            case 3: limits.listingWindow = try list.number32()
            case 5: limits.answerWindow = try list.number32()
            case 7: limits.signatureWindow = try list.number32()
            case 9: limits.openIDs = try list.number32()
            case 11: abilities = Abilities(rawValue: try list.number32())
            case 12: modules = try ModuleNote.decoded(list.bytes())
            default: try list.skip(tag)
            }
        }
        guard limits.fits() else { throw .value("hello.limits") }
    }
}

/// What a server says of a module to people.
package struct ModuleNote: Hashable, Sendable {
    package var name: [UInt8]
    package var comment: String

    package init(name: [UInt8], comment: String) {
        self.name = name
        self.comment = comment
    }

    /// A Hello is short: notes that would not fit are left out.
    private static let room = 48 << 10

    fileprivate static func encoded(_ notes: [ModuleNote]) -> [UInt8]? {
        guard !notes.isEmpty else { return nil }
        var writer = ByteWriter()
        for note in notes {
            var one = ByteWriter()
            one.string(note.name)
            one.text(note.comment)
            if writer.bytes.count + one.bytes.count > room { break }
            writer.raw(one.bytes)
        }
        return writer.bytes
    }

    fileprivate static func decoded(_ bytes: [UInt8]) throws(WireError) -> [ModuleNote] {
        var reader = ByteReader(bytes)
        var notes: [ModuleNote] = []
        while !reader.isAtEnd {
            let name = try reader.string("hello.module", upTo: Names.longest)
            notes.append(ModuleNote(name: Array(name), comment: try reader.text("hello.comment")))
        }
        return notes
    }
}

/// What a side can keep when it is the receiver.
package struct Abilities: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static let owners = Abilities(rawValue: 1)
    package static let devices = Abilities(rawValue: 2)
    package static let setIDs = Abilities(rawValue: 4)
}
