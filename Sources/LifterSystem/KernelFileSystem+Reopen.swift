// A second descriptor for a directory that is held already: its own position in the list of names.

import CSuperlifter
import Glibc

extension KernelFileSystem {
    package func reopen(_ directory: RawDescriptor) throws(Errno) -> RawDescriptor {
        // `.` is the directory itself, whatever became of its name.
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY
        return RawDescriptor(truncatingIfNeeded: try retrying { Int(sl_openat(directory, ".", flags, 0)) })
    }
}
