// File contents: segments of one or several files in one frame, first a table, then all bytes. Segments of a file
// come in order; the last one carries how it ended.

package enum ContentEnd: Hashable, Sendable {
    /// Whole; the keyed digest of all of it (nil only inside one process, where the bytes do not travel).
    case whole(ContentDigest?)
    /// The sender gives up on this file.
    case failed(FileProblem)
}

package struct ContentSegment: Sendable {
    package var id: FileID
    package var offset: UInt64
    package var payload: Payload
    package var end: ContentEnd?

    package init(id: FileID, offset: UInt64, payload: Payload, end: ContentEnd?) {
        self.id = id
        self.offset = offset
        self.payload = payload
        self.end = end
    }
}

package struct ContentMessage: Sendable {
    package var segments: [ContentSegment]
    package init(_ segments: [ContentSegment]) { self.segments = segments }

    /// `shared`: `sharedBytes`, where they are not to be copied.
    func encode(into writer: inout ByteWriter, _ shared: ArraySlice<UInt8>?) throws(WireError) {
        writer.varint(UInt64(segments.count))
        for segment in segments {
            writer.varint(segment.id)
            writer.varint(segment.offset)
            writer.varint(segment.payload.count)
            try Self.encode(segment.end, into: &writer)
        }
        if let shared { return writer.finish(with: shared) }
        for segment in segments {
            switch segment.payload {
            case .bytes(let bytes, let range): writer.raw(bytes[range])
            case .file, .basis: throw .value("content.payload")
            }
        }
    }

    /// All bytes of all segments, where they need not be copied.
    var sharedBytes: ArraySlice<UInt8>? {
        SharedBytes.joined(
            segments.lazy.map { segment in
                guard case .bytes(let bytes, let range) = segment.payload else { return ([], 0..<0) }
                return (bytes, range)
            })
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let count = try reader.count("content.segments", each: 4, upTo: 4096)
        segments = []
        segments.reserveCapacity(count)
        var lengths: [Int] = []
        var total = 0
        for _ in 0..<count {
            let id = try reader.varint("content.id")
            let offset = try reader.varint("content.offset", upTo: UInt64(Int64.max))
            let length = Int(try reader.varint("content.length", upTo: UInt64(ProtocolConstants.longestPayload)))
            total += length
            let end = try Self.end(&reader, "content.end")
            segments.append(ContentSegment(id: id, offset: offset, payload: .bytes([], 0..<0), end: end))
            lengths.append(length)
        }
        guard total == reader.remaining else { throw .value("content.length") }
        var position = reader.position
        for index in segments.indices {
            segments[index].payload = .bytes(reader.bytes, position..<position + lengths[index])
            position += lengths[index]
        }
        _ = try reader.raw(total, "content.bytes")
    }

    // MARK: Ends

    static func encode(_ end: ContentEnd?, into writer: inout ByteWriter) throws(WireError) {
        switch end {
        case nil: writer.u8(0)
        case .whole(let digest):
            guard let digest else { throw .value("content.digest") }
            writer.u8(1)
            digest.encode(into: &writer)
        case .failed(let problem):
            writer.u8(2)
            problem.encode(into: &writer)
        }
    }

    static func end(_ reader: inout ByteReader, _ field: String) throws(WireError) -> ContentEnd? {
        switch try reader.u8(field) {
        case 0: nil
        case 1: .whole(try ContentDigest(from: &reader, "content.digest"))
        case 2: .failed(try FileProblem(from: &reader))
        default: throw .value(field)
        }
    }
}
