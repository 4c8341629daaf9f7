// Mode, owner and modification time, of a descriptor or of a name that is never followed.

import LifterSystem

extension ModelFileSystem {
    func setMode(_ mode: UInt32, of descriptor: RawDescriptor) throws(Errno) {
        try call(ModelCall(.setModeOpen, descriptor, detail: mode.octal)) { _ throws(Errno) in
            try setMode(mode, try file(descriptor).node)
        }
    }

    func setMode(_ mode: UInt32, of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) {
        try call(ModelCall(.setMode, directory, name, detail: mode.octal)) { _ throws(Errno) in
            try setMode(mode, try named(name, in: directory).node)
        }
    }

    func setOwner(user: UInt32?, group: UInt32?, of descriptor: RawDescriptor) throws(Errno) {
        try call(ModelCall(.setOwnerOpen, descriptor, detail: Self.words(user, group))) { _ throws(Errno) in
            if user == .max || group == .max { throw .invalid }
            try setOwner(user, group, try file(descriptor).node)
        }
    }

    func setOwner(
        user: UInt32?, group: UInt32?, of name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) {
        try call(ModelCall(.setOwner, directory, name, detail: Self.words(user, group))) { _ throws(Errno) in
            if user == .max || group == .max { throw .invalid }
            try setOwner(user, group, try named(name, in: directory).node)
        }
    }

    func setModified(_ time: FileTime, of descriptor: RawDescriptor) throws(Errno) {
        try call(ModelCall(.setModified, descriptor, detail: time.words)) { _ throws(Errno) in
            if time.nanoseconds >= 1_000_000_000 { throw .invalid }
            try setModified(time, try file(descriptor).node)
        }
    }

    func setModified(
        _ time: FileTime, of name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) {
        try call(ModelCall(.setModified, directory, name, detail: time.words)) { _ throws(Errno) in
            if time.nanoseconds >= 1_000_000_000 { throw .invalid }
            try setModified(time, try named(name, in: directory).node)
        }
    }

    // MARK: Shared

    private func setMode(_ mode: UInt32, _ node: ModelNode) throws(Errno) {
        if node.kind == .symlink { throw .notSupported }
        if !owns(node) { throw .permission }
        var mode = mode & 0o7777
        if !identity.isRoot && identity.group != node.attributes.group { mode &= ~0o2000 }
        disk.change(node) { $0.mode = mode }
    }

    /// The kernel takes the set-user-id bit away from everything but directories whenever an owner is set, even by
    /// root and even to the same; and set-group-id where the group may execute.
    private func setOwner(_ user: UInt32?, _ group: UInt32?, _ node: ModelNode) throws(Errno) {
        if !identity.isRoot {
            if let user, !owns(node) || user != identity.user { throw .permission }
            if let group, !owns(node) || group != identity.group && group != node.attributes.group {
                throw .permission
            }
        }
        disk.change(node) {
            if let user { $0.user = user }
            if let group { $0.group = group }
            if node.kind != .directory {
                $0.mode &= ~0o4000
                if $0.mode & 0o2010 == 0o2010 { $0.mode &= ~0o2000 }
            }
        }
    }

    private func setModified(_ time: FileTime, _ node: ModelNode) throws(Errno) {
        if !owns(node) { throw .permission }
        let stored = disk.stored(time)
        disk.change(node) { $0.modified = stored }
    }

    private static func words(_ user: UInt32?, _ group: UInt32?) -> String {
        "\(user.map(String.init) ?? "-1"), \(group.map(String.init) ?? "-1")"
    }
}

extension FileTime {
    fileprivate var words: String { "{\(seconds), \(nanoseconds)}" }
}
