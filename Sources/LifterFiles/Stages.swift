// What the receiver has in work just now: files being staged and directories being built. One `Stages` belongs to
// one `FileLayer`. Whoever works on a stage takes it out of the table and puts it back, so no lock is held while
// the disk is at work; the machine never asks two things of one stage at once.

import LifterCodec
import LifterDelta
import LifterProtocol
import LifterSystem
import Synchronization

/// One file being staged: an open descriptor under a part name, locked until it is closed.
///
/// Unchecked, because it is used by one thread at a time: the one that took it out of `Stages`.
final class StagedFile: @unchecked Sendable {
    let target: FileTarget
    var part: Part
    /// It is the file that is there already, under its own name.
    let isInPlace: Bool
    private let fileSystem: any FileSystem
    /// Bytes written so far; payloads come in order.
    var written: UInt64 = 0
    /// Bytes that were found in it, as long as this run has written none.
    var foundBytes: UInt64 = 0
    /// Over the bytes that came through memory, or were found.
    private(set) var hasher: ContentHasher
    /// Some bytes were taken straight from a source file and so are not in the hasher.
    var hasUnhashed = false
    var isReserved = false
    /// The source that bytes were taken from, to be asked at the end whether it stayed the same.
    var source: (any SourceFile)?
    /// The old version, once bytes have been taken from it; and why it could not be used further.
    var basis: OpenBasis?
    var basisProblem: FileProblem?
    /// How the file that is there becomes the new one of pieces of its own; nil where all that comes is written.
    var moves: PendingMoves?
    /// The old version is not what it was any more: something was written behind it.
    var isTouched = false

    init(target: FileTarget, part: Part, isInPlace: Bool = false, key: ContentKey, fileSystem: any FileSystem) {
        self.target = target
        self.part = part
        self.isInPlace = isInPlace
        self.fileSystem = fileSystem
        hasher = ContentHasher(key: key)
    }

    /// Nothing of what is in it counts.
    func beginAnew(key: ContentKey) {
        written = 0
        foundBytes = 0
        hasher = ContentHasher(key: key)
        hasUnhashed = false
        isReserved = false
        source = nil
    }

    deinit { fileSystem.close(part.descriptor) }
}

/// A directory that is built under a part name. The table keeps its descriptor, and with it the lock, until the last
/// reference goes.
final class BuildingDirectory: Sendable {
    let id: DirectoryID
    let parent: DirectoryID
    let part: Part
    let entry: Entry
    let rule: ReplaceRule
    private let directories: DirectoryTable

    init(
        id: DirectoryID, parent: DirectoryID, part: Part, entry: Entry, rule: ReplaceRule, directories: DirectoryTable
    ) {
        self.id = id
        self.parent = parent
        self.part = part
        self.entry = entry
        self.rule = rule
        self.directories = directories
    }

    deinit { directories.letGo(id) }
}

/// A regular file or directory of ours under a part name. The descriptor holds its lock.
struct Part: Sendable {
    var name: [UInt8]
    var descriptor: RawDescriptor
    /// As it was created: tells owner, group and mode that the system gave it.
    var status: FileStatus
    /// In the directory for such parts, and not beside its target.
    var isApart = false
    /// Its name follows from its target's, so that the next run finds it.
    var isUsual = false
}

final class Stages: Sendable {
    private struct State {
        var files: [FileID: StagedFile] = [:]
        var building: [DirectoryID: BuildingDirectory] = [:]
        var bases: [FileID: OpenBasis] = [:]
        var spoiled: Set<DirectoryID> = []
        /// Directories made by this job and not finished yet.
        var made: Set<DirectoryID> = []
        /// The mode that a directory had before it was made writable for the time of the work.
        var modes: [DirectoryID: UInt32] = [:]
        var buffers: [CopyBuffer] = []
        var canClone = true
    }

    private let state = Mutex(State())

    // MARK: Files

    func put(_ file: StagedFile) {
        state.withLock { $0.files[file.target.id] = file }
    }

    func take(_ id: FileID) -> StagedFile? {
        state.withLock { $0.files.removeValue(forKey: id) }
    }

    var openFiles: [FileID] { state.withLock { $0.files.keys.sorted() } }

    // MARK: Bases

    func putBasis(_ basis: OpenBasis, of id: FileID) {
        state.withLock { $0.bases[id] = basis }
    }

    func basis(of id: FileID) -> OpenBasis? {
        state.withLock { $0.bases[id] }
    }

    /// Closed when the last effect on it has ended.
    func takeBasis(_ id: FileID) -> OpenBasis? {
        state.withLock { $0.bases.removeValue(forKey: id) }
    }

    func closeBases() {
        for id in state.withLock({ $0.bases.keys.sorted() }) { _ = takeBasis(id) }
    }

    // MARK: Directories

    func put(_ id: DirectoryID, _ directory: BuildingDirectory) {
        state.withLock { state in
            state.building[id] = directory
            state.made.insert(id)
        }
    }

    func takeBuilding(_ id: DirectoryID) -> BuildingDirectory? {
        state.withLock { $0.building.removeValue(forKey: id) }
    }

    /// Something failed in it under its final name and could not be removed again: it must not be seen.
    func spoil(_ id: DirectoryID) {
        state.withLock { _ = $0.spoiled.insert(id) }
    }

    func isSpoiled(_ id: DirectoryID) -> Bool {
        state.withLock { $0.spoiled.remove(id) != nil }
    }

    /// Nobody else sees what is in it yet.
    func isBuilding(_ id: DirectoryID) -> Bool {
        state.withLock { $0.building[id] != nil }
    }

    var openDirectories: [DirectoryID] { state.withLock { $0.building.keys.sorted() } }

    func rememberMode(_ mode: UInt32, of id: DirectoryID) {
        state.withLock { state in
            if state.modes[id] == nil { state.modes[id] = mode }
        }
    }

    /// This job made it, and it is not finished yet.
    func isNew(_ id: DirectoryID) -> Bool { state.withLock { $0.made.contains(id) } }

    /// What is known of a directory that is being finished: whether this job made it, and the mode to go back to.
    func takeHistory(of id: DirectoryID) -> (isNew: Bool, mode: UInt32?) {
        state.withLock { state in
            (state.made.remove(id) != nil, state.modes.removeValue(forKey: id))
        }
    }

    // MARK: Copying

    /// Whether sharing blocks with a source is still worth trying in this session.
    var canClone: Bool { state.withLock { $0.canClone } }

    func cloneIsUnsupported() {
        state.withLock { $0.canClone = false }
    }

    /// Lends a buffer that no other thread uses.
    func withBuffer<R>(_ body: (UnsafeMutableRawBufferPointer) throws(FileProblem) -> R) throws(FileProblem) -> R {
        let buffer = state.withLock { $0.buffers.popLast() } ?? CopyBuffer()
        defer { state.withLock { $0.buffers.append(buffer) } }
        return try body(buffer.bytes)
    }
}

/// Memory for copying by read and write. Used by one thread at a time, hence unchecked.
final class CopyBuffer: @unchecked Sendable {
    /// Large enough that the calls do not count, small enough to stay in the processor's cache.
    static let size = 256 << 10

    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 4096)

    deinit { bytes.deallocate() }
}
