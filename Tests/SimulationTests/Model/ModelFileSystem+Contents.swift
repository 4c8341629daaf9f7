// A file's bytes, size and blocks, its safety on the disk, and who may work on it.

import LifterSystem

extension ModelFileSystem {
    func write(
        _ descriptor: RawDescriptor, from buffer: UnsafeRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        try call(ModelCall(.write, descriptor, detail: "\(buffer.count), \(offset)")) { longest throws(Errno) in
            guard let start = Int(exactly: offset) else { throw .fileTooBig }
            let file = try file(descriptor)
            if file.node.kind == .fifo { throw .illegalSeek }
            if !file.canWrite { throw .badDescriptor }
            if buffer.isEmpty { return 0 }
            if start >= disk.settings.largestFile { throw .fileTooBig }
            let wanted = min(buffer.count, longest, disk.settings.largestFile - start)
            // Up to the end of the last page that there is room for.
            let end = min(
                start + wanted,
                file.node.allocated + disk.availableBytes / ModelNode.pageSize
                    * ModelNode.pageSize)
            if end <= start { throw .noSpace }
            put(UnsafeRawBufferPointer(rebasing: buffer[..<(end - start)]), at: start, into: file.node)
            return end - start
        }
    }

    func truncate(_ descriptor: RawDescriptor, to size: UInt64) throws(Errno) {
        try call(ModelCall(.truncate, descriptor, detail: "\(size)")) { _ throws(Errno) in
            guard Int64(exactly: size) != nil else { throw .fileTooBig }
            let file = try file(descriptor)
            if file.node.kind != .regular || !file.canWrite { throw .invalid }
            if size > UInt64(disk.settings.largestFile) { throw .fileTooBig }
            resize(file.node, to: Int(size))
        }
    }

    /// It models a disk.
    func isInMemory(_ descriptor: RawDescriptor) throws(Errno) -> Bool { false }

    func reserve(_ descriptor: RawDescriptor, size: UInt64) throws(Errno) {
        try call(ModelCall(.reserve, descriptor, detail: "KEEP_SIZE, \(size)")) { _ throws(Errno) in
            guard Int64(exactly: size) != nil else { throw .fileTooBig }
            if size == 0 { return }
            let file = try file(descriptor)
            if !file.canWrite { throw .badDescriptor }
            let node = file.node
            if node.kind == .fifo { throw .illegalSeek }
            if size > UInt64(disk.settings.largestFile) { throw .fileTooBig }
            if ModelNode.roundedUp(Int(size)) - node.allocated > disk.availableBytes { throw .noSpace }
            disk.resizing(node) { node.reserved = max(node.reserved, Int(size)) }
            disk.touch(node)
        }
    }

    func clone(
        _ source: RawDescriptor, from sourceOffset: UInt64, length: UInt64, to target: RawDescriptor,
        at targetOffset: UInt64
    ) throws(Errno) {
        let detail = "\(sourceOffset), \(length), \(targetOffset)"
        try call(ModelCall(.clone, source, other: target, detail: detail)) { _ throws(Errno) in
            if length == 0 { return }
            let to = try file(target)
            let from = try file(source)
            if from.node.kind == .directory || to.node.kind == .directory { throw .isDirectory }
            if from.node.kind != .regular || to.node.kind != .regular { throw .invalid }
            if !from.canRead || !to.canWrite { throw .badDescriptor }
            if !disk.settings.canClone { throw .notSupported }
            let size = UInt64(from.node.data.count)
            let (end, overflow) = sourceOffset.addingReportingOverflow(length)
            let page = UInt64(ModelNode.pageSize)
            // Whole blocks only, but for the end of the source, which must not land inside the target.
            let isTail = end == size && targetOffset.addingReportingOverflow(length).partialValue >= to.node.size
            if overflow || end > size || sourceOffset % page != 0 || targetOffset % page != 0 { throw .invalid }
            if length % page != 0 && !isTail { throw .invalid }
            if from.node === to.node && sourceOffset < targetOffset + length && targetOffset < end {
                throw .invalid
            }
            if targetOffset + length > UInt64(disk.settings.largestFile) { throw .fileTooBig }
            let bytes = Array(from.node.data[Int(sourceOffset)..<Int(end)])
            bytes.withUnsafeBytes { put($0, at: Int(targetOffset), into: to.node) }
        }
    }

    func sync(_ descriptor: RawDescriptor) throws(Errno) {
        try call(ModelCall(.sync, descriptor)) { _ throws(Errno) in
            let node = try file(descriptor).node
            if node.kind == .fifo { throw .invalid }
            disk.makeSafe(node)
        }
    }

    func lock(_ descriptor: RawDescriptor, isDirectory: Bool) throws(Errno) -> Bool {
        try call(ModelCall(isDirectory ? .lockDirectory : .lock, descriptor)) { _ throws(Errno) in
            let file = try file(descriptor)
            if isDirectory {
                if let holder = file.node.wholeLock { return holder == file.id }
                file.node.wholeLock = file.id
            } else {
                if !file.canWrite { throw .badDescriptor }
                if let holder = file.node.rangeLock { return holder == file.id }
                file.node.rangeLock = file.id
            }
            return true
        }
    }

    // MARK: Shared

    private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int, into node: ModelNode) {
        disk.resizing(node) { node.put(bytes, at: offset) }
        disk.noteData(node, .write(offset: offset, bytes: Array(bytes)))
        dropPrivileges(node)
        disk.touch(node)
    }

    func resize(_ node: ModelNode, to size: Int) {
        disk.resizing(node) {
            ModelNode.resize(&node.data, to: size)
            node.reserved = min(node.reserved, size)
        }
        disk.noteData(node, .resize(size))
        dropPrivileges(node)
        disk.touch(node)
    }

    /// Whoever is not root takes set-id bits away by changing what would run under them.
    private func dropPrivileges(_ node: ModelNode) {
        if identity.isRoot { return }
        node.attributes.mode &= ~0o4000
        if node.attributes.mode & 0o0010 != 0 { node.attributes.mode &= ~0o2000 }
    }
}
