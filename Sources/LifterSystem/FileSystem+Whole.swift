// The kernel may read or write less than it is asked for. Whoever wants all of it goes through here.

extension FileSystem {
    /// Writes every byte at an offset, or throws; EIO where the file system takes none, or claims to have taken more.
    package func writeAll(
        _ bytes: UnsafeRawBufferPointer, to descriptor: RawDescriptor, at start: UInt64
    ) throws(Errno) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = try write(descriptor, from: rest, at: start &+ UInt64(done))
            if count <= 0 || count > rest.count { throw .io }
            done += count
        }
    }

    /// Reads until the buffer is full or the file ends. The number of bytes read; EIO where more are claimed.
    package func readAll(
        _ descriptor: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer, at start: UInt64
    ) throws(Errno) -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = try read(descriptor, into: rest, at: start &+ UInt64(done))
            if count == 0 { break }
            if count < 0 || count > rest.count { throw .io }
            done += count
        }
        return done
    }
}
