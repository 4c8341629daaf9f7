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
        try fileSystem.writeAll(bytes, to: descriptor, at: offset)
    }

    /// Fills a buffer with what has been written; EIO where that is not there any more.
    func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Errno) {
        guard try fileSystem.readAll(descriptor, into: buffer, at: offset) == buffer.count else { throw .io }
    }

    func read(_ count: Int, at offset: UInt64) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBufferPointer { buffer throws(Errno) in
            try read(UnsafeMutableRawBufferPointer(buffer), at: offset)
        }
        return bytes
    }
}
