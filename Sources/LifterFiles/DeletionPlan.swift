// What is to be deleted: first planned, so that it can be counted and refused, then carried out in portions.
//
//     planDeletion    walks an extraneous entry and keeps its topmost names that may go
//     deletePlanned   takes the next records, looks whether each is still what was planned, and removes it
//
// Everything is reached from the root through held descriptors. A directory that entries are removed from keeps
// its modification time, for its final one was set before.

import LifterProtocol
import LifterSystem
import Synchronization

/// The plan of one session, and how far it was carried out.
final class DeletionPlan: Sendable {
    private struct State {
        var spool = DeletionSpool()
        var run: DeletionRun?
        var isRunning = false
    }

    private let state = Mutex(State())

    /// Records are tens of bytes in memory; only every few mebibytes one write happens under the lock.
    func add(_ records: [DeletionRecord], fileSystem: any FileSystem, makeFile: () -> RawDescriptor?) {
        state.withLock { state in
            for record in records {
                state.spool.append(record, fileSystem: fileSystem, makeFile: makeFile)
            }
        }
    }

    /// The next record. The plan is gone when its end or a failure was reached.
    func next() throws(FileProblem) -> DeletionRecord? {
        let result: Result<DeletionRecord?, FileProblem> = state.withLock { state in
            do throws(FileProblem) {
                let record = try state.spool.next()
                if record == nil { state.spool.clear() }
                return .success(record)
            } catch {
                state.spool.clear()
                return .failure(error)
            }
        }
        return try result.get()
    }

    var isAtEnd: Bool { state.withLock { $0.spool.isAtEnd } }

    /// Takes what is half done, or begins. Nil while another thread has it.
    func takeRun(fileSystem: any FileSystem) -> DeletionRun? {
        state.withLock { state in
            if state.isRunning { return nil }
            state.isRunning = true
            let run = state.run ?? DeletionRun(fileSystem)
            state.run = nil
            return run
        }
    }

    func putBack(_ run: DeletionRun?) {
        state.withLock { state in
            state.run = run
            state.isRunning = false
        }
    }
}

/// Where the carrying out stands. Used by the one thread that took it, hence unchecked.
final class DeletionRun: @unchecked Sendable {
    /// The directory that the current record is in.
    struct Parent {
        var path: [UInt8]
        var descriptor: RawDescriptor
        /// As it was before the first removal.
        var status: FileStatus
        var isTouched = false
        var isMadeWritable = false
    }

    var parent: Parent?
    /// A directory that is being removed.
    var removal: TreeRemoval?
    /// What could not be put back around what was removed; not told yet.
    var disorder: [(path: [UInt8], problem: FileProblem)] = []
    private let fileSystem: any FileSystem

    init(_ fileSystem: any FileSystem) { self.fileSystem = fileSystem }

    deinit {
        removal?.stop()
        if let parent { fileSystem.close(parent.descriptor) }
    }
}

extension FileLayer {
    /// Names handled in one portion, at most.
    private static let portion = 256
    private static let longestPiece = 4_000

    // MARK: Planning

    func planDeletion(in id: DirectoryID, name: [UInt8], countOnly: Bool) -> FileResult {
        do throws(FileProblem) {
            if settings.appendOnly, !settings.dryRun { throw FileProblem.keepsExisting }
            return try directories.withDirectory(id) { directory throws(FileProblem) in
                let prefix = directories.path(of: id)
                var walk = DeletionWalk(
                    fileSystem: fileSystem, in: directory, prefix: prefix, filter: protectingFilter)
                let found = walk.count(name)
                if countOnly {
                    return .plannedDeletion(count: found.names, found.problem ?? protection(found))
                }
                if found.names > 0 {
                    try plan(name, found, &walk, prefix: prefix, in: directory)
                }
                return .plannedDeletion(count: found.names, found.problem)
            }
        } catch {
            return .plannedDeletion(count: 0, error)
        }
    }

