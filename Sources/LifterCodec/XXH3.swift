// XXH3: one-shot digests of a block, and a running digest of a stream.

import CXXHash

/// One-shot XXH3. Pure; any thread.
package enum XXH3 {
    package static func hash64(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        sl_xxh3_64(bytes.baseAddress, bytes.count, seed)
    }

    package static func hash64(_ bytes: [UInt8], seed: UInt64) -> UInt64 {
        bytes.withUnsafeBytes { hash64($0, seed: seed) }
    }

    package static func hash64(_ bytes: ArraySlice<UInt8>, seed: UInt64) -> UInt64 {
        bytes.withUnsafeBytes { hash64($0, seed: seed) }
    }

    package static func hash128(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> Digest128 {
        Digest128(sl_xxh3_128(bytes.baseAddress, bytes.count, seed))
    }

    package static func hash128(_ bytes: [UInt8], seed: UInt64) -> Digest128 {
        bytes.withUnsafeBytes { hash128($0, seed: seed) }
    }

    package static func hash128(_ bytes: ArraySlice<UInt8>, seed: UInt64) -> Digest128 {
        bytes.withUnsafeBytes { hash128($0, seed: seed) }
    }
}

/// A digest over bytes that come in pieces; equal to the one-shot digest of all of them. Both widths can be asked
/// for at any time, and feeding goes on afterwards. Not for several threads at once. About 600 bytes of state.
package final class XXH3Stream {
    private let state: OpaquePointer
    private var seed: UInt64

    package init(seed: UInt64) {
        guard let state = XXH3_createState() else { fatalError("out of memory for a digest") }
        self.state = state
        self.seed = seed
        reset()
    }

    deinit { XXH3_freeState(state) }

    /// Back to the start, with another seed.
    package func reset(seed: UInt64) {
        self.seed = seed
        reset()
    }

    /// Back to the start, with the same seed.
    package func reset() {
        // Both widths share one state and differ in the last step only (xxhash.h, "XXH3 128-bit variant").
        XXH3_128bits_reset_withSeed(state, seed)
    }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        if let base = bytes.baseAddress { sl_xxh3_update(state, base, bytes.count) }
    }

    package func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    package func update(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBytes { update($0) }
    }

    package func digest64() -> UInt64 { XXH3_64bits_digest(state) }

    package func digest128() -> Digest128 { Digest128(XXH3_128bits_digest(state)) }

    /// A second stream that goes on from the same point.
    package func copy() -> XXH3Stream {
        let other = XXH3Stream(seed: seed)
        XXH3_copyState(other.state, state)
        return other
    }
}

extension Digest128 {
    fileprivate init(_ hash: XXH128_hash_t) {
        self.init(low: hash.low64, high: hash.high64)
    }
}
