// Where a hostile case takes place: a destination with something in it, and beside it canaries that nothing may touch.
//
//     T/outside/canary/...     the canary tree, which links in the destination point to
//     T/beside                 a canary next to the destination
//     T/destination/...        what the session is about

import Glibc
import LifterCodec
import LifterSystem
import TestPlace
import Testing

/// What one entry is, down to its identity: nothing about it may change.
struct Identity: Hashable {
    var mode: UInt32
    var user: UInt32
    var group: UInt32
    var inode: UInt64
    var changed: Int
    var changedNanoseconds: Int
    var contents: Digest128?
    var target: [UInt8]
}

struct Arena: ~Copyable {
    let top: String
    private let canaries: [String: Identity]

    var destination: String { top + "/destination" }
    var canary: String { top + "/outside/canary" }

    /// `keeping`: entries of the destination that count as canaries, too.
    init(populated: Bool = true, keeping: [String] = []) throws {
        top = try TestPlace.makeDirectory(for: "hostile")
        let canary = top + "/outside/canary"
        for path in [top + "/outside", canary, canary + "/below", top + "/destination"] { mkdir(path, 0o755) }
        Self.write("precious", to: canary + "/file")
        Self.write("precious too", to: canary + "/below/file")
        Self.write("next to it", to: top + "/beside")
        symlink("file", canary + "/link")
        if populated { Self.populate(top + "/destination", canary) }
        var canaries = Self.identities(of: top + "/outside")
        canaries.merge(Self.identities(of: top + "/beside")) { first, _ in first }
        for name in keeping {
            canaries.merge(Self.identities(of: top + "/destination/" + name)) { first, _ in first }
        }
        self.canaries = canaries
    }

    deinit { Self.remove(top) }

    private static func populate(_ destination: String, _ canary: String) {
        for name in ["dir", "dir/deep", "empty", "home", "home/.ssh"] { mkdir("\(destination)/\(name)", 0o755) }
        write("old", to: destination + "/file")
        write("old", to: destination + "/dir/file")
        write("old", to: destination + "/dir/deep/file")
        write("keys", to: destination + "/home/.ssh/authorized_keys")
        symlink(canary, destination + "/out")
        symlink("../outside/canary", destination + "/relative")
        symlink(canary + "/file", destination + "/outfile")
        symlink(canary, destination + "/dir/out")
        symlink(".", destination + "/itself")
    }

    /// Nil where all canaries are as they were; else the first difference.
    func harm() -> String? {
        var found = Self.identities(of: top + "/outside")
        found.merge(Self.identities(of: top + "/beside")) { first, _ in first }
        for (path, identity) in canaries {
            if !found.keys.contains(path) { found.merge(Self.identities(of: path)) { first, _ in first } }
            guard let now = found[path] else { return "\(path) has gone" }
            if now != identity { return "\(path) has changed: \(identity) is now \(now)" }
        }
        for path in found.keys where canaries[path] == nil { return "\(path) has appeared" }
        return nil
    }

    // MARK: Small helpers

    static func write(_ text: String, to path: String) {
        guard let file = fopen(path, "w") else { return }
        fputs(text, file)
        fclose(file)
    }

    static func contents(of path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return count == 0 ? all : nil }
            all += buffer[..<count]
        }
    }

    private static func identity(of path: String) -> Identity? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        let isRegular = status.st_mode & S_IFMT == S_IFREG
        var target = [UInt8](repeating: 0, count: 4096)
        let length = target.withUnsafeMutableBytes {
            readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        return Identity(
            mode: status.st_mode, user: status.st_uid, group: status.st_gid, inode: UInt64(status.st_ino),
            changed: status.st_ctim.tv_sec, changedNanoseconds: status.st_ctim.tv_nsec,
            contents: isRegular ? contents(of: path).map { XXH3.hash128($0, seed: 0) } : nil,
            target: Array(target[..<max(0, length)]))
    }

    static func identities(of path: String) -> [String: Identity] {
        guard let own = identity(of: path) else { return [:] }
        var all = [path: own]
        guard own.mode & S_IFMT == S_IFDIR else { return all }
        for name in names(in: path) { all.merge(identities(of: path + "/" + name)) { first, _ in first } }
        return all
    }

    /// Names that are UTF-8, `.` and `..` left out.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Through rm, which goes as deep as need be.
    static func remove(_ path: String) {
        guard path.hasPrefix(TestPlace.base + "/superlifter-hostile-") else { return }
        if var child = try? ChildProcess([bytes("rm"), bytes("-rf"), bytes(path)], error: .null) {
            _ = try? child.wait(timeout: 60_000_000_000)
        }
    }
}
