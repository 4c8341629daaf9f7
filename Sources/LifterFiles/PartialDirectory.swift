// Where what has arrived of large files is kept, where that is not beside them (`--partial-dir`): in a directory of one
// name below each file's own, or in one directory for all.
//
//     openPartials   the directory for the parts of what is in another one
//     moveApart      a part that was claimed beside its target goes there, with its lock
//     moveBeside     a part that is whole comes back, to get its name
//
// It is made when it is needed; one below goes when it is empty. Where it cannot be used parts stay beside their targets:
// where it is a link or no directory, on another file system, since nothing could be renamed out of it, or where others
// could put something in.

import LifterProtocol
import LifterSystem
import Synchronization

/// Where the user wants parts kept.
package enum PartialPlace: Sendable {
    case beside
    /// In a directory of this name, below each file's own.
    case below(name: [UInt8])
    /// In this directory. Its path begins with a slash; `base` says what that stands for.
    case fixed(path: [UInt8], base: PathBase)
}

/// One directory for all parts, looked up when somebody asks for it first.
final class FixedPartials: Sendable {
    private struct State {
        var descriptor: RawDescriptor?
        var status: FileStatus?
        var wasSought = false
        var isSwept = false
    }

    private let opener: PathOpener
    private let path: [UInt8]
    private let state = Mutex(State())

    init?(_ place: PartialPlace, fileSystem: any FileSystem) {
        guard case .fixed(let path, let base) = place else { return nil }
        opener = PathOpener(fileSystem: fileSystem, base: base)
        self.path = path
    }

    deinit {
        if let descriptor = state.withLock({ $0.descriptor }) { opener.fileSystem.close(descriptor) }
    }

    /// A descriptor of the caller's; nil where there is none, or it cannot be opened.
    func open(making: Bool) -> RawDescriptor? {
        state.withLock { state in
            if state.descriptor == nil, making || !state.wasSought {
                state.wasSought = true
                state.descriptor = find(making: making)
                state.status = state.descriptor.flatMap { try? opener.fileSystem.status(of: $0) }
            }
            return state.descriptor.flatMap { try? opener.fileSystem.reopen($0) }
        }
    }

    /// Whether this is the directory itself, met in a tree.
    func isSame(as status: FileStatus) -> Bool {
        if let descriptor = open(making: false) { opener.fileSystem.close(descriptor) }
        return state.withLock { $0.status?.isSameObject(as: status) ?? false }
    }

    /// True once: for whoever is to look for what is old.
    func takeSweep() -> Bool {
        state.withLock { state in
            defer { state.isSwept = true }
            return !state.isSwept
        }
    }

    private func find(making: Bool) -> RawDescriptor? {
        guard let normal = try? opener.normalized(path) else { return nil }
        if let found = try? opener.openDirectory(normal) { return found }
        // Of a missing path only the last component is made.
        let split = SplitPath(normal)
        guard making, Names.isAcceptable(split.last[...]), let parent = try? opener.openPassage(split.parent) else {
            return nil
        }
        defer { opener.fileSystem.close(parent) }
        try? opener.fileSystem.makeDirectory(split.last[...], in: parent, mode: 0o700)
        return try? opener.openDirectory(normal)
    }
}

extension FileLayer {
    // MARK: Opening

    /// The directory for the parts of what is in `directory`, to be closed by the caller; nil where there is none that
    /// can be used.
    func openPartials(of directory: RawDescriptor, making: Bool = false) -> RawDescriptor? {
        let opened: RawDescriptor?
        switch settings.partialPlace {
        case .beside: return nil
        case .below(let name): opened = openBelow(name, directory, making: making)
        case .fixed: opened = fixedPartials?.open(making: making)
        }
        guard let opened else { return nil }
        guard isTrusted(opened, for: directory) else {
            fileSystem.close(opened)
            return nil
        }
        if let fixedPartials, fixedPartials.takeSweep() { sweepOld(opened) }
        return opened
    }

    private func openBelow(_ name: [UInt8], _ directory: RawDescriptor, making: Bool) -> RawDescriptor? {
        if let found = try? openRoomy(name, in: directory, [.read, .directory], mode: 0) { return found }
        guard making, (try? fileSystem.makeDirectory(name[...], in: directory, mode: 0o700)) != nil else { return nil }
        return try? openRoomy(name, in: directory, [.read, .directory], mode: 0)
    }

