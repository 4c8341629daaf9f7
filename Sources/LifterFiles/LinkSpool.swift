// The file behind a link table: made when it is first needed, and given out in pieces that never move.

import LifterSystem

struct LinkSpool {
    static let pageSize = 4096

    private let fileSystem: any FileSystem
    private let makeFile: () -> RawDescriptor?
    private var file: SpoolFile?
    /// False once there was no file to be had, or no room in it: then memory must do.
    private var canFile = true
    /// The end of what is given out; the first page stays unused, so that no place is 0.
    private var end = UInt64(pageSize)

    init(fileSystem: any FileSystem, makeFile: @escaping () -> RawDescriptor?) {
        self.fileSystem = fileSystem
        self.makeFile = makeFile
    }

    var isOpen: Bool { file != nil }

    /// A place for so many bytes.
    mutating func take(_ size: Int) -> UInt64 {
        defer { end += UInt64((size + Self.pageSize - 1) / Self.pageSize * Self.pageSize) }
        return end
    }

    /// False on a full disk or the like: what is in the file stays there, and the rest stays in memory.
    mutating func write(_ bytes: [UInt8], at place: UInt64) -> Bool {
        if file == nil && canFile { file = makeFile().map { SpoolFile($0, fileSystem) } }
        guard canFile, let file else {
            canFile = false
            return false
        }
        do throws(Errno) {
            try file.write(bytes, at: place)
            return true
        } catch {
            canFile = false
            return false
        }
    }

    func read(_ count: Int, at place: UInt64) -> [UInt8]? {
        guard count >= 0 else { return nil }
        return try? file?.read(count, at: place)
    }
}
