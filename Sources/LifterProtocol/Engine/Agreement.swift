package import LifterCodec

/// What both ends know after the first flight, and what all that follows is keyed and limited by.
package struct Agreement: Sendable {
    package var job: Job
    /// What the peer allows to be under way towards it.
    package var peerLimits: Limits
    /// What this side allows.
    package var ownLimits: Limits
    /// What the receiving end can keep.
    package var receiverAbilities: Abilities
    /// Keys every digest of the session.
    package var digestKey: UInt64
    /// Both machines are in one process: messages pass as values, contents as file ranges.
    package var isInProcess: Bool
    /// Optional abilities that the peer's Hello named.
    package var peerFeatures: Set<String>
    /// New files are looked for elsewhere from so many bytes on.
    package var smallestMoved = Tuning.smallestMoved
    /// What is left of an interrupted file is kept from so many bytes on.
    package var smallestPartial = Tuning.smallestPartial

    package init(
        job: Job, peerLimits: Limits, ownLimits: Limits, receiverAbilities: Abilities, digestKey: UInt64,
        isInProcess: Bool, peerFeatures: Set<String> = []
    ) {
        self.job = job
        self.peerLimits = peerLimits
        self.ownLimits = ownLimits
        self.receiverAbilities = receiverAbilities
        self.digestKey = digestKey
        self.isInProcess = isInProcess
        self.peerFeatures = peerFeatures
    }

    /// What contents are digested with.
    package var contentKey: ContentKey { ContentKey(digestKey, job.options.digest) }

    /// Whether files that changed are told by their difference.
    var usesDelta: Bool {
        guard peerHas(Hello.deltaFeature) else { return false }
        return switch job.options.delta {
        case .auto: !isInProcess
        case .never: false
        case .always: true
        }
    }

    /// Whether finer signatures may be asked for.
    var usesRefinement: Bool {
        guard usesDelta else { return false }
        return switch job.options.refine {
        case .auto: !isInProcess
        case .never: false
        case .always: true
        }
    }

    /// Whether new files are looked for under other names. Within one process copying is all there is to save.
    var detectsRenames: Bool {
        usesDelta && !isInProcess && job.options.detectRenames && job.options.writing == .aside
            && peerHas(Hello.resumeFeature) && peerHas(Hello.renamesFeature)
    }

    /// Whether contents come without being asked for where they are promised at all. `isFirstCopy`: the destination
    /// held nothing.
    func promises(_ entry: Entry, isFirstCopy: Bool) -> Bool {
        entry.mayBePromised && (isFirstCopy || !detectsRenames || entry.attributes.size < smallestMoved)
    }

    /// Whether something optional may be sent to the peer. Within one process both ends are of one release.
    func peerHas(_ feature: String) -> Bool { isInProcess || peerFeatures.contains(feature) }

    /// A key made from both nonces, client's first; `seed` keeps the uses apart.
    package static func key(client: [UInt8], server: [UInt8], seed: UInt64) -> UInt64 {
        XXH3.hash64(client + server, seed: seed)
    }
}
