// zlib's two state machines, held at a fixed address, since zlib keeps a pointer back to them. zlib counts in 32
// bits, so both sides are handed over in pieces.

import CZlib

/// The most zlib is given or asked for at a time.
private let pieceMaximum = 1 << 30

/// A z_stream that compresses.
final class Deflater {
    private let stream: UnsafeMutablePointer<z_stream>

    /// `windowLog` 9 ... 15; the format is zlib's own.
    init(level: Int, windowLog: Int32) throws(CodecError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let result = deflateInit2_(
            stream, Int32(min(max(level, 0), 9)), Z_DEFLATED, windowLog, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        if result != Z_OK { throw .failed }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    func reset() throws(CodecError) {
        if deflateReset(stream) != Z_OK { throw .failed }
    }

    /// Feeds all of `bytes` and ends with `flush` (Z_SYNC_FLUSH or Z_FINISH).
    func compress(_ bytes: UnsafeRawBufferPointer, _ flush: Int32) throws(CodecError) -> [UInt8] {
        var rest = bytes
        var output: [UInt8] = []
        var room = Int(deflateBound(stream, UInt(min(bytes.count, pieceMaximum)))) + 16
        while true {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(pieceMaximum))
            stream.pointee.next_in = piece.unconst
            stream.pointee.avail_in = UInt32(piece.count)
            let isLast = piece.count == rest.count
            var result = Z_OK
            let part = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                stream.pointee.next_out = buffer.baseAddress
                stream.pointee.avail_out = UInt32(room)
                result = deflate(stream, isLast ? flush : Z_NO_FLUSH)
                count = room - Int(stream.pointee.avail_out)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.count - Int(stream.pointee.avail_in)))
            if output.isEmpty { output = part } else { output += part }
            switch result {
            case Z_STREAM_END: return output
            // Z_BUF_ERROR: nothing was left to flush; no harm done.
            case Z_OK, Z_BUF_ERROR:
                if isLast && flush != Z_FINISH && stream.pointee.avail_out > 0 && rest.isEmpty { return output }
                if result == Z_BUF_ERROR && stream.pointee.avail_out > 0 { throw .failed }
            default: throw .failed
            }
            room = min(max(room, 4096), pieceMaximum)
        }
    }
}

/// A z_stream that decompresses.
final class Inflater {
    private let stream: UnsafeMutablePointer<z_stream>
    /// The stream has come to its own end, check included.
    private(set) var isAtEnd = false

    init() throws(CodecError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        if inflateInit_(stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) != Z_OK { throw .failed }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func reset() throws(CodecError) {
        isAtEnd = false
        if inflateReset(stream) != Z_OK { throw .failed }
    }

    /// Uses up `bytes` and gives exactly `exactSize` bytes, or says which of the two went wrong.
    func decompress(_ bytes: UnsafeRawBufferPointer, _ exactSize: Int) throws(CodecError) -> [UInt8] {
        if exactSize < 0 { throw .malformed }
        var rest = bytes
        var failure: CodecError?
        let output = [UInt8](unsafeUninitializedCapacity: exactSize) { buffer, count in
            do throws(CodecError) {
                count = try run(&rest, UnsafeMutableRawBufferPointer(buffer.extracting(..<exactSize)))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        if output.count < exactSize { throw .tooShort }

        // The promise is filled; a single byte more breaks it.
        var extra: UInt8 = 0
        let overflow = try withUnsafeMutableBytes(of: &extra) { spare throws(CodecError) in
            try run(&rest, spare)
        }
        if overflow > 0 { throw .tooLong }
        if !rest.isEmpty { throw .malformed }
        return output
    }

    /// Goes on until the target is full, the input is used up with nothing held back, or the stream ends.
    private func run(
        _ rest: inout UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer
    ) throws(CodecError) -> Int {
        var filled = 0
        while !isAtEnd && filled < target.count {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(pieceMaximum))
            let room = min(target.count - filled, pieceMaximum)
            stream.pointee.next_in = piece.unconst
            stream.pointee.avail_in = UInt32(piece.count)
            stream.pointee.next_out = target.baseAddress?.advanced(by: filled).assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(room)
            let result = inflate(stream, Z_SYNC_FLUSH)
            let produced = room - Int(stream.pointee.avail_out)
            let consumed = piece.count - Int(stream.pointee.avail_in)
            filled += produced
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(consumed))
            switch result {
            case Z_STREAM_END: isAtEnd = true
            case Z_OK: if produced == 0 && consumed == 0 { return filled }
            case Z_BUF_ERROR: return filled  // nothing could move: not an error of the stream
            case Z_MEM_ERROR: throw .failed
            default: throw .malformed
            }
        }
        return filled
    }
}

extension UnsafeRawBufferPointer {
    /// zlib reads its input only, but its header does not say const. Never nil, which zlib takes amiss.
    fileprivate var unconst: UnsafeMutablePointer<UInt8>? {
        let base = baseAddress.map { UnsafeMutableRawPointer(mutating: $0) } ?? UnsafeMutableRawPointer(bitPattern: 1)
        return base?.assumingMemoryBound(to: UInt8.self)
    }
}
