// Every option that both ends must know, as a tagged list on the wire.

package import LifterCodec

package enum DeleteMode: UInt8, Sendable {
    case none = 0
    case after = 1
    case before = 2
}

/// How a regular file that is there already gets its new contents.
package enum WritingMode: UInt8, Sendable {
    /// Beside it; it is replaced when the new one is whole.
    case aside = 0
    /// Into it.
    case inPlace = 1
    /// Into it, behind what is there, if that is how the new contents begin; longer ones are left alone.
    case append = 2
}

package enum CompressionChoice: Hashable, Sendable {
    case none
    /// The sender of contents chooses for each frame: plain, or zstd of any level.
    case auto
    /// zstd at a level that suits what is sent.
    case standard
    case zstd(level: Int32)
    case zlib(level: Int32)

    /// Whatever shrinks is compressed, however fast the stream is.
    package var isSure: Bool {
        switch self {
        case .none, .auto: false
        case .standard, .zstd, .zlib: true
        }
    }
}

/// Whether files that changed are told by their difference.
package enum DeltaChoice: UInt8, Sendable {
    /// Where the contents have to travel.
    case auto = 0
    case never = 1
    /// Also between two directories of one machine.
    case always = 2
}

/// Whether finer signatures are asked for where a coarse one found no match.
package enum RefineChoice: UInt8, Sendable {
    /// Where the stream is slow enough for it to pay.
    case auto = 0
    case never = 1
    case always = 2
}

