// What a program (or the command line) can ask for. The defaults are an archive: everything is kept that can be kept,
// nothing is deleted.

import LifterCodec
import LifterProtocol

/// One rule of `--include` or `--exclude`, in rsync's pattern language.
public struct FilterPattern: Hashable, Sendable {
    /// Whether a match includes; otherwise it excludes.
    public var isInclude: Bool
    /// The pattern's bytes; never empty.
    public var pattern: [UInt8]
    /// A rule as written; an empty pattern is refused when the transfer starts.
    public init(isInclude: Bool, pattern: [UInt8]) {
        self.isInclude = isInclude
        self.pattern = pattern
    }
}

/// What is looked at, what is kept, what is deleted, and how it travels.
public struct TransferOptions: Hashable, Sendable {
    /// What makes two files differ.
    public enum Comparison: Hashable, Sendable {
        /// Size and modification time.
        case quick
        case sizeOnly
        /// Size, then a digest of the contents.
        case checksum
        /// Every file differs.
        case always
    }

    /// When entries go that the source does not have.
    public enum Deletion: Hashable, Sendable {
        case none
        /// After the last content is settled.
        case after
        /// After the plan, before contents (for a nearly full disk).
        case before
    }

    /// How a file that is there already gets its new contents.
    public enum Writing: Hashable, Sendable {
        /// Beside it: it is the old one until the new one is whole.
        case aside
        /// Into it. While that lasts, and if it is interrupted, its modification time is 1970.
        case inPlace
        /// Into it, behind what is there, if the new contents begin with that. Files that are not shorter than the
        /// source's are left alone.
        case append
    }

    /// How contents are compressed on a stream; listings always are.
    public enum Compression: Hashable, Sendable {
        /// None or zstd, as the stream and the processor make worthwhile, frame by frame.
        case auto
        case none
        /// zstd at level 3, and at 5 for what differs within files.
        case standard
        /// -7 ... 19; 0 is `standard`
        case zstd(level: Int)
        /// 1 ... 9
        case zlib(level: Int)
    }

    /// What contents are digested with, on the way and for `checksum`.
    public enum Digest: Hashable, Sendable {
        /// XXH3, 128 bits.
        case xxh3
        /// SHA-256, its first 128 bits; by the system's libcrypto, which both ends must have.
        case sha256
    }

    /// Whether of a changed file only the parts travel that the receiver does not have.
    public enum Difference: Hashable, Sendable {
        /// Where the contents have to travel, but not between two places of one machine.
        case streamed
        /// Files always go whole.
        case never
        case always
    }

    /// Whether the receiver is asked to tell smaller blocks where larger ones differ.
    public enum Refinement: Hashable, Sendable {
        /// Where what it saves takes the stream longer than the question.
        case auto
        case never
        case always
    }

    /// What makes two files differ.
    public var comparison = Comparison.quick
    /// Tell what would be done; change nothing at either end.
    public var dryRun = false
    /// Leave files alone that are newer at the destination.
    public var updateOnly = false
    /// Create nothing that is not there already.
    public var existingOnly = false
    /// Leave everything alone that is there already.
    public var ignoreExisting = false
    /// In order; the first that matches decides.
    public var rules: [FilterPattern] = []

    /// Permission bits, set-id bits included.
    public var keepsPermissions = true
    /// Modification times, to the nanosecond where the file system has them.
    public var keepsTimes = true
    /// Those of directories, too.
    public var keepsDirectoryTimes = true
    /// Owners, where the receiver runs as root: by name, or by number where it does not know the name.
    public var keepsOwner = true
    /// Groups, likewise.
    public var keepsGroup = true
    /// Symbolic links, as links; otherwise they are left out.
    public var keepsLinks = true
    /// Devices, fifos and sockets.
    public var keepsDevices = true
    /// Names of one file in the source become names of one file at the destination.
    public var keepsHardLinks = true
    /// Owners and groups by number, whatever they are called.
    public var numericIDs = false

    /// Whether and when entries go that the source does not have.
    public var deletion = Deletion.none
    /// Also what the rules exclude.
    public var deletesExcluded = false
    /// Even if a source directory is empty, which is often one that was not mounted.
    public var deletesFromEmptySource = false
    /// More deletions than this refuse all of them.
    public var deletionLimit: UInt64?
    /// The same in hundredths of the entries that the destination holds, 0 to 100.
    public var deletionPercentLimit: UInt8?
    /// A file may replace a directory that is not empty.
    public var force = false
    /// Create missing parents of the destination.
    public var makesPath = false

