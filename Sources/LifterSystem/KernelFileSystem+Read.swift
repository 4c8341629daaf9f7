// Reading: names of a directory, the target of a link, and bytes at an offset.

import CSuperlifter
import Glibc

extension KernelFileSystem {
    package func readNames(
        of directory: RawDescriptor, into names: inout DirectoryNames
    ) throws(Errno) -> Bool {
        // One call's worth. The C library asks for 32 KiB too; more saves little and leaves the stack.
        var found = names
        names = DirectoryNames()
        let result = withUnsafeTemporaryAllocation(byteCount: 32 << 10, alignment: 8) { buffer in
            var result: Int
            repeat {
                result = sl_getdents(directory, buffer.baseAddress, buffer.count)
            } while result == -Int(EINTR)
            if result > 0 && !found.append(entries: UnsafeRawBufferPointer(rebasing: buffer[..<result])) {
                result = -Int(EOVERFLOW)
            }
            return result
        }
        names = found
        return try check(result) > 0
    }

    package func readLink(
        _ name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) -> [UInt8] {
        // Linux keeps targets under PATH_MAX (4096); a longer answer than room means: ask again with more.
        var room = 4096
        while room <= 1 << 20 {
            var target: [UInt8] = []
            try withName(name) { name in
                var result = 0
                target = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                    let start = UnsafeMutableRawPointer(buffer.baseAddress!).assumingMemoryBound(to: CChar.self)
                    result = outcome(readlinkat(directory, name, start, room))
                    count = max(0, result)
                }
                return result
            }
            if target.count < room { return target }
            room *= 4
        }
        throw .nameTooLong
    }

    package func read(
        _ descriptor: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        guard let start = Int(exactly: offset) else { throw .invalid }
        return try retrying { outcome(pread(descriptor, buffer.baseAddress, buffer.count, start)) }
    }

    package func write(
        _ descriptor: RawDescriptor, from buffer: UnsafeRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        guard let start = Int(exactly: offset) else { throw .fileTooBig }
        return try retrying { outcome(pwrite(descriptor, buffer.baseAddress, buffer.count, start)) }
    }
}

extension DirectoryNames {
    /// Appends what getdents64(2) wrote: records of {inode 8, offset 8, length 2, type 1, name, NUL, padding}.
    /// False when the arena would outgrow its 32-bit offsets. A malformed record ends the portion.
    fileprivate mutating func append(entries: UnsafeRawBufferPointer) -> Bool {
        let header = 19
        var position = 0
        while entries.count - position > header {
            let length = Int(entries.loadUnaligned(fromByteOffset: position + 16, as: UInt16.self))
            guard length > header, length <= entries.count - position else { break }
            let type = entries[position + 18]
            let name = entries[(position + header)..<(position + length)].prefix { $0 != 0 }
            position += length

            if name.count <= 2 && name.allSatisfy({ $0 == PathCheck.dot }) { continue }
            guard let start = UInt32(exactly: bytes.count), bytes.count + name.count <= UInt32.max else {
                return false
            }
            starts.append(start)
            kinds.append(FileKind(directoryEntryType: type))
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: name))
        }
        return true
    }
}
