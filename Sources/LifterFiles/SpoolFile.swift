// The file behind something that has become too long for memory.

import LifterSystem

/// It has no name, so closing it is all there is to do.
final class SpoolFile: Sendable {
    let descriptor: RawDescriptor
    private let fileSystem: any FileSystem

    /// Takes the descriptor over.
    init(_ descriptor: RawDescriptor, _ fileSystem: any FileSystem) {
        self.descriptor = descriptor
        self.fileSystem = fileSystem
    }

    deinit { fileSystem.close(descriptor) }

    func write(_ bytes: [UInt8], at offset: UInt64) throws(Errno) {
        try bytes.withUnsafeBufferPointer { piece throws(Errno) in
            try write(UnsafeRawBufferPointer(piece), at: offset)
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(Errno) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = try fileSystem.write(descriptor, from: rest, at: offset + UInt64(done))
            if count <= 0 || count > rest.count { throw .io }
            done += count
        }
    }

    /// At least one byte, if any is asked for.
    func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Errno) -> Int {
        guard buffer.count > 0 else { return 0 }
        let count = try fileSystem.read(descriptor, into: buffer, at: offset)
        if count <= 0 || count > buffer.count { throw .io }
        return count
    }
}
