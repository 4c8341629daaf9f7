// Removing what killed runs of this program left: only names of the part pattern, of our own user, that nobody has
// locked, and whose target is here or that are older than a week. (Where the target is still to be made the machine
// asks again when all in its directory is done.) Displaced names are the user's: they go only where this job, too, may
// replace directories, and only when what replaced them is in place.

import LifterProtocol
import LifterSystem

extension FileLayer {
    private static let oldAfterSeconds: Int64 = 7 * 24 * 3600

    /// `names`: the names of ours that a scan has met; or targets, whose parts are meant then.
    func sweep(in id: DirectoryID, names: [[UInt8]]) -> FileResult {
        if settings.dryRun { return .swept(count: 0) }
        var count = 0
        // What cannot be swept is no failure of the job: it is met again by the next, and holds up no other.
        try? working(in: id) { directory throws(FileProblem) in
            let targets = try targets(in: directory)
            // Parts of what is here may be kept below.
            let apart = fixedPartials == nil ? openPartials(of: directory) : nil
            defer { apart.map { fileSystem.close($0) } }
            var denied: FileProblem?
            for name in names {
                do throws(FileProblem) {
                    let isSweptApart = try apart.map { place throws(FileProblem) in try sweep(name, targets, in: place)
                    }
                    if try sweep(name, targets, in: directory) || isSweptApart == true { count += 1 }
                } catch {
                    if error.errno == Errno.access.rawValue { denied = error }
                }
            }
            if apart != nil, removeEmptyPartials(in: directory) { count = max(count, 1) }
            // Perhaps the directory can be made workable; what went is not met again.
            if let denied { throw denied }
        }
        return .swept(count: count)
    }

    /// True where something was removed.
    private func sweep(
        _ name: [UInt8], _ targets: Set<[UInt8]>, in directory: RawDescriptor
    ) throws(FileProblem) -> Bool {
        guard Names.isReserved(name[...]) else {
            var hasRemoved = false
            for part in [PartName.part(of: name), PartName.linkPart(of: name), PartName.priorPart(of: name)] {
                guard (try? fileSystem.status(of: part[...], in: directory)) != nil else { continue }
                if try clearPart(part, in: directory) { hasRemoved = true }
            }
            return hasRemoved
        }
        guard let status = try statusIfAny(name, in: directory) else { return false }
        if PartName.isPart(name[...]) {
            guard targets.contains(name) || isOld(status) else { return false }
            return try clearPart(name, in: directory)
        }
        guard PartName.isDisplaced(name[...]), settings.replacesDirectories, !settings.appendOnly,
            targets.contains(name)
        else { return false }
        removePart(name, isDirectory: status.kind == .directory, in: directory)
        return true
    }

    /// The part and displaced names that belong to what is in a directory.
    private func targets(in directory: RawDescriptor) throws(FileProblem) -> Set<[UInt8]> {
        try attempting("reading a directory to sweep it") { () throws(Errno) in
            // A descriptor of its own: the held one may have been read to its end.
            let descriptor = try directories.opening { () throws(Errno) in try fileSystem.reopen(directory) }
            defer { fileSystem.close(descriptor) }
            var found = Set<[UInt8]>()
            var names = DirectoryNames()
            while try fileSystem.readNames(of: descriptor, into: &names) {
                for index in 0..<names.count where !Names.isReserved(names[index]) {
                    let name = Array(names[index])
                    found.insert(PartName.part(of: name))
                    found.insert(PartName.linkPart(of: name))
                    found.insert(PartName.priorPart(of: name))
                    found.insert(PartName.displaced(of: name))
                }
                names = DirectoryNames()
            }
            return found
        }
    }

    /// The change time is the one that no program sets.
    func isOld(_ part: FileStatus) -> Bool {
        let now = settings.startedAt == 0 ? Clock.wall.seconds : settings.startedAt
        return part.changed.seconds < now &- Self.oldAfterSeconds
    }
}
