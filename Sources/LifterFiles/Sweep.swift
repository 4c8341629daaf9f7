// Removing what killed runs of this program left: only names of the part pattern, of our own user, that nobody has
// locked, and whose target is here or that are older than a week. (A part whose target is still to be made is
// cleared when that is staged.) Displaced names are the user's: they go only where this job, too, may replace
// directories, and only when what replaced them is in place.

import LifterProtocol
import LifterSystem

extension FileLayer {
    private static let oldAfterSeconds: Int64 = 7 * 24 * 3600

    /// `names`: the names of ours that a scan has met; or targets, whose parts are meant then.
    func sweep(in id: DirectoryID, names: [[UInt8]]) -> FileResult {
        if settings.dryRun { return .swept(count: 0) }
        var count = 0
        // What cannot be swept is no failure of the job: it is met again by the next.
        try? working(in: id) { directory throws(FileProblem) in
            let targets = try targets(in: directory)
            for name in names {
                if !Names.isReserved(name[...]) {
                    for part in [PartName.part(of: name), PartName.linkPart(of: name)] {
                        guard (try? fileSystem.status(of: part[...], in: directory)) != nil else { continue }
                        if try clearPart(part, in: directory) { count += 1 }
                    }
                } else if PartName.isPart(name[...]) {
                    guard targets.contains(name) || isOld(name, directory) else { continue }
                    if try clearPart(name, in: directory) { count += 1 }
                } else if PartName.isDisplaced(name[...]), settings.replacesDirectories, !settings.appendOnly,
                    targets.contains(name)
                {
                    guard let status = try? fileSystem.status(of: name[...], in: directory) else { continue }
                    removePart(name, isDirectory: status.kind == .directory, in: directory)
                    count += 1
                }
            }
        }
        return .swept(count: count)
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
                    found.insert(PartName.displaced(of: name))
                }
                names = DirectoryNames()
            }
            return found
        }
    }

    private func isOld(_ part: [UInt8], _ directory: RawDescriptor) -> Bool {
        // The change time is the one that no program sets.
        guard let status = try? fileSystem.status(of: part[...], in: directory) else { return false }
        let now = settings.startedAt == 0 ? Clock.wall.seconds : settings.startedAt
        return status.changed.seconds < now &- Self.oldAfterSeconds
    }
}
