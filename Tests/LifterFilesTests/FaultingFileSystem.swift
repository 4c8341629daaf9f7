// The real file system with one fault in it: the n-th call fails, or everything from the n-th call on, as after a
// kill. Closing always works, since a kernel closes what a killed process held.

import LifterSystem
import Synchronization

final class FaultingFileSystem: FileSystem {
    enum Call: String, CaseIterable {
        case openRoot, open, reopen, status, statusOfName, facts, readNames, readLink, read, write, makeDirectory
        case makeLink, makeNode, makeHardLink, remove, rename, exchange, setMode, setModeOfName, setOwner
        case setOwnerOfName, setModified, setModifiedOfName, truncate, reserve, clone, sync, lock
    }

    struct Fault: Sendable {
        var at: Int
        var errno: Errno
        /// Every later call fails as well.
        var isKill = false
        /// Counts only these; nil counts all.
        var only: Call?
    }

    private struct State {
        var fault: Fault?
        var counted = 0
        var log: [Call] = []
        var open: Set<RawDescriptor> = []
        var before: (@Sendable (Call, [UInt8]) -> Void)?
    }

    private let real = KernelFileSystem()
    private let state = Mutex(State())

    init(_ fault: Fault? = nil) { state.withLock { $0.fault = fault } }

    /// Called before each call with the name it is about.
    func onCall(_ body: @escaping @Sendable (Call, [UInt8]) -> Void) { state.withLock { $0.before = body } }
    func arm(_ fault: Fault?) {
        state.withLock { state in
            state.fault = fault
            state.counted = 0
        }
    }
    var calls: [Call] { state.withLock { $0.log } }
    func forgetCalls() { state.withLock { $0.log = [] } }
    var openCount: Int { state.withLock { $0.open.count } }

    private func step(_ call: Call, _ name: ArraySlice<UInt8> = []) throws(Errno) {
        let (error, before): (Errno?, (@Sendable (Call, [UInt8]) -> Void)?) = state.withLock { state in
            state.log.append(call)
            guard let fault = state.fault, fault.only == nil || fault.only == call else {
                return (nil, state.before)
            }
            state.counted += 1
            let fails = fault.isKill ? state.counted >= fault.at : state.counted == fault.at
            return (fails ? fault.errno : nil, state.before)
        }
        before?(call, Array(name))
        if let error { throw error }
    }

    private func opened(_ descriptor: RawDescriptor) -> RawDescriptor {
        state.withLock { _ = $0.open.insert(descriptor) }
        return descriptor
    }

