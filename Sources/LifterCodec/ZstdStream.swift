// zstd on a conversation: messages share a history, yet each can be read as soon as it has arrived.

import CZstd

/// The sending half. One for each direction and class of messages. Not for several threads at once.
package final class ZstdStreamCompressor {
    private let context: OpaquePointer
    private var isBroken = false

    /// `windowLog` is the history kept on both sides, as a power of two in bytes (10 ... 23). At 17 and level 3 this
    /// side holds about 1.3 MiB, the other 0.4 MiB.
    package init(level: Int = 3, windowLog: Int = 17) throws(CodecError) {
        guard let context = ZSTD_createCCtx() else { throw .failed }
        self.context = context
        for (parameter, value) in [
            (ZSTD_c_compressionLevel, Zstd.clamped(level)),
            (ZSTD_c_windowLog, Int32(min(max(windowLog, 10), 23))),
        ] where ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) != 0 { throw .failed }
    }

    deinit { ZSTD_freeCCtx(context) }

    /// Bytes of memory held now.
    package var memory: Int { ZSTD_sizeof_CCtx(context) }

    /// Compresses one message and flushes, so that the result alone makes the message readable to a receiver that
    /// has had all results before it. An empty message may give an empty result.
    package func compress(_ bytes: UnsafeRawBufferPointer) throws(CodecError) -> [UInt8] {
        if isBroken { throw .broken }
        var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        var output: [UInt8] = []
        var room = ZSTD_compressBound(bytes.count) + 64
        while true {
            var result = 0
            let part = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                var target = ZSTD_outBuffer(dst: buffer.baseAddress, size: room, pos: 0)
                result = ZSTD_compressStream2(context, &target, &input, ZSTD_e_flush)
                count = target.pos
            }
            if ZSTD_isError(result) != 0 {
                isBroken = true
                throw .failed
            }
            if output.isEmpty { output = part } else { output += part }
            // What is left inside, at least; 0 when all is out.
            if result == 0 { return output }
            room = max(result, 4096)
        }
    }

    package func compress(_ bytes: [UInt8]) throws(CodecError) -> [UInt8] {
        try bytes.withUnsafeBufferPointer { bytes throws(CodecError) in
            try compress(UnsafeRawBufferPointer(bytes))
        }
    }
}

/// The receiving half. After any error the stream is finished.
package final class ZstdStreamDecompressor {
    private let context: OpaquePointer
    private var isBroken = false

    /// `windowLogMax` bounds what a peer can make this side hold: about 2^windowLogMax bytes (10 ... 27).
    package init(windowLogMax: Int = 23) throws(CodecError) {
        guard let context = ZSTD_createDCtx() else { throw .failed }
        self.context = context
        let limit = Int32(min(max(windowLogMax, 10), 27))
        if ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, limit)) != 0 { throw .failed }
    }

    deinit { ZSTD_freeDCtx(context) }

    /// Bytes of memory held now.
    package var memory: Int { ZSTD_sizeof_DCtx(context) }

    /// Reads one flushed message, which must be used up and give exactly `exactSize` bytes. That many are taken at
    /// once, so the caller bounds the number first.
    package func decompress(_ bytes: UnsafeRawBufferPointer, exactSize: Int) throws(CodecError) -> [UInt8] {
        if isBroken { throw .broken }
        do throws(CodecError) {
            return try decompressOnce(bytes, exactSize)
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

    private func decompressOnce(_ bytes: UnsafeRawBufferPointer, _ exactSize: Int) throws(CodecError) -> [UInt8] {
        if exactSize < 0 { throw .malformed }
        // zstd takes it for a mistake to be asked again and again for nothing.
        if exactSize == 0 && bytes.isEmpty { return [] }
        var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        var result = 0
        let output = [UInt8](unsafeUninitializedCapacity: exactSize) { buffer, count in
            var target = ZSTD_outBuffer(dst: buffer.baseAddress, size: exactSize, pos: 0)
            result = Self.run(context, &target, &input)
            count = target.pos
        }
        if ZSTD_isError(result) != 0 { throw Zstd.error(result) }
        if output.count < exactSize { throw .tooShort }

        // The promise is filled; a single byte more, from what is unread or from what is held back, breaks it.
        var extra: UInt8 = 0
        let overflow = withUnsafeMutableBytes(of: &extra) { spare in
            var target = ZSTD_outBuffer(dst: spare.baseAddress, size: 1, pos: 0)
            result = Self.run(context, &target, &input)
            return target.pos > 0
        }
        if overflow { throw .tooLong }
        if ZSTD_isError(result) != 0 { throw Zstd.error(result) }
        if input.pos < input.size { throw .malformed }
        return output
    }

    /// Goes on as long as anything moves. zstd may stop at a block's end with both sides unfinished.
    private static func run(
        _ context: OpaquePointer, _ target: inout ZSTD_outBuffer, _ input: inout ZSTD_inBuffer
    ) -> Int {
        while true {
            let before = (target.pos, input.pos)
            let result = ZSTD_decompressStream(context, &target, &input)
            if ZSTD_isError(result) != 0 || target.pos == target.size { return result }
            if (target.pos, input.pos) == before { return result }
        }
    }
}
