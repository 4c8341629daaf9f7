// A regular file on its way to its place: staged under a part name, filled, checked, given its attributes, renamed.
//
//     openStage   a part name is claimed and locked
//     writeChunk  bytes are appended; from a source of this same process by sharing blocks where the disk can
//     commit      digest, owner, mode, time, sync, rename; a failure on the way leaves the old file. In several steps
//                 where a file is rearranged in place
//     abandon     the part goes, or stays for a later run if it is large enough to be worth continuing
//
// `Partials` takes up what an earlier run has left.
//
// The size of a part never runs ahead of its data, so after a power cut a file may be short, but never hold holes
// that look like contents.

import LifterCodec
import LifterDelta
import LifterProtocol
import LifterSystem

extension FileLayer {
    /// Blocks are reserved for files of at least this many bytes.
    private static let reservedFrom: UInt64 = 1 << 20

    // MARK: Opening

    func openStage(_ target: FileTarget) -> FileResult {
        .openedStage(
            result { () throws(FileProblem) in
                if let file = stages.take(target.id) {
                    try beginAnew(file)
                    return .done
                }
                try checkMayWrite(target.entry.name)
                if let file = try openInPlace(target) {
                    if target.isPatched { prepareMoves(of: file) }
                    stages.put(file)
                    return .done
                }
                let part = try working(in: target.directory) { directory throws(FileProblem) in
                    try claimStage(for: target, in: directory)
                }
                stages.put(StagedFile(target: target, part: part, key: contentKey, fileSystem: fileSystem))
                return .done
            })
    }

    private func claimStage(for target: FileTarget, in directory: RawDescriptor) throws(FileProblem) -> Part {
        // Nobody may read the contents before owner and mode are final.
        let part = try claimFile(for: target.entry.name, in: directory, mode: 0o600)
        let isKept = settings.keepsPartials && target.entry.attributes.size >= settings.smallestPartial
        return isKept ? moveApart(part, of: target.entry.name, in: directory) : part
    }

    private func beginAnew(_ file: StagedFile) throws(FileProblem) {
        do throws(Errno) {
            if !file.isInPlace { try fileSystem.truncate(file.part.descriptor, to: 0) }
        } catch {
            discard(file)
            throw FileProblem(error, doing: "emptying a staged file")
        }
        file.beginAnew(key: contentKey)
        stages.put(file)
    }

    // MARK: Writing

    func writeChunk(_ id: FileID, _ payloads: [Payload]) -> FileResult {
        guard let file = stages.take(id) else {
            return .wroteChunk(.failed(FileProblem(.stopped, doing: "writing to a file that is not open")))
        }
        file.foundBytes = 0
        do throws(FileProblem) {
            for payload in payloads { try write(payload, to: file) }
        } catch {
            leave(file)
            return .wroteChunk(.failed(error))
        }
        stages.put(file)
        return .wroteChunk(.done)
    }

