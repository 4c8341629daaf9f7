// What one job asks of the disk on this end. A value: it is fixed before the first effect.

package import LifterProtocol
package import LifterSystem

package struct FileSettings: Sendable {
    /// What is left out of scans on this end; at the receiver it also protects from deletion.
    package var filter = FilterRules()
    /// At the receiver: excluded names are listed and deleted like others (`--delete-excluded`).
    package var deletesExcluded = false
    /// The sender lists entries of these kinds; at the receiver everything is listed, since it may be in the way.
    package var keepsLinks = true
    package var keepsDevices = true
    /// Fifos and sockets.
    package var keepsSpecials = true
    /// Names of one file stay names of one file.
    package var keepsHardLinks = false
    /// Owners are numbers: no names are looked up.
    package var numericIDs = false
    /// The mask of this process, applied to the modes of new entries whose mode is not kept.
    package var umask: UInt32 = 0o022
    /// The effective user of this process.
    package var ownUserID: UInt32
    package var isRoot: Bool { ownUserID == 0 }
    /// Nothing is changed on this end.
    package var dryRun = false
    /// The peer is in this process: sources are handed over as open files instead of bytes.
    package var allowsClone = false
    /// The receiver's root, where both ends are in this process: the sender must not descend into it.
    package var destination: FileStatus?
    /// fsync before a file gets its name.
    package var syncs = false
    /// Directories keep the times that the work in them gives them (`-O`).
    package var omitDirectoryTimes = false
    /// A directory in the way may be replaced with all that is in it (`--force`, `--delete`).
    package var replacesDirectories = false
    /// When the job began, in seconds since 1970; leftovers a week older than this are swept. 0: now.
    package var startedAt: Int64 = 0
    /// Where a long deletion plan may be kept, in a file without a name.
    package var temporaryDirectory: [UInt8] = Array("/tmp".utf8)
    /// How long one effect deletes, about; nil: as many names as it may, so that it does the same every time.
    package var deletionTime: Duration? = .milliseconds(10)
    /// What is left of large files that were interrupted is kept and continued.
    package var keepsPartials = true
    /// From so many bytes on.
    package var smallestPartial = Tuning.smallestPartial
    /// Where it is kept.
    package var partialPlace = PartialPlace.beside
    /// Bytes of a file's beginning that are digested by one effect.
    package var digestStep = Tuning.digestStep
    /// Runs of zeros take no room: holes of a source are not read, and made at the destination.
    package var makesHoles = false
    /// A regular file that is there is overwritten instead of replaced.
    package var writesInPlace = false
    /// Bytes of a file that are rearranged at a time, at least; by one effect, about; and what is held in memory
    /// meanwhile, of what is to be moved and of what is set aside.
    package var movedArea: UInt64 = 256 << 10
    package var movedByEffect = 4 << 20
    package var movesInMemory = 1 << 20
    /// And only lengthened, where it is how the new contents begin.
    package var appends = false
    /// Only new names: nothing committed is replaced, changed or removed.
    package var appendOnly = false
    /// What a new directory gets, under `appendOnly`, before it has its name.
    package var newDirectorySet = AttributeSet()
    /// Directory descriptors held at once, at most.
    package var heldDirectories = 64

    package init(ownUserID: UInt32) { self.ownUserID = ownUserID }
}
