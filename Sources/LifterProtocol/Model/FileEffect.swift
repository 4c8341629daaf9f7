// What the machines ask of the disk, and what the disk answers.
//
// An effect is bounded (about 1 MiB or 10 ms) and never waits for anything but the disk. Directories are named by
// the session's directory ids, files in work by their ids; the file layer keeps the descriptors behind both. Ids
// are numbers that the sender's machine gives out and never reuses; directory 0 is the root of the job.
//
// Every effect ends in exactly one `FileResult` of the same shape.

package import LifterCodec

package typealias DirectoryID = UInt32
package typealias FileID = UInt64

/// One failed step on one subject: what was being done, and the system's reason.
package struct FileProblem: Error, Hashable, Sendable {
    package enum Code: UInt8, Sendable {
        /// The system refused (see errno).
        case system = 1
        /// The source vanished between listing and reading.
        case vanished
        /// The source changed while it was being read, twice.
        case changed
        /// What was written does not have the digest that was announced.
        case mismatch
        /// Something is in the way that may not be replaced (for instance a non-empty directory).
        case inTheWay
        /// The peer or the job does not allow it (read-only, not asked for).
        case refused
        /// The kind cannot be kept here (a device without root, ...).
        case unsupported
        /// The other end gave up on this subject.
        case stopped
    }
    package var code: Code
    package var errno: Int32
    /// What was being done, in words ("opening", "writing", "setting the owner"); ASCII, at most 200 bytes.
    package var doing: String

    package init(_ code: Code, errno: Int32 = 0, doing: String) {
        self.code = code
        self.errno = errno
        self.doing = doing
    }

    /// Why an append-only receiver leaves something as it is, although it differs.
    package static let keepsExisting = FileProblem(
        .refused, doing: "changing what is there, on a server that only adds")
}

/// A name for an owner's number, as this host knows it (empty when it knows none).
package struct OwnerName: Hashable, Sendable {
    package var isGroup: Bool
    package var id: UInt32
    package var name: [UInt8]
    package init(isGroup: Bool, id: UInt32, name: [UInt8]) {
        self.isGroup = isGroup
        self.id = id
        self.name = name
    }
}

/// A directory as scanned.
package struct ScanResult: Sendable {
    package var listing = Listing()
    /// The owners that occur in it, each once (left empty with numeric ids).
    package var owners: [OwnerName] = []
    /// Names that could not be read; the listing lacks them, so nothing may be deleted here.
    package var problems: [(name: [UInt8], problem: FileProblem)] = []
    /// The directory's own attributes, from the open descriptor.
    package var attributes: Attributes
    /// Parts and displaced names of ours that were found here and are of no use.
    package var partials: [[UInt8]] = []
    /// Parts of files that are large enough to be continued.
    package var resumable: [[UInt8]] = []

    package init(attributes: Attributes) { self.attributes = attributes }
}

/// Where the bytes of a piece of content are.
package enum Payload: Sendable {
    /// In memory: `range` of `bytes` (shared, never copied).
    case bytes([UInt8], Range<Int>)
    /// In an open source file of this same process (local copies): the receiver reads or clones it itself.
    case file(any SourceFile, offset: UInt64, length: UInt64)
    /// In the receiver's own version of the file, its basis.
    case basis(offset: UInt64, length: UInt64)

    package var count: UInt64 {
        switch self {
        case .bytes(_, let range): UInt64(range.count)
        case .file(_, _, let length), .basis(_, let length): length
        }
    }
}

/// An open source file that both ends of an in-process session can read. Closed when the last holder lets go.
package protocol SourceFile: AnyObject, Sendable {
    var descriptor: Int32 { get }
}

/// How a small file was read, whole.
package enum SmallRead: Sendable {
    /// Its bytes are `range` of the batch's buffer; `digest` is keyed by the session.
    case whole(range: Range<Int>, digest: ContentDigest)
    case failed(FileProblem)
}

/// Sixteen bytes: the keyed digest of a file's whole contents.
package struct ContentDigest: Hashable, Sendable {
    package var low: UInt64
    package var high: UInt64
    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }
}

/// Which attributes are to be made so. Only what the job keeps and this process may set is ever asked for.
package struct AttributeSet: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let mode = AttributeSet(rawValue: 1)
    package static let user = AttributeSet(rawValue: 2)
    package static let group = AttributeSet(rawValue: 4)
    package static let times = AttributeSet(rawValue: 8)
}

/// What a directory is to end with, and which of it is to be made so.
package struct FinalAttributes: Hashable, Sendable {
    package var attributes: Attributes
    package var set: AttributeSet

    package init(_ attributes: Attributes, set: AttributeSet) {
        self.attributes = attributes
        self.set = set
    }
}

