// What a session needs besides a stream: the file layer set up for its role, and the agreement both ends work by.

import LifterCodec
import LifterFiles
import LifterProtocol
import LifterSystem

enum Session {
    static let software = "superlifter \(Superlifter.version)"

    /// `options`: the job's, where it is known.
    static func hello(_ options: JobOptions? = nil) throws(SuperlifterError) -> Hello {
        let nonce: [UInt8]
        do throws(Errno) {
            nonce = try Random.bytes(ProtocolConstants.nonceLength)
        } catch {
            throw SuperlifterError(.file, "cannot get random bytes from the system", causes: [error.description])
        }
        var hello = Hello(
            software: software, nonce: nonce,
            features: [
                Hello.zlibFeature, Hello.historyFeature, Hello.resumeFeature, Hello.deltaFeature, Hello.renamesFeature,
            ],
            limits: Limits(), abilities: abilities)
        if let options { try add(options.digest, to: &hello) }
        return hello
    }

    /// Names what the job digests contents with, where that is not what every peer has.
    static func add(_ digest: DigestKind, to hello: inout Hello) throws(SuperlifterError) {
        switch digest {
        case .xxh3: return
        case .sha256: break
        }
        guard SHA256.isHere else {
            throw SuperlifterError(
                .unsupported,
                "--checksum-choice sha256: libcrypto (OpenSSL) is not installed here; install it, or leave the option out"
            )
        }
        hello.features.append(Hello.sha256Feature)
    }

    /// A client's look at the server's Hello, before anything starts.
    static func check(_ peer: Hello, for job: Job) throws(SuperlifterError) {
        switch job.options.digest {
        case .xxh3: return
        case .sha256: break
        }
        guard peer.features.contains(Hello.sha256Feature) else {
            throw SuperlifterError(
                .unsupported,
                "--checksum-choice sha256: \(Display.escaped(Array(peer.software.utf8))) at the other end does not know "
                    + "it; upgrade superlifter there, or leave the option out")
        }
    }

    /// What this process can keep when it receives.
    static var abilities: Abilities { Users.effectiveUser == 0 ? [.owners, .devices, .setIDs] : [.setIDs] }

    static func agreement(
        _ result: HandshakeResult, own: Hello, ownIsReceiver: Bool
    ) -> Agreement {
        Agreement(
            job: result.job, peerLimits: result.peer.limits, ownLimits: own.limits,
            receiverAbilities: ownIsReceiver ? own.abilities : result.peer.abilities, digestKey: result.digestKey,
            isInProcess: false, peerFeatures: Set(result.peer.features))
    }

    /// The file layer's settings for one end of a job.
    /// `base`: what a path from the root is read beneath.
    static func settings(
        _ agreement: Agreement, isSender: Bool, base: PathBase = .user
    ) throws(SuperlifterError) -> FileSettings {
        let options = agreement.job.options
        var settings = FileSettings(ownUserID: Users.effectiveUser)
        settings.filter = try filter(agreement.job.rules)
        settings.deletesExcluded = options.deleteExcluded
        settings.keepsLinks = options.keepLinks
        settings.keepsDevices = options.keepDevices && agreement.receiverAbilities.contains(.devices)
        settings.keepsSpecials = options.keepSpecials
        settings.keepsHardLinks = options.keepHardLinks
        settings.numericIDs = options.numericIDs || !agreement.receiverAbilities.contains(.owners)
        settings.umask = Environment.creationMask
        settings.dryRun = options.dryRun || agreement.job.purpose != .transfer
        settings.allowsClone = agreement.isInProcess
        settings.heldDirectories = DescriptorBudget.directories / (agreement.isInProcess ? 2 : 1)
        settings.omitDirectoryTimes = options.omitDirectoryTimes || !options.keepTimes
        settings.keepsPartials = options.keepPartials
        settings.partialPlace = try partialPlace(options, isSender: isSender, base: base)
        settings.makesHoles = options.sparse
        settings.writesInPlace = options.writing != .aside
        settings.appends = options.writing == .append
        settings.replacesDirectories = options.force || options.delete != .none
        let rules = CompareRules(
            options, abilities: agreement.receiverAbilities, granularity: 1, key: agreement.digestKey)
        settings.newDirectorySet = rules.directorySet
        return settings
    }

