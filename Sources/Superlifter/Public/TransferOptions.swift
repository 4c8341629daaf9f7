// What a program (or the command line) can ask for. The defaults are an archive: everything is kept that can be kept,
// nothing is deleted.

import LifterProtocol

/// One rule of `--include` or `--exclude`, in rsync's pattern language.
public struct FilterPattern: Hashable, Sendable {
    public var isInclude: Bool
    /// The pattern's bytes; never empty.
    public var pattern: [UInt8]
    public init(isInclude: Bool, pattern: [UInt8]) {
        self.isInclude = isInclude
        self.pattern = pattern
    }
}

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

    public enum Deletion: Hashable, Sendable {
        case none
        /// After the last content is settled.
        case after
        /// After the plan, before contents (for a nearly full disk).
        case before
    }

    public enum Compression: Hashable, Sendable {
        case none
        /// -7 ... 19
        case zstd(level: Int)
        /// 1 ... 9
        case zlib(level: Int)
    }

    public var comparison = Comparison.quick
    public var dryRun = false
    /// Leave files alone that are newer at the destination.
    public var updateOnly = false
    public var existingOnly = false
    public var ignoreExisting = false
    /// In order; the first that matches decides.
    public var rules: [FilterPattern] = []

    public var keepsPermissions = true
    public var keepsTimes = true
    public var keepsDirectoryTimes = true
    public var keepsOwner = true
    public var keepsGroup = true
    public var keepsLinks = true
    /// Devices, fifos and sockets.
    public var keepsDevices = true
    public var numericIDs = false

    public var deletion = Deletion.none
    public var deletesExcluded = false
    public var deletesFromEmptySource = false
    /// More deletions than this refuse all of them.
    public var deletionLimit: UInt64?
    /// A file may replace a directory that is not empty.
    public var force = false
    /// Create missing parents of the destination.
    public var makesPath = false

    public var compression = Compression.none
    /// Seconds of silence after which a session ends; nil: 300.
    public var timeout: UInt32?

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
        job.numericIDs = numericIDs
        switch deletion {
        case .none: job.delete = purpose == .compare ? .after : .none
        case .after: job.delete = .after
        case .before: job.delete = .before
        }
        job.deleteExcluded = deletesExcluded
        job.deleteFromEmpty = deletesFromEmptySource || purpose == .compare
        job.maxDelete = deletionLimit
        job.force = force
        job.makePath = makesPath
        switch compression {
        case .none: job.compression = .none
        case .zstd(let level): job.compression = .zstd(level: Int32(clamping: level))
        case .zlib(let level): job.compression = .zlib(level: Int32(clamping: level))
        }
        job.timeout = timeout
        job.topOnly = purpose == .list
        return job
    }

    var encodedRules: [[UInt8]] {
        rules.map { Array(($0.isInclude ? "+ " : "- ").utf8) + $0.pattern }
    }
}