/// What to do with a name that is already there at the moment of commit.
package struct ReplaceRule: Hashable, Sendable {
    /// Leave an existing entry alone (`--ignore-existing`).
    package var keepExisting = false
    /// Leave an existing regular file alone when it is newer than the source (`--update`).
    package var keepNewer = false
    /// Only replace, never create (`--existing`).
    package var onlyExisting = false
    /// Replace a non-empty directory (decided by the deletion plan); it is swapped out, then removed.
    package var removeDirectory = false
    package init() {}
}

/// A regular file of the source, as it was listed.
package struct ListedFile: Sendable {
    package var directory: DirectoryID
    package var entry: Entry
    package init(directory: DirectoryID, entry: Entry) {
        self.directory = directory
        self.entry = entry
    }
}

/// A regular file to be put in place whole: the entry (already in this host's terms: mapped owners) and what of
/// its attributes is kept.
package struct FileTarget: Sendable {
    package var id: FileID
    package var directory: DirectoryID
    package var entry: Entry
    package var set: AttributeSet
    package var rule: ReplaceRule
    /// What is copied from, if anything is.
    package var basis = BasisPlace.sameName
    /// Its contents were asked for by a signature of the basis, so copies may come.
    package var isPatched = false
    /// What an earlier run left of it may be copied from, too, and so may be longer than it will be.
    package var copiesPart = false
    /// Where `set` lacks `.mode`: the mode for a new file is `entry`'s mode less the umask and set-id bits, and a
    /// replaced file keeps its old mode.
    package init(id: FileID, directory: DirectoryID, entry: Entry, set: AttributeSet, rule: ReplaceRule) {
        self.id = id
        self.directory = directory
        self.entry = entry
        self.set = set
        self.rule = rule
    }
}

/// Where the basis of a file is.
package enum BasisPlace: Hashable, Sendable {
    /// It is the version that is to be replaced.
    case sameName
    /// In the same directory, under this name.
    case beside([UInt8])
    /// Somewhere in the tree: the file layer found it there.
    case elsewhere(FoundFile)
}

/// A file in the destination tree, in the file layer's own numbers.
package struct FoundFile: Hashable, Sendable {
    package var directory: UInt64
    package var name: UInt64

    package init(directory: UInt64, name: UInt64) {
        self.directory = directory
        self.name = name
    }
}

/// A file that may be in the destination tree under another name.
package struct SoughtFile: Hashable, Sendable {
    package var id: FileID
    package var name: [UInt8]
    package var size: UInt64
    /// As the destination would keep it.
    package var modified: Timestamp

    package init(id: FileID, name: [UInt8], size: UInt64, modified: Timestamp) {
        self.id = id
        self.name = name
        self.size = size
        self.modified = modified
    }
}

/// How far a sought file has been looked for.
package enum SearchResult: Hashable, Sendable {
    /// There is one of its size and time, which is being digested, or has to be; to be asked again.
    case more
    case found(FoundFile, ContentDigest)
    case absent
}

/// A question about an entry where hard links are kept: can it become another name of a file that is here, and may
/// the name keep the file that it stands for now?
package struct LinkAsk: Sendable {
    /// As the sender told it, in this host's terms; `link` is the sender's.
    package var entry: Entry
    /// The file that the name stands for here, where that has several names.
    package var own: FileIdentity?
    /// That file would do, perhaps with other attributes.
    package var keepsOwn: Bool
    package var rule: ReplaceRule

    package init(entry: Entry, own: FileIdentity?, keepsOwn: Bool, rule: ReplaceRule) {
        self.entry = entry
        self.own = own
        self.keepsOwn = keepsOwn
        self.rule = rule
    }
}

package enum LinkAnswer: Sendable {
    /// It is another name of the file now (in a dry run: would be); the path of the name it was linked to.
    case linked(to: [UInt8])
    /// It was already.
    case unchanged
    /// The replace rule kept what is there.
    case kept
    case failed(FileProblem)
    /// There is nothing here that it could be linked to. Whether it may keep the file that it stands for now: not when
    /// that belongs to another name by now.
    case first(mayKeepOwn: Bool)
}

/// What came of a `LinkRecord`.
package enum LinkRecorded: Sendable {
    case done
    /// Nothing bears the name any more; another one of the group goes first.
    case gone
    /// Nobody can tell what bears it, and so the others of the group are not linked to it.
    case failed(FileProblem)
}

/// A name that is in place, and that others may be linked to from now on.
package struct LinkRecord: Sendable {
    package var name: [UInt8]
    /// From the root, by final names.
    package var path: [UInt8]
    package var link: FileIdentity
    /// In a dry run: the file that it stands for and would keep; nil: it would be a new one.
    package var own: FileIdentity?

    package init(name: [UInt8], path: [UInt8], link: FileIdentity, own: FileIdentity?) {
        self.name = name
        self.path = path
        self.link = link
        self.own = own
    }
}

