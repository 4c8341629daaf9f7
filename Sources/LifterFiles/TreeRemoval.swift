// Removing a directory with all that is in it, depth first, in portions, however deep it is.
//
// Nothing is removed but through held descriptors, no link is followed, and no mount point is entered. Names that
// the filter protects stay, and with them the directories above. What cannot be removed is reported, and the rest
// goes on.

import LifterProtocol
import LifterSystem

struct TreeRemoval {
    private struct Frame {
        var name: [UInt8]
        var names: DirectoryNames
        var next = 0
        /// Something in it stays, so it stays itself.
        var stays = false
        /// The mode it had before it was made writable, to be restored if it stays.
        var mode: UInt32?
    }

    struct Failure {
        var path: [UInt8]
        var problem: FileProblem
    }

    private let fileSystem: any FileSystem
    /// Names it excludes are protected; nil protects nothing.
    private let filter: FilterRules?
    /// Only says what would be removed.
    private let pretends: Bool
    private var descent: Descent
    private var frames: [Frame] = []
    /// Paths removed since they were last taken away, in that order.
    var removed: [[UInt8]] = []
    var failures: [Failure] = []

    /// `directory` is borrowed; `prefix` is its path, for the filter and for reports.
    init(
        fileSystem: any FileSystem, in directory: RawDescriptor, prefix: [UInt8], filter: FilterRules?,
        pretends: Bool
    ) {
        self.fileSystem = fileSystem
        self.filter = filter
        self.pretends = pretends
        descent = Descent(fileSystem: fileSystem, base: directory, prefix: prefix)
    }

    /// Removes `name` and everything below it at once. The first problem, or nil when nothing is left.
    static func removeAll(
        _ name: [UInt8], in directory: RawDescriptor, fileSystem: any FileSystem
    ) -> FileProblem? {
        var removal = TreeRemoval(
            fileSystem: fileSystem, in: directory, prefix: [], filter: nil, pretends: false)
        removal.start(name)
        while removal.step(names: 4096, until: nil) {
            removal.removed = []
        }
        return removal.failures.first?.problem
    }

    /// Begins with the directory `name`; `step` does the work.
    mutating func start(_ name: [UInt8]) {
        enter(name[...], parentDevice: nil)
    }

    /// Goes on for at most so many names, or until the time has come. True while there is more.
    mutating func step(names limit: Int, until deadline: ContinuousClock.Instant?) -> Bool {
        var done = 0
        while let index = frames.indices.last {
            if done >= limit { return true }
            if done & 15 == 15, let deadline, ContinuousClock.now >= deadline { return true }
            done += 1
            if frames[index].next < frames[index].names.count {
                removeNext(index)
            } else {
                leave()
            }
        }
        descent.closeAll()
        return false
    }

    /// Gives up in the middle.
    mutating func stop() {
        frames = []
        descent.closeAll()
    }

    private mutating func removeNext(_ index: Int) {
        let name = Array(frames[index].names[frames[index].next])
        let told = frames[index].names.kinds[frames[index].next]
        frames[index].next += 1
        do throws(Errno) {
            let kind: FileKind
            if let told { kind = told } else { kind = try fileSystem.status(of: name[...], in: descent.current()).kind }
            let isDirectory = kind == .directory
            if isProtected(name, isDirectory: isDirectory) {
                frames[index].stays = true
            } else if isDirectory {
                enter(name[...], parentDevice: descent.levels.last?.status.device)
            } else {
                try remove(name, isDirectory: false)
                removed.append(descent.path(of: name[...]))
            }
        } catch .noEntry {
            // Somebody else was faster.
        } catch {
            fail(name, FileProblem(error, doing: "deleting"))
        }
    }

    private func isProtected(_ name: [UInt8], isDirectory: Bool) -> Bool {
        guard let filter, !filter.isEmpty else { return false }
        return filter.decision(for: descent.path(of: name[...])[...], isDirectory: isDirectory) != .included
    }

    private mutating func enter(_ name: ArraySlice<UInt8>, parentDevice: UInt64?) {
        do throws(Errno) {
            do throws(Errno) {
                try descent.descend(into: name)
            } catch .access where !pretends {
                try fileSystem.setMode(0o700, of: name, in: descent.current())
                try descent.descend(into: name)
            }
        } catch .noEntry {
            return
        } catch {
            fail(Array(name), FileProblem(error, doing: "opening a directory to delete it"))
            return
        }
        if let parentDevice, descent.levels.last?.status.device != parentDevice {
            descent.ascend()
            fail(Array(name), FileProblem(.busy, doing: "deleting: it is a mount point"))
            return
        }
        var names = DirectoryNames()
        do throws(Errno) {
            let descriptor = try descent.current()
            while try fileSystem.readNames(of: descriptor, into: &names) {}
        } catch {
            descent.ascend()
            fail(Array(name), FileProblem(error, doing: "reading a directory to delete it"))
            return
        }
        frames.append(Frame(name: Array(name), names: names))
    }

    /// The deepest directory is done: it goes, unless something in it stays.
    private mutating func leave() {
        guard let frame = frames.popLast() else { return }
        if frame.stays {
            if let mode = frame.mode { try? fileSystem.setMode(mode, of: descent.current()) }
            descent.ascend()
            if let index = frames.indices.last { frames[index].stays = true }
            return
        }
        descent.ascend()
        do throws(Errno) {
            try remove(frame.name, isDirectory: true)
            // A directory is told with a slash behind it.
            removed.append(descent.path(of: frame.name[...]) + [UInt8(ascii: "/")])
        } catch .noEntry {
            // Somebody else was faster.
        } catch {
            fail(frame.name, FileProblem(error, doing: "deleting a directory"))
        }
    }

    /// A directory of ours that is not writable is made so first.
    private mutating func remove(_ name: [UInt8], isDirectory: Bool) throws(Errno) {
        if pretends { return }
        let directory = try descent.current()
        do throws(Errno) {
            try fileSystem.remove(name[...], in: directory, isDirectory: isDirectory)
        } catch .access {
            guard let index = frames.indices.last, frames[index].mode == nil else { throw .access }
            let mode = try fileSystem.status(of: directory).mode
            frames[index].mode = mode
            try fileSystem.setMode(mode | 0o700, of: directory)
            try fileSystem.remove(name[...], in: directory, isDirectory: isDirectory)
        }
    }

    /// `name` is an entry of the deepest level.
    private mutating func fail(_ name: [UInt8], _ problem: FileProblem) {
        failures.append(Failure(path: descent.path(of: name[...]), problem: problem))
        if let index = frames.indices.last { frames[index].stays = true }
    }
}
