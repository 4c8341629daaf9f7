// What a hostile sender tells: frames, the shape and the options they go with, and what must come of them.

import LifterCodec
import LifterProtocol

struct HostileList: Sendable, CustomStringConvertible {
    enum Demand: Sendable {
        /// The session ends with an error: no honest peer sends this.
        case refusal
        /// Anything but harm, a trap or a hang.
        case safety
    }

    var name: String
    var shape: [UInt8] = HostileFrame.rootsOfContents()
    var options = JobOptions()
    var demand = Demand.safety
    /// Made for a session's digest key.
    var frames: @Sendable (UInt64) -> [HostileFrame]

    var description: String { name }

    init(
        _ name: String, _ demand: Demand = .safety, options: JobOptions = JobOptions(),
        frames: @escaping @Sendable (UInt64) -> [HostileFrame]
    ) {
        self.name = name
        self.demand = demand
        self.options = options
        self.frames = frames
    }

    /// The whole list as a sender gives it behind the handshake.
    func play(to peer: inout HostilePeer) {
        peer.send(frames(peer.digestKey))
    }
}

extension RawSegment {
    /// Contents with the digest that they have.
    static func honest(_ id: UInt64, _ text: String, key: UInt64) -> RawSegment {
        let digest = XXH3.hash128(Array(text.utf8), seed: key)
        return RawSegment(id: id, bytes: Array(text.utf8), digest: (digest.low, digest.high))
    }
}

/// Options by which more of the receiver's code is reached.
enum Variants {
    static var plain: JobOptions { JobOptions() }
    static var deleting: JobOptions {
        var options = JobOptions()
        options.delete = .after
        options.force = true
        return options
    }
    static var deletingBefore: JobOptions {
        var options = JobOptions()
        options.delete = .before
        return options
    }
    static var checksum: JobOptions {
        var options = JobOptions()
        options.checksum = true
        return options
    }
    static var dry: JobOptions {
        var options = JobOptions()
        options.dryRun = true
        return options
    }
    static var ignoring: JobOptions {
        var options = JobOptions()
        options.ignoreTimes = true
        options.delete = .after
        return options
    }
    static let all: [JobOptions] = [plain, deleting, deletingBefore, checksum, dry, ignoring]
}
