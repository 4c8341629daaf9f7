// The narrow door to the disk: every call that Superlifter makes on a tree, and no other.
//
// Everything is said relative to a held descriptor and one name (or, for `open`, a short relative path that is
// resolved strictly beneath it). `KernelFileSystem` carries the calls out; tests put a model in its place that
// can fail, delay or lose any one of them.

/// A descriptor as a plain number, for calls that borrow one. Ownership lives in `Descriptor`.
package typealias RawDescriptor = Int32

/// What `open` is asked for. Every descriptor is opened close-on-exec, without following a final link and
/// without ever becoming a controlling terminal; FIFOs and devices never block the opening.
package struct OpenFlags: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let read = OpenFlags(rawValue: 1 << 0)
    package static let write = OpenFlags(rawValue: 1 << 1)
    /// Create; fails with `EEXIST` where the name exists (always used with O_EXCL).
    package static let create = OpenFlags(rawValue: 1 << 2)
    /// Must be a directory.
    package static let directory = OpenFlags(rawValue: 1 << 3)
    /// Names the object only (O_PATH): nothing is read, no permission on the object itself is needed.
    package static let pathOnly = OpenFlags(rawValue: 1 << 4)
    /// Leave the access time alone where the kernel allows it.
    package static let noAccessTime = OpenFlags(rawValue: 1 << 5)
    package static let truncate = OpenFlags(rawValue: 1 << 6)
}

/// How `rename` treats a name that is already there.
package enum RenameMode: Sendable {
    case replace, noReplace, exchange
}

/// The kinds of thing a name can stand for.
package enum FileKind: UInt8, Sendable {
    case regular = 1, directory, symlink, fifo, socket, characterDevice, blockDevice
}

/// A point in time since 1970, to the nanosecond; `nanoseconds` is 0 ..< 1_000_000_000, also before 1970.
package struct FileTime: Hashable, Sendable {
    package var seconds: Int64
    package var nanoseconds: UInt32
    package init(seconds: Int64, nanoseconds: UInt32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }
}

/// What statx(2) says of one object.
package struct FileStatus: Hashable, Sendable {
    package var kind: FileKind
    /// Permission bits with set-id and sticky bits: 0 ... 0o7777.
    package var mode: UInt32
    package var userID: UInt32
    package var groupID: UInt32
    /// Bytes.
    package var size: UInt64
    package var modified: FileTime
    package var changed: FileTime
    package var accessed: FileTime
    package var links: UInt64
    package var inode: UInt64
    /// The file system it is on, major << 32 | minor.
    package var device: UInt64
    /// For devices: major << 32 | minor.
    package var specialDevice: UInt64
    /// 512-byte units really occupied.
    package var blocks: UInt64

    package init(
        kind: FileKind, mode: UInt32, userID: UInt32, groupID: UInt32, size: UInt64, modified: FileTime,
        changed: FileTime, accessed: FileTime, links: UInt64, inode: UInt64, device: UInt64,
        specialDevice: UInt64, blocks: UInt64
    ) {
        self.kind = kind
        self.mode = mode
        self.userID = userID
        self.groupID = groupID
        self.size = size
        self.modified = modified
        self.changed = changed
        self.accessed = accessed
        self.links = links
        self.inode = inode
        self.device = device
        self.specialDevice = specialDevice
        self.blocks = blocks
    }

    /// The same object (device and inode), whatever its name.
    package func isSameObject(as other: FileStatus) -> Bool {
        device == other.device && inode == other.inode
    }
}

/// Names read from a directory: an arena of bytes and where each name ends. `.` and `..` are left out.
package struct DirectoryNames: Sendable {
    package var bytes: [UInt8] = []
    /// For each name: its start in `bytes`; it ends where the next begins (or at the end of `bytes`).
    package var starts: [UInt32] = []
    /// The kind as far as the directory tells it; nil means: ask.
    package var kinds: [FileKind?] = []

    package init() {}

    package var count: Int { starts.count }

    package subscript(index: Int) -> ArraySlice<UInt8> {
        let end = index + 1 < starts.count ? Int(starts[index + 1]) : bytes.count
        return bytes[Int(starts[index])..<end]
    }
}

/// What statfs(2) tells of the file system under a descriptor.
package struct FileSystemFacts: Hashable, Sendable {
    /// The file system's magic number (statfs f_type).
    package var type: Int64
    /// Bytes free to this user.
    package var available: UInt64
    /// Timestamps are multiples of this many nanoseconds; 1 unless the type is known to be coarser.
    package var timeGranularity: UInt32
    package init(type: Int64, available: UInt64, timeGranularity: UInt32) {
        self.type = type
        self.available = available
        self.timeGranularity = timeGranularity
    }
}