    private func protection(_ found: DeletionWalk.Count) -> FileProblem? {
        found.isWhole ? nil : FileProblem(.inTheWay, doing: "replacing: it holds protected names")
    }

    private func plan(
        _ name: [UInt8], _ found: DeletionWalk.Count, _ walk: inout DeletionWalk, prefix: [UInt8],
        in directory: RawDescriptor
    ) throws(FileProblem) {
        if found.isWhole {
            guard let status = try statusIfAny(name, in: directory) else { return }
            let path = prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
            return spool([DeletionRecord(path: path, status: status)])
        }
        var records: [DeletionRecord] = []
        try walk.parts(of: name) { path, status throws(FileProblem) in
            records.append(DeletionRecord(path: path, status: status))
            if records.count == Self.portion {
                spool(records)
                records = []
            }
        }
        spool(records)
    }

    private func spool(_ records: [DeletionRecord]) {
        deletionPlan.add(records, fileSystem: fileSystem, makeFile: spoolFiles.make)
    }

    // MARK: Carrying out

    func deletePlanned() -> FileResult {
        guard let run = deletionPlan.takeRun(fileSystem: fileSystem) else {
            return .deleted(paths: [], failures: [], more: true)
        }
        let deadline = settings.deletionTime.map { ContinuousClock.now + $0 }
        var paths: [[UInt8]] = []
        var failures: [(path: [UInt8], problem: FileProblem)] = []
        var more = true
        while more, paths.count + failures.count < Self.portion, deadline.map({ ContinuousClock.now < $0 }) ?? true {
            if run.removal != nil {
                goOn(run, until: deadline, &paths, &failures)
                continue
            }
            do throws(FileProblem) {
                guard let record = try deletionPlan.next() else {
                    more = false
                    break
                }
                do throws(FileProblem) {
                    if try begin(record, run) { paths.append(record.path) }
                } catch {
                    failures.append((record.path, error))
                }
            } catch {
                failures.append(([], error))
                more = false
            }
        }
        if more, run.removal == nil, deletionPlan.isAtEnd { more = false }
        restoreTime(run)
        if !more { leaveParent(run) }
        failures.append(contentsOf: run.disorder)
        run.disorder = []
        deletionPlan.putBack(more ? run : nil)
        return .deleted(paths: paths, failures: failures, more: more)
    }

    private func goOn(
        _ run: DeletionRun, until deadline: ContinuousClock.Instant?, _ paths: inout [[UInt8]],
        _ failures: inout [(path: [UInt8], problem: FileProblem)]
    ) {
        guard var removal = run.removal.take() else { return }
        let more = removal.step(
            names: max(1, Self.portion - paths.count - failures.count), until: deadline)
        paths.append(contentsOf: removal.removed)
        failures.append(contentsOf: removal.failures.map { ($0.path, $0.problem) })
        if !removal.removed.isEmpty && !settings.dryRun { run.parent?.isTouched = true }
        removal.removed = []
        removal.failures = []
        if more { run.removal = removal }
    }

    /// Removes a record's entry, or begins to when it is a directory. True when it is gone by this call.
    private func begin(_ record: DeletionRecord, _ run: DeletionRun) throws(FileProblem) -> Bool {
        let slash = record.path.lastIndex(of: UInt8(ascii: "/"))
        let parentPath = slash.map { Array(record.path[..<$0]) } ?? []
        let name = slash.map { Array(record.path[($0 + 1)...]) } ?? record.path
        let directory = try enterParent(parentPath, run)
        guard let status = try statusIfAny(name, in: directory) else { return false }
        guard record.agrees(with: status) else {
            throw FileProblem(.changed, doing: "deleting: it changed after the deletion was planned")
        }
        if status.kind == .directory {
            guard run.parent?.status.device == status.device else {
                throw FileProblem(.busy, doing: "deleting: it is a mount point")
            }
            try makeParentWritable(run, isNeeded: false)
            var removal = TreeRemoval(
                fileSystem: fileSystem, in: directory, prefix: parentPath, filter: protectingFilter,
                pretends: settings.dryRun)
            removal.start(name)
            run.removal = removal
            return false
        }
        if settings.dryRun { return true }
        do throws(Errno) {
            do throws(Errno) {
                try fileSystem.remove(name[...], in: directory, isDirectory: false)
            } catch .access {
                do throws(FileProblem) { try makeParentWritable(run, isNeeded: true) } catch { throw Errno.access }
                try fileSystem.remove(name[...], in: directory, isDirectory: false)
            }
        } catch .noEntry {
            return false
        } catch {
            throw FileProblem(error, doing: "deleting")
        }
        run.parent?.isTouched = true
        return true
    }

