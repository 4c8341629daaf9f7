// Makes the signature of a basis, or of a range of it.

package import LifterCodec

/// Takes the basis in order, in pieces of any size, and gives the hashes of its blocks.
package struct BlockSigner {
    private let blockLength: Int
    private let hashing: BlockHashing
    /// The beginning of a block whose end has not come yet.
    private var begun: [UInt8] = []
    private var done = BlockHashes()

    /// `key`: the session's digest key.
    package init(blockLength: Int, widths: HashWidths, key: UInt64) {
        self.blockLength = blockLength
        hashing = BlockHashing(widths, key: key)
    }

    package init(shape: SignatureShape, key: UInt64) {
        self.init(blockLength: shape.blockLength, widths: shape.widths, key: key)
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        if !begun.isEmpty {
            let taken = min(blockLength - begun.count, rest.count)
            begun.append(contentsOf: rest.prefix(taken))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(taken))
            guard begun.count == blockLength else { return }
            begun.withUnsafeBytes { append($0) }
            begun.removeAll(keepingCapacity: true)
        }
        let whole = rest.count / blockLength * blockLength
        append(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)))
        begun.append(contentsOf: rest.dropFirst(whole))
    }

    /// The hashes of all whole blocks since the last call, so that they can be sent while the reading goes on.
    package mutating func takeWholeBlocks() -> BlockHashes {
        defer { done = BlockHashes() }
        return done
    }

    /// The rest, with the short last block if there is one. The signer is then as new.
    package mutating func finish() -> BlockHashes {
        if !begun.isEmpty {
            begun.withUnsafeBytes { append($0) }
            begun.removeAll(keepingCapacity: true)
        }
        return takeWholeBlocks()
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        hashing.append(bytes, blockLength: blockLength, to: &done)
    }

    /// The hashes of bytes that begin at a block: for ranges of a large basis on several threads.
    package static func hashes(
        of bytes: UnsafeRawBufferPointer, blockLength: Int, widths: HashWidths, key: UInt64
    ) -> BlockHashes {
        var hashes = BlockHashes()
        BlockHashing(widths, key: key).append(bytes, blockLength: blockLength, to: &hashes)
        return hashes
    }
}

/// What is told of a block.
private struct BlockHashing {
    let mixer: RollingMixer
    let strongWidth: Int
    let key: UInt64

    init(_ widths: HashWidths, key: UInt64) {
        mixer = RollingMixer(key: key, width: widths.rolling)
        strongWidth = widths.strong
        self.key = key
    }

    func append(_ bytes: UnsafeRawBufferPointer, blockLength: Int, to hashes: inout BlockHashes) {
        var offset = 0
        while offset < bytes.count {
            let block = UnsafeRawBufferPointer(rebasing: bytes[offset..<min(offset + blockLength, bytes.count)])
            hashes.rolling.append(mixer.told(RollingSum(of: block).value))
            hashes.strong.append(StrongHash.of(block, key: key, width: strongWidth))
            offset += blockLength
        }
    }
}