/// How putting one entry in place ended.
package enum PlaceResult: Sendable {
    case done
    /// The replace rule kept what is there.
    case kept
    case failed(FileProblem)
}

/// A small file with its bytes, to be created or replaced whole.
package struct SmallFile: Sendable {
    package var target: FileTarget
    /// Its bytes; with a patch its literal bytes.
    package var range: Range<Int>
    package var digest: ContentDigest
    /// How it is made of what is there under its name; nil: it is all in `range`.
    package var patch: SmallPatch?
    package init(target: FileTarget, range: Range<Int>, digest: ContentDigest, patch: SmallPatch? = nil) {
        self.target = target
        self.range = range
        self.digest = digest
        self.patch = patch
    }
}

package enum FileEffect: Sendable {
    // Both ends.
    /// Lists a directory. It becomes known to the file layer under `id` (beneath `parent`, or the root when nil).
    case scan(id: DirectoryID, parent: DirectoryID?, name: [UInt8])
    /// The numbers of these directories are not used again: descriptors and records may go.
    case forget([DirectoryID])
    /// Keyed digests of regular files that still have their sizes. `alone`: only of those with a single name.
    case digestFiles([ListedFile], alone: Bool)

    // The sender's.
    /// Reads small regular files whole into one buffer, watching that none changes meanwhile.
    case readSmall([ListedFile])
    /// Opens a regular file for `readChunk`; it must still be the listed one.
    case openSource(id: FileID, directory: DirectoryID, entry: Entry)
    /// The next bytes of an open source, in order; at its end with the digest, after the source was checked again.
    case readChunk(id: FileID, length: Int)
    case closeSource(id: FileID)
    /// The next step of comparing the beginning of an open source with what the receiver holds.
    case checkPrefix(id: FileID, Resume)
    /// Reads small regular files whole and tells each by its difference from what the receiver has.
    case matchSmall([ListedFile], signatures: [FileSignature])
    /// Opens a regular file for `matchChunk`; it must still be the listed one. Closed by `closeSource`.
    case openMatch(id: FileID, directory: DirectoryID, entry: Entry, signature: FileSignature, refine: RefinePolicy)
    /// The next bytes of such a file, as copies and at most so many literal bytes.
    case matchChunk(id: FileID, literals: Int)
    /// The finer signature that an earlier `matchChunk` asked for; no runs: there is none.
    case refineMatch(id: FileID, runs: [BlockRun])

    // The receiver's.
    /// A new directory, built under a part name (published later) or, where `published`, at once.
    case makeDirectory(id: DirectoryID, parent: DirectoryID, entry: Entry, rule: ReplaceRule)
    /// Looks up this host's numbers for the sender's owners, by name (0 is never looked up).
    case resolveOwners([OwnerName])
    /// Gives a directory built under a part name its final name. `final`: everything inside it is settled.
    case publishDirectory(id: DirectoryID, final: FinalAttributes?)
    /// Applies a directory's final attributes, after everything inside it is settled.
    case finishDirectory(id: DirectoryID, FinalAttributes)
    /// A symlink, fifo, socket or device, put in place whole.
    case makeObject(directory: DirectoryID, entry: Entry, set: AttributeSet, rule: ReplaceRule)
    /// Sets attributes of an existing entry that is otherwise as it should be.
    case setAttributes(directory: DirectoryID, entry: Entry, set: AttributeSet)
    /// Claims own files that have other names elsewhere for names of this directory (`--hard-links`).
    case claimLinks(directory: DirectoryID, [(name: [UInt8], file: FileIdentity)])
    /// Links names of one directory to files that are here, where that is possible (`--hard-links`).
    case link(directory: DirectoryID, [LinkAsk])
    /// Remembers names for others to be linked to.
    case recordLinks(directory: DirectoryID, [LinkRecord])
    /// Creates or replaces small files of one directory.
    case writeSmall(directory: DirectoryID, buffer: [UInt8], files: [SmallFile])
    /// Signs small regular files whole, which must still have their sizes.
    case signSmall(files: [BasisFile], limits: SignatureLimits)
    /// Opens a regular file as a basis; it stays open, and watched, until `closeBasis`. With `part`, what an earlier run
    /// left of that target comes first and the file, if it has any bytes, behind it.
    case openBasis(id: FileID, file: BasisFile, limits: SignatureLimits, part: FileTarget?)
    /// The hashes of ranges of an open basis.
    case signRanges(id: FileID, blockLength: UInt32, widths: HashWidths, ranges: [BasisRange])
    /// `removesPart`: what an earlier run left has done its service.
    case closeBasis(id: FileID, removesPart: Bool)
    /// The next step of noting the regular files of the tree, of `smallest` bytes or more. Of the root's directories
    /// only these (nil: all).
    case indexTree(smallest: UInt64, directories: [[UInt8]]?)
    /// The next step of looking for files that were noted, and of digesting them.
    case search([SoughtFile])
    /// The next step of taking up what an earlier run left of a file: claimed first, then digested. In the end it is
    /// a staged file for `writeChunk`, which appends.
    case digestPartial(FileTarget)
    /// Opens a staged file for `writeChunk`. One that is open under this id begins anew.
    case openStage(FileTarget)
    /// Appends payloads to a staged file, in order.
    case writeChunk(id: FileID, payloads: [Payload])
    /// Checks the digest (nil: bytes never left this process), sets attributes, syncs where asked, renames. What is
    /// rearranged in place takes several steps.
    case commit(id: FileID, digest: ContentDigest?)
    /// Gives a staged file up. What is large enough stays for a later run.
    case abandon(id: FileID)
    /// Removes leftovers of ours that the sweeping rules allow.
    case sweep(directory: DirectoryID, names: [[UInt8]])
    /// Adds an extraneous entry to the deletion plan, with all that is below it. With `countOnly` it is counted
    /// (and checked for protected names) but not added: something else will replace it at commit.
    case planDeletion(directory: DirectoryID, name: [UInt8], countOnly: Bool)
    /// Carries out the next portion of the deletion plan. The directories that entries are removed from keep the
    /// modification time they had before.
    case deletePlanned
}

