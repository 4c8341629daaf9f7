// Names that come, go and move, with the kernel's reasons for refusing, in the kernel's order.

import LifterSystem

extension ModelFileSystem {
    func makeDirectory(_ name: ArraySlice<UInt8>, in directory: RawDescriptor, mode: UInt32) throws(Errno) {
        try call(ModelCall(.makeDirectory, directory, name, detail: mode.octal)) { _ throws(Errno) in
            let parent = try newPlace(name, in: directory)
            if parent.links >= disk.settings.mostLinks { throw .tooManyLinks }
            _ = try create(.directory, named: name, in: parent, mode: mode & 0o1777)
        }
    }

    func makeLink(to target: [UInt8], named name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) {
        try call(
            ModelCall(.makeLink, directory, name, detail: "\"\(Display.escaped(target))\"")
        ) { _ throws(Errno) in
            if target.contains(0) { throw .invalid }
            if let problem = ModelPath.problem(inName: name) { throw problem }
            if target.isEmpty { throw .noEntry }
            if target.count >= 4096 { throw .nameTooLong }
            let parent = try newPlace(name, in: directory)
            let node = try create(.symlink, named: name, in: parent, mode: 0o777)
            node.target = target
        }
    }

    func makeNode(
        _ kind: FileKind, named name: ArraySlice<UInt8>, in directory: RawDescriptor, mode: UInt32, device: UInt64
    ) throws(Errno) {
        try call(ModelCall(.makeNode, directory, name, detail: "\(kind), \(mode.octal)")) { _ throws(Errno) in
            let isDevice: Bool
            switch kind {
            case .fifo, .socket: isDevice = false
            case .characterDevice, .blockDevice: isDevice = true
            case .regular, .directory, .symlink: throw .invalid
            }
            let parent = try newPlace(name, in: directory)
            if isDevice && !identity.isRoot { throw .permission }
            let node = try create(kind, named: name, in: parent, mode: mode & 0o7777)
            if isDevice { node.device = device }
        }
    }

    func makeHardLink(
        from old: ArraySlice<UInt8>, in oldDirectory: RawDescriptor, to new: ArraySlice<UInt8>,
        in newDirectory: RawDescriptor
    ) throws(Errno) {
        try call(
            ModelCall(.makeHardLink, oldDirectory, old, other: newDirectory, otherName: new)
        ) { _ throws(Errno) in
            if let problem = ModelPath.problem(inName: old) ?? ModelPath.problem(inName: new) { throw problem }
            let node = try named(old, in: oldDirectory).node
            let parent = try newPlace(new, in: newDirectory)
            try checkMayChange(parent)
            if node.kind == .directory { throw .permission }
            if !owns(node) && !(node.kind == .regular && may(.read, node) && may(.write, node)) { throw .permission }
            if node.links >= disk.settings.mostLinks { throw .tooManyLinks }
            disk.link(node, as: Array(new), in: parent)
        }
    }

    func remove(_ name: ArraySlice<UInt8>, in directory: RawDescriptor, isDirectory: Bool) throws(Errno) {
        try call(
            ModelCall(.remove, directory, name, detail: isDirectory ? "AT_REMOVEDIR" : "")
        ) { _ throws(Errno) in
            let (node, parent) = try named(name, in: directory)
            try checkMayTake(node, from: parent)
            if isDirectory {
                if node.kind != .directory { throw .notDirectory }
                if !node.entries.isEmpty { throw .notEmpty }
            } else if node.kind == .directory {
                throw .isDirectory
            }
            disk.unlink(Array(name), in: parent, node)
        }
    }

    func rename(
        _ old: ArraySlice<UInt8>, in oldDirectory: RawDescriptor, to new: ArraySlice<UInt8>,
        in newDirectory: RawDescriptor, _ mode: RenameMode
    ) throws(Errno) {
        try call(
            ModelCall(.rename, oldDirectory, old, other: newDirectory, otherName: new, detail: "\(mode)")
        ) { _ throws(Errno) in
            if let problem = ModelPath.problem(inName: old) ?? ModelPath.problem(inName: new) { throw problem }
            let from = try self.directory(oldDirectory)
            let to = try self.directory(newDirectory)
            let node = try lookUp(old, in: from)
            let victim = try find(new, in: to)
            switch mode {
            case .replace: break
            case .noReplace: if victim != nil { throw .exists }
            case .exchange: if victim == nil { throw .noEntry }
            }
            if node.kind == .directory && disk.isAncestor(node, of: to) { throw .invalid }
            if let victim, victim.kind == .directory, disk.isAncestor(victim, of: from) {
                throw mode == .exchange ? .invalid : .notEmpty
            }
            if node === victim { return }
            try checkMayTake(node, from: from)
            if let victim { try checkMayTake(victim, from: to) } else { try checkMayChange(to) }
            if mode == .exchange, let victim {
                disk.exchange(node, Array(old), in: from, victim, Array(new), in: to)
                return
            }
            try checkMayReplace(victim, by: node)
            if node.kind == .directory && from !== to && victim == nil && to.links >= disk.settings.mostLinks {
                throw .tooManyLinks
            }
            disk.move(node, from: Array(old), in: from, to: Array(new), in: to, replacing: victim)
        }
    }

    private func checkMayReplace(_ victim: ModelNode?, by node: ModelNode) throws(Errno) {
        guard let victim else { return }
        if node.kind == .directory {
            if victim.kind != .directory { throw .notDirectory }
            if !victim.entries.isEmpty { throw .notEmpty }
        } else if victim.kind == .directory {
            throw .isDirectory
        }
    }

    // MARK: Shared

    /// The directory in which a new name is to be made; EEXIST where something has it.
    private func newPlace(_ name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) -> ModelNode {
        if let problem = ModelPath.problem(inName: name) { throw problem }
        let parent = try self.directory(directory)
        if try find(name, in: parent) != nil { throw .exists }
        return parent
    }

    /// A new object with its first name. In a set-group-id directory it takes that group, and a directory the bit.
    func create(
        _ kind: FileKind, named name: ArraySlice<UInt8>, in parent: ModelNode, mode: UInt32
    ) throws(Errno) -> ModelNode {
        try checkMayChange(parent)
        var mode = kind == .symlink ? mode : mode & ~umask
        var group = identity.group
        if parent.attributes.mode & 0o2000 != 0 {
            group = parent.attributes.group
            if kind == .directory {
                mode |= 0o2000
            } else if mode & 0o2010 == 0o2010 && !identity.isRoot && identity.group != group {
                mode &= ~0o2000
            }
        }
        let attributes = ModelNode.Attributes(mode: mode, user: identity.user, group: group, modified: disk.stamp)
        let node = try disk.make(kind, attributes, in: parent)
        node.changed = disk.stamp
        node.accessed = disk.stamp
        disk.enter(node, as: Array(name), in: parent)
        return node
    }
}

extension UInt32 {
    var octal: String { "0" + String(self, radix: 8) }
}
