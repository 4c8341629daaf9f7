// What two versions of a file are told by: the signature of the basis (the receiver's version), and copies from it.

/// What kind of signature a basis has.
package struct BasisShape: Hashable, Sendable {
    /// Bytes of the basis.
    package var basisSize: UInt64
    /// Bytes of a block; the last one of the basis may be shorter.
    package var blockLength: UInt32
    /// Bytes that are told of each block's strong hash.
    package var strongLength: UInt8

    package init(basisSize: UInt64, blockLength: UInt32, strongLength: UInt8) {
        self.basisSize = basisSize
        self.blockLength = blockLength
        self.strongLength = strongLength
    }

    /// Blocks of the whole basis.
    package var blockCount: UInt64 { Self.blocks(in: basisSize, of: blockLength) }

    /// What the hashes of the whole basis take on the wire.
    package var wireBytes: UInt64 {
        let (bytes, overflow) = blockCount.multipliedReportingOverflow(by: 4 + UInt64(strongLength))
        return overflow ? .max : bytes
    }

    /// How many blocks a range of so many bytes has.
    package static func blocks(in length: UInt64, of blockLength: UInt32) -> UInt64 {
        let block = UInt64(max(1, blockLength))
        return length / block + (length % block == 0 ? 0 : 1)
    }
}

/// Hashes of neighbouring blocks of a basis, in order.
package struct SignatureBlocks: Hashable, Sendable {
    package var rolling: [UInt32]
    /// Cut down to the strong length.
    package var strong: [UInt64]

    package init(rolling: [UInt32] = [], strong: [UInt64] = []) {
        self.rolling = rolling
        self.strong = strong
    }

    package var count: Int { rolling.count }
}

/// Neighbouring blocks and where in the basis they begin.
package struct BlockRun: Hashable, Sendable {
    package var offset: UInt64
    package var blockLength: UInt32
    package var blocks: SignatureBlocks

    package init(offset: UInt64, blockLength: UInt32, blocks: SignatureBlocks) {
        self.offset = offset
        self.blockLength = blockLength
        self.blocks = blocks
    }
}

/// The whole signature of a basis.
package struct FileSignature: Sendable {
    package var shape: BasisShape
    package var runs: [BlockRun]

    package init(shape: BasisShape, runs: [BlockRun]) {
        self.shape = shape
        self.runs = runs
    }
}

/// Some literal bytes, then a piece of the basis.
package struct DeltaCopy: Hashable, Sendable {
    /// Literal bytes in front of the copy.
    package var literal: UInt64
    /// Where in the basis.
    package var from: UInt64
    /// Bytes, at least one.
    package var length: UInt64

    package init(literal: UInt64, from: UInt64, length: UInt64) {
        self.literal = literal
        self.from = from
        self.length = length
    }
}

/// A range of a basis.
package struct BasisRange: Hashable, Sendable {
    package var offset: UInt64
    package var length: UInt64

    package init(offset: UInt64, length: UInt64) {
        self.offset = offset
        self.length = length
    }

    package var end: UInt64 { offset &+ length }
}
