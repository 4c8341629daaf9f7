// Writing into a file that is there already (`--inplace`, `--append-verify`): the one exception to old or new, which
// the user has asked for by name. What is half written must not pass for whole, so from before the first byte is
// overwritten until the digest has agreed the file bears a modification time that no quick check takes for the source's;
// `--update` counts it as old. Every write sets the time to now, so it is set back after each.
//
// A name that is not there, is no regular file, or is one of several names of a file (the others keep what they have),
// gets its contents aside like any other.

import LifterProtocol
import LifterSystem

extension FileLayer {
    /// The time of a file that is being overwritten; never the one that it is to have.
    func underwayTime(_ file: StagedFile) -> FileTime {
        let wanted = file.target.entry.attributes.modified
        return FileTime(seconds: 0, nanoseconds: wanted.seconds == 0 && wanted.nanoseconds == 0 ? 1 : 0)
    }

    /// The file that is there, open and locked; nil where it is replaced instead.
    func openInPlace(_ target: FileTarget) throws(FileProblem) -> StagedFile? {
        guard settings.writesInPlace, !settings.appendOnly else { return nil }
        return try working(in: target.directory) { directory throws(FileProblem) in
            try openInPlace(target, in: directory)
        }
    }

    func openInPlace(_ target: FileTarget, in directory: RawDescriptor) throws(FileProblem) -> StagedFile? {
        let name = target.entry.name
        guard settings.writesInPlace, !settings.appendOnly, let old = try statusIfAny(name, in: directory),
            old.kind == .regular, old.links == 1,
            !keeps(old, rule: target.rule, modified: target.entry.attributes.modified)
        else { return nil }
        return try attempting("opening a file to write into it") { () throws(Errno) in
            let descriptor = try openRoomy(name, in: directory, [.read, .write], mode: 0)
            do throws(Errno) {
                guard try lockIfPossible(descriptor, isDirectory: false) else { throw Errno.busy }
                let status = try fileSystem.status(of: descriptor)
                guard status.isSameObject(as: old) else { throw Errno.stale }
                let part = Part(name: name, descriptor: descriptor, status: status)
                return StagedFile(target: target, part: part, isInPlace: true, key: contentKey, fileSystem: fileSystem)
            } catch {
                fileSystem.close(descriptor)
                throw error
            }
        }
    }

    /// A small file, whole.
    func overwrite(_ file: StagedFile, with bytes: ArraySlice<UInt8>) throws(FileProblem) -> Placed {
        try bytes.withUnsafeBufferPointer { piece throws(FileProblem) in
            try append(UnsafeRawBufferPointer(piece), to: file)
        }
        return try finishInPlace(file)
    }

    /// All is written and checked: size, owner, mode and, last, the true time.
    func finishInPlace(_ file: StagedFile) throws(FileProblem) -> Placed {
        let (wanted, set) = (file.target.entry.attributes, file.target.set)
        let descriptor = file.part.descriptor
        try attempting("cutting a file to its size") { () throws(Errno) in
            if !set.contains(.times) {
                // The time is not kept, so it is that of the work: cutting sets it even where nothing is cut.
                try fileSystem.truncate(descriptor, to: file.written)
            } else if try fileSystem.status(of: descriptor).size != file.written {
                try fileSystem.setModified(underwayTime(file), of: descriptor)
                try fileSystem.truncate(descriptor, to: file.written)
            }
            if settings.syncs { try fileSystem.sync(descriptor) }
        }
        // Its own mode stays where modes are not kept; a new owner, or having been written, takes set-id bits away.
        let fallback = inheritedMode(of: file.part.status, by: file.part.status, wanted, set)
        var missing = missing(wanted, set, in: file.part.status, fallbackMode: fallback)
        let mode = set.contains(.mode) ? UInt32(wanted.mode & 0o7777) : fallback
        if mode & 0o6000 != 0 { missing.mode = mode }
        try apply(missing, to: descriptor)
        // The contents were safe before the true time was set; now the time is, too.
        if settings.syncs {
            try attempting("syncing") { () throws(Errno) in try fileSystem.sync(descriptor) }
        }
        return .done
    }
}

// MARK: Made of what it was

// Where only what differs is told, what stays where it is costs nothing, and what moves is moved when all is known:
// `PendingMoves`. Until then nothing is overwritten.

extension FileLayer {
    /// The contents of a file that was opened in place will be told by their difference from what is there.
    func prepareMoves(of file: StagedFile) {
        openBasis(of: file)
        let old = file.part.status
        if let basis = file.basis, !basis.status.isSameObject(as: old) || basis.status.size != old.size {
            file.basisProblem = FileProblem(.changed, doing: "opening the old version")
        }
        file.moves = PendingMoves(
            reach: min(old.size, file.target.entry.attributes.size), shortest: settings.movedArea,
            memory: settings.movesInMemory, key: digestKey, fileSystem: fileSystem)
    }

    /// Takes the next bytes of the new contents, wherever they come from: what lies where the old version is waits,
    /// what lies behind it is written at once. Where that cannot be the file is filled no further, as in `copyBasis`.
    func rearrange(
        _ bytes: UnsafeRawBufferPointer, from source: UInt64?, in file: StagedFile
    ) throws(FileProblem) {
        guard let moves = file.moves, file.basisProblem == nil else { return }
        let inside = Int(min(UInt64(bytes.count), moves.reach - min(moves.reach, file.written)))
        do throws(FileProblem) {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[..<inside])
            try moves.take(piece, at: file.written, from: source, movingDisk(of: file))
            if inside < bytes.count, !file.isTouched, let problem = file.basis?.verify() { throw problem }
        } catch {
            file.basisProblem = error
            return
        }
        file.written += UInt64(inside)
        guard inside < bytes.count else { return }
        file.isTouched = true
        try append(UnsafeRawBufferPointer(rebasing: bytes[inside...]), to: file)
    }

    /// The next step of rearranging a file whose contents are all told; true while there is more. Nothing is overwritten
    /// that does not have the right digest.
    func carryOn(_ file: StagedFile, _ digest: ContentDigest?) throws(FileProblem) -> Bool {
        guard let moves = file.moves else { return false }
        let disk = movingDisk(of: file)
        if !moves.hasBegun {
            try checkContents(of: file, digest)
            try moves.begin(disk)
            file.basis = nil
        }
        if try moves.advance(settings.movedByEffect, disk) { return true }
        file.moves = nil
        return false
    }

    private func movingDisk(of file: StagedFile) -> PendingMoves.Disk {
        PendingMoves.Disk(
            fileSystem: fileSystem, descriptor: file.part.descriptor, time: underwayTime(file),
            makeSpool: { self.spoolBeside(file.target.directory) })
    }

    /// A file without a name on the disk where what is set aside comes from: that may be as much as differs.
    private func spoolBeside(_ id: DirectoryID) -> RawDescriptor? {
        try? working(in: id) { directory throws(FileProblem) in
            guard let file = spoolFiles.make(in: directory) else { throw FileProblem(.io, doing: "spooling") }
            return file
        }
    }
}