package enum FileResult: Sendable {
    case scanned(Result<ScanResult, FileProblem>)
    case forgotten
    case digested([Result<ContentDigest, FileProblem>])

    case readSmall(buffer: [UInt8], [SmallRead])
    /// `local` is set where the peer is in this process and can read the file itself.
    case openedSource(Result<(any SourceFile)?, FileProblem>)
    /// `digest` is set at the end of the file.
    case readChunk(Result<SourceChunk, FileProblem>)
    case closedSource
    case checkedPrefix(Result<PrefixCheck, FileProblem>)
    case matchedSmall(buffer: [UInt8], [SmallMatch])
    case matchedChunk(Result<MatchedChunk, FileProblem>)

    /// In the order asked for; nil: no such name here.
    case resolvedOwners([UInt32?])
    case madeDirectory(PlaceResult)
    /// `finished`: where it has its name and was to be finished with that.
    case publishedDirectory(PlaceResult, finished: PlaceResult?)
    case finishedDirectory(PlaceResult)
    case madeObject(PlaceResult)
    case setAttributes(PlaceResult)
    /// Whether another name of this tree has the file already.
    case claimedLinks([Bool])
    case linked([LinkAnswer])
    case recordedLinks([LinkRecorded])
    case wroteSmall([PlaceResult])
    case digestedPartial(PartialDigest)
    case signedSmall([Result<FileSignature, FileProblem>])
    case openedBasis(Result<BasisShape, FileProblem>)
    /// In the order of the ranges.
    case signedRanges(Result<[SignatureBlocks], FileProblem>)
    case closedBasis
    case indexedTree(more: Bool)
    case searched([SearchResult])
    case openedStage(PlaceResult)
    case wroteChunk(PlaceResult)
    /// To be asked again.
    case committing
    case committed(PlaceResult)
    case abandoned
    /// Of so many names something was removed.
    case swept(count: Int)
    /// How many names the entry stands for, itself included; the problems met while walking it.
    case plannedDeletion(count: UInt64, FileProblem?)
    /// Paths removed (relative to the root) and failures; `more` while the plan has further entries.
    case deleted(paths: [[UInt8]], failures: [(path: [UInt8], problem: FileProblem)], more: Bool)
}

/// A piece of a source, and whether it is the last.
package struct SourceChunk: Sendable {
    package var payload: Payload
    /// Set with the last piece. Nil digest inside: bytes are read by the receiver itself.
    package var end: SourceEnd?
    package init(payload: Payload, end: SourceEnd?) {
        self.payload = payload
        self.end = end
    }
}

package struct SourceEnd: Hashable, Sendable {
    package var digest: ContentDigest?
    package init(digest: ContentDigest?) { self.digest = digest }
}

/// How far a source's beginning has been compared with what the receiver holds.
package enum PrefixCheck: Hashable, Sendable {
    case more
    /// It is the same; reading goes on behind it.
    case same
    /// It is not; reading begins at the front.
    case different
}

/// How far what an earlier run left of a file has been digested.
package enum PartialDigest: Hashable, Sendable {
    case more
    /// All of it; the staged file is open.
    case whole(Resume)
    /// The new contents are shorter: it is held, to be copied from.
    case longer
    /// It is gone, or in somebody else's hands, or not to be trusted.
    case unusable
}
