// Small files, whole and many at a time. This is the path of a first copy, so every system call counts.
//
//     in a directory that is being built     open, write, [owner, mode,] time, close
//     elsewhere                              open, lock, look, write, [owner, mode,] time, rename, close
//
// Inside a directory under a part name nobody sees a file before it is whole, so it is created under its final name.
// What the system gives a new file (group, mode after umask and default ACL) is the same for all files of one
// directory, so it is looked at once and not for each.

import LifterCodec
import LifterDelta
import LifterProtocol
import LifterSystem

extension FileLayer {
    /// What is known of files created in one directory.
    private struct Habits {
        /// Nobody sees what is in the directory.
        var isPrivate: Bool
        /// As the last file that was looked at was created.
        var seen: FileStatus?
        /// The mode that one was asked for.
        var asked: UInt32 = 0
        /// A file that failed is still there.
        var isSpoiled = false
    }

    func writeSmall(in id: DirectoryID, buffer: [UInt8], files: [SmallFile]) -> FileResult {
        var results: [PlaceResult] = []
        results.reserveCapacity(files.count)
        do throws(FileProblem) {
            try directories.withDirectory(id) { directory throws(FileProblem) in
                var habits = Habits(isPrivate: stages.isBuilding(id))
                for file in files {
                    results.append(write(file, buffer, id, directory, &habits))
                }
                if habits.isSpoiled { stages.spoil(id) }
            }
        } catch {
            while results.count < files.count { results.append(.failed(error)) }
        }
        return .wroteSmall(results)
    }

    private func write(
        _ file: SmallFile, _ buffer: [UInt8], _ id: DirectoryID, _ directory: RawDescriptor,
        _ habits: inout Habits
    ) -> PlaceResult {
        result { () throws(FileProblem) in
            try checkMayWrite(file.target.entry.name)
            if file.patch != nil {
                let (file, buffer) = try patched(file, buffer)
                try check(file, buffer)
                return try working(in: id, directory) { () throws(FileProblem) in
                    try replace(file, buffer, id, directory)
                }
            }
            try check(file, buffer)
            if habits.isPrivate {
                return try create(file, buffer, directory, &habits)
            }
            return try working(in: id, directory) { () throws(FileProblem) in
                try replace(file, buffer, id, directory)
            }
        }
    }

    private func check(_ file: SmallFile, _ buffer: [UInt8]) throws(FileProblem) {
        guard file.range.lowerBound >= 0, file.range.upperBound <= buffer.count,
            UInt64(file.range.count) == file.target.entry.attributes.size
        else { throw FileProblem(.mismatch, doing: "checking the size of what came") }
        let found = ContentHasher.digest(of: buffer[file.range], key: contentKey)
        if found.low != file.digest.low || found.high != file.digest.high {
            throw FileProblem(.mismatch, doing: "checking what came")
        }
    }

    // MARK: In a directory of our own

    private func create(
        _ file: SmallFile, _ buffer: [UInt8], _ directory: RawDescriptor, _ habits: inout Habits
    ) throws(FileProblem) -> Placed {
        if file.target.rule.onlyExisting { return .kept }
        let entry = file.target.entry
        let mode = creationMode(file.target, group: habits.seen?.groupID)
        let descriptor: RawDescriptor
        do throws(Errno) {
            descriptor = try openRoomy(entry.name, in: directory, [.write, .create], mode: mode)
        } catch .exists {
            // Two names that are one to this file system (of different case, for instance).
            throw FileProblem(.inTheWay, doing: "creating: the file system takes another name for this one")
        } catch {
            throw FileProblem(error, doing: "creating")
        }
        defer { fileSystem.close(descriptor) }
        do throws(FileProblem) {
            let status: FileStatus
            if let seen = habits.seen, habits.asked == mode {
                status = seen
            } else {
                status = try attempting("looking at a new file") { () throws(Errno) in
                    try fileSystem.status(of: descriptor)
                }
                (habits.seen, habits.asked) = (status, mode)
            }
            try fill(descriptor, file, buffer, status, fallbackMode: newMode(entry.attributes))
        } catch {
            do throws(Errno) {
                try fileSystem.remove(entry.name[...], in: directory, isDirectory: false)
            } catch {
                habits.isSpoiled = true
            }
            throw error
        }
        return .done
    }

    /// The mode to create with: the final one where nothing follows that would make it unsafe or change it.
    private func creationMode(_ target: FileTarget, group: UInt32?) -> UInt32 {
        let wanted = target.entry.attributes
        let final = target.set.contains(.mode) ? UInt32(wanted.mode & 0o7777) : newMode(wanted)
        let keepsOwner =
            (!target.set.contains(.user) || wanted.userID == settings.ownUserID)
            && (!target.set.contains(.group) || wanted.groupID == group)
        let isExact = final & ~settings.umask == final && final & 0o7600 == 0o600
        return keepsOwner && isExact ? final : 0o600
    }

    // MARK: Among what is there

    private func replace(
        _ file: SmallFile, _ buffer: [UInt8], _ id: DirectoryID, _ directory: RawDescriptor
    ) throws(FileProblem) -> Placed {
        let target = file.target
        if let old = try openInPlace(target, in: directory) { return try overwrite(old, with: buffer[file.range]) }
        let part = try claimFile(
            for: target.entry.name, in: directory,
            mode: target.set.contains(.mode) ? creationMode(target, group: nil) : 0o600)
        // The lock ends with the descriptor, after the part has got its name or is gone.
        defer { fileSystem.close(part.descriptor) }
        do throws(FileProblem) {
            var fallback: UInt32?
            if !target.set.contains(.mode) {
                let old = try statusIfAny(target.entry.name, in: directory)
                fallback = inheritedMode(of: old, by: part.status, target.entry.attributes, target.set)
            }
            try fill(part.descriptor, file, buffer, part.status, fallbackMode: fallback)
            let placed = try place(
                Placement(
                    directory: id, part: part.name, name: target.entry.name, isDirectory: false,
                    modified: target.entry.attributes.modified, rule: target.rule),
                in: directory)
            switch placed {
            case .done: break
            case .kept: removePart(part.name, isDirectory: false, in: directory)
            }
            return placed
        } catch {
            removePart(part.name, isDirectory: false, in: directory)
            throw error
        }
    }

    private func fill(
        _ descriptor: RawDescriptor, _ file: SmallFile, _ buffer: [UInt8], _ created: FileStatus,
        fallbackMode: UInt32?
    ) throws(FileProblem) {
        let target = file.target
        try attempting("writing") { () throws(Errno) in
            try buffer.withUnsafeBufferPointer { bytes throws(Errno) in
                let piece = UnsafeBufferPointer(rebasing: bytes[file.range])
                try writeContents(UnsafeRawBufferPointer(piece), to: descriptor, at: 0)
            }
        }
        try endHole(descriptor, size: UInt64(file.range.count))
        let missing = missing(
            target.entry.attributes, target.set, in: created, fallbackMode: fallbackMode)
        try apply(missing, to: descriptor)
        if settings.syncs {
            try attempting("syncing") { () throws(Errno) in try fileSystem.sync(descriptor) }
        }
    }
}
