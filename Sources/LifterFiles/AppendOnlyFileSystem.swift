// The disk as an append-only session may use it: names can be made, and what has a name already stays as it is. This
// stands below everything else, so no message, option or path of a peer gets round it, and no mistake above it either.
//
//     making      files, directories, links, nodes: allowed, since none of these calls replaces anything
//     naming      from a part name to a name that nothing has; never over anything, and never a committed name away
//     writing     into files that this session has made, or found under a part name and locked, until they are named
//     removing    part names, and what is in a part directory whose lock this session holds
//     attributes  of the same things, and of a directory that this session made, until that is settled
//
// Everything else is EPERM. A part is a name of our pattern (`PartName`), which no peer can send. A directory under a
// part name counts as ours only while this process holds its lock and it still bears that name: what another session
// builds, and publishes in the next instant, is never taken for a part of ours. An object with further names is never
// changed, since one of them may be committed.

import LifterProtocol
package import LifterSystem
import Synchronization

package final class AppendOnlyFileSystem: FileSystem {
    private let below: any FileSystem
    private let state = Mutex(State())

    private struct Identity: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
        init(_ status: FileStatus) { (device, inode) = (status.device, status.inode) }
    }

    /// What an open descriptor is, as far as it may make a difference.
    private struct Standing: Sendable {
        /// The directories with part names on the way to it from its root, itself included.
        var parts: [Identity] = []
        /// What it is, and where, if it was found under a part name and is not known to be ours yet.
        var found: Found?
    }

    private struct Found: Sendable {
        let what: Identity
        let directory: RawDescriptor
        let name: [UInt8]
    }

    private struct State: Sendable {
        var standings: [RawDescriptor: Standing] = [:]
        /// Files of ours that may be written to, until they get their name.
        var written: [RawDescriptor: Identity] = [:]
        /// Part directories whose lock is ours, and the descriptor that holds it.
        var locked: [Identity: RawDescriptor] = [:]
        /// Directories that this session made and has not settled.
        var fresh: Set<Identity> = []

        /// Whether a directory is, or is in, a part of ours.
        func isPart(_ directory: RawDescriptor) -> Bool {
            standings[directory]?.parts.contains { locked[$0] != nil } == true
        }
    }

    package init(_ below: any FileSystem) { self.below = below }

    // MARK: Opening

    package func openRoot(_ path: [UInt8], _ flags: OpenFlags) throws(Errno) -> RawDescriptor {
        if flags.contains(.write) || flags.contains(.truncate) { throw .permission }
        return try below.openRoot(path, flags)
    }

    package func open(
        _ path: ArraySlice<UInt8>, in directory: RawDescriptor, _ flags: OpenFlags, mode: UInt32
    ) throws(Errno) -> RawDescriptor {
        let (last, way) = Self.split(path)
        let writes = flags.contains(.write) || flags.contains(.create)
        if flags.contains(.truncate) || (writes && !flags.contains(.create) && !PartName.isPart(last)) {
            throw .permission
        }
        var parts = standing(of: directory).parts
        if !way.contains(where: { PartName.isPart($0) }) {
            return try open(path, in: directory, flags, mode, last, parts)
        }
        // Up to each part name apart, so that it is known which directory that was.
        var (start, rest) = (directory, path)
        defer { if start != directory { below.close(start) } }
        while let end = Self.endOfFirstPart(rest) {
            let next = try below.open(rest[..<end], in: start, [.pathOnly, .directory], mode: 0)
            if start != directory { below.close(start) }
            start = next
            parts.append(Identity(try below.status(of: next)))
            rest = rest[end...].drop { $0 == UInt8(ascii: "/") }
        }
        return try open(rest, in: start, flags, mode, last, parts)
    }

    private func open(
        _ path: ArraySlice<UInt8>, in directory: RawDescriptor, _ flags: OpenFlags, _ mode: UInt32,
        _ last: ArraySlice<UInt8>, _ parts: [Identity]
    ) throws(Errno) -> RawDescriptor {
        let opened = try below.open(path, in: directory, flags, mode: mode)
        let writes = flags.contains(.write)
        guard writes || !parts.isEmpty || PartName.isPart(last) else { return opened }
        do throws(Errno) {
            let status = try below.status(of: opened)
            var standing = Standing(parts: parts)
            // It may have lost its name already, to another run that clears away; but it must not have two.
            if writes, status.kind != .regular || status.links > 1 { throw .permission }
            if PartName.isPart(last), status.kind == .directory || !flags.contains(.create) {
                if status.kind == .directory { standing.parts.append(Identity(status)) }
                if path.count == last.count, writes || status.kind == .directory {
                    standing.found = Found(what: Identity(status), directory: directory, name: Array(last))
                }
            }
            state.withLock { state in
                if flags.contains(.create) { state.written[opened] = Identity(status) }
                if standing.found != nil || !standing.parts.isEmpty { state.standings[opened] = standing }
            }
            return opened
        } catch {
            below.close(opened)
            throw error
        }
    }

    /// A path's last name, and the names before it.
    private static func split(_ path: ArraySlice<UInt8>) -> (last: ArraySlice<UInt8>, way: [ArraySlice<UInt8>]) {
        var names = path.split(separator: UInt8(ascii: "/"))
        let last = names.popLast() ?? path
        return (last, names)
    }

    /// Behind the first part name of a path that is not its last name.
    private static func endOfFirstPart(_ path: ArraySlice<UInt8>) -> Int? {
        split(path).way.first { PartName.isPart($0) }?.endIndex
    }

    private func standing(of descriptor: RawDescriptor) -> Standing {
        state.withLock { $0.standings[descriptor] ?? Standing() }
    }

    package func reopen(_ directory: RawDescriptor) throws(Errno) -> RawDescriptor {
        let standing = standing(of: directory)
        let opened = try below.reopen(directory)
        if !standing.parts.isEmpty { state.withLock { $0.standings[opened] = standing } }
        return opened
    }

    package func close(_ descriptor: RawDescriptor) {
        // Before the number can be somebody else's.
        state.withLock { state in
            state.written[descriptor] = nil
            guard let standing = state.standings.removeValue(forKey: descriptor), let own = standing.parts.last,
                state.locked[own] == descriptor
            else { return }
            // It never got its name: whatever has its number next is not ours.
            state.locked[own] = nil
            state.fresh.remove(own)
        }
        below.close(descriptor)
    }

    package func lock(_ descriptor: RawDescriptor, isDirectory: Bool) throws(Errno) -> Bool {
        do throws(Errno) {
            let isLocked = try below.lock(descriptor, isDirectory: isDirectory)
            if isLocked { take(descriptor, isDirectory: isDirectory, onlyFresh: false) }
            return isLocked
        } catch {
            // Where there are no locks, of the directories only those are ours that this session has made.
            take(descriptor, isDirectory: isDirectory, onlyFresh: isDirectory)
            throw error
        }
    }

    /// Whoever gives a part its name holds its lock. So what bears a part name while it is locked here is nothing that
    /// another session has committed, or will.
    private func take(_ descriptor: RawDescriptor, isDirectory: Bool, onlyFresh: Bool) {
        guard let found = standing(of: descriptor).found,
            let there = try? below.status(of: found.name[...], in: found.directory), Identity(there) == found.what
        else { return }
        state.withLock { state in
            if !isDirectory {
                state.written[descriptor] = found.what
            } else if !onlyFresh || state.fresh.contains(found.what) {
                state.locked[found.what] = descriptor
            }
        }
    }

    // MARK: Making

    package func makeDirectory(_ name: ArraySlice<UInt8>, in directory: RawDescriptor, mode: UInt32) throws(Errno) {
        try below.makeDirectory(name, in: directory, mode: mode)
        guard let status = try? below.status(of: name, in: directory), status.kind == .directory else { return }
        state.withLock { _ = $0.fresh.insert(Identity(status)) }
    }

    package func makeLink(
        to target: [UInt8], named name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) {
        try below.makeLink(to: target, named: name, in: directory)
    }

    package func makeNode(
        _ kind: FileKind, named name: ArraySlice<UInt8>, in directory: RawDescriptor, mode: UInt32, device: UInt64
    ) throws(Errno) {
        try below.makeNode(kind, named: name, in: directory, mode: mode, device: device)
    }

    /// A further name for what is there. What is still being written gets none.
    package func makeHardLink(
        from old: ArraySlice<UInt8>, in oldDirectory: RawDescriptor, to new: ArraySlice<UInt8>,
        in newDirectory: RawDescriptor
    ) throws(Errno) {
        if PartName.isPart(old) { throw .permission }
        try below.makeHardLink(from: old, in: oldDirectory, to: new, in: newDirectory)
    }

    // MARK: Naming

    /// Whatever way is asked for, nothing is replaced.
    package func rename(
        _ old: ArraySlice<UInt8>, in oldDirectory: RawDescriptor, to new: ArraySlice<UInt8>,
        in newDirectory: RawDescriptor, _ mode: RenameMode
    ) throws(Errno) {
        guard PartName.isPart(old), !Names.isReserved(new), mode != .exchange else { throw .permission }
        let status = try below.status(of: old, in: oldDirectory)
        if status.kind == .directory {
            return try publish(Identity(status), old, oldDirectory, new, newDirectory)
        }
        // From now on nobody writes to it.
        let writers = state.withLock { state in
            let writers = state.written.filter { $0.value == Identity(status) }
            for descriptor in writers.keys { state.written[descriptor] = nil }
            return writers
        }
        do throws(Errno) {
            // Somebody else's, who may be writing it still.
            if status.kind == .regular, status.links == 1, writers.isEmpty { throw .permission }
            try below.rename(old, in: oldDirectory, to: new, in: newDirectory, .noReplace)
        } catch {
            state.withLock { state in state.written.merge(writers) { first, _ in first } }
            throw error
        }
    }

    /// From here on what is in the directory is committed. No call that relies on its being a part is under way.
    private func publish(
        _ directory: Identity, _ old: ArraySlice<UInt8>, _ oldDirectory: RawDescriptor, _ new: ArraySlice<UInt8>,
        _ newDirectory: RawDescriptor
    ) throws(Errno) {
        try state.withLock { state throws(Errno) in
            guard let holder = state.locked.removeValue(forKey: directory) else { throw .permission }
            do throws(Errno) {
                try below.rename(old, in: oldDirectory, to: new, in: newDirectory, .noReplace)
            } catch {
                state.locked[directory] = holder
                throw error
            }
        }
    }

    package func remove(_ name: ArraySlice<UInt8>, in directory: RawDescriptor, isDirectory: Bool) throws(Errno) {
        if PartName.isPart(name) { return try below.remove(name, in: directory, isDirectory: isDirectory) }
        try inPart(directory) { () throws(Errno) in
            try below.remove(name, in: directory, isDirectory: isDirectory)
        }
    }

    /// Runs a call in a directory that is a part of ours, and stays one until the call is done.
    private func inPart(_ directory: RawDescriptor, _ call: () throws(Errno) -> Void) throws(Errno) {
        try state.withLock { state throws(Errno) in
            guard state.isPart(directory) else { throw .permission }
            try call()
        }
    }

    // MARK: Writing

    private func checkWritten(_ descriptor: RawDescriptor) throws(Errno) {
        guard state.withLock({ $0.written[descriptor] != nil }) else { throw .permission }
    }

    package func write(
        _ descriptor: RawDescriptor, from buffer: UnsafeRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        try checkWritten(descriptor)
        return try below.write(descriptor, from: buffer, at: offset)
    }

    package func truncate(_ descriptor: RawDescriptor, to size: UInt64) throws(Errno) {
        try checkWritten(descriptor)
        try below.truncate(descriptor, to: size)
    }

    package func isInMemory(_ descriptor: RawDescriptor) throws(Errno) -> Bool { try below.isInMemory(descriptor) }

    package func reserve(_ descriptor: RawDescriptor, size: UInt64) throws(Errno) {
        try checkWritten(descriptor)
        try below.reserve(descriptor, size: size)
    }

    package func clone(
        _ source: RawDescriptor, from sourceOffset: UInt64, length: UInt64, to target: RawDescriptor,
        at targetOffset: UInt64
    ) throws(Errno) {
        try checkWritten(target)
        try below.clone(source, from: sourceOffset, length: length, to: target, at: targetOffset)
    }

    package func sync(_ descriptor: RawDescriptor) throws(Errno) { try below.sync(descriptor) }

    // MARK: Attributes

    /// A file that is being written, a directory that is not settled, or one in a part of ours.
    private func checkOwn(_ descriptor: RawDescriptor) throws(Errno) {
        if state.withLock({ $0.written[descriptor] != nil }) { return }
        let status = try below.status(of: descriptor)
        guard status.kind == .directory,
            state.withLock({ $0.fresh.contains(Identity(status)) || $0.isPart(descriptor) })
        else { throw .permission }
    }

    /// The same for a name, while it stays what it is.
    private func owning(
        _ name: ArraySlice<UInt8>, in directory: RawDescriptor, _ call: () throws(Errno) -> Void
    ) throws(Errno) {
        let status = try below.status(of: name, in: directory)
        guard status.kind == .directory || status.links == 1 else { throw .permission }
        if PartName.isPart(name) { return try call() }
        try inPart(directory, call)
    }

    package func setMode(_ mode: UInt32, of descriptor: RawDescriptor) throws(Errno) {
        try checkOwn(descriptor)
        try below.setMode(mode, of: descriptor)
    }

    package func setMode(_ mode: UInt32, of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) {
        try owning(name, in: directory) { () throws(Errno) in
            try below.setMode(mode, of: name, in: directory)
        }
    }

    package func setOwner(user: UInt32?, group: UInt32?, of descriptor: RawDescriptor) throws(Errno) {
        try checkOwn(descriptor)
        try below.setOwner(user: user, group: group, of: descriptor)
    }

    package func setOwner(
        user: UInt32?, group: UInt32?, of name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) {
        try owning(name, in: directory) { () throws(Errno) in
            try below.setOwner(user: user, group: group, of: name, in: directory)
        }
    }

    package func setModified(_ time: FileTime, of descriptor: RawDescriptor) throws(Errno) {
        try checkOwn(descriptor)
        try below.setModified(time, of: descriptor)
    }

    package func setModified(
        _ time: FileTime, of name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) {
        try owning(name, in: directory) { () throws(Errno) in
            try below.setModified(time, of: name, in: directory)
        }
    }

    package func settle(_ directory: RawDescriptor) {
        if let status = try? below.status(of: directory) {
            state.withLock { _ = $0.fresh.remove(Identity(status)) }
        }
        below.settle(directory)
    }

    // MARK: Reading

    package func status(of descriptor: RawDescriptor) throws(Errno) -> FileStatus { try below.status(of: descriptor) }

    package func status(of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) -> FileStatus {
        try below.status(of: name, in: directory)
    }

    package func facts(of descriptor: RawDescriptor) throws(Errno) -> FileSystemFacts {
        try below.facts(of: descriptor)
    }

    package func readNames(of directory: RawDescriptor, into names: inout DirectoryNames) throws(Errno) -> Bool {
        try below.readNames(of: directory, into: &names)
    }

    package func readLink(_ name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) -> [UInt8] {
        try below.readLink(name, in: directory)
    }

    package func read(
        _ descriptor: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        try below.read(descriptor, into: buffer, at: offset)
    }

    package func nextData(of descriptor: RawDescriptor, from offset: UInt64) throws(Errno) -> UInt64? {
        try below.nextData(of: descriptor, from: offset)
    }

    package func unpredictableNumber() -> UInt64 { below.unpredictableNumber() }
}