    /// Ours or root's, not to be written to by others unless they can take nothing away there, and on the file system
    /// of the files.
    private func isTrusted(_ partials: RawDescriptor, for directory: RawDescriptor) -> Bool {
        guard let status = try? fileSystem.status(of: partials), let near = try? fileSystem.status(of: directory)
        else { return false }
        return status.device == near.device && (status.userID == settings.ownUserID || status.userID == 0)
            && (status.mode & 0o022 == 0 || status.mode & 0o1000 != 0)
    }

    /// What a part of `name` is called, and behind it what it is called while it is copied from. Where the parts of all
    /// directories lie together the directory's number is in it; none where that is not known.
    func partNames(of name: [UInt8], in directory: RawDescriptor, isApart: Bool) -> [[UInt8]] {
        var name = name
        switch settings.partialPlace {
        case .beside, .below: break
        case .fixed:
            guard isApart else { break }
            guard let inode = (try? fileSystem.status(of: directory))?.inode else { return [] }
            name = (0..<8).map { UInt8(truncatingIfNeeded: inode >> UInt64(8 * $0)) } + [UInt8(ascii: "/")] + name
        }
        return [PartName.part(of: name), PartName.priorPart(of: name)]
    }

    // MARK: There and back

    /// Takes a part that was just claimed to where it is to be kept, if that can be.
    func moveApart(_ part: Part, of name: [UInt8], in directory: RawDescriptor) -> Part {
        for _ in 0..<2 {
            guard let usual = partNames(of: name, in: directory, isApart: true).first,
                let place = openPartials(of: directory, making: true)
            else { return part }
            defer { fileSystem.close(place) }
            do throws(Errno) {
                try fileSystem.rename(part.name[...], in: directory, to: usual[...], in: place, .noReplace)
                return Part(
                    name: usual, descriptor: part.descriptor, status: part.status, isApart: true, isUsual: true)
            } catch .exists {
                guard (try? clearPart(usual, in: place)) == true else { return part }
            } catch .noEntry {
                // It was empty, and somebody has removed it.
                continue
            } catch {
                removeEmptyPartials(in: directory)
                return part
            }
        }
        return part
    }

    /// Brings a part back to its target, where it is given its name.
    func moveBeside(_ part: Part, of name: [UInt8], in directory: RawDescriptor) throws(FileProblem) -> Part {
        guard part.isApart else { return part }
        guard let place = openPartials(of: directory) else {
            throw FileProblem(.vanished, doing: "opening the directory of incomplete files")
        }
        defer { fileSystem.close(place) }
        var moved = part
        moved.isApart = false
        try attempting("taking a file out of the directory of incomplete files") { () throws(Errno) in
            guard try fileSystem.status(of: part.name[...], in: place).isSameObject(as: part.status) else {
                throw .stale
            }
            moved.name = PartName.part(of: name)
            do throws(Errno) {
                try fileSystem.rename(part.name[...], in: place, to: moved.name[...], in: directory, .noReplace)
            } catch .exists {
                moved.name = PartName.randomPart(fileSystem)
                moved.isUsual = false
                try fileSystem.rename(part.name[...], in: place, to: moved.name[...], in: directory, .noReplace)
            }
        }
        removeEmptyPartials(in: directory)
        return moved
    }

    // MARK: Clearing

    /// Removes a part from wherever it is kept; best effort.
    func remove(_ part: Part, in directory: RawDescriptor) {
        guard part.isApart else { return removePart(part.name, isDirectory: false, in: directory) }
        guard let place = openPartials(of: directory) else { return }
        removePart(part.name, isDirectory: false, in: place)
        fileSystem.close(place)
        removeEmptyPartials(in: directory)
    }

    /// One that is below each directory goes with the last thing in it. True where it did.
    @discardableResult
    func removeEmptyPartials(in directory: RawDescriptor) -> Bool {
        switch settings.partialPlace {
        case .beside, .fixed: return false
        case .below(let name):
            return (try? fileSystem.remove(name[...], in: directory, isDirectory: true)) != nil
        }
    }

    /// In the one directory for all nobody knows what belongs to whom, so parts go when they are old.
    private func sweepOld(_ place: RawDescriptor) {
        guard let opened = try? fileSystem.reopen(place) else { return }
        defer { fileSystem.close(opened) }
        var names = DirectoryNames()
        while (try? fileSystem.readNames(of: opened, into: &names)) == true {
            for index in 0..<names.count where PartName.isPart(names[index]) {
                guard let status = try? fileSystem.status(of: names[index], in: place), isOld(status) else { continue }
                _ = try? clearPart(Array(names[index]), in: place)
            }
            names = DirectoryNames()
        }
    }
}
