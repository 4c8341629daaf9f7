// Numbers that are part of protocol 1. They never change; a change would be another protocol.

package enum ProtocolConstants {
    /// Eight odd bytes before the first frame: a high bit, letters, CR LF and ^Z, so that 7-bit channels,
    /// terminals and text-mode pipes show themselves at once.
    package static let preamble: [UInt8] = [0xd3, 0x53, 0x4c, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
    package static let version: UInt16 = 1
    /// A frame's header: kind, flags, job, length, check.
    package static let headerLength = 12
    package static let trailerLength = 8
    /// The longest payload, in bytes, before and after compression.
    package static let longestPayload = 1 << 20
    /// Several messages in one frame are at most so long, together with their kinds and lengths.
    package static let longestPacked = 1 << 14
    /// A Hello is at most this long, and so is an Abort in its place.
    package static let longestHandshakePayload = 1 << 16
    /// Where the chain of checks starts, before both nonces are known.
    package static let openingChain: UInt64 = 0x5375_7065_724c_6674
    /// Seeds that keep the three uses of the nonces apart.
    package static let clientChainSeed: UInt64 = 1
    package static let serverChainSeed: UInt64 = 2
    package static let digestKeySeed: UInt64 = 3
    package static let nonceLength = 16
    /// Entries in one range of a listing, at most.
    package static let longestRange = 4096
    /// Ranges this short are sent outright.
    package static let outrightRange = 2
    package static let longestPath = 1 << 16
    package static let longestTarget = 4095
    package static let longestText = 1000
    /// What was being done when something failed, in bytes.
    package static let longestDoing = 200
    /// Ids, digests or outcomes in one message, at most.
    package static let longestList = 4096
    /// Copies in one Delta, and ranges in one Refine, at most.
    package static let mostCopies = 16_384
    /// Bytes of a block of a signature.
    package static let shortestBlock = 64
    package static let longestBlock = 1 << 24
    /// The history of a compressed stream of messages is at most two to this power, in bytes.
    package static let windowLog = 20
    /// What a content frame may be compressed against: so many bytes of the content frames before it, and of so many of
    /// these.
    package static let longestHistory = 1 << 18
    package static let historyFrames = 64
    /// A payload of a streamed class longer than this travels uncompressed: if it does not shrink, its compressed
    /// form could be longer than a payload may be.
    package static let longestStreamed = longestPayload - (longestPayload >> 7)
}
