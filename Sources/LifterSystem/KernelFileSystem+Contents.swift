// A file's size and blocks, its safety on the disk, and who may work on it.

import CSuperlifter
import Glibc

extension KernelFileSystem {
    package func truncate(_ descriptor: RawDescriptor, to size: UInt64) throws(Errno) {
        guard let size = Int(exactly: size) else { throw .fileTooBig }
        try retrying { outcome(ftruncate(descriptor, size)) }
    }

    package func isInMemory(_ descriptor: RawDescriptor) throws(Errno) -> Bool {
        try check(Int(sl_is_in_memory(descriptor))) == 1
    }

    package func reserve(_ descriptor: RawDescriptor, size: UInt64) throws(Errno) {
        guard let size = Int64(exactly: size) else { throw .fileTooBig }
        if size == 0 { return }
        try retrying { Int(sl_reserve(descriptor, size)) }
    }

    package func nextData(of descriptor: RawDescriptor, from offset: UInt64) throws(Errno) -> UInt64? {
        guard let start = Int(exactly: offset) else { throw .fileTooBig }
        // Nobody reads or writes at the file's own position.
        let found = Glibc.lseek(descriptor, start, sl_SEEK_DATA)
        if found >= 0 { return UInt64(found) }
        let problem = Errno.current
        if problem == .noDevice { return nil }
        throw problem
    }

    package func clone(
        _ source: RawDescriptor, from sourceOffset: UInt64, length: UInt64, to target: RawDescriptor,
        at targetOffset: UInt64
    ) throws(Errno) {
        // To the kernel a length of 0 means "all the rest".
        if length == 0 { return }
        try retrying { Int(sl_clone_range(source, sourceOffset, length, target, targetOffset)) }
    }

    package func sync(_ descriptor: RawDescriptor) throws(Errno) {
        try retrying { outcome(fsync(descriptor)) }
    }

    package func lock(_ descriptor: RawDescriptor, isDirectory: Bool) throws(Errno) -> Bool {
        do throws(Errno) {
            try retrying {
                isDirectory ? outcome(flock(descriptor, LOCK_EX | LOCK_NB)) : Int(sl_lock_file(descriptor))
            }
            return true
        } catch .again {
            return false
        } catch .access {
            return false  // POSIX leaves the choice between the two
        }
    }
}
