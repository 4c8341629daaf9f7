// zstd on whole blocks: each result stands by itself.

import CZstd

/// Compresses blocks one by one with one context, whose memory is reused. Not for several threads at once.
package final class ZstdCompressor {
    private let context: OpaquePointer

    package init() throws(CodecError) {
        guard let context = ZSTD_createCCtx() else { throw .failed }
        self.context = context
    }

    deinit { ZSTD_freeCCtx(context) }

    /// One frame that holds `bytes`. `level` is zstd's; what lies outside its range is moved into it.
    package func compress(_ bytes: UnsafeRawBufferPointer, level: Int) throws(CodecError) -> [UInt8] {
        let level = Zstd.clamped(level)
        let bound = ZSTD_compressBound(bytes.count)
        var result = 0
        let output = [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            result = ZSTD_compressCCtx(context, buffer.baseAddress, bound, bytes.baseAddress, bytes.count, level)
            count = ZSTD_isError(result) == 0 ? result : 0
        }
        if ZSTD_isError(result) != 0 { throw .failed }
        return output
    }

    package func compress(_ bytes: [UInt8], level: Int) throws(CodecError) -> [UInt8] {
        try bytes.withUnsafeBufferPointer { bytes throws(CodecError) in
            try compress(UnsafeRawBufferPointer(bytes), level: level)
        }
    }
}

/// Decompresses blocks one by one with one context. Not for several threads at once.
package final class ZstdDecompressor {
    private let context: OpaquePointer

    package init() throws(CodecError) {
        guard let context = ZSTD_createDCtx() else { throw .failed }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    /// What `bytes` hold, which must be exactly `exactSize` bytes: the only memory taken for the result, and all of
    /// it taken at once, so the caller bounds the number first. The block's own claims are never believed.
    package func decompress(_ bytes: UnsafeRawBufferPointer, exactSize: Int) throws(CodecError) -> [UInt8] {
        if exactSize < 0 { throw .malformed }
        var result = 0
        let output = [UInt8](unsafeUninitializedCapacity: exactSize) { buffer, count in
            result = ZSTD_decompressDCtx(context, buffer.baseAddress, exactSize, bytes.baseAddress, bytes.count)
            count = ZSTD_isError(result) == 0 ? result : 0
        }
        if ZSTD_isError(result) != 0 { throw Zstd.error(result) }
        if output.count < exactSize { throw .tooShort }
        return output
    }

    package func decompress(_ bytes: [UInt8], exactSize: Int) throws(CodecError) -> [UInt8] {
        try bytes.withUnsafeBufferPointer { bytes throws(CodecError) in
            try decompress(UnsafeRawBufferPointer(bytes), exactSize: exactSize)
        }
    }
}

/// What both shapes of zstd share.
package enum Zstd {
    /// Levels this library knows; negative ones trade size for speed.
    package static var levels: ClosedRange<Int> { Int(ZSTD_minCLevel())...Int(ZSTD_maxCLevel()) }

    static func clamped(_ level: Int) -> Int32 {
        Int32(min(max(level, levels.lowerBound), levels.upperBound))
    }

    static func error(_ result: Int) -> CodecError {
        // zstd_errors.h: the numbers are promised to stay. The negated result is the number.
        switch UInt(bitPattern: 0 &- result) {
        case 16: .windowTooLarge  // frameParameter_windowTooLarge
        case 64: .failed  // memory_allocation
        case 70, 74: .tooLong  // dstSize_tooSmall, dstBuffer_null
        default: .malformed
        }
    }
}
