// Opening and closing. A path beneath a directory is walked component by component and refuses every link on the
// way, as openat2 does with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS; the user's own root is opened following links.

import LifterSystem

extension ModelFileSystem {
    func openRoot(_ path: [UInt8], _ flags: OpenFlags) throws(Errno) -> RawDescriptor {
        try call(ModelCall(.openRoot, nil, path[...], detail: flags.words)) { _ throws(Errno) in
            let flags = flags.effective
            if path.contains(0) { throw .invalid }
            if path.count >= 4096 { throw .nameTooLong }
            if path.isEmpty { throw .noEntry }
            try self.checkDescriptorFree()
            if flags.contains(.create) && path.last == ModelPath.slash {
                // Whoever writes a slash behind means a directory, and no file is made for that.
                let end = path.lastIndex { $0 != ModelPath.slash } ?? 0
                let parent = path[..<end].lastIndex(of: ModelPath.slash) ?? 0
                _ = try self.follow(Array(path[...parent]), lastLink: true)
                throw .isDirectory
            }
            let (directory, name, node) = try self.follow(path, lastLink: !flags.contains(.create))
            return try self.finishOpening(node, name[...], directory, flags, mode: 0o666)
        }
    }

    func open(
        _ path: ArraySlice<UInt8>, in directory: RawDescriptor, _ flags: OpenFlags, mode: UInt32
    ) throws(Errno) -> RawDescriptor {
        try call(ModelCall(.open, directory, path, detail: flags.words)) { _ throws(Errno) in
            let flags = flags.effective
            if let problem = ModelPath.problem(inPath: path) { throw problem }
            if flags.contains([.create, .directory]) { throw .invalid }
            if path.count >= 4096 { throw .nameTooLong }
            try self.checkDescriptorFree()
            var parent = try self.directory(directory)
            var rest = path
            while let slash = rest.firstIndex(of: ModelPath.slash) {
                let node = try self.lookUp(rest[..<slash], in: parent)
                if node.kind == .symlink { throw .loop }
                if node.kind != .directory { throw .notDirectory }
                parent = node
                rest = rest[(slash + 1)...]
            }
            let node = try self.find(rest, in: parent)
            return try self.finishOpening(node, rest, parent, flags, mode: mode & 0o7777)
        }
    }

    func reopen(_ directory: RawDescriptor) throws(Errno) -> RawDescriptor {
        try call(ModelCall(.reopen, directory)) { _ throws(Errno) in
            try self.checkDescriptorFree()
            let node = try self.directory(directory)
            if !may(.search, node) || !may(.read, node) { throw .access }
            return keep(node, [.read, .directory])
        }
    }

    func close(_ descriptor: RawDescriptor) {
        // Whatever fault strikes, a close that happens at all gives the descriptor back.
        do throws(Errno) {
            try call(ModelCall(.close, descriptor)) { _ throws(Errno) in
                guard let file = self.openFiles.removeValue(forKey: descriptor) else { throw .badDescriptor }
                self.release(file)
                self.lowestFree = min(self.lowestFree, descriptor)
            }
        } catch {
            disk.lock.held {
                guard !crashed, let file = openFiles.removeValue(forKey: descriptor) else { return }
                release(file)
                lowestFree = min(lowestFree, descriptor)
            }
        }
    }

    // MARK: Looking up

    /// The directory behind a descriptor that a name is looked up in.
    func directory(_ descriptor: RawDescriptor) throws(Errno) -> ModelNode {
        guard let file = openFiles[descriptor] else { throw .badDescriptor }
        if file.node.kind != .directory { throw .notDirectory }
        return file.node
    }

    /// What has this name; nil when nothing has.
    func find(_ name: ArraySlice<UInt8>, in directory: ModelNode) throws(Errno) -> ModelNode? {
        if !may(.search, directory) { throw .access }
        if directory.isDead { throw .noEntry }
        if name.count > 255 { throw .nameTooLong }
        return directory.entries[Array(name)].map { disk.node($0) }
    }

    func lookUp(_ name: ArraySlice<UInt8>, in directory: ModelNode) throws(Errno) -> ModelNode {
        guard let node = try find(name, in: directory) else { throw .noEntry }
        return node
    }

    /// Walks a path from the disk's root with links, `.` and `..`; the last name may be missing.
    private func follow(
        _ path: [UInt8], lastLink: Bool
    ) throws(Errno) -> (directory: ModelNode, name: [UInt8], node: ModelNode?) {
        let split = { (path: [UInt8]) in path.split(separator: ModelPath.slash).map(Array.init) }
        var waiting = Array(split(path).reversed())
        if path.last == ModelPath.slash { waiting.insert([ModelPath.dot], at: 0) }
        var links = 0
        var directory = disk.root
        while let name = waiting.popLast() {
            if name == [ModelPath.dot, ModelPath.dot] {
                directory = disk.node(directory.parent)
                continue
            }
            if name == [ModelPath.dot] { continue }
            guard let node = try find(name[...], in: directory) else {
                if waiting.isEmpty { return (directory, name, nil) }
                throw .noEntry
            }
            if node.kind == .symlink && (!waiting.isEmpty || lastLink) {
                links += 1
                if links > 40 { throw .loop }
                if node.target.first == ModelPath.slash { directory = disk.root }
                if node.target.last == ModelPath.slash { waiting.append([ModelPath.dot]) }
                waiting += split(node.target).reversed()
                continue
            }
            if waiting.isEmpty { return (directory, name, node) }
            if node.kind != .directory { throw .notDirectory }
            directory = node
        }
        return (directory, [ModelPath.dot], directory)
    }

