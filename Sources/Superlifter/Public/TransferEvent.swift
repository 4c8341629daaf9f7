// What a transfer tells while it runs, and what it sums up at its end.

import LifterProtocol

/// The kinds of thing a name can stand for.
public enum ItemKind: Hashable, Sendable {
    case file, directory, symlink, fifo, socket, characterDevice, blockDevice
}

/// One entry that was changed (or, in a dry run, would be).
public struct Item: Hashable, Sendable {
    /// What differed, bit by bit.
    public struct Changes: OptionSet, Hashable, Sendable {
        /// The bits, as in the protocol.
        public let rawValue: UInt16
        /// The bits, as in the protocol.
        public init(rawValue: UInt16) { self.rawValue = rawValue }
        /// The name did not exist at the destination.
        public static let created = Changes(rawValue: 1)
        /// Contents are transferred.
        public static let content = Changes(rawValue: 2)
        /// Equal in size and time, but not in contents; or a link points elsewhere.
        public static let checksum = Changes(rawValue: 4)
        /// The size differs.
        public static let size = Changes(rawValue: 8)
        /// The modification time differs.
        public static let time = Changes(rawValue: 16)
        /// Permissions differ.
        public static let mode = Changes(rawValue: 32)
        /// The owner differs.
        public static let owner = Changes(rawValue: 64)
        /// The group differs.
        public static let group = Changes(rawValue: 128)
        /// The time becomes that of the transfer, since times are not kept.
        public static let timeNow = Changes(rawValue: 256)
        /// Something of another kind was there.
        public static let kind = Changes(rawValue: 512)
        /// It becomes another name of a file that is at the destination.
        public static let linked = Changes(rawValue: 1024)
    }

    /// Below the root of the job; bytes as the file system has them.
    public var path: [UInt8]
    /// What the name stands for.
    public var kind: ItemKind
    /// Bytes of a regular file.
    public var size: UInt64
    /// Permission bits, 0 ... 0o7777.
    public var mode: UInt16
    /// Seconds since 1970, and nanoseconds.
    public var modifiedSeconds: Int64
    /// 0 ..< 1,000,000,000.
    public var modifiedNanoseconds: UInt32
    /// The owner, by number.
    public var userID: UInt32
    /// The group, by number.
    public var groupID: UInt32
    /// A symlink's target.
    public var target: [UInt8]
    /// What differed; empty where an entry is only listed.
    public var changes: Changes
    /// Bytes of its contents that were transferred; the rest of it was at the destination already.
    public var transferredBytes: UInt64 = 0
    /// With `linked`: the name that it is linked to, below the root of the job; empty where that is not known.
    public var linkedTo: [UInt8]?

    init(path: [UInt8], entry: Entry, changes: LifterProtocol.Changes) {
        self.path = path
        let attributes = entry.attributes
        kind =
            switch attributes.kind {
            case .regular: .file
            case .directory: .directory
            case .symlink: .symlink
            case .fifo: .fifo
            case .socket: .socket
            case .characterDevice: .characterDevice
            case .blockDevice: .blockDevice
            }
        size = attributes.kind == .regular ? attributes.size : 0
        mode = attributes.mode
        modifiedSeconds = attributes.modified.seconds
        modifiedNanoseconds = attributes.modified.nanoseconds
        userID = attributes.userID
        groupID = attributes.groupID
        target = entry.target
        self.changes = Changes(rawValue: changes.rawValue)
    }
}

/// One failed entry; the others went on.
public struct ItemFailure: Hashable, Sendable {
    /// Below the root of the job.
    public var path: [UInt8]
    /// What was being done; may be empty.
    public var action: String
    /// Why it failed.
    public var cause: String
    /// It was gone before it could be read.
    public var isVanished: Bool
    /// It failed where the source is.
    public var isAtSource: Bool
    /// Nothing was tried: it was given up because of an earlier failure (a full disk, a directory not made).
    public var isConsequence: Bool

    /// What was being done, and why it failed, in one line.
    public var reason: String { action.isEmpty ? cause : "\(action): \(cause)" }
}

/// How far a transfer is. Numbers grow only.
public struct TransferProgress: Hashable, Sendable {
    /// Entries looked at.
    public var entries: UInt64
    /// Sizes of the files among them; nil where this end does not learn all of them.
    public var scannedBytes: UInt64?
    /// Files whose contents are to travel, as far as is known.
    public var filesToSend: UInt64
    /// Of these, those that are done.
    public var filesDone: UInt64
    /// Their sizes together.
    public var bytesToSend: UInt64
    /// The sizes of those that are done, and what is done of those under way.
    public var bytesDone: UInt64
    /// The tree is fully scanned and compared: the totals are final.
    public var isScanned: Bool
    /// All contents are settled, and names are being deleted.
    public var isDeleting: Bool
}

/// What happens while a transfer runs.
public enum TransferEvent: Hashable, Sendable {
    case item(Item)
    /// An entry of a directory that is listed.
    case listed(Item)
    /// A module of a server that was asked which it has, and what the server says of it.
    case module(name: [UInt8], comment: String)
    case deleted(path: [UInt8], isDirectory: Bool)
    case failed(ItemFailure)
    case warning(String)
    /// A step towards the peer, for whoever wants to see each: which way is tried, and how that went.
    case connecting(String)
    case progress(TransferProgress)
}

/// What was done, in numbers.
public struct TransferSummary: Hashable, Sendable {
    /// Entries looked at.
    public var entries: UInt64 = 0
    /// Directories looked at, the source itself included.
    public var directories: UInt64 = 0
    /// Sizes of all regular files in the source.
    public var sourceBytes: UInt64 = 0
    /// Entries put in place or changed.
    public var changed: UInt64 = 0
    /// Regular files whose contents were transferred.
    public var files: UInt64 = 0
    /// Names that became further names of a file, without contents of their own.
    public var links: UInt64 = 0
    /// Names removed (in a dry run: that would be).
    public var deleted: UInt64 = 0
    /// Entries that failed, and problems of single paths.
    public var failed: UInt64 = 0
    /// Source entries that were gone before they could be read.
    public var vanished: UInt64 = 0
    /// Deletions that the limit refused (none were made).
    public var refusedDeletions: UInt64 = 0
    /// Bytes of file contents that were transferred, uncompressed.
    public var contentBytes: UInt64 = 0
    /// Bytes of the files that were transferred which the receiver took from what it had.
    public var matchedBytes: UInt64 = 0
    /// Sizes of the files that were transferred.
    public var totalBytes: UInt64 = 0
    /// Bytes on the stream; 0 between two places of one machine.
    public var sentBytes: UInt64 = 0
    /// Bytes received on the stream.
    public var receivedBytes: UInt64 = 0

    /// Nothing done yet.
    public init() {}

    /// The exit code that says the same: 0, 23 (some failed), 24 (some vanished), 25 (deletions refused).
    public var exitCode: UInt8 {
        if failed > 0 { return 23 }
        if refusedDeletions > 0 { return 25 }
        return vanished > 0 ? 24 : 0
    }

    /// Whether the two sides differed in anything that counts (`compare`).
    public var hasDifferences: Bool { changed > 0 || deleted > 0 }
}
