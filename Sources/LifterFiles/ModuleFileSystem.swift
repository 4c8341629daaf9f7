// What a session sees of a module. Some names are not there: those that the module's `exclude` leaves out. Whoever lists
// a directory does not see them, whoever asks for one is told that there is none, and none can be made, replaced or
// removed. And the module itself, asked for without a slash behind it, is a directory of its own name, whatever the disk
// calls it. All this stands below everything else, so no message, option or path of a peer gets round it.

package import LifterSystem
import Synchronization

package final class ModuleFileSystem: FileSystem {
    private let below: any FileSystem
    private let hidden: FilterRules
    private let alias: Alias?

    /// A name under which the module's root stands beside nothing else.
    private struct Alias: Sendable {
        let name: [UInt8]
        let root: RawDescriptor
    }

    /// The root's descriptor, and those opened anew from it: in them the alias holds.
    private let tops: Mutex<Set<RawDescriptor>>

    /// `patterns` are those of names, without slashes; an empty one is passed over.
    package init(_ below: any FileSystem, hiding patterns: [[UInt8]], root: RawDescriptor, rootName: [UInt8]? = nil) {
        self.below = below
        var rules = FilterRules()
        for pattern in patterns { _ = rules.append(pattern: pattern, isInclude: false) }
        hidden = rules
        alias = rootName.map { Alias(name: $0, root: root) }
        tops = Mutex(rootName == nil ? [] : [root])
    }

    private func isHidden(_ name: ArraySlice<UInt8>) -> Bool {
        hidden.decision(for: name, isDirectory: true) != .included
    }

    /// For a path of several components, too.
    private func see(_ path: ArraySlice<UInt8>, otherwise reason: Errno = .noEntry) throws(Errno) {
        for name in path.split(separator: UInt8(ascii: "/")) where isHidden(name) { throw reason }
    }

    /// What stands behind the module's own name at the front of a path; nil where it does not stand there.
    private func beneathAlias(_ path: ArraySlice<UInt8>, in directory: RawDescriptor) -> ArraySlice<UInt8>? {
        guard let alias, path.starts(with: alias.name), tops.withLock({ $0.contains(directory) }) else { return nil }
        let rest = path.dropFirst(alias.name.count)
        guard let next = rest.first else { return rest }
        return next == UInt8(ascii: "/") ? rest.drop { $0 == next } : nil
    }

    package func readNames(of directory: RawDescriptor, into names: inout DirectoryNames) throws(Errno) -> Bool {
        var found = DirectoryNames()
        let hasMore = try below.readNames(of: directory, into: &found)
        for index in 0..<found.count where !isHidden(found[index]) {
            names.starts.append(UInt32(names.bytes.count))
            names.kinds.append(found.kinds[index])
            names.bytes += found[index]
        }
        return hasMore
    }

    // MARK: By name

    package func open(
        _ path: ArraySlice<UInt8>, in directory: RawDescriptor, _ flags: OpenFlags, mode: UInt32
    ) throws(Errno) -> RawDescriptor {
        if let alias, let rest = beneathAlias(path, in: directory) {
            if rest.isEmpty { return try below.reopen(alias.root) }
            try see(rest, otherwise: flags.contains(.create) ? .access : .noEntry)
            return try below.open(rest, in: alias.root, flags, mode: mode)
        }
        try see(path, otherwise: flags.contains(.create) ? .access : .noEntry)
        return try below.open(path, in: directory, flags, mode: mode)
    }

    package func status(of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) -> FileStatus {
        if let alias, beneathAlias(name, in: directory)?.isEmpty == true { return try below.status(of: alias.root) }
        try see(name)
        return try below.status(of: name, in: directory)
    }

    package func readLink(_ name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) -> [UInt8] {
        try see(name)
        return try below.readLink(name, in: directory)
    }

    package func makeDirectory(_ name: ArraySlice<UInt8>, in directory: RawDescriptor, mode: UInt32) throws(Errno) {
        try see(name, otherwise: .access)
        try below.makeDirectory(name, in: directory, mode: mode)
    }

    package func makeLink(
        to target: [UInt8], named name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) {
        try see(name, otherwise: .access)
        try below.makeLink(to: target, named: name, in: directory)
    }

    package func makeNode(
        _ kind: FileKind, named name: ArraySlice<UInt8>, in directory: RawDescriptor, mode: UInt32, device: UInt64
    ) throws(Errno) {
        try see(name, otherwise: .access)
        try below.makeNode(kind, named: name, in: directory, mode: mode, device: device)
    }

    package func makeHardLink(
        from old: ArraySlice<UInt8>, in oldDirectory: RawDescriptor, to new: ArraySlice<UInt8>,
        in newDirectory: RawDescriptor
    ) throws(Errno) {
        try see(old)
        try see(new, otherwise: .access)
        try below.makeHardLink(from: old, in: oldDirectory, to: new, in: newDirectory)
    }

    package func remove(
        _ name: ArraySlice<UInt8>, in directory: RawDescriptor, isDirectory: Bool
    ) throws(Errno) {
        try see(name)
        try below.remove(name, in: directory, isDirectory: isDirectory)
    }

    package func rename(
        _ old: ArraySlice<UInt8>, in oldDirectory: RawDescriptor, to new: ArraySlice<UInt8>,
        in newDirectory: RawDescriptor, _ mode: RenameMode
    ) throws(Errno) {
        try see(old)
        try see(new, otherwise: .access)
        try below.rename(old, in: oldDirectory, to: new, in: newDirectory, mode)
    }

    package func setMode(_ mode: UInt32, of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) {
        try see(name)
        try below.setMode(mode, of: name, in: directory)
    }

    package func setOwner(
        user: UInt32?, group: UInt32?, of name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) {
        try see(name)
        try below.setOwner(user: user, group: group, of: name, in: directory)
    }

    package func setModified(
        _ time: FileTime, of name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) {
        try see(name)
        try below.setModified(time, of: name, in: directory)
    }

    // MARK: By descriptor: what is open was seen

    package func openRoot(_ path: [UInt8], _ flags: OpenFlags) throws(Errno) -> RawDescriptor {
        // The administrator's own path.
        try below.openRoot(path, flags)
    }

    package func reopen(_ directory: RawDescriptor) throws(Errno) -> RawDescriptor {
        let opened = try below.reopen(directory)
        if alias != nil { tops.withLock { if $0.contains(directory) { $0.insert(opened) } } }
        return opened
    }

    package func close(_ descriptor: RawDescriptor) {
        // Before the number can be somebody else's.
        if alias != nil { tops.withLock { _ = $0.remove(descriptor) } }
        below.close(descriptor)
    }

    package func status(of descriptor: RawDescriptor) throws(Errno) -> FileStatus { try below.status(of: descriptor) }

    package func facts(of descriptor: RawDescriptor) throws(Errno) -> FileSystemFacts {
        try below.facts(of: descriptor)
    }

    package func read(
        _ descriptor: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        try below.read(descriptor, into: buffer, at: offset)
    }

    package func write(
        _ descriptor: RawDescriptor, from buffer: UnsafeRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        try below.write(descriptor, from: buffer, at: offset)
    }

    package func setMode(_ mode: UInt32, of descriptor: RawDescriptor) throws(Errno) {
        try below.setMode(mode, of: descriptor)
    }

    package func setOwner(user: UInt32?, group: UInt32?, of descriptor: RawDescriptor) throws(Errno) {
        try below.setOwner(user: user, group: group, of: descriptor)
    }

    package func setModified(_ time: FileTime, of descriptor: RawDescriptor) throws(Errno) {
        try below.setModified(time, of: descriptor)
    }

    package func truncate(_ descriptor: RawDescriptor, to size: UInt64) throws(Errno) {
        try below.truncate(descriptor, to: size)
    }

    package func isInMemory(_ descriptor: RawDescriptor) throws(Errno) -> Bool { try below.isInMemory(descriptor) }

    package func reserve(_ descriptor: RawDescriptor, size: UInt64) throws(Errno) {
        try below.reserve(descriptor, size: size)
    }

    package func clone(
        _ source: RawDescriptor, from sourceOffset: UInt64, length: UInt64, to target: RawDescriptor,
        at targetOffset: UInt64
    ) throws(Errno) {
        try below.clone(source, from: sourceOffset, length: length, to: target, at: targetOffset)
    }

    package func nextData(of descriptor: RawDescriptor, from offset: UInt64) throws(Errno) -> UInt64? {
        try below.nextData(of: descriptor, from: offset)
    }

    package func sync(_ descriptor: RawDescriptor) throws(Errno) { try below.sync(descriptor) }

    package func settle(_ directory: RawDescriptor) { below.settle(directory) }

    package func lock(_ descriptor: RawDescriptor, isDirectory: Bool) throws(Errno) -> Bool {
        try below.lock(descriptor, isDirectory: isDirectory)
    }

    package func unpredictableNumber() -> UInt64 { below.unpredictableNumber() }
}