    /// What has arrived of a large file when a run is interrupted stays, and the next run goes on from there.
    public var keepsPartials = true
    /// Where: in a directory of this name below each file's own or, with a path from the root, in one for all (at the
    /// receiver's end); nil: beside the file. Such a directory is neither sent nor deleted.
    public var partialDirectory: [UInt8]?
    /// Runs of zeros become holes that take no room on the disk.
    public var sparse = false
    /// A larger new file is copied from one that is at the destination under another name and is the same. Where there
    /// is a stream between the two ends, and unless `difference` is `never`.
    public var detectsRenames = true
    /// Of a new file only the parts travel that are not in one with a similar name beside it; as `difference` says.
    public var startsFromSimilar = false
    /// How files that are there already get new contents.
    public var writing = Writing.aside

    /// How contents are compressed on a stream.
    public var compression = Compression.auto
    /// Whether of a changed file only the parts travel that the receiver does not have.
    public var difference = Difference.streamed
    /// Bytes of the blocks that files are compared by, 64 to 16,777,216; nil: chosen for each file.
    public var blockLength: UInt32?
    /// What contents are digested with.
    public var digest = Digest.xxh3
    /// Whether the receiver is asked to tell smaller blocks where larger ones differ.
    public var refinement = Refinement.auto
    /// Bytes a second that either end may write to the stream, whatever they are, 512 at least; nil: no limit. Between
    /// two places of one machine there is no stream.
    public var rateLimit: UInt64?
    /// Seconds of silence after which a session ends; nil: 300.
    public var timeout: UInt32?

    /// An archive: everything is kept, nothing deleted.
    public init() {}

    func jobOptions(_ purpose: Purpose) -> JobOptions {
        var job = JobOptions()
        job.dryRun = dryRun
        job.checksum = comparison == .checksum
        job.sizeOnly = comparison == .sizeOnly
        job.ignoreTimes = comparison == .always
        job.update = updateOnly
        job.existing = existingOnly
        job.ignoreExisting = ignoreExisting
        job.keepPermissions = keepsPermissions
        job.keepTimes = keepsTimes
        job.omitDirectoryTimes = !keepsDirectoryTimes
        job.keepUser = keepsOwner
        job.keepGroup = keepsGroup
        job.keepLinks = keepsLinks
        job.keepDevices = keepsDevices
        job.keepSpecials = keepsDevices
        job.keepHardLinks = keepsHardLinks && purpose != .list
        job.numericIDs = numericIDs
        switch deletion {
        case .none: job.delete = purpose == .compare ? .after : .none
        case .after: job.delete = .after
        case .before: job.delete = .before
        }
        job.deleteExcluded = deletesExcluded
        job.deleteFromEmpty = deletesFromEmptySource || purpose == .compare
        job.maxDelete = deletionLimit
        job.maxDeletePercent = deletionPercentLimit.map { min($0, 100) }
        job.force = force
        job.makePath = makesPath
        job.keepPartials = keepsPartials
        job.partialDirectory = keepsPartials ? partialDirectory : nil
        job.sparse = sparse
        job.detectRenames = detectsRenames
        job.fuzzy = startsFromSimilar
        switch writing {
        case .aside: job.writing = .aside
        case .inPlace: job.writing = .inPlace
        case .append: job.writing = .append
        }
        switch compression {
        case .auto: job.compression = .auto
        case .none: job.compression = .none
        case .standard: job.compression = .standard
        case .zstd(let level): job.compression = level == 0 ? .standard : .zstd(level: Int32(clamping: level))
        case .zlib(let level): job.compression = .zlib(level: Int32(clamping: level))
        }
        switch difference {
        case .streamed: job.delta = .auto
        case .never: job.delta = .never
        case .always: job.delta = .always
        }
        switch refinement {
        case .auto: job.refine = .auto
        case .never: job.refine = .never
        case .always: job.refine = .always
        }
        switch digest {
        case .xxh3: job.digest = .xxh3
        case .sha256: job.digest = .sha256
        }
        job.blockLength = blockLength.map { min(max($0, 64), 1 << 24) }
        job.timeout = timeout
        job.rateLimit = rateLimit
        job.topOnly = purpose == .list
        return job
    }

    var encodedRules: [[UInt8]] {
        rules.map { Array(($0.isInclude ? "+ " : "- ").utf8) + $0.pattern }
    }
}
