// How one entry is written: the same bytes in a message and, over what the job compares, under a digest.

extension Timestamp {
    func encode(into writer: inout ByteWriter) {
        writer.signed(seconds)
        writer.varint(UInt64(nanoseconds))
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let seconds = try reader.signed("time.seconds")
        let nanoseconds = try reader.varint("time.nanoseconds", upTo: 999_999_999)
        self.init(seconds: seconds, nanoseconds: UInt32(nanoseconds))
    }
}

extension Attributes {
    func encode(into writer: inout ByteWriter) {
        writer.u8(kind.rawValue)
        writer.varint(UInt64(mode))
        writer.varint(UInt64(userID))
        writer.varint(UInt64(groupID))
        switch kind {
        case .regular, .characterDevice, .blockDevice: writer.varint(size)
        case .directory, .symlink, .fifo, .socket: break
        }
        modified.encode(into: &writer)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        guard let kind = EntryKind(rawValue: try reader.u8("entry.kind")) else { throw .value("entry.kind") }
        let mode = UInt16(try reader.varint("entry.mode", upTo: 0o7777))
        let user = try reader.varint32("entry.user")
        let group = try reader.varint32("entry.group")
        var size: UInt64 = 0
        switch kind {
        case .regular: size = try reader.varint("entry.size", upTo: UInt64(Int64.max))
        case .characterDevice, .blockDevice: size = try reader.varint("entry.device")
        case .directory, .symlink, .fifo, .socket: break
        }
        self.init(
            kind: kind, mode: mode, userID: user, groupID: group, size: size,
            modified: try Timestamp(from: &reader))
    }
}

extension Entry {
    func encode(into writer: inout ByteWriter) {
        writer.string(name)
        attributes.encode(into: &writer)
        if attributes.kind == .symlink { writer.string(target) }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let name = try reader.string("entry.name", upTo: Names.longest)
        guard Names.isAcceptable(name) else { throw .value("entry.name") }
        let attributes = try Attributes(from: &reader)
        var target: ArraySlice<UInt8> = []
        if attributes.kind == .symlink {
            target = try reader.string("entry.target", upTo: ProtocolConstants.longestTarget)
            guard !target.isEmpty, !target.contains(0) else { throw .value("entry.target") }
        }
        self.init(name: Array(name), attributes: attributes, target: Array(target))
    }
}

extension FileProblem {
    func encode(into writer: inout ByteWriter) {
        writer.u8(code.rawValue)
        writer.varint(UInt64(UInt32(bitPattern: errno)))
        writer.text(doing, upTo: ProtocolConstants.longestDoing)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        guard let code = Code(rawValue: try reader.u8("problem.code")) else { throw .value("problem.code") }
        let errno = Int32(bitPattern: try reader.varint32("problem.errno"))
        self.init(code, errno: errno, doing: try reader.text("problem.doing", upTo: ProtocolConstants.longestDoing))
    }
}

extension ContentDigest {
    func encode(into writer: inout ByteWriter) {
        writer.u64(low)
        writer.u64(high)
    }

    init(from reader: inout ByteReader, _ field: String) throws(WireError) {
        let low = try reader.u64(field)
        self.init(low: low, high: try reader.u64(field))
    }
}
