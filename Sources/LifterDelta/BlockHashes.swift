// The two hashes of each block of a basis, as a Signature message carries them.

import LifterCodec

/// Consecutive blocks: `rolling[i]` and `strong[i]` belong together.
package struct BlockHashes: Hashable, Sendable {
    package var rolling: [UInt32]
    /// Already cut to the shape's strong length; the bytes above are zero.
    package var strong: [UInt64]

    package init(rolling: [UInt32] = [], strong: [UInt64] = []) {
        self.rolling = rolling
        self.strong = strong
    }

    package var count: Int { rolling.count }

    package mutating func append(_ other: BlockHashes) {
        rolling += other.rolling
        strong += other.strong
    }
}

/// The strong hash of a block.
package enum StrongHash {
    /// The low `length` bytes of XXH3-64 under the session's digest key.
    package static func of(_ block: UnsafeRawBufferPointer, key: UInt64, length: Int) -> UInt64 {
        XXH3.hash64(block, seed: key) & mask(length: length)
    }

    /// Keeps the low `length` bytes, 2 to 8.
    package static func mask(length: Int) -> UInt64 {
        length >= 8 ? .max : (1 << UInt64(8 * max(length, 0))) - 1
    }
}
