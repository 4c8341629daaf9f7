// Opening. A path beneath a directory goes through one openat2 that refuses links and ways out; where the kernel
// lacks it (before 5.6, or a sandbox says no), the same path is walked one component at a time, each opened
// without following a link, and refused for the same reasons.

import CSuperlifter
import Glibc

extension KernelFileSystem {
    package func openRoot(_ path: [UInt8], _ flags: OpenFlags) throws(Errno) -> RawDescriptor {
        // Create with O_EXCL never follows a final link, so O_NOFOLLOW is all that differs from `open`.
        let number = flags.kernelFlags & ~O_NOFOLLOW
        return try withoutAccessTime(number) { number throws(Errno) in
            try withCString(path[...]) { Int(sl_openat(AT_FDCWD, $0, number, 0o666)) }
        }
    }

    package func open(
        _ path: ArraySlice<UInt8>, in directory: RawDescriptor, _ flags: OpenFlags, mode: UInt32
    ) throws(Errno) -> RawDescriptor {
        if let problem = PathCheck.problem(inPath: path) { throw problem }
        return try withoutAccessTime(flags.kernelFlags) { number throws(Errno) in
            // For one component O_NOFOLLOW says it all; the kernel resolves nothing else.
            if !path.contains(PathCheck.slash) {
                return try withCString(path) { Int(sl_openat(directory, $0, number, mode & 0o7777)) }
            }
            if self.hasOpenat2() {
                do throws(Errno) {
                    return try self.openBeneath(path, directory, number, mode & 0o7777)
                } catch .noSystem {
                    // A sandbox closed the call after its first use.
                    self.openat2 = .missing
                }
            }
            return try self.openWalking(path, directory, number, mode & 0o7777)
        }
    }

    package func close(_ descriptor: RawDescriptor) {
        _ = Glibc.close(descriptor)
    }

    /// O_NOATIME is for owners and root only; everyone else opens without it.
    private func withoutAccessTime(
        _ number: Int32, _ open: (Int32) throws(Errno) -> Int
    ) throws(Errno) -> RawDescriptor {
        do throws(Errno) {
            return RawDescriptor(truncatingIfNeeded: try open(number))
        } catch {
            if error != .permission || number & sl_O_NOATIME == 0 { throw error }
        }
        return RawDescriptor(truncatingIfNeeded: try open(number & ~sl_O_NOATIME))
    }

    /// Asks once, with a path that always opens: some seccomp filters say EPERM to calls they do not know, and
    /// that must not be mistaken for the EPERM of a file.
    private func hasOpenat2() -> Bool {
        switch openat2 {
        case .present: return true
        case .missing: return false
        case .unknown: break
        }
        let result = sl_openat2_beneath(AT_FDCWD, ".", sl_O_PATH | O_DIRECTORY | O_CLOEXEC, 0)
        if result >= 0 { _ = Glibc.close(result) }
        openat2 = result == -ENOSYS || result == -EPERM ? .missing : .present
        return openat2 == .present
    }

    /// EAGAIN means that something was renamed meanwhile and the kernel could not be sure; it means nothing
    /// else so often in a row.
    private func openBeneath(
        _ path: ArraySlice<UInt8>, _ directory: RawDescriptor, _ flags: Int32, _ mode: UInt32
    ) throws(Errno) -> Int {
        try withCString(path) { name in
            var result = -Int(EAGAIN)
            for _ in 0..<128 where result == -Int(EAGAIN) {
                result = Int(sl_openat2_beneath(directory, name, flags, mode))
            }
            return result
        }
    }

    /// Every component but the last must be a directory and no link; the last is opened with the wanted flags,
    /// which include O_NOFOLLOW.
    private func openWalking(
        _ path: ArraySlice<UInt8>, _ directory: RawDescriptor, _ flags: Int32, _ mode: UInt32
    ) throws(Errno) -> Int {
        var rest = path
        var held: Descriptor?
        var parent = directory
        while let slash = rest.firstIndex(of: PathCheck.slash) {
            let next = Descriptor(owning: try stepInto(rest[..<slash], parent))
            parent = next.raw
            held = consume next
            rest = rest[(slash + 1)...]
        }
        let result = try withCString(rest) { Int(sl_openat(parent, $0, flags, mode)) }
        _ = consume held
        return result
    }

    private func stepInto(_ name: ArraySlice<UInt8>, _ parent: RawDescriptor) throws(Errno) -> RawDescriptor {
        do throws(Errno) {
            let flags = sl_O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            return RawDescriptor(truncatingIfNeeded: try withCString(name) { Int(sl_openat(parent, $0, flags, 0)) })
        } catch .notDirectory {
            // openat2 says ELOOP where a link is in the way; so does the walk.
            if let status = try? status(of: name, in: parent), status.kind == .symlink { throw .loop }
            throw .notDirectory
        }
    }
}

extension OpenFlags {
    /// O_ flags with everything the protocol promises: close-on-exec, no final link, no controlling terminal, and
    /// no waiting for the other end of a FIFO. Neither read nor write means read.
    fileprivate var kernelFlags: Int32 {
        var flags = O_CLOEXEC | O_NOFOLLOW
        if contains(.directory) { flags |= O_DIRECTORY }
        if contains(.pathOnly) { return flags | sl_O_PATH }

        switch (contains(.read), contains(.write)) {
        case (true, true): flags |= O_RDWR
        case (false, true): flags |= O_WRONLY
        case (true, false), (false, false): flags |= O_RDONLY
        }
        flags |= O_NOCTTY
        if !contains(.directory) { flags |= O_NONBLOCK }
        if contains(.create) { flags |= O_CREAT | O_EXCL }
        if contains(.truncate) { flags |= O_TRUNC }
        if contains(.noAccessTime) { flags |= sl_O_NOATIME }
        return flags
    }
}
