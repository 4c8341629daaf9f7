// Giving something whole its final name. For every name, at every instant, there is the old or the new, and for a
// name that was there before never neither.
//
//     nothing or a file, link, device in the way of such     one rename
//     a directory on one of the two sides                    RENAME_EXCHANGE, then what was swapped out is removed
//
// What is swapped out is the user's, so it bears a displaced name: the part takes that name first, and then the
// two change places. Where the file system has no exchange, the old is renamed aside and the new renamed in.

import LifterProtocol
import LifterSystem

/// Something whole under a part name, and what it is to replace.
struct Placement {
    var directory: DirectoryID
    var part: [UInt8]
    var name: [UInt8]
    var isDirectory: Bool
    /// The source's, for the rule that keeps what is newer.
    var modified: Timestamp
    var rule: ReplaceRule
}

enum Placed {
    case done
    /// The rule keeps what is there; the part is still under its name.
    case kept
}

extension FileLayer {
    /// Where this throws, the part is still under its part name if it is anywhere, and the old thing under its own.
    func place(_ placement: Placement, in directory: RawDescriptor) throws(FileProblem) -> Placed {
        let rule = placement.rule
        let looks = rule.keepExisting || rule.keepNewer || rule.onlyExisting || settings.appendOnly
        if !placement.isDirectory && !looks {
            // Nearly always: one rename. It refuses to replace a directory.
            do throws(Errno) {
                try rename(placement.part, to: placement.name, in: directory, .replace)
                return .done
            } catch {
                if error != .isDirectory && error != .exists && error != .notEmpty {
                    throw FileProblem(error, doing: "renaming a staged entry")
                }
            }
        }
        if placement.isDirectory && !looks, try isNamed(placement, in: directory) { return .done }
        guard let old = try statusIfAny(placement.name, in: directory) else {
            return try placeNew(placement, in: directory)
        }
        if keeps(old, rule: rule, modified: placement.modified) { return .kept }
        if settings.appendOnly { throw FileProblem.keepsExisting }
        if placement.isDirectory && old.kind == .directory {
            throw FileProblem(.inTheWay, doing: "making a directory: one appeared meanwhile; run again")
        }
        if old.kind == .directory { try checkMayReplace(placement, in: directory) }
        if placement.isDirectory || old.kind == .directory {
            try swap(placement, with: old, in: directory)
        } else {
            try attempting("renaming a staged entry") { () throws(Errno) in
                try rename(placement.part, to: placement.name, in: directory, .replace)
            }
        }
        return .done
    }

    /// Whether the rule lets an existing entry stay.
    func keeps(_ old: FileStatus, rule: ReplaceRule, modified: Timestamp) -> Bool {
        if rule.keepExisting { return true }
        guard rule.keepNewer, old.kind == .regular else { return false }
        // Overwritten in place, and never finished.
        if old.modified.seconds == 0 { return false }
        return Timestamp(seconds: old.modified.seconds, nanoseconds: old.modified.nanoseconds) > modified
    }

    func statusIfAny(_ name: [UInt8], in directory: RawDescriptor) throws(FileProblem) -> FileStatus? {
        do throws(Errno) {
            return try fileSystem.status(of: name[...], in: directory)
        } catch .noEntry {
            return nil
        } catch {
            throw FileProblem(error, doing: "looking at what is there")
        }
    }

    /// Whether a new directory has got its name at once: nothing bore it.
    private func isNamed(_ placement: Placement, in directory: RawDescriptor) throws(FileProblem) -> Bool {
        do throws(Errno) {
            try rename(placement.part, to: placement.name, in: directory, .noReplace)
            return true
        } catch .exists {
            return false
        } catch {
            throw FileProblem(error, doing: "renaming a staged entry")
        }
    }

    private func placeNew(_ placement: Placement, in directory: RawDescriptor) throws(FileProblem) -> Placed {
        if placement.rule.onlyExisting { return .kept }
        do throws(Errno) {
            try rename(placement.part, to: placement.name, in: directory, .noReplace)
            return .done
        } catch .exists {
            if placement.rule.keepExisting { return .kept }
            throw FileProblem(.inTheWay, doing: "renaming: another appeared meanwhile; run again")
        } catch {
            throw FileProblem(error, doing: "renaming a staged entry")
        }
    }

    /// A directory gives way when it is empty, or when the rule says so and nothing in it is protected.
    private func checkMayReplace(_ placement: Placement, in directory: RawDescriptor) throws(FileProblem) {
        if try isEmptyDirectory(placement.name, in: directory) { return }
        guard placement.rule.removeDirectory else {
            throw FileProblem(.inTheWay, doing: "replacing a directory that is not empty")
        }
        var walk = DeletionWalk(
            fileSystem: fileSystem, in: directory, prefix: directories.path(of: placement.directory),
            filter: protectingFilter)
        let found = walk.count(placement.name)
        if let problem = found.problem { throw problem }
        if !found.isWhole {
            throw FileProblem(.inTheWay, doing: "replacing a directory that holds protected names")
        }
    }