    func openRoot(_ path: [UInt8], _ flags: OpenFlags) throws(Errno) -> RawDescriptor {
        try step(.openRoot, path[...])
        return opened(try real.openRoot(path, flags))
    }
    func open(
        _ path: ArraySlice<UInt8>, in directory: RawDescriptor, _ flags: OpenFlags, mode: UInt32
    ) throws(Errno) -> RawDescriptor {
        try step(.open, path)
        return opened(try real.open(path, in: directory, flags, mode: mode))
    }
    func reopen(_ directory: RawDescriptor) throws(Errno) -> RawDescriptor {
        try step(.reopen)
        return opened(try real.reopen(directory))
    }
    func close(_ descriptor: RawDescriptor) {
        let wasOpen = state.withLock { $0.open.remove(descriptor) != nil }
        precondition(wasOpen, "closed twice: \(descriptor)")
        real.close(descriptor)
    }
    func status(of descriptor: RawDescriptor) throws(Errno) -> FileStatus {
        try step(.status)
        return try real.status(of: descriptor)
    }
    func status(of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) -> FileStatus {
        try step(.statusOfName, name)
        return try real.status(of: name, in: directory)
    }
    func facts(of descriptor: RawDescriptor) throws(Errno) -> FileSystemFacts {
        try step(.facts)
        return try real.facts(of: descriptor)
    }
    func readNames(of directory: RawDescriptor, into names: inout DirectoryNames) throws(Errno) -> Bool {
        try step(.readNames)
        return try real.readNames(of: directory, into: &names)
    }
    func readLink(_ name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) -> [UInt8] {
        try step(.readLink, name)
        return try real.readLink(name, in: directory)
    }
    func read(
        _ descriptor: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        try step(.read)
        return try real.read(descriptor, into: buffer, at: offset)
    }
    func write(
        _ descriptor: RawDescriptor, from buffer: UnsafeRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        try step(.write)
        return try real.write(descriptor, from: buffer, at: offset)
    }
    func makeDirectory(_ name: ArraySlice<UInt8>, in directory: RawDescriptor, mode: UInt32) throws(Errno) {
        try step(.makeDirectory, name)
        try real.makeDirectory(name, in: directory, mode: mode)
    }
    func makeLink(to target: [UInt8], named name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) {
        try step(.makeLink, name)
        try real.makeLink(to: target, named: name, in: directory)
    }
    func makeNode(
        _ kind: FileKind, named name: ArraySlice<UInt8>, in directory: RawDescriptor, mode: UInt32, device: UInt64
    ) throws(Errno) {
        try step(.makeNode, name)
        try real.makeNode(kind, named: name, in: directory, mode: mode, device: device)
    }
    func makeHardLink(
        from old: ArraySlice<UInt8>, in oldDirectory: RawDescriptor, to new: ArraySlice<UInt8>,
        in newDirectory: RawDescriptor
    ) throws(Errno) {
        try step(.makeHardLink, new)
        try real.makeHardLink(from: old, in: oldDirectory, to: new, in: newDirectory)
    }
    func remove(_ name: ArraySlice<UInt8>, in directory: RawDescriptor, isDirectory: Bool) throws(Errno) {
        try step(.remove, name)
        try real.remove(name, in: directory, isDirectory: isDirectory)
    }
    func rename(
        _ old: ArraySlice<UInt8>, in oldDirectory: RawDescriptor, to new: ArraySlice<UInt8>,
        in newDirectory: RawDescriptor, _ mode: RenameMode
    ) throws(Errno) {
        try step(mode == .exchange ? .exchange : .rename, new)
        try real.rename(old, in: oldDirectory, to: new, in: newDirectory, mode)
    }
    func setMode(_ mode: UInt32, of descriptor: RawDescriptor) throws(Errno) {
        try step(.setMode)
        try real.setMode(mode, of: descriptor)
    }
    func setMode(_ mode: UInt32, of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) {
        try step(.setModeOfName, name)
        try real.setMode(mode, of: name, in: directory)
    }
    func setOwner(user: UInt32?, group: UInt32?, of descriptor: RawDescriptor) throws(Errno) {
        try step(.setOwner)
        try real.setOwner(user: user, group: group, of: descriptor)
    }
    func setOwner(
        user: UInt32?, group: UInt32?, of name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) {
        try step(.setOwnerOfName, name)
        try real.setOwner(user: user, group: group, of: name, in: directory)
    }
    func setModified(_ time: FileTime, of descriptor: RawDescriptor) throws(Errno) {
        try step(.setModified)
        try real.setModified(time, of: descriptor)
    }
    func setModified(_ time: FileTime, of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) {
        try step(.setModifiedOfName, name)
        try real.setModified(time, of: name, in: directory)
    }
    func truncate(_ descriptor: RawDescriptor, to size: UInt64) throws(Errno) {
        try step(.truncate)
        try real.truncate(descriptor, to: size)
    }
    /// Nothing would be reserved otherwise.
    func isInMemory(_ descriptor: RawDescriptor) throws(Errno) -> Bool { false }
    func reserve(_ descriptor: RawDescriptor, size: UInt64) throws(Errno) {
        try step(.reserve)
        try real.reserve(descriptor, size: size)
    }
    func clone(
        _ source: RawDescriptor, from sourceOffset: UInt64, length: UInt64, to target: RawDescriptor,
        at targetOffset: UInt64
    ) throws(Errno) {
        try step(.clone)
        try real.clone(source, from: sourceOffset, length: length, to: target, at: targetOffset)
    }
    func sync(_ descriptor: RawDescriptor) throws(Errno) {
        try step(.sync)
        try real.sync(descriptor)
    }
    func lock(_ descriptor: RawDescriptor, isDirectory: Bool) throws(Errno) -> Bool {
        try step(.lock)
        return try real.lock(descriptor, isDirectory: isDirectory)
    }
}
