// Names that come, go and move.

import CSuperlifter
import Glibc

extension KernelFileSystem {
    package func makeDirectory(
        _ name: ArraySlice<UInt8>, in directory: RawDescriptor, mode: UInt32
    ) throws(Errno) {
        try withName(name) { outcome(mkdirat(directory, $0, mode & 0o7777)) }
    }

    package func makeLink(
        to target: [UInt8], named name: ArraySlice<UInt8>, in directory: RawDescriptor
    ) throws(Errno) {
        if target.contains(0) { throw .invalid }
        try withName(name) { name in
            (target + [0]).withUnsafeBytes {
                outcome(symlinkat($0.baseAddress!.assumingMemoryBound(to: CChar.self), directory, name))
            }
        }
    }

    package func makeNode(
        _ kind: FileKind, named name: ArraySlice<UInt8>, in directory: RawDescriptor, mode: UInt32,
        device: UInt64
    ) throws(Errno) {
        let (major, minor): (UInt32, UInt32)
        switch kind {
        case .fifo, .socket: (major, minor) = (0, 0)
        case .characterDevice, .blockDevice:
            (major, minor) = (UInt32(truncatingIfNeeded: device >> 32), UInt32(truncatingIfNeeded: device))
        case .regular, .directory, .symlink: throw .invalid
        }
        let bits = kind.typeBits | mode & 0o7777
        try withName(name) { Int(sl_mknodat(directory, $0, bits, major, minor)) }
    }

    package func makeHardLink(
        from old: ArraySlice<UInt8>, in oldDirectory: RawDescriptor, to new: ArraySlice<UInt8>,
        in newDirectory: RawDescriptor
    ) throws(Errno) {
        // Flags 0: a link as `old` is linked itself, never what it points to.
        try withNames(old, new) { outcome(linkat(oldDirectory, $0, newDirectory, $1, 0)) }
    }

    package func remove(
        _ name: ArraySlice<UInt8>, in directory: RawDescriptor, isDirectory: Bool
    ) throws(Errno) {
        try withName(name) { outcome(unlinkat(directory, $0, isDirectory ? AT_REMOVEDIR : 0)) }
    }

    package func rename(
        _ old: ArraySlice<UInt8>, in oldDirectory: RawDescriptor, to new: ArraySlice<UInt8>,
        in newDirectory: RawDescriptor, _ mode: RenameMode
    ) throws(Errno) {
        let flags: UInt32
        switch mode {
        case .replace:
            try withNames(old, new) { outcome(renameat(oldDirectory, $0, newDirectory, $1)) }
            return
        case .noReplace: flags = sl_RENAME_NOREPLACE
        case .exchange: flags = sl_RENAME_EXCHANGE
        }
        do throws(Errno) {
            try withNames(old, new) { Int(sl_renameat2(oldDirectory, $0, newDirectory, $1, flags)) }
        } catch {
            guard mode == .noReplace, error == .invalid || error == .noSystem else { throw error }
            try renameWithoutFlags(old, oldDirectory, new, newDirectory)
        }
    }

    /// For file systems without RENAME_NOREPLACE. A hard link cannot replace anything, so link and unlink keep the
    /// promise whole. Where there are no hard links (directories, FAT) the name is looked at first, and somebody
    /// who creates it in that instant loses it: nothing better is to be had there.
    func renameWithoutFlags(
        _ old: ArraySlice<UInt8>, _ oldDirectory: RawDescriptor, _ new: ArraySlice<UInt8>,
        _ newDirectory: RawDescriptor
    ) throws(Errno) {
        do throws(Errno) {
            try makeHardLink(from: old, in: oldDirectory, to: new, in: newDirectory)
        } catch {
            guard [.permission, .notSupported, .noSystem, .tooManyLinks].contains(error) else { throw error }
            do throws(Errno) {
                _ = try status(of: new, in: newDirectory)
            } catch .noEntry {
                return try rename(old, in: oldDirectory, to: new, in: newDirectory, .replace)
            }
            throw .exists
        }
        do throws(Errno) {
            try remove(old, in: oldDirectory, isDirectory: false)
        } catch {
            try? remove(new, in: newDirectory, isDirectory: false)
            throw error
        }
    }

    private func withNames(
        _ first: ArraySlice<UInt8>, _ second: ArraySlice<UInt8>,
        _ call: (UnsafePointer<CChar>, UnsafePointer<CChar>) -> Int
    ) throws(Errno) {
        try withName(first) { first in
            do throws(Errno) {
                return try withName(second) { second in call(first, second) }
            } catch {
                return -Int(error.rawValue)
            }
        }
    }
}
