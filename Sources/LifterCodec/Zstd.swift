// zstd on whole blocks: each result stands by itself, or needs the bytes in front of it that both ends have.

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
        try compress(bytes, after: UnsafeRawBufferPointer(rebasing: bytes[..<0]), level: level)
    }

    package func compress(_ bytes: [UInt8], level: Int) throws(CodecError) -> [UInt8] {
        try bytes.withUnsafeBufferPointer { bytes throws(CodecError) in
            try compress(UnsafeRawBufferPointer(bytes), level: level)
        }
    }

    /// One frame that holds what follows the first `history` bytes of `bytes`, and can be read only by who has those.
    package func compress(_ bytes: [UInt8], history: Int, level: Int) throws(CodecError) -> [UInt8] {
        precondition(history >= 0 && history <= bytes.count)
        return try bytes.withUnsafeBufferPointer { bytes throws(CodecError) in
            let bytes = UnsafeRawBufferPointer(bytes)
            return try compress(
                UnsafeRawBufferPointer(rebasing: bytes[history...]),
                after: UnsafeRawBufferPointer(rebasing: bytes[..<history]), level: level)
        }
    }

    private func compress(
        _ bytes: UnsafeRawBufferPointer, after history: UnsafeRawBufferPointer, level: Int
    ) throws(CodecError) -> [UInt8] {
        let level = Zstd.clamped(level)
        let tables = Zstd.tables(level)
        let bound = ZSTD_compressBound(bytes.count)
        var result = 0
        let output = [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            for (parameter, value) in [
                (ZSTD_c_compressionLevel, level), (ZSTD_c_hashLog, tables.hash), (ZSTD_c_chainLog, tables.chain),
            ] where ZSTD_isError(result) == 0 {
                result = ZSTD_CCtx_setParameter(context, parameter, value)
            }
            if ZSTD_isError(result) == 0 {
                result = ZSTD_CCtx_refPrefix(context, history.baseAddress, history.count)
            }
            if ZSTD_isError(result) == 0 {
                result = ZSTD_compress2(context, buffer.baseAddress, bound, bytes.baseAddress, bytes.count)
            }
            count = ZSTD_isError(result) == 0 ? result : 0
        }
        if ZSTD_isError(result) != 0 {
            // What it refers to is not there any more.
            ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters)
            throw .failed
        }
        return output
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

    /// The same for one frame that was compressed behind `history`. Nothing is taken for that.
    package func decompress(_ bytes: [UInt8], history: [UInt8], exactSize: Int) throws(CodecError) -> [UInt8] {
        let result: Result<[UInt8], CodecError> = history.withUnsafeBytes { history in
            if ZSTD_isError(ZSTD_DCtx_refPrefix(context, history.baseAddress, history.count)) != 0 {
                return .failure(.failed)
            }
            // Also after an error: what it refers to is valid in here only.
            defer { ZSTD_DCtx_reset(context, ZSTD_reset_session_and_parameters) }
            do throws(CodecError) {
                return .success(try decompress(bytes, exactSize: exactSize))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

/// What both shapes of zstd share.
package enum Zstd {
    /// Levels this library knows; negative ones trade size for speed.
    package static var levels: ClosedRange<Int> { Int(ZSTD_minCLevel())...Int(ZSTD_maxCLevel()) }

    static func clamped(_ level: Int) -> Int32 {
        Int32(min(max(level, levels.lowerBound), levels.upperBound))
    }

    /// Logarithms of the tables that a level uses at most (0: the level's own). Those of the higher levels are made for
    /// megabytes: with some hundred kilobytes they take up to 17 MiB for each thread, are slower than smaller ones, and
    /// save next to nothing. Docs/decisions/0013-compression-that-decides-for-itself.md has figures.
    static func tables(_ level: Int32) -> (hash: Int32, chain: Int32) {
        switch level {
        case ..<6: (0, 0)
        case ..<16: (19, 18)
        default: (19, 20)
        }
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