/// Every call on a tree. Names are single components unless said otherwise; none holds a NUL.
/// Each function is one system call (or the shortest fallback for it) and throws that call's errno.
package protocol FileSystem: AnyObject, Sendable {
    /// Opens a path that the user of this process wrote, following links.
    func openRoot(_ path: [UInt8], _ flags: OpenFlags) throws(Errno) -> RawDescriptor
    /// Opens a relative path strictly beneath `directory`: no `..` above it, no links at all, no magic links.
    /// `mode` counts with `.create` only.
    func open(_ path: ArraySlice<UInt8>, in directory: RawDescriptor, _ flags: OpenFlags, mode: UInt32)
        throws(Errno) -> RawDescriptor
    /// Opens the directory behind a descriptor once more, so that its names are read from the front.
    func reopen(_ directory: RawDescriptor) throws(Errno) -> RawDescriptor
    func close(_ descriptor: RawDescriptor)

    func status(of descriptor: RawDescriptor) throws(Errno) -> FileStatus
    /// Status of a name, a link itself included.
    func status(of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) -> FileStatus
    func facts(of descriptor: RawDescriptor) throws(Errno) -> FileSystemFacts

    /// Appends the next portion of names; false when there are no more. A fresh descriptor starts at the front.
    func readNames(of directory: RawDescriptor, into names: inout DirectoryNames) throws(Errno) -> Bool
    func readLink(_ name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno) -> [UInt8]
    /// Reads at an offset into `buffer`; 0 at the end of the file. Retries EINTR.
    func read(_ descriptor: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64)
        throws(Errno) -> Int
    /// Writes at an offset; may write less than asked for. Retries EINTR.
    func write(_ descriptor: RawDescriptor, from buffer: UnsafeRawBufferPointer, at offset: UInt64)
        throws(Errno) -> Int

    func makeDirectory(_ name: ArraySlice<UInt8>, in directory: RawDescriptor, mode: UInt32) throws(Errno)
    func makeLink(to target: [UInt8], named name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno)
    /// A fifo, socket or device. `device` is major << 32 | minor.
    func makeNode(
        _ kind: FileKind, named name: ArraySlice<UInt8>, in directory: RawDescriptor, mode: UInt32, device: UInt64
    ) throws(Errno)
    func makeHardLink(
        from old: ArraySlice<UInt8>, in oldDirectory: RawDescriptor, to new: ArraySlice<UInt8>,
        in newDirectory: RawDescriptor) throws(Errno)
    func remove(_ name: ArraySlice<UInt8>, in directory: RawDescriptor, isDirectory: Bool) throws(Errno)
    func rename(
        _ old: ArraySlice<UInt8>, in oldDirectory: RawDescriptor, to new: ArraySlice<UInt8>,
        in newDirectory: RawDescriptor, _ mode: RenameMode) throws(Errno)

    func setMode(_ mode: UInt32, of descriptor: RawDescriptor) throws(Errno)
    /// Sets a name's mode; the name must not be a link.
    func setMode(_ mode: UInt32, of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno)
    /// nil leaves an id as it is.
    func setOwner(user: UInt32?, group: UInt32?, of descriptor: RawDescriptor) throws(Errno)
    /// A link's own owner where the name is a link.
    func setOwner(user: UInt32?, group: UInt32?, of name: ArraySlice<UInt8>, in directory: RawDescriptor)
        throws(Errno)
    /// Access time is left alone.
    func setModified(_ time: FileTime, of descriptor: RawDescriptor) throws(Errno)
    /// A link's own time where the name is a link.
    func setModified(_ time: FileTime, of name: ArraySlice<UInt8>, in directory: RawDescriptor) throws(Errno)

    func truncate(_ descriptor: RawDescriptor, to size: UInt64) throws(Errno)
    /// Whether the file system keeps everything in memory (tmpfs, ramfs).
    func isInMemory(_ descriptor: RawDescriptor) throws(Errno) -> Bool
    /// Reserves blocks without ever changing the file's size (FALLOC_FL_KEEP_SIZE).
    func reserve(_ descriptor: RawDescriptor, size: UInt64) throws(Errno)
    /// The first offset from `offset` on that is not in a hole (SEEK_DATA); nil where nothing but a hole follows. A file
    /// system that knows of no holes has data everywhere.
    func nextData(of descriptor: RawDescriptor, from offset: UInt64) throws(Errno) -> UInt64?
    /// Shares a range of `source` (FICLONERANGE); EOPNOTSUPP, EXDEV or EINVAL where it cannot.
    func clone(
        _ source: RawDescriptor, from sourceOffset: UInt64, length: UInt64, to target: RawDescriptor,
        at targetOffset: UInt64) throws(Errno)
    func sync(_ descriptor: RawDescriptor) throws(Errno)

    /// An exclusive lock that belongs to the open file (an OFD write lock on a file, flock on a directory) and
    /// ends with it. False when somebody else holds it; never waits.
    func lock(_ descriptor: RawDescriptor, isDirectory: Bool) throws(Errno) -> Bool

    /// No call: a directory that this session made has its final attributes, so that nobody need remember that it is
    /// new.
    func settle(_ directory: RawDescriptor)

    /// For names that nobody else uses or can guess. No call on a tree; but such names are listed and sorted, and
    /// where the disk is a model all that happens must follow from a seed.
    func unpredictableNumber() -> UInt64
}

extension FileSystem {
    package func unpredictableNumber() -> UInt64 { UInt64.random(in: .min ... .max) }

    package func nextData(of descriptor: RawDescriptor, from offset: UInt64) throws(Errno) -> UInt64? { offset }

    package func settle(_ directory: RawDescriptor) {}
}
