// Walking an extraneous entry before it is deleted: how many names it stands for, and whether all of it may go.
//
// Names that the filter protects, mount points and directories that cannot be read stay, and so do the directories
// above them. Where there is any of these, the entry is planned in parts: a second walk goes down only into the
// directories that stay and reports the topmost entries that may go. Iterative, so depth costs memory, not stack.

import LifterProtocol
import LifterSystem

/// An object by device and inode.
struct ObjectIdentity: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64
    init(_ status: FileStatus) { (device, inode) = (status.device, status.inode) }
}

struct DeletionWalk {
    struct Count {
        /// Names that may go, the entry itself included where it may.
        var names: UInt64
        var isWhole: Bool
        /// The first problem met.
        var problem: FileProblem?
    }

    private struct Frame {
        var names: DirectoryNames
        var next = 0
        var status: FileStatus
        var count: UInt64 = 0
        var isWhole = true
    }

    private let fileSystem: any FileSystem
    private let filter: FilterRules?
    private var descent: Descent
    private var frames: [Frame] = []
    private var problem: FileProblem?
    /// Directories in which something stays; and those that are not to be entered at all.
    private var partial: Set<ObjectIdentity> = []
    private var untouchable: Set<ObjectIdentity> = []

    /// `directory` is borrowed; `prefix` is its path relative to the root. A nil filter protects nothing.
    init(fileSystem: any FileSystem, in directory: RawDescriptor, prefix: [UInt8], filter: FilterRules?) {
        self.fileSystem = fileSystem
        self.filter = filter
        descent = Descent(fileSystem: fileSystem, base: directory, prefix: prefix)
    }

    // MARK: Counting

    mutating func count(_ name: [UInt8]) -> Count {
        defer { descent.closeAll() }
        var total = Count(names: 0, isWhole: true)
        visit(name, told: nil, into: &total)
        while let index = frames.indices.last {
            if frames[index].next < frames[index].names.count {
                let position = frames[index].next
                frames[index].next += 1
                var part = Count(names: 0, isWhole: true)
                visit(Array(frames[index].names[position]), told: frames[index].names.kinds[position], into: &part)
                frames[index].count += part.names
                if !part.isWhole { frames[index].isWhole = false }
            } else if let done = frames.popLast() {
                descent.ascend()
                let names = done.count + (done.isWhole ? 1 : 0)
                if !done.isWhole { partial.insert(ObjectIdentity(done.status)) }
                if let above = frames.indices.last {
                    frames[above].count += names
                    if !done.isWhole { frames[above].isWhole = false }
                } else {
                    total.names += names
                    if !done.isWhole { total.isWhole = false }
                }
            }
        }
        total.problem = problem
        return total
    }

    /// Counts a name, or opens a frame for a directory, which counts itself when it is done.
    private mutating func visit(_ name: [UInt8], told: FileKind?, into count: inout Count) {
        do throws(Errno) {
            let kind: FileKind
            if let told { kind = told } else { kind = try fileSystem.status(of: name[...], in: descent.current()).kind }
            if isProtected(name, isDirectory: kind == .directory) {
                count.isWhole = false
            } else if kind == .directory {
                try enter(name, into: &count)
            } else {
                count.names += 1
            }
        } catch .noEntry {
            // Gone already.
        } catch {
            count.isWhole = false
            note(FileProblem(error, doing: "looking at what is to be deleted"))
        }
    }

    private mutating func enter(_ name: [UInt8], into count: inout Count) throws(Errno) {
        let above = try fileSystem.status(of: descent.current())
        let seen = try fileSystem.status(of: name[...], in: descent.current())
        if seen.device != above.device {
            untouchable.insert(ObjectIdentity(seen))
            count.isWhole = false
            note(FileProblem(.busy, doing: "planning a deletion: there is a mount point in it"))
            return
        }
        var isEntered = false
        do throws(Errno) {
            try descent.descend(into: name[...])
            isEntered = true
            var names = DirectoryNames()
            let descriptor = try descent.current()
            while try fileSystem.readNames(of: descriptor, into: &names) {}
            frames.append(Frame(names: names, status: seen))
        } catch {
            if isEntered { descent.ascend() }
            untouchable.insert(ObjectIdentity(seen))
            throw error
        }
    }

    private func isProtected(_ name: [UInt8], isDirectory: Bool) -> Bool {
        guard let filter, !filter.isEmpty else { return false }
        return filter.decision(for: descent.path(of: name[...])[...], isDirectory: isDirectory) != .included
    }

    private mutating func note(_ problem: FileProblem) {
        if self.problem == nil { self.problem = problem }
    }

    // MARK: In parts

    /// After `count` found that not all of `name` may go: tells each topmost entry that may.
    mutating func parts(of name: [UInt8], _ found: ([UInt8], FileStatus) throws(FileProblem) -> Void)
        throws(FileProblem)
    {
        defer { descent.closeAll() }
        frames = []
        try partVisit(name, found)
        while let index = frames.indices.last {
            if frames[index].next < frames[index].names.count {
                let position = frames[index].next
                frames[index].next += 1
                try partVisit(Array(frames[index].names[position]), found)
            } else {
                frames.removeLast()
                descent.ascend()
            }
        }
    }

    private mutating func partVisit(
        _ name: [UInt8], _ found: ([UInt8], FileStatus) throws(FileProblem) -> Void
    ) throws(FileProblem) {
        let status: FileStatus
        do throws(Errno) {
            status = try fileSystem.status(of: name[...], in: descent.current())
            let identity = ObjectIdentity(status)
            if isProtected(name, isDirectory: status.kind == .directory) || untouchable.contains(identity) {
                return
            }
            if status.kind == .directory, partial.contains(identity) {
                try descent.descend(into: name[...])
                var names = DirectoryNames()
                let descriptor = try descent.current()
                while try fileSystem.readNames(of: descriptor, into: &names) {}
                frames.append(Frame(names: names, status: status))
                return
            }
        } catch .noEntry {
            return
        } catch {
            throw FileProblem(error, doing: "planning a deletion")
        }
        try found(descent.path(of: name[...]), status)
    }
}
