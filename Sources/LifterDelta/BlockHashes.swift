// The two hashes of each block of a basis, as a Signature message carries them.

import LifterCodec

/// Consecutive blocks: `rolling[i]` and `strong[i]` belong together.
package struct BlockHashes: Hashable, Sendable {
    /// As it is told: mixed, and cut to its width.
    package var rolling: [UInt32]
    /// Cut to its width as well; the bits above are zero.
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
    /// The low `width` bits of XXH3-64 under the session's digest key.
    package static func of(_ block: UnsafeRawBufferPointer, key: UInt64, width: Int) -> UInt64 {
        XXH3.hash64(block, seed: key) & HashWidths.mask(width)
    }
}
