// The real file system with a limit of open descriptors, and a hook before reads.

import LifterSystem
import Synchronization

final class WatchedFileSystem: FileSystem {
    private let real = KernelFileSystem()
    private let limit: Int
    private let opened = Mutex<Set<RawDescriptor>>([])
    private let mostOpened = Atomic<Int>(0)
    /// Runs before every read of contents, with the offset and how many reads there were before.
    private let beforeRead: @Sendable (_ offset: UInt64, _ earlier: Int) -> Void
    private let reads = Atomic<Int>(0)

    init(limit: Int = .max, beforeRead: @escaping @Sendable (UInt64, Int) -> Void = { _, _ in }) {
        self.limit = limit
        self.beforeRead = beforeRead
    }

    var openCount: Int { opened.withLock { $0.count } }
    var peak: Int { mostOpened.load(ordering: .relaxed) }

    private func counted(_ open: () throws(Errno) -> RawDescriptor) throws(Errno) -> RawDescriptor {
        if opened.withLock({ $0.count >= limit }) { throw .tooManyOpen }
        let descriptor = try open()
        let count = opened.withLock {
            $0.insert(descriptor)
            return $0.count
        }
        mostOpened.max(count, ordering: .relaxed)
        return descriptor
    }

    func openRoot(_ path: [UInt8], _ flags: OpenFlags) throws(Errno) -> RawDescriptor {
        try counted { () throws(Errno) in try real.openRoot(path, flags) }
    }
    func open(
        _ path: ArraySlice<UInt8>, in directory: RawDescriptor, _ flags: OpenFlags, mode: UInt32
    ) throws(Errno) -> RawDescriptor {
        if path.count >= 4096 { throw .nameTooLong }
        return try counted { () throws(Errno) in try real.open(path, in: directory, flags, mode: mode) }
    }
    func reopen(_ directory: RawDescriptor) throws(Errno) -> RawDescriptor {
        try counted { () throws(Errno) in try real.reopen(directory) }
    }
    func close(_ descriptor: RawDescriptor) {
        // A descriptor closed twice would soon be somebody else's.
        let wasOpen = opened.withLock { $0.remove(descriptor) != nil }
        precondition(wasOpen, "closed a descriptor that is not open")
        real.close(descriptor)
    }

    func status(of descriptor: RawDescriptor) throws(Errno) -> FileStatus { try real.status(of: descriptor) }
    func status(of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) -> FileStatus {
        try real.status(of: name, in: directory)
    }
    func facts(of descriptor: RawDescriptor) throws(Errno) -> FileSystemFacts { try real.facts(of: descriptor) }
    func readNames(of directory: RawDescriptor, into names: inout DirectoryNames) throws(Errno) -> Bool {
        try real.readNames(of: directory, into: &names)
    }
    func readLink(_ name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) -> [UInt8] {
        try real.readLink(name, in: directory)
    }
    func read(
        _ descriptor: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        beforeRead(offset, reads.wrappingAdd(1, ordering: .relaxed).oldValue)
        return try real.read(descriptor, into: buffer, at: offset)
    }
    func write(
        _ descriptor: RawDescriptor, from buffer: UnsafeRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        try real.write(descriptor, from: buffer, at: offset)
    }

    func makeDirectory(_ name: ArraySlice<UInt8>, in directory: RawDescriptor, mode: UInt32) throws(Errno) {
        try real.makeDirectory(name, in: directory, mode: mode)
    }
    func makeLink(to target: [UInt8], named name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) {
        try real.makeLink(to: target, named: name, in: directory)
    }
    func makeNode(
        _ kind: FileKind, named name: ArraySlice<UInt8>, in directory: RawDescriptor, mode: UInt32, device: UInt64
    ) throws(Errno) {
        try real.makeNode(kind, named: name, in: directory, mode: mode, device: device)
    }
    func makeHardLink(
        from old: ArraySlice<UInt8>, in oldDirectory: RawDescriptor, to new: ArraySlice<UInt8>,
        in newDirectory: RawDescriptor
    ) throws(Errno) {
        try real.makeHardLink(from: old, in: oldDirectory, to: new, in: newDirectory)
    }
    func remove(_ name: ArraySlice<UInt8>, in directory: RawDescriptor, isDirectory: Bool) throws(Errno) {
        try real.remove(name, in: directory, isDirectory: isDirectory)
    }
    func rename(
        _ old: ArraySlice<UInt8>, in oldDirectory: RawDescriptor, to new: ArraySlice<UInt8>,
        in newDirectory: RawDescriptor, _ mode: RenameMode
    ) throws(Errno) {
        try real.rename(old, in: oldDirectory, to: new, in: newDirectory, mode)
    }

    func setMode(_ mode: UInt32, of descriptor: RawDescriptor) throws(Errno) {
        try real.setMode(mode, of: descriptor)
    }
    func setMode(_ mode: UInt32, of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) {
        try real.setMode(mode, of: name, in: directory)
    }
    func setOwner(user: UInt32?, group: UInt32?, of descriptor: RawDescriptor) throws(Errno) {
        try real.setOwner(user: user, group: group, of: descriptor)
    }
    func setOwner(
        user: UInt32?, group: UInt32?, of name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) {
        try real.setOwner(user: user, group: group, of: name, in: directory)
    }
    func setModified(_ time: FileTime, of descriptor: RawDescriptor) throws(Errno) {
        try real.setModified(time, of: descriptor)
    }
    func setModified(_ time: FileTime, of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) {
        try real.setModified(time, of: name, in: directory)
    }

    func truncate(_ descriptor: RawDescriptor, to size: UInt64) throws(Errno) {
        try real.truncate(descriptor, to: size)
    }
    func isInMemory(_ descriptor: RawDescriptor) throws(Errno) -> Bool { try real.isInMemory(descriptor) }
    func reserve(_ descriptor: RawDescriptor, size: UInt64) throws(Errno) {
        try real.reserve(descriptor, size: size)
    }
    func clone(
        _ source: RawDescriptor, from sourceOffset: UInt64, length: UInt64, to target: RawDescriptor,
        at targetOffset: UInt64
    ) throws(Errno) {
        try real.clone(source, from: sourceOffset, length: length, to: target, at: targetOffset)
    }
    func sync(_ descriptor: RawDescriptor) throws(Errno) { try real.sync(descriptor) }
    func lock(_ descriptor: RawDescriptor, isDirectory: Bool) throws(Errno) -> Bool {
        try real.lock(descriptor, isDirectory: isDirectory)
    }
}