    // MARK: Descriptors

    private func finishOpening(
        _ found: ModelNode?, _ name: ArraySlice<UInt8>, _ directory: ModelNode, _ flags: OpenFlags, mode: UInt32
    ) throws(Errno) -> RawDescriptor {
        guard let node = found else {
            guard flags.contains(.create) else { throw .noEntry }
            return keep(try create(.regular, named: name, in: directory, mode: mode), flags)
        }
        if flags.contains(.create) { throw .exists }
        if flags.contains(.directory) && node.kind != .directory { throw .notDirectory }
        if flags.contains(.pathOnly) { return keep(node, flags) }

        let writes = flags.contains(.write) || flags.contains(.truncate)
        switch node.kind {
        case .symlink: throw .loop
        case .directory: if writes { throw .isDirectory }
        case .regular, .fifo, .socket, .characterDevice, .blockDevice: break
        }
        if flags.contains(.read) || !flags.contains(.write) { if !may(.read, node) { throw .access } }
        if writes && !may(.write, node) { throw .access }
        switch node.kind {
        case .socket, .characterDevice, .blockDevice: throw .noDevice
        case .fifo:
            if flags.contains(.write) && !flags.contains(.read) && node.readers == 0 { throw .noDevice }
        case .regular: if flags.contains(.truncate) { resize(node, to: 0) }
        case .directory, .symlink: break
        }
        return keep(node, flags)
    }

    private func checkDescriptorFree() throws(Errno) {
        if openFiles.count >= descriptorLimit { throw .tooManyOpen }
    }

    /// The lowest free number, as in the kernel.
    private func keep(_ node: ModelNode, _ flags: OpenFlags) -> RawDescriptor {
        let file = OpenFile(id: nextOpenID(), node: node, flags: flags)
        node.opens += 1
        if file.canRead { node.readers += 1 }
        let descriptor = lowestFree
        openFiles[descriptor] = file
        repeat { lowestFree += 1 } while openFiles[lowestFree] != nil
        return descriptor
    }

    func release(_ file: OpenFile) {
        let node = file.node
        if node.rangeLock == file.id { node.rangeLock = nil }
        if node.wholeLock == file.id { node.wholeLock = nil }
        node.opens -= 1
        if file.canRead { node.readers -= 1 }
        disk.releaseIfUnused(node)
    }

    // MARK: Permission

    enum Wish: UInt32 { case search = 1, write = 2, read = 4 }

    /// By owner, group and other; root is asked nothing.
    func may(_ wish: Wish, _ node: ModelNode) -> Bool {
        if identity.isRoot { return true }
        let shift: UInt32 =
            node.attributes.user == identity.user ? 6 : node.attributes.group == identity.group ? 3 : 0
        return node.attributes.mode >> shift & wish.rawValue != 0
    }

    func owns(_ node: ModelNode) -> Bool { identity.isRoot || node.attributes.user == identity.user }

    /// Entries may be added and taken away.
    func checkMayChange(_ directory: ModelNode) throws(Errno) {
        if !may(.write, directory) || !may(.search, directory) { throw .access }
    }

    /// An existing entry may be taken away: in a sticky directory only by an owner.
    func checkMayTake(_ node: ModelNode, from directory: ModelNode) throws(Errno) {
        try checkMayChange(directory)
        if directory.attributes.mode & 0o1000 != 0 && !owns(node) && !owns(directory) { throw .permission }
    }
}

/// What a path beneath a directory may look like: the same rules as in front of the kernel.
enum ModelPath {
    static let slash = UInt8(ascii: "/")
    static let dot = UInt8(ascii: ".")

    /// nil, EXDEV (absolute, or `..` anywhere), or EINVAL (empty, an empty component, `.`, or a byte 0).
    static func problem(inPath path: ArraySlice<UInt8>) -> Errno? {
        guard let first = path.first else { return .invalid }
        if first == slash { return .crossDevice }
        for component in path.split(separator: slash, omittingEmptySubsequences: false) {
            if component.isEmpty || component.contains(0) || component.elementsEqual([dot]) { return .invalid }
            if component.elementsEqual([dot, dot]) { return .crossDevice }
        }
        return nil
    }

    static func problem(inName name: ArraySlice<UInt8>) -> Errno? {
        problem(inPath: name) ?? (name.contains(slash) ? .invalid : name.count >= 4096 ? .nameTooLong : nil)
    }
}

extension OpenFlags {
    /// With O_PATH the kernel looks at nothing else but `.directory`.
    fileprivate var effective: OpenFlags { contains(.pathOnly) ? intersection([.pathOnly, .directory]) : self }

    fileprivate var words: String {
        let all: [(OpenFlags, String)] = [
            (.read, "read"), (.write, "write"), (.create, "create"), (.directory, "directory"),
            (.pathOnly, "path"), (.noAccessTime, "noatime"), (.truncate, "truncate"),
        ]
        return all.filter { contains($0.0) }.map(\.1).joined(separator: "|")
    }
}
