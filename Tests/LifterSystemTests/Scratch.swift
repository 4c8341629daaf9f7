// A real directory to work in, and short ways to say things about it.

import Glibc
import LifterSystem
import TestPlace

/// A fresh directory, held open; removed with all its contents at the end.
final class Scratch {
    let path: String
    let files: KernelFileSystem
    let root: RawDescriptor

    init(useOpenat2: Bool = true) throws {
        path = try TestPlace.makeDirectory(for: "system")
        files = KernelFileSystem(useOpenat2: useOpenat2)
        root = try files.openRoot(Array(path.utf8), [.read, .directory])
    }

    deinit {
        files.close(root)
        var child = try? ChildProcess(["rm", "-rf", "--", path].map { Array($0.utf8) })
        _ = try? child?.wait(timeout: nil)
    }

    @discardableResult
    func makeFile(_ name: String, _ contents: String = "", mode: UInt32 = 0o644) throws -> FileStatus {
        let file = try files.open(name.name, in: root, [.write, .create], mode: mode)
        defer { files.close(file) }
        let bytes = Array(contents.utf8)
        let written = try bytes.withUnsafeBytes { try files.write(file, from: $0, at: 0) }
        precondition(written == bytes.count)
        return try files.status(of: file)
    }

    func contents(_ name: String) throws -> String {
        let file = try files.open(name.name, in: root, .read, mode: 0)
        defer { files.close(file) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = try buffer.withUnsafeMutableBytes { try files.read(file, into: $0, at: 0) }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    func names() throws -> [String] {
        let directory = try files.reopen(root)
        defer { files.close(directory) }
        var names = DirectoryNames()
        while try files.readNames(of: directory, into: &names) {}
        return (0..<names.count).map { String(decoding: names[$0], as: UTF8.self) }.sorted()
    }
}

extension String {
    /// As the door to the disk wants a name.
    var name: ArraySlice<UInt8> { Array(utf8)[...] }
    var bytes: [UInt8] { Array(utf8) }
}
