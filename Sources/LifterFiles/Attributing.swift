// Which attributes an object still lacks, and setting them in the one right order: owner, then mode (a change of
// owner clears set-id bits), then the modification time (everything else changes it or follows from it).

import LifterProtocol
import LifterSystem

struct MissingAttributes {
    var user: UInt32?
    var group: UInt32?
    var mode: UInt32?
    var modified: FileTime?

    var changesOwner: Bool { user != nil || group != nil }
}

extension FileLayer {
    /// What `status` lacks of what is wanted. `fallbackMode` is for where the mode is not kept; nil leaves it.
    func missing(
        _ wanted: Attributes, _ set: AttributeSet, in status: FileStatus, fallbackMode: UInt32?
    ) -> MissingAttributes {
        var missing = MissingAttributes()
        if set.contains(.user), wanted.userID != status.userID { missing.user = wanted.userID }
        if set.contains(.group), wanted.groupID != status.groupID { missing.group = wanted.groupID }
        if let mode = set.contains(.mode) ? UInt32(wanted.mode & 0o7777) : fallbackMode {
            let clearsSetID = missing.changesOwner && mode & 0o6000 != 0
            if mode != status.mode || clearsSetID { missing.mode = mode }
        }
        if set.contains(.times) {
            missing.modified = FileTime(
                seconds: wanted.modified.seconds, nanoseconds: wanted.modified.nanoseconds)
        }
        return missing
    }

    /// The mode of a new entry whose mode is not kept.
    func newMode(_ wanted: Attributes) -> UInt32 {
        UInt32(wanted.mode & 0o777) & ~settings.umask
    }

    /// The mode of a regular file that replaces `old` where modes are not kept: the old one. Its set-id bits were
    /// given to the old owner's program, so they stay only where owner and group do.
    func inheritedMode(of old: FileStatus?, by new: FileStatus, _ wanted: Attributes, _ set: AttributeSet) -> UInt32 {
        guard let old, old.kind == .regular else { return newMode(wanted) }
        let user = set.contains(.user) ? wanted.userID : new.userID
        let group = set.contains(.group) ? wanted.groupID : new.groupID
        return old.userID == user && old.groupID == group ? old.mode : old.mode & 0o1777
    }

    func apply(_ missing: MissingAttributes, to descriptor: RawDescriptor) throws(FileProblem) {
        if missing.changesOwner {
            try attempting("setting the owner") { () throws(Errno) in
                try fileSystem.setOwner(user: missing.user, group: missing.group, of: descriptor)
            }
        }
        if let mode = missing.mode {
            try attempting("setting the mode") { () throws(Errno) in
                try fileSystem.setMode(mode, of: descriptor)
            }
        }
        if let modified = missing.modified {
            try attempting("setting the time") { () throws(Errno) in
                try fileSystem.setModified(modified, of: descriptor)
            }
        }
    }

    /// The same by name, for what is not opened. A link has no mode of its own.
    func apply(
        _ missing: MissingAttributes, to name: [UInt8], isLink: Bool, in directory: RawDescriptor
    ) throws(FileProblem) {
        if missing.changesOwner {
            try attempting("setting the owner") { () throws(Errno) in
                try fileSystem.setOwner(user: missing.user, group: missing.group, of: name[...], in: directory)
            }
        }
        if !isLink, let mode = missing.mode {
            try attempting("setting the mode") { () throws(Errno) in
                try fileSystem.setMode(mode, of: name[...], in: directory)
            }
        }
        if let modified = missing.modified {
            try attempting("setting the time") { () throws(Errno) in
                try fileSystem.setModified(modified, of: name[...], in: directory)
            }
        }
    }

    // MARK: Working in a directory

    /// Lends a directory for work in it. One of ours that its mode keeps even us from working in is made writable
    /// first; `finishDirectory` gives it its final mode.
    func working<R>(
        in id: DirectoryID, _ body: (RawDescriptor) throws(FileProblem) -> R
    ) throws(FileProblem) -> R {
        try directories.withDirectory(id) { directory throws(FileProblem) in
            try working(in: id, directory) { () throws(FileProblem) in try body(directory) }
        }
    }

    func working<R>(
        in id: DirectoryID, _ directory: RawDescriptor, _ body: () throws(FileProblem) -> R
    ) throws(FileProblem) -> R {
        do throws(FileProblem) {
            return try body()
        } catch {
            guard error.errno == Errno.access.rawValue, makeWorkable(id, directory) else { throw error }
            return try body()
        }
    }

    private func makeWorkable(_ id: DirectoryID, _ directory: RawDescriptor) -> Bool {
        guard !settings.isRoot, let status = try? fileSystem.status(of: directory),
            status.userID == settings.ownUserID, status.mode & 0o300 != 0o300
        else { return false }
        do throws(Errno) {
            try fileSystem.setMode(status.mode | 0o300, of: directory)
        } catch {
            return false
        }
        stages.rememberMode(status.mode, of: id)
        return true
    }

    /// Runs one placing and tells its end as a value.
    func result(_ body: () throws(FileProblem) -> Placed) -> PlaceResult {
        do throws(FileProblem) {
            switch try body() {
            case .done: return .done
            case .kept: return .kept
            }
        } catch {
            return .failed(error)
        }
    }

    /// Names are checked by the machine already; the last door checks them again.
    func checkMayWrite(_ name: [UInt8]) throws(FileProblem) {
        if settings.dryRun { throw FileProblem(.refused, doing: "writing in a dry run") }
        if !Names.isAcceptable(name[...]) { throw FileProblem(.refused, doing: "using this name") }
    }
}
