// The real file system. Here: what it remembers of the kernel, and what it asks of an object.
//
//     +Open       opening, strictly beneath a directory
//     +Read       names, links, contents
//     +Make       new names, renamed names, removed names
//     +Metadata   mode, owner, time
//     +Contents   size, space, sharing, durability, locks

import CSuperlifter
import Glibc
import Synchronization

/// Carries out every call of `FileSystem` on the running kernel. Holds no descriptor; any thread may use it.
package final class KernelFileSystem: FileSystem {
    /// Whether the kernel has a call. Found out at the first use, and remembered when it says ENOSYS.
    enum Availability: UInt8 {
        case unknown, present, missing
    }

    private let openat2State: Atomic<UInt8>
    private let fchmodat2State = Atomic<UInt8>(Availability.unknown.rawValue)

    /// `useOpenat2: false` walks every path component by component, as on kernels before 5.6.
    package init(useOpenat2: Bool = true) {
        openat2State = Atomic((useOpenat2 ? Availability.unknown : .missing).rawValue)
    }

    var openat2: Availability {
        get { Availability(rawValue: openat2State.load(ordering: .relaxed)) ?? .unknown }
        set { openat2State.store(newValue.rawValue, ordering: .relaxed) }
    }

    var fchmodat2: Availability {
        get { Availability(rawValue: fchmodat2State.load(ordering: .relaxed)) ?? .unknown }
        set { fchmodat2State.store(newValue.rawValue, ordering: .relaxed) }
    }

    package func status(of descriptor: RawDescriptor) throws(Errno) -> FileStatus {
        var raw = sl_status()
        try check(Int(sl_statx(descriptor, "", sl_AT_EMPTY_PATH, &raw)))
        return try FileStatus(raw)
    }

    package func status(of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) -> FileStatus {
        // Looking at a name must not mount anything.
        var raw = sl_status()
        try withName(name) { Int(sl_statx(directory, $0, AT_SYMLINK_NOFOLLOW | sl_AT_NO_AUTOMOUNT, &raw)) }
        return try FileStatus(raw)
    }

    package func facts(of descriptor: RawDescriptor) throws(Errno) -> FileSystemFacts {
        var type: Int64 = 0
        var blocks: UInt64 = 0
        var blockSize: UInt64 = 0
        try retrying { Int(sl_fstatfs(descriptor, &type, &blocks, &blockSize)) }
        let (bytes, overflow) = blocks.multipliedReportingOverflow(by: blockSize)
        return FileSystemFacts(
            type: type, available: overflow ? .max : bytes, timeGranularity: Self.timeGranularity(ofType: type))
    }

    /// Nanoseconds between two timestamps a file system can tell apart, by the magic numbers of linux/magic.h.
    /// ext2 and ext3 with 128-byte inodes keep whole seconds, but bear ext4's number and so count as fine.
    private static func timeGranularity(ofType type: Int64) -> UInt32 {
        switch type {
        case 0x4d44: 2_000_000_000  // vfat: 2 s for modification (Documentation/filesystems/vfat, fat/misc.c)
        case 0x2011_bab0: 10_000_000  // exfat: 10 ms (exFAT specification, 7.4.8)
        case 0x4244, 0x482b, 0x4858: 1_000_000_000  // hfs, hfs+ and hfsx: seconds (Apple TN1150)
        case 0x5265_4973: 1_000_000_000  // reiserfs: seconds
        case 0x5346_544e, 0x7366_746e: 100  // ntfs and ntfs3: 100 ns (NTFS FILETIME)
        case 0xff53_4d42, 0xfe53_4d42: 100  // cifs and smb2: 100 ns ([MS-FSCC] 2.1.1)
        case 0x1501_3346: 1_000  // udf: microseconds (ECMA-167, 1/7.3)
        default: 1
        }
    }
}

extension FileStatus {
    /// EINVAL for an object that has no kind of its own (an eventfd, for instance).
    fileprivate init(_ raw: sl_status) throws(Errno) {
        guard let kind = FileKind(mode: raw.mode) else { throw .invalid }
        self.init(
            kind: kind, mode: raw.mode & 0o7777, userID: raw.user, groupID: raw.group, size: raw.size,
            modified: FileTime(clamping: raw.modified_seconds, raw.modified_nanoseconds),
            changed: FileTime(clamping: raw.changed_seconds, raw.changed_nanoseconds),
            accessed: FileTime(clamping: raw.accessed_seconds, raw.accessed_nanoseconds),
            links: raw.links, inode: raw.inode, device: raw.device, specialDevice: raw.special_device,
            blocks: raw.blocks)
    }
}

extension FileTime {
    /// A file system in user space may say anything; the rest of the program relies on the range.
    init(clamping seconds: Int64, _ nanoseconds: UInt32) {
        self.init(seconds: seconds, nanoseconds: min(nanoseconds, 999_999_999))
    }
}

extension FileKind {
    init?(mode: UInt32) {
        switch mode & S_IFMT {
        case S_IFREG: self = .regular
        case S_IFDIR: self = .directory
        case S_IFLNK: self = .symlink
        case S_IFIFO: self = .fifo
        case S_IFSOCK: self = .socket
        case S_IFCHR: self = .characterDevice
        case S_IFBLK: self = .blockDevice
        default: return nil
        }
    }

    /// The bits of st_mode that say this kind.
    var typeBits: UInt32 {
        switch self {
        case .regular: S_IFREG
        case .directory: S_IFDIR
        case .symlink: S_IFLNK
        case .fifo: S_IFIFO
        case .socket: S_IFSOCK
        case .characterDevice: S_IFCHR
        case .blockDevice: S_IFBLK
        }
    }

    /// From d_type of getdents64(2); nil for DT_UNKNOWN.
    init?(directoryEntryType type: UInt8) {
        self.init(mode: UInt32(type) << 12)
    }
}
