// Sending only what differs within a file: the receiver tells the signature of what it has (which is also its request
// for the contents), the sender answers with copies from that and literal bytes. In between it may ask for finer
// signatures of some ranges.

package import LifterCodec

/// A part of one file's signature.
package struct SignatureSegment: Hashable, Sendable {
    package var id: FileID
    /// Set with the first segment of a file.
    package var shape: BasisShape?
    /// What is told of each block.
    package var widths: HashWidths
    /// Where in the basis the first block begins.
    package var offset: UInt64
    package var blocks: SignatureBlocks
    /// The signature, or the answer to a Refine, is complete.
    package var isLast: Bool
    /// The basis cannot be used: the contents are wanted whole. Only with `isLast`.
    package var isGivenUp: Bool

    package init(
        id: FileID, shape: BasisShape? = nil, widths: HashWidths, offset: UInt64, blocks: SignatureBlocks,
        isLast: Bool, isGivenUp: Bool = false
    ) {
        self.id = id
        self.shape = shape
        self.widths = widths
        self.offset = offset
        self.blocks = blocks
        self.isLast = isLast
        self.isGivenUp = isGivenUp
    }

    /// What it takes on the wire, at most.
    package var wireBytes: Int { 40 + hashBytes }
    /// The hashes alone.
    var hashBytes: Int { widths.bytes(ofBlocks: blocks.count) }
}