    /// One directory for all is the receiver's; a name is passed by at both ends.
    private static func partialPlace(
        _ options: JobOptions, isSender: Bool, base: PathBase
    ) throws(SuperlifterError) -> PartialPlace {
        guard let path = options.partialDirectory else { return .beside }
        guard JobOptions.isPartialDirectory(path) else {
            throw SuperlifterError(
                .usage,
                "\(Display.escaped(path)): cannot hold incomplete files; name a directory or a path from the root")
        }
        if path.first != UInt8(ascii: "/") { return .below(name: path) }
        return isSender ? .beside : .fixed(path: path, base: base)
    }

    static func filter(_ rules: [[UInt8]]) throws(SuperlifterError) -> FilterRules {
        var filter = FilterRules()
        for rule in rules {
            guard filter.add(rule[...], as: .exclude) else {
                throw SuperlifterError(.usage, "a filter rule is empty: '\(Display.escaped(rule))'")
            }
        }
        return filter
    }

    static func shape(_ roots: SourceRoots) -> RootShape {
        switch roots.shape {
        case .contents(let attributes): .contents(attributes)
        case .items(let items): .items(items.map { RootShape.Item(name: $0.name, kind: $0.kind) })
        }
    }

    /// What the receiver tells of its opened destination.
    static func ready(_ root: DestinationRoot, _ agreement: Agreement, _ fileSystem: any FileSystem) -> Ready {
        Ready(
            isEmpty: (root.isEmpty || root.isMissing) && !keepsElsewhere(agreement.job.options),
            timeGranularity: root.timeGranularity(fileSystem))
    }

    /// An earlier run may have left something although the destination holds nothing.
    static func keepsElsewhere(_ options: JobOptions) -> Bool {
        options.keepPartials && options.partialDirectory?.first == UInt8(ascii: "/")
    }

    static func destination(
        _ path: [UInt8], _ agreement: Agreement, shape: RootShape, base: PathBase, fileSystem: any FileSystem
    ) throws(SuperlifterError) -> DestinationRoot {
        var options = DestinationRoot.Options()
        if case .items(let items) = shape, items.count == 1, items[0].kind != .directory { options.singleFile = true }
        options.makesPath = agreement.job.options.makePath
        options.dryRun = agreement.job.options.dryRun || agreement.job.purpose != .transfer
        do throws(RootProblem) {
            return try DestinationRoot.open(path, options, base: base, fileSystem: fileSystem)
        } catch {
            throw SuperlifterError(error)
        }
    }

    /// What `list` lists: what is in a directory, or the one thing that is no directory.
    static func listed(
        _ paths: [[UInt8]], rules: [[UInt8]], base: PathBase, fileSystem: any FileSystem
    ) throws(SuperlifterError) -> SourceRoots {
        let filter = try filter(rules)
        let contents = paths.map { $0 + [UInt8(ascii: "/")] }
        if let roots = try? SourceRoots.open(contents, base: base, fileSystem: fileSystem, filter: filter) {
            return roots
        }
        return try sources(paths, rules: rules, base: base, fileSystem: fileSystem)
    }

    static func sources(
        _ paths: [[UInt8]], rules: [[UInt8]], base: PathBase, fileSystem: any FileSystem
    ) throws(SuperlifterError) -> SourceRoots {
        let filter = try filter(rules)
        do throws(RootProblem) {
            return try SourceRoots.open(paths, base: base, fileSystem: fileSystem, filter: filter)
        } catch {
            throw SuperlifterError(error)
        }
    }
}
