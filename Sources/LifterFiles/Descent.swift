// A way down into a tree and back up, however deep: the names of one path, and descriptors of its last few levels.
// A level whose descriptor was let go is opened again from the start of the way in pieces shorter than a path may
// be, and must be the same object as before. No link is ever followed.

import LifterSystem

/// Must be closed by `closeAll` when it is done with.
struct Descent {
    struct Level {
        var name: [UInt8]
        var descriptor: RawDescriptor?
        var status: FileStatus
        /// Where this level's part of `path` begins.
        var pathStart: Int
    }

    let fileSystem: any FileSystem
    /// Where the way begins; borrowed.
    let base: RawDescriptor
    private(set) var levels: [Level] = []
    /// The names joined by `/`, beginning with the prefix given at the start.
    private(set) var path: [UInt8]

    /// Levels whose descriptors are held.
    private static let held = 4
    private static let longestPiece = 4_000

    init(fileSystem: any FileSystem, base: RawDescriptor, prefix: [UInt8] = []) {
        self.fileSystem = fileSystem
        self.base = base
        path = prefix
    }

    var depth: Int { levels.count }

    /// The descriptor of the deepest level, or the base.
    mutating func current() throws(Errno) -> RawDescriptor {
        guard let last = levels.last else { return base }
        if let descriptor = last.descriptor { return descriptor }
        return try reopen()
    }

    /// The path of an entry at the deepest level.
    func path(of name: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(path.count + 1 + name.count)
        result.append(contentsOf: path)
        if !result.isEmpty { result.append(UInt8(ascii: "/")) }
        result.append(contentsOf: name)
        return result
    }

    /// Opens a directory of the deepest level and makes it the deepest.
    mutating func descend(into name: ArraySlice<UInt8>) throws(Errno) {
        let parent = try current()
        let descriptor: RawDescriptor
        do throws(Errno) {
            descriptor = try fileSystem.open(name, in: parent, [.read, .directory, .noAccessTime], mode: 0)
        } catch .tooManyOpen {
            letGo(keeping: 1)
            descriptor = try fileSystem.open(name, in: parent, [.read, .directory, .noAccessTime], mode: 0)
        }
        let status: FileStatus
        do throws(Errno) {
            status = try fileSystem.status(of: descriptor)
        } catch {
            fileSystem.close(descriptor)
            throw error
        }
        let start = path.count
        path = self.path(of: name)
        levels.append(Level(name: Array(name), descriptor: descriptor, status: status, pathStart: start))
        letGo(keeping: Self.held)
    }

    /// Leaves the deepest level.
    mutating func ascend() {
        guard let last = levels.popLast() else { return }
        if let descriptor = last.descriptor { fileSystem.close(descriptor) }
        path.removeLast(path.count - last.pathStart)
    }

    mutating func closeAll() {
        closeDescriptors()
        levels = []
    }

    private mutating func closeDescriptors() {
        for index in levels.indices {
            if let descriptor = levels[index].descriptor { fileSystem.close(descriptor) }
            levels[index].descriptor = nil
        }
    }

    private mutating func letGo(keeping count: Int) {
        // Held levels are always the last ones, so the search upwards ends at the first that is not held.
        var index = levels.count - 1 - count
        while index >= 0, let descriptor = levels[index].descriptor {
            fileSystem.close(descriptor)
            levels[index].descriptor = nil
            index -= 1
        }
    }

    /// Opens the deepest level again, and on the way the few above it, which are wanted next.
    private mutating func reopen() throws(Errno) -> RawDescriptor {
        closeDescriptors()
        var descriptor = base
        var borrowed = true
        var index = 0
        let firstHeld = max(0, levels.count - Self.held)
        while index < levels.count {
            var piece = levels[index].name
            var end = index + 1
            while end <= firstHeld, end < levels.count,
                piece.count + 1 + levels[end].name.count < Self.longestPiece
            {
                piece.append(UInt8(ascii: "/"))
                piece.append(contentsOf: levels[end].name)
                end += 1
            }
            let next: RawDescriptor
            do throws(Errno) {
                next = try openChecked(piece, in: descriptor, levels[end - 1].status)
            } catch {
                if !borrowed { fileSystem.close(descriptor) }
                throw error
            }
            if !borrowed { fileSystem.close(descriptor) }
            descriptor = next
            borrowed = end - 1 >= firstHeld
            if borrowed { levels[end - 1].descriptor = next }
            index = end
        }
        return descriptor
    }

    private func openChecked(
        _ piece: [UInt8], in directory: RawDescriptor, _ known: FileStatus
    ) throws(Errno) -> RawDescriptor {
        let descriptor = try fileSystem.open(
            piece[...], in: directory, [.read, .directory, .noAccessTime], mode: 0)
        do throws(Errno) {
            guard try fileSystem.status(of: descriptor).isSameObject(as: known) else { throw Errno.stale }
        } catch {
            fileSystem.close(descriptor)
            throw error
        }
        return descriptor
    }
}
