// Removing what killed runs of this program left: only names of the part pattern, of our own user, that nobody has
// locked, and whose target is in this job or that are older than a week. Displaced names are the user's and stay.

import LifterProtocol
import LifterSystem

extension FileLayer {
    private static let oldAfterSeconds: Int64 = 7 * 24 * 3600

    /// `names`: part names whose targets are in this job, or the names of such targets themselves.
    func sweep(in id: DirectoryID, names: [[UInt8]]) -> FileResult {
        if settings.dryRun || settings.appendOnly { return .swept(count: 0) }
        var inJob = Set<[UInt8]>()
        for name in names {
            inJob.insert(PartName.isPart(name[...]) ? name : PartName.part(of: name))
        }
        var count = 0
        // What cannot be swept is no failure of the job: it is met again by the next.
        try? working(in: id) { directory throws(FileProblem) in
            for part in try parts(in: directory) {
                guard mayConcern(part, inJob, directory) else { continue }
                if try clearPart(part, in: directory) { count += 1 }
            }
        }
        return .swept(count: count)
    }

    private func parts(in directory: RawDescriptor) throws(FileProblem) -> [[UInt8]] {
        try attempting("reading a directory to sweep it") { () throws(Errno) in
            // A descriptor of its own: the held one may have been read to its end.
            let descriptor = try directories.opening { () throws(Errno) in try fileSystem.reopen(directory) }
            defer { fileSystem.close(descriptor) }
            var found: [[UInt8]] = []
            var names = DirectoryNames()
            while try fileSystem.readNames(of: descriptor, into: &names) {
                for index in 0..<names.count where PartName.isPart(names[index]) {
                    found.append(Array(names[index]))
                }
                names = DirectoryNames()
            }
            return found
        }
    }

    private func mayConcern(_ part: [UInt8], _ inJob: Set<[UInt8]>, _ directory: RawDescriptor) -> Bool {
        if inJob.contains(part) { return true }
        // The change time is the one that no program sets.
        guard let status = try? fileSystem.status(of: part[...], in: directory) else { return false }
        let now = settings.startedAt == 0 ? Clock.wall.seconds : settings.startedAt
        return status.changed.seconds < now &- Self.oldAfterSeconds
    }
}
