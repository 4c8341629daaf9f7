// Writing into a file that is there already (`--inplace`, `--append-verify`): the one exception to old or new, which
// the user has asked for by name. What is half written must not pass for whole, so from before the first byte is
// overwritten until the digest has agreed the file bears a modification time that no quick check takes for the source's;
// `--update` counts it as old. Every write sets the time to now, so it is set back after each.
//
// A name that is not there, is no regular file, or is one of several names of a file (the others keep what they have),
// gets its contents aside like any other.

import LifterCodec
import LifterDelta
import LifterProtocol
import LifterSystem

extension FileLayer {
    /// The time of a file that is being overwritten.
    var underwayTime: FileTime { FileTime(seconds: 0, nanoseconds: 0) }

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
            if try fileSystem.status(of: descriptor).size != file.written {
                try fileSystem.setModified(underwayTime, of: descriptor)
                try fileSystem.truncate(descriptor, to: file.written)
            }
            if settings.syncs { try fileSystem.sync(descriptor) }
        }
        // Its own mode stays where modes are not kept; a new owner, or having been written, takes set-id bits away.
        let fallback = inheritedMode(of: file.part.status, by: file.part.status, wanted, set)
        var missing = missing(wanted, set, in: file.part.status, fallbackMode: fallback)
        let mode = set.contains(.mode) ? UInt32(wanted.mode & 0o7777) : fallback
        if mode & 0o6000 != 0 { missing.mode = mode }
        if missing.modified == nil {
            let now = Clock.wall
            missing.modified = FileTime(seconds: now.seconds, nanoseconds: now.nanoseconds)
        }
        try apply(missing, to: descriptor)
        return .done
    }
}
