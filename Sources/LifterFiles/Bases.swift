// What is here already of a file that is to be replaced: its signature, and copies from it.
//
//     signSmall     small files whole, looked up by name
//     openBasis     a large one is opened and watched, for all that follows
//     signRanges    hashes of some of its blocks
//     copyBasis     a piece of it goes into the new file, by sharing blocks where the disk can
//
// Nobody vouches for the old version: that it has changed is noticed where it is watched, and in any case by the digest
// of the whole new contents, and then the file is asked for whole.

import LifterCodec
import LifterDelta
import LifterProtocol
import LifterSystem

extension FileLayer {
    // MARK: Signing

    func signSmall(_ files: [BasisFile], _ limits: SignatureLimits) -> [Result<FileSignature, FileProblem>] {
        var patience = Patience()
        return files.map { file in
            do throws(FileProblem) {
                let shape = try shape(for: file, limits)
                let basis = OpenBasis(try openWatched(file, &patience))
                let range = BasisRange(offset: 0, length: file.size)
                let blocks = try hashes(of: range, in: basis, shape.blockLength, shape.widths)
                if let problem = basis.verify() { throw problem }
                let run = BlockRun(offset: 0, blockLength: shape.blockLength, blocks: blocks)
                return .success(FileSignature(shape: shape, runs: [run]))
            } catch {
                return .failure(error)
            }
        }
    }

    /// With `target`, what an earlier run left of that comes first, if it is there still.
    func openBasis(
        _ id: FileID, _ file: BasisFile, _ limits: SignatureLimits, _ target: FileTarget?
    ) -> Result<BasisShape, FileProblem> {
        let part = target.flatMap { takePart($0) }
        do throws(FileProblem) {
            var patience = Patience()
            let basis: OpenBasis
            if let part {
                let old = file.size > 0 ? try? openWatched(file, &patience) : nil
                basis = OpenBasis(part.source, old, part: part.file)
            } else {
                basis = OpenBasis(try openWatched(file, &patience))
            }
            var found = file
            found.size = basis.size
            let shape = try shape(for: found, limits)
            stages.putBasis(basis, of: id)
            return .success(shape)
        } catch {
            if let part { discard(part.file) }
            return .failure(error)
        }
    }

    func signRanges(
        of id: FileID, _ blockLength: UInt32, _ widths: HashWidths, _ ranges: [BasisRange]
    ) -> Result<[SignatureBlocks], FileProblem> {
        guard let basis = stages.basis(of: id) else {
            return .failure(FileProblem(.stopped, doing: "signing a file that is not open"))
        }
        var all: [SignatureBlocks] = []
        all.reserveCapacity(ranges.count)
        do throws(FileProblem) {
            for range in ranges { all.append(try hashes(of: range, in: basis, blockLength, widths)) }
        } catch {
            return .failure(error)
        }
        return .success(all)
    }

    private func openWatched(
        _ file: BasisFile, _ patience: inout Patience
    ) throws(FileProblem) -> WatchedSource {
        let basis = try reader.openWatched(file.name, in: file.directory, &patience)
        guard basis.status.size == file.size else { throw FileProblem(.changed, doing: "opening the old version") }
        return basis
    }

    /// As coarse as the limits ask for.
    private func shape(for file: BasisFile, _ limits: SignatureLimits) throws(FileProblem) -> BasisShape {
        var wish = limits.blockLength.map { Int($0) }
        while let chosen = SignatureShape.chosen(
            basisSize: file.size, newSize: file.newSize, blockLength: wish, refines: limits.refines,
            literalsShrink: limits.literalsShrink)
        {
            if UInt64(chosen.signatureSize) <= limits.longest {
                return BasisShape(
                    basisSize: chosen.basisSize, blockLength: UInt32(chosen.blockLength),
                    widths: chosen.widths)
            }
            guard chosen.blockLength < SignatureShape.blockLengths.upperBound else { break }
            wish = chosen.blockLength * 2
        }
        throw FileProblem(.unsupported, doing: "signing the old version")
    }

    private func hashes(
        of range: BasisRange, in basis: OpenBasis, _ blockLength: UInt32, _ widths: HashWidths
    ) throws(FileProblem) -> SignatureBlocks {
        var signer = BlockSigner(blockLength: Int(blockLength), widths: widths, key: digestKey)
        try read(range, of: basis) { piece throws(FileProblem) in signer.update(piece) }
        let hashes = signer.finish()
        return SignatureBlocks(rolling: hashes.rolling, strong: hashes.strong)
    }

    /// Hands a range over in pieces. The end of a file within it is a change.
    private func read(
        _ range: BasisRange, of basis: OpenBasis,
        _ body: (UnsafeRawBufferPointer) throws(FileProblem) -> Void
    ) throws(FileProblem) {
        for piece in basis.pieces(range.offset, range.length) { try read(piece, body) }
    }

    private func read(
        _ piece: OpenBasis.Piece, _ body: (UnsafeRawBufferPointer) throws(FileProblem) -> Void
    ) throws(FileProblem) {
        try stages.withBuffer { buffer throws(FileProblem) in
            var done: UInt64 = 0
            while done < piece.length {
                let wanted = Int(min(UInt64(buffer.count), piece.length - done))
                let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
                let count = try attempting("reading the old version") { () throws(Errno) in
                    try fileSystem.read(piece.source.descriptor, into: room, at: piece.offset &+ done)
                }
                guard count > 0, count <= wanted else {
                    throw FileProblem(.changed, doing: "reading the old version: it has become shorter")
                }
                try body(UnsafeRawBufferPointer(rebasing: room[..<count]))
                done += UInt64(count)
            }
        }
    }