    private func write(_ payload: Payload, to file: StagedFile) throws(FileProblem) {
        switch payload {
        case .bytes(let bytes, let range):
            guard range.lowerBound >= 0, range.upperBound <= bytes.count else {
                throw FileProblem(.mismatch, doing: "writing bytes that are not there")
            }
            try reserve(file)
            try bytes.withUnsafeBufferPointer { buffer throws(FileProblem) in
                let piece = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: buffer[range]))
                file.hasher.update(piece)
                if file.moves != nil { try rearrange(piece, from: nil, in: file) } else { try append(piece, to: file) }
            }
        case .file(let source, let offset, let length):
            if file.moves != nil {
                // Told whole after all, by a sender in this process: so it shall be.
                file.basisProblem = FileProblem(.mismatch, doing: "rearranging a file")
                return
            }
            file.source = source
            file.hasUnhashed = true
            var (offset, length) = (offset, length)
            let shared = share(source, offset, length, with: file)
            offset += shared
            length -= shared
            if length > 0 { try copy(source, offset, length, to: file) }
        case .basis(let offset, let length): try copyBasis(offset, length, to: file)
        }
    }

    func append(_ bytes: UnsafeRawBufferPointer, to file: StagedFile) throws(FileProblem) {
        try attempting("writing") { () throws(Errno) in
            if file.isInPlace { try fileSystem.setModified(underwayTime(file), of: file.part.descriptor) }
            try writeContents(bytes, to: file.part.descriptor, at: file.written)
            if file.isInPlace { try fileSystem.setModified(underwayTime(file), of: file.part.descriptor) }
        }
        file.written += UInt64(bytes.count)
    }

    /// Writes a piece of a file's contents; where holes are made, without its zeros.
    func writeContents(
        _ bytes: UnsafeRawBufferPointer, to descriptor: RawDescriptor, at start: UInt64
    ) throws(Errno) {
        guard settings.makesHoles else { return try fileSystem.writeAll(bytes, to: descriptor, at: start) }
        var runs = ZeroRuns(bytes, at: start)
        while let run = runs.nextData() {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[run])
            try fileSystem.writeAll(piece, to: descriptor, at: start + UInt64(run.lowerBound))
        }
    }

    /// Gives a file that may end in a hole its size: by writing its last byte, so that the size does not run ahead of
    /// the data before it.
    func endHole(_ descriptor: RawDescriptor, size: UInt64) throws(FileProblem) {
        guard settings.makesHoles, size > 0 else { return }
        try attempting("writing") { () throws(Errno) in
            if try fileSystem.status(of: descriptor).size >= size { return }
            let zero: [UInt8] = [0]
            try zero.withUnsafeBufferPointer { bytes throws(Errno) in
                try fileSystem.writeAll(UnsafeRawBufferPointer(bytes), to: descriptor, at: size - 1)
            }
        }
    }

    /// Tells the file system how much will come. Only a full disk is worth failing for.
    private func reserve(_ file: StagedFile) throws(FileProblem) {
        guard !file.isReserved, !file.isInPlace, !settings.makesHoles,
            file.target.entry.attributes.size >= Self.reservedFrom
        else { return }
        // Most of it may come to share the blocks of the old version; what is reserved for it would stay taken.
        if stages.canClone, stages.basis(of: file.target.id) != nil { return }
        file.isReserved = true
        // Memory is not torn apart, and its pages would be cleared before they are written.
        if (try? fileSystem.isInMemory(file.part.descriptor)) == true { return }
        do throws(Errno) {
            try fileSystem.reserve(file.part.descriptor, size: file.target.entry.attributes.size)
        } catch .noSpace {
            throw FileProblem(.noSpace, doing: "reserving space")
        } catch {
            // Not every file system can; writing will tell.
        }
    }

    // MARK: Copying within the machine

    /// Shares as much as can be shared of a range and appends it. The number of bytes shared, perhaps 0.
    func share(
        _ source: any SourceFile, _ offset: UInt64, _ length: UInt64, with file: StagedFile
    ) -> UInt64 {
        let block: UInt64 = 4096
        guard !file.isInPlace, length >= block, offset % block == 0, file.written % block == 0, stages.canClone else {
            return 0
        }
        // The whole first, since the end of the source need not be aligned; then without its ragged end.
        for count in [length, length - length % block] {
            do throws(Errno) {
                try fileSystem.clone(
                    source.descriptor, from: offset, length: count, to: file.part.descriptor, at: file.written)
                file.written += count
                return count
            } catch .invalid {
                continue
            } catch {
                if [.notSupported, .crossDevice, .noSystem, .notTerminal].contains(error) {
                    stages.cloneIsUnsupported()
                }
                return 0
            }
        }
        return 0
    }

    private func copy(
        _ source: any SourceFile, _ start: UInt64, _ length: UInt64, to file: StagedFile
    ) throws(FileProblem) {
        try reserve(file)
        try stages.withBuffer { buffer throws(FileProblem) in
            var done: UInt64 = 0
            while done < length {
                if let hole = try holeLength(source, at: start &+ done, upTo: length - done) {
                    file.written += hole
                    done += hole
                    continue
                }
                let wanted = Int(min(UInt64(buffer.count), length - done))
                let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
                let count = try attempting("reading the source") { () throws(Errno) in
                    try fileSystem.read(source.descriptor, into: piece, at: start &+ done)
                }
                if count <= 0 || count > wanted {
                    throw FileProblem(.changed, doing: "reading the source: it has become shorter")
                }
                try append(UnsafeRawBufferPointer(rebasing: piece[..<count]), to: file)
                done += UInt64(count)
            }
        }
    }

    /// The bytes of a source's hole at an offset, where holes are made and there is one.
    private func holeLength(
        _ source: any SourceFile, at offset: UInt64, upTo most: UInt64
    ) throws(FileProblem) -> UInt64? {
        guard settings.makesHoles, let data = try? fileSystem.nextData(of: source.descriptor, from: offset) ?? .max,
            data > offset
        else { return nil }
        return min(data - offset, most)
    }

    // MARK: Committing

    func commit(_ id: FileID, digest: ContentDigest?) -> FileResult {
        guard let file = stages.take(id) else {
            return .committed(.failed(FileProblem(.stopped, doing: "committing a file that is not open")))
        }
        let target = file.target
        do throws(FileProblem) {
            if try carryOn(file, digest) {
                stages.put(file)
                return .committing
            }
        } catch {
            return .committed(.failed(error))
        }
        let outcome = result { () throws(FileProblem) in
            try endHole(file.part.descriptor, size: file.written)
            try checkContents(of: file, digest)
            if file.isInPlace { return try finishInPlace(file) }
            return try working(in: target.directory) { directory throws(FileProblem) in
                try finish(file, in: directory)
                file.part = try moveBeside(file.part, of: target.entry.name, in: directory)
                return try place(
                    Placement(
                        directory: target.directory, part: file.part.name, name: target.entry.name,
                        isDirectory: false, modified: target.entry.attributes.modified, rule: target.rule),
                    in: directory)
            }
        }
        switch outcome {
        case .done: break
        case .kept, .failed: discard(file)
        }
        return .committed(outcome)
    }

    func checkContents(of file: StagedFile, _ digest: ContentDigest?) throws(FileProblem) {
        if file.basisProblem != nil || (!file.isTouched && file.basis?.verify() != nil) {
            throw FileProblem(.mismatch, doing: "copying from the old version: it changed")
        }
        if file.written != file.target.entry.attributes.size {
            throw FileProblem(.mismatch, doing: "checking what was written: its size is not the announced one")
        }
        if let digest {
            let found = file.hasher.digest()
            if file.hasUnhashed || found.low != digest.low || found.high != digest.high {
                throw FileProblem(.mismatch, doing: "checking what was written")
            }
        }
        if let problem = file.source?.verify() { throw problem }
    }

    private func finish(_ file: StagedFile, in directory: RawDescriptor) throws(FileProblem) {
        let target = file.target
        let (wanted, set) = (target.entry.attributes, target.set)
        let fallback =
            set.contains(.mode)
            ? nil
            : inheritedMode(
                of: try statusIfAny(target.entry.name, in: directory), by: file.part.status, wanted, set)
        try apply(
            missing(wanted, set, in: file.part.status, fallbackMode: fallback), to: file.part.descriptor)
        // Last: what is set behind it might be lost.
        if settings.syncs {
            try attempting("syncing") { () throws(Errno) in try fileSystem.sync(file.part.descriptor) }
        }
    }

    // MARK: Giving up

    func abandon(_ id: FileID) -> FileResult {
        if let file = stages.take(id) { leave(file) }
        return .abandoned
    }

    /// Removes the part; its lock goes with the last reference to `file`, after the name.
    func discard(_ file: StagedFile) {
        if file.isInPlace { return }
        try? directories.withDirectory(file.target.directory) { directory throws(FileProblem) in
            remove(file.part, in: directory)
        }
    }

    /// Best effort: what cannot be removed now is swept by the next run.
    func removePart(_ name: [UInt8], isDirectory: Bool, in directory: RawDescriptor) {
        if isDirectory {
            _ = TreeRemoval.removeAll(name, in: directory, fileSystem: fileSystem)
        } else {
            try? fileSystem.remove(name[...], in: directory, isDirectory: false)
        }
    }

    /// Throws away everything that is still in work, at the end of a session that did not complete.
    package func abandonAll() {
        for id in stages.openFiles { _ = abandon(id) }
        stages.closeBases()
        treeIndex.closeSearches()
        for id in stages.openDirectories {
            if let building = stages.takeBuilding(id) { discard(building) }
        }
    }
}
