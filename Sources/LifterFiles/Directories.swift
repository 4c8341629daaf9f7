// Directories at the receiver.
//
//     makeDirectory      a new one is made under a part name, locked, and known to the table under that name
//     publishDirectory   it gets its final name in one step, with all that was written into it
//     finishDirectory    owner, mode and, last of all, time, when everything in it is settled

import LifterProtocol
import LifterSystem

extension FileLayer {
    // MARK: Making

    func makeDirectory(id: DirectoryID, parent: DirectoryID, entry: Entry, rule: ReplaceRule) -> FileResult {
        .madeDirectory(
            result { () throws(FileProblem) in
                try checkMayWrite(entry.name)
                let part: Part? = try working(in: parent) { directory throws(FileProblem) in
                    // Nothing is in the way in a new one.
                    if stages.isNew(parent), !rule.onlyExisting {
                        return try claimDirectory(for: entry.name, in: directory)
                    }
                    // Asked again when it is published; here, so that nothing is built in vain.
                    if let old = try statusIfAny(entry.name, in: directory) {
                        if keeps(old, rule: rule, modified: entry.attributes.modified) { return nil }
                        try checkMayBecomeDirectory(old)
                    } else if rule.onlyExisting {
                        return nil
                    }
                    return try claimDirectory(for: entry.name, in: directory)
                }
                guard let part else { return .kept }
                directories.register(id, parent: parent, name: part.name)
                guard directories.keep(id, descriptor: part.descriptor, status: part.status) else {
                    fileSystem.close(part.descriptor)
                    throw FileProblem(.stopped, doing: "making a directory that is known already")
                }
                stages.put(
                    id,
                    BuildingDirectory(
                        id: id, parent: parent, part: part, entry: entry, rule: rule, directories: directories))
                return .done
            })
    }

    private func checkMayBecomeDirectory(_ old: FileStatus) throws(FileProblem) {
        if old.kind == .directory {
            throw FileProblem(.inTheWay, doing: "making a directory: one appeared meanwhile; run again")
        }
        if settings.appendOnly { throw FileProblem.keepsExisting }
    }

    // MARK: Publishing

    /// With `final` nothing more is to be put into it: then it is finished at once.
    func publishDirectory(_ id: DirectoryID, final: FinalAttributes?) -> FileResult {
        guard let building = stages.takeBuilding(id) else {
            return .publishedDirectory(
                .failed(FileProblem(.stopped, doing: "publishing a directory that is not being built")), finished: nil)
        }
        let outcome = result { () throws(FileProblem) in
            if stages.isSpoiled(id) {
                throw FileProblem(.stopped, doing: "publishing a directory with something half done in it")
            }
            if settings.appendOnly { try prepare(building) }
            let placed = try working(in: building.parent) { directory throws(FileProblem) in
                try place(
                    Placement(
                        directory: building.parent, part: building.part.name, name: building.entry.name,
                        isDirectory: true, modified: building.entry.attributes.modified, rule: building.rule),
                    in: directory)
            }
            switch placed {
            case .done: directories.rename(id, to: building.entry.name)
            case .kept: break
            }
            return placed
        }
        switch outcome {
        case .done: return .publishedDirectory(outcome, finished: final.map { finishDirectory(id, $0) })
        case .kept, .failed:
            discard(building)
            return .publishedDirectory(outcome, finished: nil)
        }
    }

    /// Where a directory that is there is never changed, one that an interrupted session left must not lack more than
    /// its time. So it gets owner and mode before its name, as far as the work in it allows.
    private func prepare(_ building: BuildingDirectory) throws(FileProblem) {
        let descriptor = building.part.descriptor
        let status = try attempting("looking at a new directory") { () throws(Errno) in
            try fileSystem.status(of: descriptor)
        }
        let set = settings.newDirectorySet.subtracting(.times)
        let fallback = newMode(building.entry.attributes) | status.mode & 0o2000
        var missing = missing(building.entry.attributes, set, in: status, fallbackMode: fallback)
        if let mode = missing.mode, !settings.isRoot { missing.mode = mode | 0o300 }
        try apply(missing, to: descriptor)
    }

    /// Removes a directory under its part name; its lock goes with the last reference to `building`.
    func discard(_ building: BuildingDirectory) {
        try? directories.withDirectory(building.parent) { directory throws(FileProblem) in
            // Only what bears the name and is the one that was locked.
            guard let status = try? fileSystem.status(of: building.part.name[...], in: directory),
                status.isSameObject(as: building.part.status)
            else { return }
            removePart(building.part.name, isDirectory: true, in: directory)
        }
    }

    // MARK: Finishing

    func finishDirectory(_ id: DirectoryID, _ final: FinalAttributes) -> PlaceResult {
        let history = stages.takeHistory(of: id)
        return result { () throws(FileProblem) in
            if settings.dryRun { throw FileProblem(.refused, doing: "writing in a dry run") }
            try directories.withDirectory(id) { directory throws(FileProblem) in
                let status = try attempting("looking at the directory") { () throws(Errno) in
                    try fileSystem.status(of: directory)
                }
                // A new one keeps the set-group-id bit that it got from its parent.
                let fallback = history.isNew ? newMode(final.attributes) | status.mode & 0o2000 : history.mode
                var missing = missing(final.attributes, final.set, in: status, fallbackMode: fallback)
                if settings.omitDirectoryTimes { missing.modified = nil }
                try apply(missing, to: directory)
                fileSystem.settle(directory)
                if settings.syncs {
                    // The names in it are as durable as the files they stand for.
                    try attempting("syncing the directory") { () throws(Errno) in
                        try fileSystem.sync(directory)
                    }
                }
            }
            return .done
        }
    }
}