    // MARK: Copying

    /// Appends a piece of the old version. Where that cannot be read the file is filled no further, and found wanting
    /// when it is to be committed: what still comes of it must be taken in all the same.
    func copyBasis(_ offset: UInt64, _ length: UInt64, to file: StagedFile) throws(FileProblem) {
        guard file.basisProblem == nil else { return }
        if file.basis == nil { openBasis(of: file) }
        for piece in file.basis?.pieces(offset, length) ?? [] { try copyShared(piece, to: file) }
    }

    /// Shares what can be shared: the blocks that lie alike in both files.
    private func copyShared(_ piece: OpenBasis.Piece, to file: StagedFile) throws(FileProblem) {
        let block: UInt64 = 4096
        var rest = piece
        func cut(_ length: UInt64) -> OpenBasis.Piece {
            defer { (rest.offset, rest.length) = (rest.offset &+ length, rest.length - length) }
            return OpenBasis.Piece(source: rest.source, offset: rest.offset, length: length)
        }
        if file.moves == nil, stages.canClone, rest.offset % block == file.written % block {
            try copy(cut(min(rest.length, (block - file.written % block) % block)), to: file)
            let shared = share(rest.source, rest.offset, rest.length, with: file)
            hash(cut(shared), into: file)
        }
        try copy(rest, to: file)
    }

    /// A small one has not been kept open.
    func openBasis(of file: StagedFile) {
        if let known = stages.basis(of: file.target.id) {
            file.basis = known
            return
        }
        do throws(FileProblem) {
            var patience = Patience()
            file.basis = OpenBasis(try openBasis(of: file.target, &patience))
        } catch {
            file.basisProblem = error
        }
    }

    private func openBasis(of target: FileTarget, _ patience: inout Patience) throws(FileProblem) -> WatchedSource {
        switch target.basis {
        case .sameName: try reader.openWatched(target.entry.name, in: target.directory, &patience)
        case .beside(let name): try reader.openWatched(name, in: target.directory, &patience)
        case .elsewhere(let found): try open(found, size: target.entry.attributes.size, &patience)
        }
    }

    private func copy(_ piece: OpenBasis.Piece, to file: StagedFile) throws(FileProblem) {
        guard piece.length > 0, file.basisProblem == nil else { return }
        var writing: FileProblem?
        var source = piece.offset
        do throws(FileProblem) {
            try read(piece) { bytes throws(FileProblem) in
                file.hasher.update(bytes)
                do throws(FileProblem) {
                    if file.moves != nil {
                        try rearrange(bytes, from: source, in: file)
                        source &+= UInt64(bytes.count)
                    } else {
                        try append(bytes, to: file)
                    }
                } catch {
                    writing = error
                    throw error
                }
            }
        } catch {
            if let writing { throw writing }
            file.basisProblem = error
        }
    }

    /// Blocks that are shared count in the digest, too.
    private func hash(_ piece: OpenBasis.Piece, into file: StagedFile) {
        do throws(FileProblem) {
            try read(piece) { bytes throws(FileProblem) in file.hasher.update(bytes) }
        } catch {
            file.basisProblem = error
        }
    }

    // MARK: Small files

    /// A small file made of literal bytes and of what is under its name.
    func patched(
        _ file: SmallFile, _ buffer: [UInt8]
    ) throws(FileProblem) -> (SmallFile, [UInt8]) {
        let size = Int(clamping: file.target.entry.attributes.size)
        var made: [UInt8] = []
        made.reserveCapacity(size)
        var literal = file.range.lowerBound
        func takeLiteral(_ count: UInt64) throws(FileProblem) {
            guard count <= UInt64(max(0, file.range.upperBound - literal)), file.range.upperBound <= buffer.count,
                literal >= 0
            else { throw FileProblem(.mismatch, doing: "making a file of what came") }
            made.append(contentsOf: buffer[literal..<literal + Int(count)])
            literal += Int(count)
        }
        do throws(FileProblem) {
            var patience = Patience()
            let basis = try openBasis(of: file.target, &patience)
            for copy in file.patch?.copies ?? [] {
                try takeLiteral(copy.literal)
                guard copy.length <= UInt64(max(0, size - made.count)) else {
                    throw FileProblem(.mismatch, doing: "making a file of what came")
                }
                let start = made.count
                made.append(contentsOf: repeatElement(0, count: Int(copy.length)))
                let got = try reader.read(basis.descriptor, into: &made, start..<made.count, at: copy.from)
                guard got == Int(copy.length) else { throw FileProblem(.changed, doing: "reading") }
            }
        } catch {
            // Whatever it is that the old version lacks: the whole will do.
            throw FileProblem(.mismatch, errno: error.errno, doing: "copying from the old version")
        }
        try takeLiteral(UInt64(file.range.upperBound - literal))
        return (SmallFile(target: file.target, range: 0..<made.count, digest: file.digest), made)
    }
}
