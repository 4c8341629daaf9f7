// Contents that are told by their difference. They end up in the same stages, and small ones in the same effects, as
// others; what is to be copied is checked against the basis before anything is done.

/// A part of a file's contents that has come, by whatever message.
struct Arrived: Sendable {
    var id: FileID
    var offset: UInt64
    var payloads: [Payload]
    /// Bytes of the file.
    var count: UInt64
    var end: ContentEnd?

    init(_ segment: ContentSegment) {
        (id, offset, end) = (segment.id, segment.offset, segment.end)
        payloads = [segment.payload]
        count = segment.payload.count
    }

    init(_ segment: DeltaSegment) {
        (id, offset, end) = (segment.id, segment.offset, segment.end)
        count = segment.count
        payloads = []
        var place = segment.range.lowerBound
        func literal(_ length: UInt64) {
            guard length > 0 else { return }
            let end = place + Int(length)
            payloads.append(.bytes(segment.bytes, place..<end))
            place = end
        }
        for copy in segment.copies {
            literal(copy.literal)
            payloads.append(.basis(offset: copy.from, length: copy.length))
        }
        literal(segment.rest)
    }
}

extension ReceiverMachine {
    mutating func take(_ message: DeltaMessage, _ weight: Int) throws(WireError) {
        var rest = weight
        var batch: [SmallFile] = []
        var batchWeight = 0
        var buffer: [UInt8] = []
        var directory: DirectoryID?
        for (index, segment) in message.segments.enumerated() {
            guard awaited[segment.id] == true else { throw .value("delta.id") }
            if let entry = open[segment.id] { try check(segment, entry.basis) }
            if segment.end != nil { awaited[segment.id] = nil }
            let isLast = index == message.segments.count - 1
            let share = isLast ? rest : min(rest, 32 + segment.range.count + 8 * segment.copies.count)
            rest -= share
            summary.contentBytes &+= UInt64(segment.range.count)
            summary.matchedBytes &+= segment.copied
            open[segment.id]?.literal &+= UInt64(segment.range.count)
            if let file = smallFile(segment, &buffer) {
                let place = open[segment.id]?.directory
                if place != directory {
                    flush(&batch, buffer, &batchWeight, directory)
                    directory = place
                }
                batch.append(file)
                batchWeight += share
            } else {
                try take(Arrived(segment), share)
            }
        }
        flush(&batch, buffer, &batchWeight, directory)
        if message.segments.isEmpty { core.release(.content, weight) }
    }

    /// Copies lie within the basis whose signature was told.
    private func check(_ segment: DeltaSegment, _ basis: Basis?) throws(WireError) {
        guard let basis, basis.isTold else {
            if segment.copies.isEmpty { return }
            throw .value("delta.copies")
        }
        for copy in segment.copies {
            let (end, overflow) = copy.from.addingReportingOverflow(copy.length)
            guard !overflow, end <= basis.size else { throw .value("delta.from") }
        }
    }

    /// A whole small file in one segment; it is in work from here on.
    private mutating func smallFile(_ segment: DeltaSegment, _ buffer: inout [UInt8]) -> SmallFile? {
        guard var entry = open[segment.id], case .awaiting = entry.state, entry.basis?.takesPart != true,
            segment.offset == 0,
            case .whole(let digest?) = segment.end, segment.count == entry.entry.attributes.size,
            segment.count <= smallFile, segment.copies.count <= ProtocolConstants.longestList
        else { return nil }
        entry.state = .placing
        open[segment.id] = entry
        // The literal bytes of a message lie in one buffer.
        buffer = segment.bytes
        return SmallFile(
            target: target(segment.id, entry), range: segment.range, digest: digest,
            patch: SmallPatch(copies: segment.copies))
    }
}

extension Staging {
    /// What one effect should write, of long copies a piece, with the credit that it holds.
    mutating func takeSome() -> [Payload] {
        var payloads: [Payload] = []
        var bytes: UInt64 = 0
        var weight = 0
        while bytes < Tuning.copiedChunk, payloads.count < ProtocolConstants.longestList, let first = waiting.first {
            let room = Tuning.copiedChunk - bytes
            if case .basis(let offset, let length) = first, length > room {
                payloads.append(.basis(offset: offset, length: room))
                waiting[0] = .basis(offset: offset + room, length: length - room)
                break
            }
            payloads.append(first)
            bytes &+= first.count
            if case .basis = first {} else { weight += Int(clamping: first.count) }
            _ = waiting.popFirst()
        }
        // What the tables weighed goes with the last piece.
        writingWeight = waiting.isEmpty ? waitingWeight : min(weight, waitingWeight)
        waitingWeight -= writingWeight
        return payloads
    }
}
