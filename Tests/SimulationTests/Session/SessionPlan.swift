// What two simulated ends are to do, and over what.

import LifterFiles
import LifterProtocol
import LifterSystem

struct SessionPlan: Sendable {
    // The job.
    var direction = Direction.push
    var purpose = Purpose.transfer
    var options = JobOptions()
    var source = Array("/src/".utf8)
    var destination = Array("/dst/".utf8)
    /// The source is one file, which may get another name.
    var isSingleFile = false

    // The ends.
    var abilities: Abilities = [.owners, .devices, .setIDs]
    var clientLimits = Limits()
    var serverLimits = Limits()
    var clientVersions: ClosedRange<UInt16> = 1...1
    var serverVersions: ClosedRange<UInt16> = 1...1
    var granularity: UInt32 = 1
    var syncs = false
    var protection = Protection.none
    var heldDirectories = 64
    /// What is left of an interrupted file is kept from so many bytes on; 0: not at all.
    var smallestPartial: UInt64 = 1000
    /// Bytes digested in one effect.
    var digestStep = 64 << 10
    /// Bytes that are rearranged at a time in place, at least, and by one effect; and what is held in memory of what is
    /// to be moved.
    var movedArea: UInt64 = 256 << 10
    var movedByEffect = 4 << 20
    var movesInMemory = 1 << 20
    var poolSize = 2
    /// Directories and files that may be in work at once; 0: the usual number.
    var workLimit = 0
    /// Bytes of listings that the sender keeps; 0: the usual number.
    var listingsKept = 0
    /// Sender's ids from 1000 on stand for this much more at the receiver.
    var ownerShift: UInt32 = 0

    /// The server's Hello names the feature, and the client's.
    var knowsDelta = true
    var knowsRenames = true
    /// New files are looked for under other names from so many bytes on.
    var smallestMoved: UInt64 = 32 << 10

    // The stream.
    /// Both machines are in one process: messages pass as values.
    var isInProcess = false
    /// And the receiver reads the source itself.
    var clones = false
    var capacity = 1 << 16
    /// One way, in nanoseconds. With latency nothing else takes any time.
    var latency: UInt64 = 0
    /// A machine is asked for its next message only while fewer bytes wait to be written.
    var outputBuffer = 1
    /// Contents are compressed apart, so that everything else goes past them, and each its own way; 0: not apart.
    var codecSeed: UInt64 = 0
    /// What the stream is said to take, in bytes a second; 0: nothing is said.
    var pace: UInt64 = 0
    /// The user takes events only when nothing else is to be done, and a machine holds back after so few; 0: at once.
    var eventLimit = 0
    /// One effect in so many takes minutes; 0: none.
    var lateEffects = 0

    /// What holds the receiver to adding.
    enum Protection: Sendable {
        case none
        /// The disk alone refuses; machine and file layer do what the job says.
        case disk
        /// As an append-only server sets it up.
        case server
    }

    /// Below each directory, in some scenarios, and no part of what is compared.
    static let partialName = Array(".sim-parts".utf8)

    /// Where parts are kept at one end.
    private func partialPlace(isSender: Bool) -> PartialPlace {
        guard let path = options.partialDirectory, protection != .server else { return .beside }
        if path.first != UInt8(ascii: "/") { return .below(name: path) }
        return isSender ? .beside : .fixed(path: path, base: .user)
    }

    /// The smallest windows that a peer may announce.
    static var smallestLimits: Limits {
        var limits = Limits()
        limits.contentWindow = Limits.smallestWindow
        limits.listingWindow = Limits.smallestWindow
        limits.answerWindow = Limits.smallestWindow
        limits.signatureWindow = Limits.smallestWindow
        limits.openIDs = 64
        return limits
    }

    var job: Job {
        Job(
            direction: direction, purpose: purpose, paths: [direction == .push ? destination : source],
            options: options, rules: [], shape: nil, destination: nil)
    }

    func hello(isClient: Bool) -> Hello {
        let nonce = (0..<UInt8(ProtocolConstants.nonceLength)).map { isClient ? $0 : $0 + 100 }
        let versions = isClient ? clientVersions : serverVersions
        return Hello(
            software: isClient ? "simulated client" : "simulated server", nonce: nonce,
            features: [Hello.zlibFeature, Hello.historyFeature, Hello.resumeFeature]
                + (knowsDelta ? [Hello.deltaFeature] : []) + (knowsRenames ? [Hello.renamesFeature] : []),
            limits: isClient ? clientLimits : serverLimits, abilities: abilities,
            oldest: versions.lowerBound, newest: versions.upperBound)
    }

    /// How the disk is told to work at one end.
    func settings(isSender: Bool, startedAt: Int64) -> FileSettings {
        var settings = FileSettings(ownUserID: 0)
        settings.keepsLinks = options.keepLinks
        settings.keepsDevices = options.keepDevices
        settings.keepsSpecials = options.keepSpecials
        settings.keepsHardLinks = options.keepHardLinks
        settings.numericIDs = options.numericIDs
        settings.dryRun = !isSender && (options.dryRun || purpose != .transfer)
        settings.allowsClone = isSender && isInProcess && clones
        settings.syncs = syncs
        settings.omitDirectoryTimes = options.omitDirectoryTimes
        settings.replacesDirectories = options.force || options.delete != .none
        settings.startedAt = startedAt
        settings.deletionTime = nil
        settings.heldDirectories = heldDirectories
        settings.keepsPartials = smallestPartial > 0
        settings.smallestPartial = max(1, smallestPartial)
        settings.partialPlace = partialPlace(isSender: isSender)
        settings.digestStep = digestStep
        settings.makesHoles = options.sparse
        settings.writesInPlace = options.writing != .aside
        settings.movedArea = movedArea
        settings.movedByEffect = movedByEffect
        settings.movesInMemory = movesInMemory
        settings.appends = options.writing == .append
        settings.appendOnly = protection == .server
        settings.newDirectorySet = CompareRules(options, abilities: abilities, granularity: 1, key: 0).directorySet
        return settings
    }
}
