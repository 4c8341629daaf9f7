// zlib, for peers without zstd: on whole blocks, in the zlib format (RFC 1950) with its own check.

import CZlib

/// Compresses blocks one by one with one context (256 KiB). Not for several threads at once.
package final class ZlibCompressor {
    private let deflater: Deflater

    package init(level: Int = 6) throws(CodecError) {
        deflater = try Deflater(level: level, windowLog: 15)
    }

    /// One complete zlib stream that holds `bytes`.
    package func compress(_ bytes: UnsafeRawBufferPointer) throws(CodecError) -> [UInt8] {
        try deflater.reset()
        return try deflater.compress(bytes, Z_FINISH)
    }

    package func compress(_ bytes: [UInt8]) throws(CodecError) -> [UInt8] {
        try bytes.withUnsafeBufferPointer { bytes throws(CodecError) in
            try compress(UnsafeRawBufferPointer(bytes))
        }
    }
}

/// Decompresses blocks one by one with one context. Not for several threads at once.
package final class ZlibDecompressor {
    private let inflater: Inflater

    package init() throws(CodecError) { inflater = try Inflater() }

    /// What `bytes` hold, which must be one whole stream of exactly `exactSize` bytes: the only memory taken for the
    /// result, and all of it at once, so the caller bounds the number first.
    package func decompress(_ bytes: UnsafeRawBufferPointer, exactSize: Int) throws(CodecError) -> [UInt8] {
        try inflater.reset()
        let output = try inflater.decompress(bytes, exactSize)
        if !inflater.isAtEnd { throw .tooShort }
        return output
    }

    package func decompress(_ bytes: [UInt8], exactSize: Int) throws(CodecError) -> [UInt8] {
        try bytes.withUnsafeBufferPointer { bytes throws(CodecError) in
            try decompress(UnsafeRawBufferPointer(bytes), exactSize: exactSize)
        }
    }
}

/// The sending half of a conversation in which messages share a history of 32 KiB (about 256 KiB of memory).
/// Not for several threads at once.
package final class ZlibStreamCompressor {
    private let deflater: Deflater
    private var isBroken = false

    package init(level: Int = 6) throws(CodecError) {
        deflater = try Deflater(level: level, windowLog: 15)
    }

    /// Compresses one message and flushes (Z_SYNC_FLUSH), so that the result makes the message readable to a
    /// receiver that has had all results before it.
    package func compress(_ bytes: UnsafeRawBufferPointer) throws(CodecError) -> [UInt8] {
        if isBroken { throw .broken }
        do throws(CodecError) {
            return try deflater.compress(bytes, Z_SYNC_FLUSH)
        } catch {
            isBroken = true
            throw error
        }
    }

    package func compress(_ bytes: [UInt8]) throws(CodecError) -> [UInt8] {
        try bytes.withUnsafeBufferPointer { bytes throws(CodecError) in
            try compress(UnsafeRawBufferPointer(bytes))
        }
    }
}

/// The receiving half. After any error the stream is finished.
package final class ZlibStreamDecompressor {
    private let inflater: Inflater
    private var isBroken = false

    package init() throws(CodecError) { inflater = try Inflater() }

    /// Reads one flushed message, which must be used up and give exactly `exactSize` bytes. That many are taken at
    /// once, so the caller bounds the number first.
    package func decompress(_ bytes: UnsafeRawBufferPointer, exactSize: Int) throws(CodecError) -> [UInt8] {
        if isBroken { throw .broken }
        do throws(CodecError) {
            return try inflater.decompress(bytes, exactSize)
        } catch {
            isBroken = true
            throw error
        }
    }

    package func decompress(_ bytes: [UInt8], exactSize: Int) throws(CodecError) -> [UInt8] {
        try bytes.withUnsafeBufferPointer { bytes throws(CodecError) in
            try decompress(UnsafeRawBufferPointer(bytes), exactSize: exactSize)
        }
    }
}
