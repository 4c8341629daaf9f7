// The delta in the plainest way, to compare with: no hashes, no bitmap, no budget, nothing that could be wrong twice.

import LifterCodec
import LifterDelta

enum Reference {
    /// What the new file is made of by blocks of the basis, compared byte by byte; a block that follows the last one is
    /// preferred, as is the first among equal ones. Bytes that no block has are counted.
    static func literalBytes(basis: [UInt8], new: [UInt8], blockLength: Int) -> Int {
        var whole: [ArraySlice<UInt8>: Int] = [:]
        let blocks = stride(from: 0, to: basis.count, by: blockLength).map {
            basis[$0..<min($0 + blockLength, basis.count)]
        }
        for (number, block) in blocks.enumerated() where block.count == blockLength && whole[block] == nil {
            whole[block] = number
        }
        let short = blocks.last.flatMap { $0.count < blockLength ? $0 : nil }
        var (place, literals, expected) = (0, 0, 0)
        while place < new.count {
            if expected < blocks.count, new[place...].starts(with: blocks[expected]) {
                place += blocks[expected].count
                expected += 1
            } else if let number = new.count - place >= blockLength ? whole[new[place..<place + blockLength]] : nil {
                // Of equal blocks the one after which most follows is not known; the first is as good as any.
                place += blockLength
                expected = number + 1
            } else if let short, new.count - place == short.count, new[place...].elementsEqual(short) {
                place = new.count
            } else {
                expected = blocks.count
                literals += 1
                place += 1
            }
        }
        return literals
    }

    /// Follows the steps. Nil if they do not fit the basis, the literals or each other.
    static func patch(basis: [UInt8], operations: [DeltaOperation], literals: [UInt8]) -> [UInt8]? {
        var new: [UInt8] = []
        var taken = 0
        for operation in operations {
            switch operation {
            case .copy(let offset, let length):
                guard length > 0, offset + length <= UInt64(basis.count) else { return nil }
                new += basis[Int(offset)..<Int(offset + length)]
            case .literal(let offset, let length):
                guard length > 0, offset == UInt64(new.count), taken + length <= literals.count else { return nil }
                new += literals[taken..<taken + length]
                taken += length
            }
        }
        return taken == literals.count ? new : nil
    }

    /// What a signature tells of a rolling hash, by the protocol's text.
    static func told(_ sum: UInt32, key: UInt64, _ widths: HashWidths) -> UInt32 {
        var mixed = key &+ 0x9e37_79b9_7f4a_7c15
        for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)] as [(Int, UInt64)] {
            mixed = (mixed ^ mixed >> shift) &* factor
        }
        let product = UInt64(sum) * (mixed >> 32 | 1) & 0xffff_ffff
        return UInt32(product / (1 << UInt64(32 - widths.rolling)))
    }

    /// Both sums, by their definition.
    static func rollingSum(_ block: [UInt8]) -> UInt32 {
        var (a, c) = (0, 0)
        for (place, byte) in block.enumerated() {
            a += Int(byte)
            c += (block.count - place) * Int(byte)
        }
        return UInt32(a % 65_536) | UInt32(c % 65_536) << 16
    }
}

/// One way from a basis to a new file, with everything in memory.
struct Trial {
    var basis: [UInt8]
    var new: [UInt8]
    var shape: SignatureShape
    var key: UInt64 = 0x1234_5678_9abc_def0

    /// Nil if the index refuses the signature.
    func index(pieces: () -> Int = { 10_000 }) -> BlockIndex? {
        var signer = BlockSigner(shape: shape, key: key)
        var runs: [SignatureRun] = []
        var end: UInt64 = 0
        func add(_ hashes: BlockHashes) {
            runs.append(SignatureRun(offset: end, hashes: hashes))
            end += UInt64(hashes.count) * UInt64(shape.blockLength)
        }
        feed(basis, pieces: pieces) { piece, isLast in
            signer.update(piece)
            add(signer.takeWholeBlocks())
            if isLast { add(signer.finish()) }
        }
        runs.removeAll { $0.hashes.count == 0 }
        return BlockIndex(shape: shape, key: key, runs: runs)
    }

    func match(_ matcher: DeltaMatcher, pieces: () -> Int = { 10_000 }) -> DeltaOutput {
        var output = DeltaOutput()
        feed(new, pieces: pieces) { piece, isLast in matcher.update(piece, isLast: isLast, into: &output) }
        return output
    }
}

/// Hands bytes over in pieces of these sizes; an empty file is one empty piece.
func feed(_ bytes: [UInt8], pieces: () -> Int, body: (UnsafeRawBufferPointer, Bool) -> Void) {
    bytes.withUnsafeBytes { buffer in
        var place = 0
        repeat {
            let size = min(max(pieces(), 0), buffer.count - place)
            body(UnsafeRawBufferPointer(rebasing: buffer[place..<place + size]), place + size == buffer.count)
            place += size
        } while place < buffer.count
    }
}
