// Going through a tree, some names at a time, to meet its regular files. Nothing is followed but directories of the
// same file system, through held descriptors; what is reserved or hidden by the filter is passed by.

import LifterProtocol
import LifterSystem

/// Used by one thread at a time, hence unchecked.
final class TreeWalk: @unchecked Sendable {
    /// A directory that files were met in.
    struct Place: Sendable {
        /// A number that whoever notes its files gives it.
        var number: UInt64?
        /// From the root.
        let path: @Sendable () -> [UInt8]
    }

    private struct Frame {
        var names: DirectoryNames
        var matcher: FilterRules.Matcher
        var next = 0
        var number: UInt64?
    }

    private let fileSystem: any FileSystem
    private let filter: FilterRules
    /// Directories of the root that are entered; nil: all.
    private let chosen: Set<[UInt8]>?
    private let device: UInt64
    private var descent: Descent
    private var frames: [Frame] = []

    /// `root` is borrowed, and must be open for as long as the walk is.
    init(
        _ root: RawDescriptor, fileSystem: any FileSystem, filter: FilterRules, entering names: [[UInt8]]?
    ) throws(Errno) {
        self.fileSystem = fileSystem
        self.filter = filter
        chosen = names.map { Set($0) }
        device = try fileSystem.status(of: root).device
        descent = Descent(fileSystem: fileSystem, base: root)
        // Names are read from the front of a descriptor of its own.
        let top = try fileSystem.reopen(root)
        defer { fileSystem.close(top) }
        try push(top)
    }

    deinit { descent.closeAll() }

    /// Looks at so many names more, and tells the regular files among them. True while there is more.
    func step(
        names limit: Int, _ found: (ArraySlice<UInt8>, FileStatus, inout Place) -> Void
    ) -> Bool {
        for _ in 0..<limit {
            guard let index = frames.indices.last else { return false }
            guard frames[index].next < frames[index].names.count else {
                frames.removeLast()
                if !frames.isEmpty { descent.ascend() }
                continue
            }
            let position = frames[index].next
            frames[index].next += 1
            // What is gone or cannot be read is passed by.
            try? visit(frames[index].names[position], frames[index].names.kinds[position], index, found)
        }
        return !frames.isEmpty
    }

    private func visit(
        _ name: ArraySlice<UInt8>, _ told: FileKind?, _ index: Int,
        _ found: (ArraySlice<UInt8>, FileStatus, inout Place) -> Void
    ) throws(Errno) {
        if let told, told != .regular, told != .directory { return }
        if Names.isReserved(name) { return }
        let status = try fileSystem.status(of: name, in: descent.current())
        let isDirectory = status.kind == .directory
        guard isDirectory || status.kind == .regular,
            frames[index].matcher.decision(for: name, isDirectory: isDirectory) == .included
        else { return }
        if isDirectory {
            if index == 0, let chosen, !chosen.contains(Array(name)) { return }
            guard status.device == device else { return }
            return try enter(name)
        }
        var place = Place(number: frames[index].number) { self.descent.path }
        found(name, status, &place)
        frames[index].number = place.number
    }

    private func enter(_ name: ArraySlice<UInt8>) throws(Errno) {
        try descent.descend(into: name)
        do throws(Errno) {
            try push(descent.current())
        } catch {
            descent.ascend()
            throw error
        }
    }

    private func push(_ directory: RawDescriptor) throws(Errno) {
        var names = DirectoryNames()
        while try fileSystem.readNames(of: directory, into: &names) {}
        frames.append(Frame(names: names, matcher: filter.matcher(inDirectory: descent.path[...])))
    }
}