    // MARK: The directory around

    private func enterParent(_ path: [UInt8], _ run: DeletionRun) throws(FileProblem) -> RawDescriptor {
        if let parent = run.parent, parent.path == path { return parent.descriptor }
        leaveParent(run)
        let descriptor = try directories.withDirectory(0) { root throws(FileProblem) in
            try attempting("opening a directory to delete from it") { () throws(Errno) in
                try openDeep(path, in: root)
            }
        }
        do throws(Errno) {
            let status = try fileSystem.status(of: descriptor)
            run.parent = DeletionRun.Parent(path: path, descriptor: descriptor, status: status)
        } catch {
            fileSystem.close(descriptor)
            throw FileProblem(error, doing: "opening a directory to delete from it")
        }
        return descriptor
    }

    /// Opens a directory beneath `root` in pieces shorter than a path may be.
    private func openDeep(_ path: [UInt8], in root: RawDescriptor) throws(Errno) -> RawDescriptor {
        if path.isEmpty {
            return try directories.opening { () throws(Errno) in try fileSystem.reopen(root) }
        }
        var rest = path[...]
        var start = root
        while true {
            var piece = rest
            if rest.count > Self.longestPiece {
                let cut = rest.prefix(Self.longestPiece).lastIndex(of: UInt8(ascii: "/"))
                piece = rest[..<(cut ?? rest.endIndex)]
            }
            defer { rest = rest[piece.endIndex...].dropFirst() }
            let next: RawDescriptor
            do throws(Errno) {
                next = try openRoomy(Array(piece), in: start, [.read, .directory], mode: 0)
            } catch {
                if start != root { fileSystem.close(start) }
                throw error
            }
            if start != root { fileSystem.close(start) }
            if piece.endIndex == rest.endIndex { return next }
            start = next
        }
    }

    /// As non-root, one of our own directories that does not let us is made to.
    private func makeParentWritable(_ run: DeletionRun, isNeeded: Bool) throws(FileProblem) {
        guard let parent = run.parent, !settings.isRoot, !settings.dryRun, !parent.isMadeWritable,
            parent.status.mode & 0o300 != 0o300
        else {
            if isNeeded { throw FileProblem(.access, doing: "deleting") }
            return
        }
        try attempting("making a directory writable") { () throws(Errno) in
            try fileSystem.setMode(parent.status.mode | 0o300, of: parent.descriptor)
        }
        run.parent?.isMadeWritable = true
    }

    private func restoreTime(_ run: DeletionRun) {
        guard let parent = run.parent, parent.isTouched else { return }
        run.parent?.isTouched = run.removal != nil
        do throws(Errno) {
            try fileSystem.setModified(parent.status.modified, of: parent.descriptor)
        } catch {
            run.disorder.append((parent.path, FileProblem(error, doing: "setting its time again after deleting in it")))
        }
    }

    private func leaveParent(_ run: DeletionRun) {
        restoreTime(run)
        guard let parent = run.parent else { return }
        do throws(Errno) {
            if parent.isMadeWritable { try fileSystem.setMode(parent.status.mode, of: parent.descriptor) }
        } catch {
            run.disorder.append((parent.path, FileProblem(error, doing: "setting its mode again after deleting in it")))
        }
        fileSystem.close(parent.descriptor)
        run.parent = nil
    }
}
