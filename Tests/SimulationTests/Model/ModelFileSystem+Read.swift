// Looking: status, names, link targets, contents.

import LifterSystem

extension ModelFileSystem {
    func status(of descriptor: RawDescriptor) throws(Errno) -> FileStatus {
        try call(ModelCall(.status, descriptor)) { _ throws(Errno) in
            disk.status(of: try file(descriptor, forPath: true).node)
        }
    }

    func status(of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) -> FileStatus {
        try call(ModelCall(.status, directory, name)) { _ throws(Errno) in
            disk.status(of: try named(name, in: directory).node)
        }
    }

    func facts(of descriptor: RawDescriptor) throws(Errno) -> FileSystemFacts {
        try call(ModelCall(.facts, descriptor)) { _ throws(Errno) in
            _ = try file(descriptor, forPath: true)
            return FileSystemFacts(
                type: disk.settings.type, available: UInt64(disk.availableBytes),
                timeGranularity: disk.settings.timeGranularity)
        }
    }

    func readNames(of directory: RawDescriptor, into names: inout DirectoryNames) throws(Errno) -> Bool {
        var found = names
        names = DirectoryNames()
        defer { names = found }
        return try call(ModelCall(.readNames, directory)) { _ throws(Errno) in
            let file = try file(directory)
            if file.node.kind != .directory { throw .notDirectory }
            if file.node.isDead { throw .noEntry }
            let isFirst = file.namesLeft == nil
            var left = file.namesLeft ?? disk.names(of: file.node).reversed()
            // The kernel's first portion has at least `.` and `..` in it, so it is never the end.
            var isEnd = !isFirst
            for _ in 0..<disk.settings.namesPerRead {
                guard let name = left.popLast() else { break }
                isEnd = false
                // What has gone meanwhile is not told any more.
                guard let id = file.node.entries[name] else { continue }
                found.starts.append(UInt32(found.bytes.count))
                found.bytes += name
                found.kinds.append(disk.settings.tellsKinds ? disk.node(id).kind : nil)
            }
            file.namesLeft = left
            return !isEnd
        }
    }

    func readLink(_ name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) -> [UInt8] {
        try call(ModelCall(.readLink, directory, name)) { _ throws(Errno) in
            let node = try named(name, in: directory).node
            if node.kind != .symlink { throw .invalid }
            return node.target
        }
    }

    func read(
        _ descriptor: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        try call(ModelCall(.read, descriptor, detail: "\(buffer.count), \(offset)")) { longest throws(Errno) in
            guard let start = Int(exactly: offset) else { throw .invalid }
            let file = try file(descriptor)
            if file.node.kind == .fifo { throw .illegalSeek }
            if !file.canRead { throw .badDescriptor }
            if file.node.kind == .directory { throw .isDirectory }
            let data = file.node.data
            if start >= data.count { return 0 }
            let count = min(buffer.count, longest, data.count - start)
            data.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
            }
            return count
        }
    }

    // MARK: Arguments

    /// An open file; one opened for its path alone only where the call allows that.
    func file(_ descriptor: RawDescriptor, forPath: Bool = false) throws(Errno) -> OpenFile {
        guard let file = openFiles[descriptor], forPath || !file.isPathOnly else { throw .badDescriptor }
        return file
    }

    /// An existing entry and the directory it is in.
    func named(
        _ name: ArraySlice<UInt8>, in descriptor: RawDescriptor
    ) throws(Errno) -> (node: ModelNode, directory: ModelNode) {
        if let problem = ModelPath.problem(inName: name) { throw problem }
        let directory = try directory(descriptor)
        return (try lookUp(name, in: directory), directory)
    }
}

extension ModelDisk {
    /// All names of a directory in the order in which it tells them.
    fileprivate func names(of directory: ModelNode) -> [[UInt8]] {
        switch settings.nameOrder {
        case .sorted: directory.entries.keys.sorted { $0.lexicographicallyPrecedes($1) }
        case .mixed(let seed):
            directory.entries.keys.map { (Self.place($0, seed), $0) }
                .sorted { ($0.0, $0.1.count) < ($1.0, $1.1.count) }.map(\.1)
        }
    }

    /// FNV-1a, begun with the seed and mixed once more.
    private static func place(_ name: [UInt8], _ seed: UInt64) -> UInt64 {
        var hash = 0xcbf2_9ce4_8422_2325 ^ seed
        for byte in name { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        var mixer = SeededRandom(seed: hash)
        return mixer.next()
    }
}
