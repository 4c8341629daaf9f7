// What two versions of a file are told by: the signature of the basis (the receiver's version), and copies from it.

package import LifterCodec

/// What kind of signature a basis has.
package struct BasisShape: Hashable, Sendable {
    /// Bytes of the basis.
    package var basisSize: UInt64
    /// Bytes of a block; the last one of the basis may be shorter.
    package var blockLength: UInt32
    /// What is told of each block.
    package var widths: HashWidths

    package init(basisSize: UInt64, blockLength: UInt32, widths: HashWidths) {
        self.basisSize = basisSize
        self.blockLength = blockLength
        self.widths = widths
    }

    /// Blocks of the whole basis.
    package var blockCount: UInt64 { Self.blocks(in: basisSize, of: blockLength) }

    /// What the hashes of the whole basis take on the wire.
    package var wireBytes: UInt64 { widths.bytes(ofBlocks: blockCount) }

    /// How many blocks a range of so many bytes has.
    package static func blocks(in length: UInt64, of blockLength: UInt32) -> UInt64 {
        let block = UInt64(max(1, blockLength))
        return length / block + (length % block == 0 ? 0 : 1)
    }
}

/// Hashes of neighbouring blocks of a basis, in order.
package struct SignatureBlocks: Hashable, Sendable {
    /// Mixed, and cut to its width.
    package var rolling: [UInt32]
    /// Cut to its width.
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

/// A basis that is to be signed, and how large the file is that will be made of it.
package struct BasisFile: Hashable, Sendable {
    package var directory: DirectoryID
    package var name: [UInt8]
    package var size: UInt64
    package var newSize: UInt64

    package init(directory: DirectoryID, name: [UInt8], size: UInt64, newSize: UInt64) {
        self.directory = directory
        self.name = name
        self.size = size
        self.newSize = newSize
    }
}

/// What a signature may be like.
package struct SignatureLimits: Hashable, Sendable {
    /// The user's wish.
    package var blockLength: UInt32?
    /// Bytes on the wire, at most.
    package var longest: UInt64
    /// Finer signatures will be asked for, so this one may be coarse.
    package var refines: Bool
    /// Literal bytes will travel compressed: what larger blocks miss is cheaper.
    package var literalsShrink: Bool

    package init(blockLength: UInt32?, longest: UInt64, refines: Bool, literalsShrink: Bool) {
        self.blockLength = blockLength
        self.longest = longest
        self.refines = refines
        self.literalsShrink = literalsShrink
    }
}

/// When finer signatures are asked for.
package enum RefinePolicy: Hashable, Sendable {
    case never
    case always
    /// Where it pays on a stream of this speed.
    case measured(bytesPerSecond: UInt64)
}

/// How a small file is made of what is there: copies with literal bytes before them, and behind the last.
package struct SmallPatch: Hashable, Sendable {
    package var copies: [DeltaCopy]
    package init(copies: [DeltaCopy]) { self.copies = copies }
}

/// How a small file was read and matched, whole.
package enum SmallMatch: Sendable {
    /// Its literal bytes are `range` of the batch's buffer.
    case delta([DeltaCopy], rest: UInt64, range: Range<Int>, digest: ContentDigest)
    case failed(FileProblem)
}

/// The next part of a file that is told by its difference.
package struct MatchedChunk: Sendable {
    package var copies: [DeltaCopy] = []
    /// Literal bytes behind the last copy.
    package var rest: UInt64 = 0
    /// All literal bytes.
    package var bytes: [UInt8] = []
    /// Finer signatures that are wanted before what belongs to them comes out.
    package var ask: RefineAsk?
    /// Nothing comes before an answer.
    package var isBlocked = false
    /// Set with the last part.
    package var end: SourceEnd?

    package init() {}

    /// Bytes of the new file.
    package var count: UInt64 { copied &+ UInt64(bytes.count) }
    package var copied: UInt64 { copies.reduce(0) { $0 &+ $1.length } }
}

/// Which finer signatures are wanted.
package struct RefineAsk: Hashable, Sendable {
    package var blockLength: UInt32
    package var widths: HashWidths
    package var ranges: [BasisRange]

    package init(blockLength: UInt32, widths: HashWidths, ranges: [BasisRange]) {
        self.blockLength = blockLength
        self.widths = widths
        self.ranges = ranges
    }
}