package struct JobOptions: Hashable, Sendable {
    // Choosing.
    package var dryRun = false
    package var checksum = false
    package var ignoreTimes = false
    package var sizeOnly = false
    package var update = false
    package var existing = false
    package var ignoreExisting = false
    // Keeping.
    package var keepPermissions = true
    package var keepTimes = true
    package var keepUser = true
    package var keepGroup = true
    package var keepLinks = true
    package var keepDevices = true
    package var keepSpecials = true
    package var omitDirectoryTimes = false
    /// Names of one file at the sender become names of one file at the receiver.
    package var keepHardLinks = false
    package var numericIDs = false
    // Deleting.
    package var delete = DeleteMode.none
    package var deleteExcluded = false
    package var deleteFromEmpty = false
    package var force = false
    package var maxDelete: UInt64?
    /// The same in hundredths of what the destination holds.
    package var maxDeletePercent: UInt8?
    // Writing.
    package var makePath = false
    /// What is left of large files that were interrupted stays for the next run.
    package var keepPartials = true
    /// Where: in a directory of this name below each file's own or, beginning with a slash, in this one; nil: beside it.
    package var partialDirectory: [UInt8]?
    /// Runs of zeros take no room.
    package var sparse = false
    package var writing = WritingMode.aside
    // Wire.
    package var compression = CompressionChoice.none
    /// What contents are digested with.
    package var digest = DigestKind.xxh3
    /// Seconds of silence after which a session ends; nil: the default. A peer may only shorten it.
    package var timeout: UInt32?
    /// Bytes a second that each end may write to the stream; nil: as many as it takes.
    package var rateLimit: UInt64?
    /// Only the top directory is listed (`list`).
    package var topOnly = false
    package var delta = DeltaChoice.auto
    package var refine = RefineChoice.auto
    /// Bytes of a signature's blocks; nil: chosen for each file.
    package var blockLength: UInt32?
    /// A new file may be one that is in the destination under another name.
    package var detectRenames = true
    /// A new file may be like one with a similar name beside it.
    package var fuzzy = false

    package init() {}

    func encode(into writer: inout ByteWriter) {
        var list = AttributeListWriter()
        for (tag, value) in flags { list.flag(tag, value) }
        if delete != .none { list.number(41, UInt64(delete.rawValue)) }
        if let maxDelete { list.number(43, maxDelete) }
        switch compression {
        case .none: break
        case .auto: list.bytes(45, Self.encoded(codec: 0, 0))
        case .standard: list.bytes(45, Self.encoded(codec: 1, 0))
        case .zstd(let level): list.bytes(45, Self.encoded(codec: 1, level))
        case .zlib(let level): list.bytes(45, Self.encoded(codec: 2, level))
        }
        if let timeout { list.number(47, UInt64(timeout)) }
        if writing != .aside { list.number(65, UInt64(writing.rawValue)) }
        if delta != .auto { list.number(71, UInt64(delta.rawValue)) }
        if refine != .auto { list.number(73, UInt64(refine.rawValue)) }
        if let blockLength { list.number(75, UInt64(blockLength)) }
        if let partialDirectory { list.bytes(77, partialDirectory) }
        if digest != .xxh3 { list.number(76, UInt64(digest.rawValue)) }
        if let rateLimit { list.number(81, rateLimit) }
        if let maxDeletePercent { list.number(83, UInt64(maxDeletePercent)) }
        list.encode(into: &writer)
    }

    /// What is not kept has a tag, so that the default (everything) is the empty list.
    private var flags: [(UInt64, Bool)] {
        [
            (1, dryRun), (3, checksum), (5, ignoreTimes), (7, sizeOnly), (9, update), (11, existing),
            (13, ignoreExisting), (15, !keepPermissions), (17, !keepTimes), (19, !keepUser), (21, !keepGroup),
            (23, !keepLinks), (25, !keepDevices), (27, !keepSpecials), (29, omitDirectoryTimes), (31, numericIDs),
            (33, deleteExcluded), (35, deleteFromEmpty), (37, force), (39, makePath), (49, topOnly),
            (61, !keepPartials), (63, sparse), (51, keepHardLinks), (52, !detectRenames), (54, fuzzy),
        ]
    }

    private static func encoded(codec: UInt8, _ level: Int32) -> [UInt8] {
        var writer = ByteWriter()
        writer.u8(codec)
        writer.signed(Int64(level))
        return writer.bytes
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.init()
        var list = try AttributeListReader(from: &reader, "job.options")
        while let tag = try list.next() {
            switch tag {
            case 1: dryRun = try list.flag()
            case 3: checksum = try list.flag()
            case 5: ignoreTimes = try list.flag()
            case 7: sizeOnly = try list.flag()
            case 9: update = try list.flag()
            case 11: existing = try list.flag()
            case 13: ignoreExisting = try list.flag()
            case 15: keepPermissions = try !list.flag()
            case 17: keepTimes = try !list.flag()
            case 19: keepUser = try !list.flag()
            case 21: keepGroup = try !list.flag()
            case 23: keepLinks = try !list.flag()
            case 25: keepDevices = try !list.flag()
            case 27: keepSpecials = try !list.flag()
            case 29: omitDirectoryTimes = try list.flag()
            case 31: numericIDs = try list.flag()
            case 33: deleteExcluded = try list.flag()
            case 35: deleteFromEmpty = try list.flag()
            case 37: force = try list.flag()
            case 39: makePath = try list.flag()
            case 41:
                guard let mode = DeleteMode(rawValue: UInt8(clamping: try list.number())) else {
                    throw .value("job.delete")
                }
                delete = mode
            case 43: maxDelete = try list.number()
            case 45: compression = try Self.decoded(list.bytes())
            case 47: timeout = try list.number32()
            case 49: topOnly = try list.flag()
            case 51: keepHardLinks = try list.flag()
            case 52: detectRenames = try !list.flag()
            case 54: fuzzy = try list.flag()
            case 61: keepPartials = try !list.flag()
            case 63: sparse = try list.flag()
            case 65: writing = try Self.choice(list, "job.writing")
            case 71: delta = try Self.choice(list, "job.delta")
            case 73: refine = try Self.choice(list, "job.refine")
            case 75: blockLength = try Self.blockLength(list.number())
            case 76: digest = try Self.choice(list, "job.digest")
            case 77: partialDirectory = try Self.partialDirectory(list.bytes())
            case 81: rateLimit = try list.number()
            case 83: maxDeletePercent = try Self.percent(list.number())
            default: try list.skip(tag)
            }
        }
    }

    private static func choice<Choice: RawRepresentable<UInt8>>(
        _ list: AttributeListReader, _ field: String
    ) throws(WireError) -> Choice {
        guard let choice = Choice(rawValue: UInt8(clamping: try list.number())) else { throw .value(field) }
        return choice
    }

    private static func blockLength(_ value: UInt64) throws(WireError) -> UInt32 {
        let range = UInt64(ProtocolConstants.shortestBlock)...UInt64(ProtocolConstants.longestBlock)
        guard range.contains(value) else { throw .value("job.blockLength") }
        return UInt32(value)
    }

    /// One name, or a path from the root; neither may be one that is never sent.
    package static func isPartialDirectory(_ path: [UInt8]) -> Bool {
        guard path.first == UInt8(ascii: "/") else { return Names.isAcceptable(path[...]) }
        return path.count <= ProtocolConstants.longestTarget && !path.contains(0)
    }

    private static func partialDirectory(_ bytes: [UInt8]) throws(WireError) -> [UInt8] {
        guard isPartialDirectory(bytes) else { throw .value("job.partialDirectory") }
        return bytes
    }

    private static func percent(_ value: UInt64) throws(WireError) -> UInt8 {
        guard value <= 100 else { throw .value("job.maxDeletePercent") }
        return UInt8(value)
    }

    private static func decoded(_ bytes: [UInt8]) throws(WireError) -> CompressionChoice {
        var reader = ByteReader(bytes)
        let codec = try reader.u8("job.compression")
        let level = try reader.signed("job.compression")
        try reader.finish()
        switch codec {
        case 0 where level == 0: return .auto
        case 1 where level == 0: return .standard
        case 1 where (-7...19).contains(level): return .zstd(level: Int32(level))
        case 2 where (1...9).contains(level): return .zlib(level: Int32(level))
        default: throw .value("job.compression")
        }
    }
}
