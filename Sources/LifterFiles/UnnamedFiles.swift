// Files that nobody sees: created and at once unlinked, for what grows with the tree and should not grow in memory.

import LifterProtocol
import LifterSystem

struct UnnamedFiles: Sendable {
    let fileSystem: any FileSystem
    let settings: FileSettings
    let directories: DirectoryTable

    /// In the temporary directory or, where that will not have it, in the destination. Nil: memory must do.
    func make() -> RawDescriptor? {
        if let directory = try? fileSystem.openRoot(settings.temporaryDirectory, [.read, .directory]) {
            defer { fileSystem.close(directory) }
            if let file = make(in: directory) { return file }
        }
        if settings.dryRun { return nil }
        return try? directories.withDirectory(0) { root throws(FileProblem) in
            guard let file = make(in: root) else { throw FileProblem(.io, doing: "spooling") }
            return file
        }
    }

    /// In this directory or not at all.
    func make(in directory: RawDescriptor) -> RawDescriptor? {
        let name = PartName.randomPart(fileSystem)
        let opened = try? directories.opening { () throws(Errno) in
            try fileSystem.open(name[...], in: directory, [.read, .write, .create], mode: 0o600)
        }
        guard let file = opened else { return nil }
        do throws(Errno) {
            try fileSystem.remove(name[...], in: directory, isDirectory: false)
        } catch {
            fileSystem.close(file)
            return nil
        }
        return file
    }
}

extension FileLayer {
    var spoolFiles: UnnamedFiles {
        UnnamedFiles(fileSystem: fileSystem, settings: settings, directories: directories)
    }
}