    private func isEmptyDirectory(_ name: [UInt8], in directory: RawDescriptor) throws(FileProblem) -> Bool {
        try attempting("reading a directory that is in the way") { () throws(Errno) in
            let descriptor = try openRoomy(name, in: directory, [.read, .directory], mode: 0)
            defer { fileSystem.close(descriptor) }
            var names = DirectoryNames()
            while try fileSystem.readNames(of: descriptor, into: &names) {
                if names.count > 0 { return false }
            }
            return names.count == 0
        }
    }

    // MARK: Changing places

    private func swap(
        _ placement: Placement, with old: FileStatus, in directory: RawDescriptor
    ) throws(FileProblem) {
        let aside = try moveAside(placement.part, for: placement.name, in: directory)
        do throws(Errno) {
            do throws(Errno) {
                try rename(aside, to: placement.name, in: directory, .exchange)
            } catch {
                guard [.invalid, .noSystem, .notSupported].contains(error) else { throw error }
                try swapByTwoRenames(placement, aside: aside, in: directory)
            }
        } catch {
            try? rename(aside, to: placement.part, in: directory, .noReplace)
            throw FileProblem(error, doing: "exchanging with what is in the way")
        }
        // Nobody else's thing is removed: it must be what was looked at.
        do throws(Errno) {
            let swapped = try fileSystem.status(of: aside[...], in: directory)
            guard swapped.isSameObject(as: old) else { throw Errno.stale }
            if old.kind != .directory {
                try fileSystem.remove(aside[...], in: directory, isDirectory: false)
                return
            }
            do throws(Errno) {
                try fileSystem.remove(aside[...], in: directory, isDirectory: true)
                return
            } catch {
                let mayRemove = placement.rule.removeDirectory && (error == .notEmpty || error == .exists)
                if !mayRemove { throw error }
            }
        } catch {
            try undoSwap(placement, aside: aside, in: directory, because: error)
        }
        if let problem = TreeRemoval.removeAll(aside, in: directory, fileSystem: fileSystem) {
            throw FileProblem(
                problem.code, errno: problem.errno, doing: "removing the directory that was replaced")
        }
    }

    /// The part takes the displaced name, so that whatever the exchange puts there is never taken for ours.
    private func moveAside(
        _ part: [UInt8], for name: [UInt8], in directory: RawDescriptor
    ) throws(FileProblem) -> [UInt8] {
        var aside = PartName.displaced(of: name)
        do throws(Errno) {
            do throws(Errno) {
                try rename(part, to: aside, in: directory, .noReplace)
            } catch .exists {
                // An earlier run was killed here, and what it left is not ours to touch.
                aside = PartName.randomDisplaced(fileSystem)
                try rename(part, to: aside, in: directory, .noReplace)
            }
        } catch {
            throw FileProblem(error, doing: "preparing to exchange")
        }
        return aside
    }

    /// For file systems without RENAME_EXCHANGE. There is a moment with neither.
    private func swapByTwoRenames(
        _ placement: Placement, aside: [UInt8], in directory: RawDescriptor
    ) throws(Errno) {
        try rename(aside, to: placement.part, in: directory, .noReplace)
        do throws(Errno) {
            try rename(placement.name, to: aside, in: directory, .noReplace)
        } catch {
            // The caller expects the part where it was.
            try? rename(placement.part, to: aside, in: directory, .noReplace)
            throw error
        }
        do throws(Errno) {
            try rename(placement.part, to: placement.name, in: directory, .noReplace)
        } catch {
            try? rename(aside, to: placement.name, in: directory, .noReplace)
            try? rename(placement.part, to: aside, in: directory, .noReplace)
            throw error
        }
    }

    /// Back to how it was. Where even that fails, the old thing stays under its displaced name and is reported.
    private func undoSwap(
        _ placement: Placement, aside: [UInt8], in directory: RawDescriptor, because error: Errno
    ) throws(FileProblem) {
        do throws(Errno) {
            do throws(Errno) {
                try rename(aside, to: placement.name, in: directory, .exchange)
                try rename(aside, to: placement.part, in: directory, .noReplace)
            } catch {
                guard [.invalid, .noSystem, .notSupported].contains(error) else { throw error }
                try rename(placement.name, to: placement.part, in: directory, .noReplace)
                try rename(aside, to: placement.name, in: directory, .noReplace)
            }
        } catch {
            throw FileProblem(error, doing: "restoring what was exchanged")
        }
        switch error {
        case .notEmpty, .exists:
            throw FileProblem(.inTheWay, doing: "replacing a directory that is not empty any more")
        case .stale:
            throw FileProblem(.changed, doing: "replacing what changed meanwhile")
        default:
            throw FileProblem(error, doing: "removing what was replaced")
        }
    }

    func rename(
        _ old: [UInt8], to new: [UInt8], in directory: RawDescriptor, _ mode: RenameMode
    ) throws(Errno) {
        try fileSystem.rename(old[...], in: directory, to: new[...], in: directory, mode)
    }

    // MARK: Protection

    /// The filter whose exclusions protect names here, nil when excluded names are deleted like others.
    var protectingFilter: FilterRules? {
        settings.deletesExcluded || settings.filter.isEmpty ? nil : settings.filter
    }
}