/// Signatures of one or several files: first a table, then all hashes.
package struct SignatureMessage: Sendable {
    package var segments: [SignatureSegment]
    package init(_ segments: [SignatureSegment]) { self.segments = segments }

    private enum Flag {
        static let isFirst: UInt8 = 1
        static let isLast: UInt8 = 2
        static let isGivenUp: UInt8 = 4
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(UInt64(segments.count))
        for segment in segments {
            writer.varint(segment.id)
            var flags: UInt8 = segment.shape == nil ? 0 : Flag.isFirst
            if segment.isLast { flags |= Flag.isLast }
            if segment.isGivenUp { flags |= Flag.isGivenUp }
            writer.u8(flags)
            if let shape = segment.shape {
                writer.varint(shape.basisSize)
                writer.varint(UInt64(shape.blockLength))
            }
            writer.widths(segment.widths)
            writer.varint(segment.offset)
            writer.varint(UInt64(segment.blocks.count))
        }
        for segment in segments {
            let (blocks, widths) = (segment.blocks, segment.widths)
            writer.packed([(blocks.rolling.map(UInt64.init), widths.rolling), (blocks.strong, widths.strong)])
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let count = try reader.count("signature.segments", each: 6, upTo: ProtocolConstants.longestList)
        segments = []
        segments.reserveCapacity(count)
        var counts: [Int] = []
        var total = 0
        for _ in 0..<count {
            let (segment, blocks) = try Self.segment(&reader)
            total += segment.widths.bytes(ofBlocks: blocks)
            segments.append(segment)
            counts.append(blocks)
        }
        guard total == reader.remaining else { throw .value("signature.count") }
        for (index, blocks) in counts.enumerated() {
            let widths = segments[index].widths
            var bits = BitReader(try reader.raw(widths.bytes(ofBlocks: blocks), "signature.hashes"))
            segments[index].blocks.rolling = bits.numbers(blocks, width: widths.rolling)
                .map { UInt32(truncatingIfNeeded: $0) }
            segments[index].blocks.strong = bits.numbers(blocks, width: widths.strong)
            guard bits.endsWithZeros else { throw .value("signature.hashes") }
        }
    }

    /// A row of the table, and how many blocks belong to it.
    private static func segment(_ reader: inout ByteReader) throws(WireError) -> (SignatureSegment, Int) {
        let id = try reader.varint("signature.id", upTo: UInt64(Int64.max))
        let flags = try reader.u8("signature.flags")
        guard flags < 8 else { throw .value("signature.flags") }
        let isGivenUp = flags & Flag.isGivenUp != 0
        guard !isGivenUp || flags & Flag.isLast != 0 else { throw .value("signature.flags") }
        var begun: (size: UInt64, blockLength: UInt32)?
        if flags & Flag.isFirst != 0 {
            begun = (
                try reader.varint("signature.size", upTo: UInt64(Int64.max)),
                try reader.blockLength("signature.blockLength")
            )
        }
        let widths = try reader.widths("signature.widths")
        let shape = begun.map { BasisShape(basisSize: $0.size, blockLength: $0.blockLength, widths: widths) }
        let offset = try reader.varint("signature.offset", upTo: UInt64(Int64.max))
        // No block takes less than 28 bits.
        let blocks = try reader.count("signature.count", each: 3)
        return (
            SignatureSegment(
                id: id, shape: shape, widths: widths, offset: offset, blocks: SignatureBlocks(),
                isLast: flags & Flag.isLast != 0, isGivenUp: isGivenUp),
            blocks
        )
    }
}

/// A part of one file's contents, as copies from the basis and literal bytes.
package struct DeltaSegment: Sendable {
    package var id: FileID
    /// Where in the new file it begins.
    package var offset: UInt64
    package var copies: [DeltaCopy]
    /// Literal bytes after the last copy.
    package var rest: UInt64
    /// All literal bytes, in order: `range` of `bytes`.
    package var bytes: [UInt8]
    package var range: Range<Int>
    package var end: ContentEnd?

    package init(
        id: FileID, offset: UInt64, copies: [DeltaCopy], rest: UInt64, bytes: [UInt8], range: Range<Int>,
        end: ContentEnd?
    ) {
        self.id = id
        self.offset = offset
        self.copies = copies
        self.rest = rest
        self.bytes = bytes
        self.range = range
        self.end = end
    }

    /// Bytes taken from the basis.
    package var copied: UInt64 { copies.reduce(0) { $0 &+ $1.length } }
    /// Bytes of the new file.
    package var count: UInt64 { copied &+ UInt64(range.count) }
}

/// Contents of one or several files by their difference: first a table, then all literal bytes.
package struct DeltaMessage: Sendable {
    package var segments: [DeltaSegment]
    package init(_ segments: [DeltaSegment]) { self.segments = segments }

    /// `shared`: `sharedBytes`, where they are not to be copied.
    func encode(into writer: inout ByteWriter, _ shared: ArraySlice<UInt8>?) throws(WireError) {
        writer.varint(UInt64(segments.count))
        for segment in segments {
            writer.varint(segment.id)
            writer.varint(segment.offset)
            writer.varint(UInt64(segment.copies.count))
            for copy in segment.copies {
                writer.varint(copy.literal)
                writer.varint(copy.from)
                writer.varint(copy.length)
            }
            writer.varint(segment.rest)
            try ContentMessage.encode(segment.end, into: &writer)
        }
        if let shared { return writer.finish(with: shared) }
        for segment in segments { writer.raw(segment.bytes[segment.range]) }
    }

    /// All literal bytes, where they need not be copied.
    var sharedBytes: ArraySlice<UInt8>? { SharedBytes.joined(segments.lazy.map { ($0.bytes, $0.range) }) }

    init(from reader: inout ByteReader) throws(WireError) {
        let count = try reader.count("delta.segments", each: 5, upTo: ProtocolConstants.longestList)
        segments = []
        segments.reserveCapacity(count)
        var lengths: [Int] = []
        var total = 0
        var copiesLeft = ProtocolConstants.mostCopies
        for _ in 0..<count {
            let (segment, literal) = try Self.segment(&reader, &copiesLeft)
            total += literal
            guard total <= ProtocolConstants.longestPayload else { throw .value("delta.literal") }
            segments.append(segment)
            lengths.append(literal)
        }
        guard total == reader.remaining else { throw .value("delta.literal") }
        var position = reader.position
        for index in segments.indices {
            segments[index].bytes = reader.bytes
            segments[index].range = position..<position + lengths[index]
            position += lengths[index]
        }
        _ = try reader.raw(total, "delta.bytes")
    }

    /// A row of the table, and how many literal bytes belong to it.
    private static func segment(
        _ reader: inout ByteReader, _ copiesLeft: inout Int
    ) throws(WireError) -> (DeltaSegment, Int) {
        let longest = UInt64(ProtocolConstants.longestPayload)
        let id = try reader.varint("delta.id", upTo: UInt64(Int64.max))
        let offset = try reader.varint("delta.offset", upTo: UInt64(Int64.max))
        let count = try reader.count("delta.copies", each: 3, upTo: copiesLeft)
        copiesLeft -= count
        var copies: [DeltaCopy] = []
        copies.reserveCapacity(count)
        var literal: UInt64 = 0
        var copied: UInt64 = 0
        for _ in 0..<count {
            let copy = DeltaCopy(
                literal: try reader.varint("delta.literal", upTo: longest),
                from: try reader.varint("delta.from", upTo: UInt64(Int64.max)),
                length: try reader.varint("delta.length", upTo: UInt64(Int64.max)))
            guard copy.length > 0 else { throw .value("delta.length") }
            literal += copy.literal
            copied &+= copy.length
            guard literal <= longest else { throw .value("delta.literal") }
            guard copied <= UInt64(Int64.max) else { throw .value("delta.length") }
            copies.append(copy)
        }
        let rest = try reader.varint("delta.rest", upTo: longest)
        guard literal + rest <= longest else { throw .value("delta.rest") }
        let end = try ContentMessage.end(&reader, "delta.end")
        let segment = DeltaSegment(
            id: id, offset: offset, copies: copies, rest: rest, bytes: [], range: 0..<0, end: end)
        return (segment, Int(literal + rest))
    }
}

/// Finer signatures are wanted of ranges of a basis.
package struct Refine: Hashable, Sendable {
    package var id: FileID
    package var blockLength: UInt32
    package var widths: HashWidths
    /// Rising, and not overlapping.
    package var ranges: [BasisRange]

    package init(id: FileID, blockLength: UInt32, widths: HashWidths, ranges: [BasisRange]) {
        self.id = id
        self.blockLength = blockLength
        self.widths = widths
        self.ranges = ranges
    }

    /// What the hashes take on the wire.
    package var wireBytes: UInt64 {
        widths.bytes(ofBlocks: ranges.reduce(0) { $0 &+ BasisShape.blocks(in: $1.length, of: blockLength) })
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(id)
        writer.varint(UInt64(blockLength))
        writer.widths(widths)
        writer.varint(UInt64(ranges.count))
        for range in ranges {
            writer.varint(range.offset)
            writer.varint(range.length)
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        id = try reader.varint("refine.id", upTo: UInt64(Int64.max))
        blockLength = try reader.blockLength("refine.blockLength")
        widths = try reader.widths("refine.widths")
        ranges = []
        var end: UInt64 = 0
        for _ in 0..<(try reader.count("refine.ranges", each: 2, upTo: ProtocolConstants.mostCopies)) {
            let range = BasisRange(
                offset: try reader.varint("refine.offset", upTo: UInt64(Int64.max)),
                length: try reader.varint("refine.length", upTo: UInt64(Int64.max)))
            guard range.length > 0, range.end <= UInt64(Int64.max) else { throw .value("refine.length") }
            guard range.offset >= end else { throw .value("refine.offset") }
            end = range.end
            ranges.append(range)
        }
        guard !ranges.isEmpty else { throw .value("refine.ranges") }
    }
}

extension ByteReader {
    fileprivate mutating func blockLength(_ field: String) throws(WireError) -> UInt32 {
        let value = try varint(field, upTo: UInt64(ProtocolConstants.longestBlock))
        guard value >= UInt64(ProtocolConstants.shortestBlock) else { throw .value(field) }
        return UInt32(value)
    }

    fileprivate mutating func widths(_ field: String) throws(WireError) -> HashWidths {
        let (rolling, strong) = (try u8(field), try u8(field))
        guard let widths = HashWidths(validatedRolling: rolling, strong: strong) else { throw .value(field) }
        return widths
    }
}

extension ByteWriter {
    fileprivate mutating func widths(_ widths: HashWidths) {
        u8(UInt8(truncatingIfNeeded: widths.rolling))
        u8(UInt8(truncatingIfNeeded: widths.strong))
    }
}
