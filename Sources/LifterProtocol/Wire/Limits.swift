// Numbers that may be tuned without changing the protocol: what this implementation announces and how far it
// works ahead. A peer may announce less; it is then held to the smaller.

package struct Limits: Hashable, Sendable {
    /// Content the sender may have under way, in bytes of uncompressed payload.
    package var contentWindow: UInt32 = 8 << 20
    package var listingWindow: UInt32 = 2 << 20
    package var answerWindow: UInt32 = 2 << 20
    package var signatureWindow: UInt32 = 8 << 20
    /// Entries sent and not yet answered.
    package var openIDs: UInt32 = 16_384

    package init() {}

    /// The most that any peer may announce, and so the most that may be under way.
    package static let largestContentWindow: UInt32 = 16 << 20
    package static let largestListingWindow: UInt32 = 4 << 20
    package static let largestSignatureWindow: UInt32 = 8 << 20
    package static let largestOpenIDs: UInt32 = 65_536
    /// The smallest window that is usable: twice the largest frame, since credit is granted back at half.
    package static let smallestWindow: UInt32 = 2 * UInt32(ProtocolConstants.longestPayload)

    package func fits() -> Bool {
        let windows = [
            (contentWindow, Self.largestContentWindow), (listingWindow, Self.largestListingWindow),
            (answerWindow, Self.largestListingWindow), (signatureWindow, Self.largestSignatureWindow),
        ]
        return windows.allSatisfy { $0.0 >= Self.smallestWindow && $0.0 <= $0.1 }
            && openIDs >= 64 && openIDs <= Self.largestOpenIDs
    }
}

package enum Tuning {
    /// Files up to this size travel whole, many to a frame.
    package static let smallFile: UInt64 = 64 << 10
    /// Bytes of small files read in one effect, and so put into one frame.
    package static let smallBatchBytes = 512 << 10
    /// The same where they are told by their differences, of which far fewer bytes are sent.
    package static let matchBatchBytes = 1 << 20
    package static let smallBatchFiles = 128
    /// Fewer are not read while other contents are.
    package static let worthABatch = 32
    /// One read of a large file.
    package static let chunk = 512 << 10
    /// The least that a slow stream makes of it.
    package static let smallestChunk = 4 << 10
    /// One read when the bytes stay in this process (the receiver reads the file itself).
    package static let localChunk = 4 << 20
    /// Pieces of a large file read ahead of the stream.
    package static let chunksAhead = 4
    /// Content jobs (a batch or a large file) in work at once.
    package static let contentJobs = 6
    /// What is left of an interrupted file is kept, and continued, from so many bytes on.
    package static let smallestPartial: UInt64 = 1 << 20
    /// Bytes digested by one effect.
    package static let digestStep = 4 << 20
    /// Files whose beginning has been found the same, waiting open for their turn.
    package static let checkedAhead = 4
    /// Directories that are forgotten in one effect.
    package static let forgottenTogether = 32
    /// Directories scanned ahead of the listing.
    package static let scansAhead = 8
    /// Entries in one message.
    package static let entriesPerMessage = 1024
    package static let entryBytesPerMessage = 64 << 10
    /// Listing messages and answers shorter than this travel together.
    package static let shortMessage = 1 << 10
    /// As long as more is on its way from the disk, fewer bytes of listing are not worth a frame.
    package static let worthAFrame = 4 << 10
    /// Owners in one message, and the most that a receiver takes in a session.
    package static let ownersPerMessage = 1000
    package static let mostOwners = 1 << 20
    /// Directories that a receiver keeps records of at once: far more than an honest sender, who is held by his credit,
    /// gets under way.
    package static let mostDirectories = 1 << 20
    /// How often a receiver may ask for one file: as found, once more where the digest was wrong, and spare.
    package static let requestsPerFile: UInt8 = 4
    /// Answers that wait to leave; while more do, no further listing is handled.
    package static let answersWaiting = 256
    package static let outcomesWaiting = 4096
    /// Outcomes and digests wanted, or ranges answered, that do not wait for others.
    package static let answersTogether = 64
    /// How long short messages wait for others to travel with, in nanoseconds.
    package static let answersLinger: UInt64 = 2_000_000
    package static let listingsLinger: UInt64 = 10_000_000
    /// Names whose links are asked about in one effect.
    package static let linksPerEffect = 256
    /// Ranges sent and not yet answered.
    package static let unansweredRanges = 8192
    /// Bytes of the receiver's own listings held ahead of the merge.
    package static let listingsAhead = 16 << 20
    /// Directories being built, and files being staged, at once: each holds a descriptor.
    package static let workLimit = 64
    /// Bytes of the sender's listings kept for the receiver's answers; more only if none of them waits for one.
    package static let listingsKept = 4 << 20
    /// Files smaller than this, at either end, are sent whole; and so are those of which the receiver has so many
    /// times as much.
    package static let smallestDelta: UInt64 = 1 << 10
    package static let largestBasisRatio: UInt64 = 16
    /// Files up to this size that differ in their times alone are compared by their digests before anything is sent.
    package static let comparedFirst: UInt64 = 256 << 10
    /// New files are looked for under other names from so many bytes on. Part of the protocol: smaller ones are promised.
    package static let smallestMoved: UInt64 = 32 << 10
    /// Batches of files that are looked for at once, and files in one.
    package static let searchesAhead = 2
    package static let soughtFiles = 1024
    /// Names of a directory that are looked at before and behind where a new one would stand, for a similar one.
    package static let neighbours = 128
    /// Files (or batches of small ones) being signed, and ranges of one of them, at once.
    package static let signingJobs = 4
    package static let rangesAhead = 4
    /// Bytes of a basis signed by one effect, or taken from it by one.
    package static let signedChunk: UInt64 = 1 << 20
    package static let copiedChunk: UInt64 = 4 << 20
    /// Bytes of hashes that are worth a message.
    package static let signatureMessage = 32 << 10
    /// Bytes a second that a stream is taken to carry until it has been measured, to judge whether a question pays.
    package static let assumedPace: UInt64 = 2_000_000
    /// Bases that are held open at once, at most.
    package static let openBases = 16
    /// Effects of one machine in the pool at once.
    package static let effectsInFlight = 64
    /// Events that wait for a user who is slow to take them; beyond, a machine asks for nothing more.
    package static let eventsWaiting = 1024
    /// Messages about deletions that wait for credit.
    package static let deletionsWaiting = 16
    /// Silence after which a Ping is sent, and after which a session ends, in nanoseconds.
    package static let pingAfter: UInt64 = 60_000_000_000
    package static let silenceEnds: UInt64 = 300_000_000_000
}
