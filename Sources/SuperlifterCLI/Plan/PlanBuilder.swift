// From what was typed to what it means. First help and version, then the table of rules between options, then each
// occurrence in order. Reads no clock and no disk but through `read`, so that tests can say what is there.

import Superlifter

package struct PlanBuilder {
    private let parsed: ParsedArguments
    private let environment: [String: [UInt8]]
    private let read: FilterParser.ReadFile

    /// - Parameters:
    ///   - environment: what `SUPERLIFTER_RSH` and `SUPERLIFTER_REMOTE_PATH` say, if set.
    ///   - read: reads a file of patterns whole.
    /// - Throws: `UsageFailure`; nothing has been started.
    package static func request(
        from parsed: ParsedArguments, environment: [String: [UInt8]],
        read: @escaping (_ path: [UInt8]) throws(ReadFailure) -> [UInt8]
    ) throws(UsageFailure) -> Request {
        let builder = PlanBuilder(parsed: parsed, environment: environment, read: read)
        if let topic = try builder.helpTopic() { return .help(topic) }
        if parsed.isOn(.version) { return .version }
        for rule in CrossRule.all where rule.isBroken(parsed) { throw UsageFailure(rule.message) }
        switch parsed.command {
        case .push: return .transfer(try builder.transfer(.push))
        case .pull: return .transfer(try builder.transfer(parsed.isOn(.listOnly) ? .list : .pull))
        case .compare: return .transfer(try builder.transfer(.compare))
        case .list: return .transfer(try builder.transfer(.list))
        case .serve: return .serve(try builder.serve())
        case .explain: return .explain(try builder.explain())
        case .help: return .help(.screen(nil))
        }
    }

    /// `--help`, `help [COMMAND]`, and `-h` where nothing else was said (beside other arguments it is rsync's -h).
    private func helpTopic() throws(UsageFailure) -> HelpTopic? {
        if parsed.command == .help {
            if parsed.isOn(.manual) { return .manual }
            if let name = parsed.last(.completion)?.value {
                guard let shell = Shell(name) else {
                    throw UsageFailure("--completion: \(Printable.text(name)): write bash, zsh or fish")
                }
                return .completion(shell)
            }
            guard let word = parsed.operands.first else { return parsed.isOn(.version) ? nil : .screen(nil) }
            guard parsed.operands.count == 1 else { return nil }
            guard let command = Command.allCases.first(where: { $0.rawValue.utf8.elementsEqual(word) }) else {
                throw UsageFailure("help: \(Printable.text(word)): no such command")
            }
            return .full(command)
        }
        if parsed.last(.help) != nil { return .full(parsed.command) }
        if parsed.operands.isEmpty, parsed.occurrences.count == 1, parsed.last(.humanReadable) != nil {
            return .screen(parsed.command)
        }
        return nil
    }

    private func transfer(_ action: TransferRequest.Action) throws(UsageFailure) -> TransferRequest {
        let listsOnly = action == .list
        var request = TransferRequest(
            action: action, sources: listsOnly ? Array(parsed.operands.prefix(1)) : Array(parsed.operands.dropLast()),
            destination: listsOnly ? [] : parsed.operands.last ?? [])
        request.selection = try selection()
        request.keep = keeping()
        request.deletion = try deletion()
        request.writing = try writing()
        request.wire = try wire()
        request.connection = try connecting()
        request.output = try output()
        // A comparison that lists nothing would leave only its exit code; whoever wants that says -q.
        if action == .compare, !request.output.isQuiet { request.output.itemizes = true }
        return request
    }

    private func serve() throws(UsageFailure) -> ServeRequest {
        var request = ServeRequest()
        request.inetd = parsed.isOn(.inetd)
        request.root = try path(.root)
        request.readOnly = parsed.isOn(.readOnly)
        request.appendOnly = parsed.isOn(.appendOnly)
        request.name = try path(.asName)
        request.unconfined = parsed.isOn(.unconfined)
        request.verbosity = parsed.occurrences.count { $0.id == .verbose }
        request.listen = parsed.occurrences.filter { $0.id == .listen }.map(\.value)
        request.user = try path(.uid)
        request.group = try path(.gid)
        request.isInsecure = parsed.isOn(.insecure)
        request.configuration = try path(.config)
        request.checksConfiguration = parsed.isOn(.checkConfig)
        request.logFile = try path(.logFile)
        request.timeout = try seconds(.timeout, atLeast: 0)
        if let occurrence = parsed.last(.maxConnections) {
            guard let count = OptionValues.number(occurrence.value, atMost: 10_000), count >= 1 else {
                throw refusal(occurrence, "a number, 1 to 10000")
            }
            request.maxConnections = Int(count)
        }
        if let occurrence = parsed.last(.handshakeTimeout) {
            guard let time = OptionValues.milliseconds(occurrence.value) else {
                throw refusal(occurrence, "seconds, at most 86400, with up to three decimals")
            }
            request.handshakeTimeout = time
        }
        return request
    }

    private func explain() throws(UsageFailure) -> ExplainRequest {
        ExplainRequest(
            location: parsed.operands.first ?? [], connection: try connecting(),
            connectTimeout: try seconds(.connectTimeout, atLeast: 1))
    }

    private func selection() throws(UsageFailure) -> Selection {
        var selection = Selection()
        selection.dryRun = parsed.isOn(.dryRun)
        selection.updateOnly = parsed.isOn(.update)
        selection.existingOnly = parsed.isOn(.existing)
        selection.ignoreExisting = parsed.isOn(.ignoreExisting)
        if parsed.isOn(.checksum) { selection.comparison = .checksum }
        if parsed.isOn(.sizeOnly) { selection.comparison = .sizeOnly }
        if parsed.isOn(.ignoreTimes) { selection.comparison = .always }
        var filter = FilterParser()
        for occurrence in parsed.occurrences {
            let (value, spelled) = (occurrence.value, occurrence.spelled)
            if occurrence.id == .exclude { try filter.add(value, as: .exclude, spelled: spelled) }
            if occurrence.id == .include { try filter.add(value, as: .include, spelled: spelled) }
            if occurrence.id == .filter { try filter.add(rule: value, spelled: spelled) }
            if occurrence.id == .excludeFrom {
                try filter.add(file: value, as: .exclude, spelled: spelled, read: read)
            }
            if occurrence.id == .includeFrom {
                try filter.add(file: value, as: .include, spelled: spelled, read: read)
            }
        }
        selection.rules = filter.rules
        return selection
    }

    private func keeping() -> Keeping {
        var keep = Keeping()
        keep.perms = parsed.isOn(.perms, otherwise: true)
        keep.times = parsed.isOn(.times, otherwise: true)
        keep.directoryTimes = keep.times && !parsed.isOn(.omitDirectoryTimes)
        keep.owner = parsed.isOn(.owner, otherwise: true)
        keep.group = parsed.isOn(.group, otherwise: true)
        keep.links = parsed.isOn(.links, otherwise: true)
        keep.devices = parsed.isOn(.devices, otherwise: true)
        keep.hardLinks = parsed.isOn(.hardLinks, otherwise: true)
        keep.numericIDs = parsed.isOn(.numericIDs)
        return keep
    }

    private func deletion() throws(UsageFailure) -> Deletion {
        var deletion = Deletion()
        deletion.isOn = parsed.asksToDelete
        deletion.moment = parsed.isOn(.deleteBefore) ? .beforeContents : .afterContents
        deletion.includesExcluded = parsed.isOn(.deleteExcluded)
        deletion.fromEmptySource = parsed.isOn(.deleteFromEmpty)
        deletion.force = parsed.isOn(.force)
        if let occurrence = parsed.last(.maxDelete) {
            guard let limit = OptionValues.deletionLimit(occurrence.value) else {
                throw refusal(occurrence, "a number of entries, or 0% to 100%")
            }
            deletion.limit = limit
        }
        return deletion
    }

    private func writing() throws(UsageFailure) -> Writing {
        var writing = Writing()
        writing.makesPath = parsed.isOn(.makePath)
        writing.keepsPartials = parsed.isOn(.partial, otherwise: true)
        if let occurrence = parsed.last(.partialDir) {
            guard let directory = OptionValues.partialDirectory(occurrence.value) else {
                throw refusal(occurrence, "one name without a slash, or a path that begins with one")
            }
            writing.partialDirectory = directory
        }
        writing.sparse = parsed.isOn(.sparse)
        writing.detectsRenames = parsed.isOn(.detectRenames, otherwise: true)
        writing.fuzzy = parsed.isOn(.fuzzy)
        writing.mode = parsed.isOn(.appendVerify) ? .append : parsed.isOn(.inPlace) ? .inPlace : .aside
        return writing
    }

    private func wire() throws(UsageFailure) -> Wire {
        var wire = Wire()
        for occurrence in parsed.occurrences {
            if occurrence.id == .compressDefault {
                wire.compression = occurrence.negated ? Wire.Compression.off : .standard
            } else if occurrence.id == .compress {
                guard let compression = OptionValues.compression(occurrence.value) else {
                    throw refusal(occurrence, "auto, none, zstd[:1..19] or zlib[:1..9]; for plain compression say -z")
                }
                wire.compression = compression
            }
        }
        wire.wholeFile = parsed.last(.wholeFile).map { !$0.negated }
        if let occurrence = parsed.last(.blockSize) {
            guard let size = OptionValues.blockSize(occurrence.value) else {
                throw refusal(occurrence, "64 to 16777216 bytes (4K, 1M)")
            }
            wire.blockSize = size
        }
        if let occurrence = parsed.last(.refine) {
            switch String(decoding: occurrence.value, as: UTF8.self) {
            case "auto": wire.refinement = .auto
            case "always": wire.refinement = .always
            case "never": wire.refinement = .never
            default: throw refusal(occurrence, "auto, always or never")
            }
        }
        if let occurrence = parsed.last(.checksumChoice) {
            switch String(decoding: occurrence.value, as: UTF8.self) {
            case "xxh3", "xxh128", "auto": wire.digest = .xxh3
            case "sha256": wire.digest = .sha256
            case "none": throw refusal(occurrence, "xxh3 or sha256; contents are never taken unchecked")
            default: throw refusal(occurrence, "xxh3 (also as xxh128 or auto) or sha256")
            }
        }
        if let occurrence = parsed.last(.bwlimit) {
            guard let rate = OptionValues.rate(occurrence.value), rate == 0 || rate >= 512 else {
                throw refusal(occurrence, "KiB a second, or a number with K, M or G, at least 512B; 0 is no limit")
            }
            wire.rateLimit = rate == 0 ? nil : rate
        }
        wire.timeout = try seconds(.timeout, atLeast: 0)
        wire.connectTimeout = try seconds(.connectTimeout, atLeast: 1)
        return wire
    }

    private func connecting() throws(UsageFailure) -> Connecting {
        var connection = Connecting()
        connection.remoteShell = try path(.rsh) ?? fromEnvironment("SUPERLIFTER_RSH")
        connection.remotePath = try path(.remotePath) ?? fromEnvironment("SUPERLIFTER_REMOTE_PATH")
        connection.usesPipes = parsed.isOn(.sshPipes)
        if let occurrence = parsed.last(.retry) {
            guard let count = OptionValues.number(occurrence.value, atMost: 1_000_000) else {
                throw refusal(occurrence, "a whole number, 0 to 1000000")
            }
            connection.retries = UInt32(count)
        }
        connection.hints = parsed.occurrences.filter { $0.id == .via }.map(\.value)
        if parsed.isOn(.ipv4) { connection.addressFamily = .ipv4 }
        if parsed.isOn(.ipv6) { connection.addressFamily = .ipv6 }
        connection.address = try path(.address)
        return connection
    }

    /// As with the shell, a variable that is set and empty says nothing.
    private func fromEnvironment(_ name: String) -> [UInt8]? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private func output() throws(UsageFailure) -> OutputChoices {
        var output = OutputChoices()
        for occurrence in parsed.occurrences {
            switch occurrence.id {
            case .verbose: output.verbosity += 1
            case .progress: output.progress = occurrence.negated ? .never : .always
            case .info: try readInfo(occurrence, into: &output)
            default: break  // not about output; each has its own place above
            }
        }
        output.isQuiet = parsed.isOn(.quiet)
        if output.isQuiet, output.progress == .onTerminal { output.progress = .never }
        output.itemizes = parsed.isOn(.itemize)
        output.stats = output.stats || parsed.isOn(.stats)
        output.json = parsed.isOn(.json)
        output.format = try format(.outFormat)
        output.logFile = try path(.logFile)
        output.logFormat = try format(.logFileFormat)
        return output
    }

    private func format(_ id: OptionID) throws(UsageFailure) -> LineFormat? {
        guard let occurrence = parsed.last(id) else { return nil }
        do throws(LineFormat.Problem) {
            return try LineFormat(occurrence.value)
        } catch {
            throw UsageFailure("\(occurrence.spelled): \(error.text)")
        }
    }

    /// rsync's `--info=progress2,stats2,name0`: a word with an optional digit, 0 for off.
    private func readInfo(_ occurrence: Occurrence, into output: inout OutputChoices) throws(UsageFailure) {
        for flag in occurrence.value.split(separator: UInt8(ascii: ",")) {
            let digits = flag.reversed().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
            let word = Printable.text(flag.dropLast(digits)).lowercased()
            let isOn = !flag.suffix(digits).elementsEqual("0".utf8)
            switch word {
            case "progress": output.progress = isOn ? .always : .never
            case "stats": output.stats = isOn
            case "name": output.verbosity = isOn ? max(output.verbosity, 1) : 0
            case "flist", "misc", "nonreg", "skip", "del", "copy", "symsafe", "mount", "remove", "backup": break
            default:
                throw UsageFailure("\(occurrence.spelled): \(word): not a flag we know; use --progress, --stats or -v")
            }
        }
    }

    private func seconds(_ id: OptionID, atLeast minimum: UInt64) throws(UsageFailure) -> UInt32? {
        guard let occurrence = parsed.last(id) else { return nil }
        guard let value = OptionValues.number(occurrence.value, atMost: 31_536_000), value >= minimum else {
            throw refusal(occurrence, "whole seconds, \(minimum) to 31536000")
        }
        return UInt32(value)
    }

    /// A value that names something: neither empty nor with a NUL byte.
    private func path(_ id: OptionID) throws(UsageFailure) -> [UInt8]? {
        guard let occurrence = parsed.last(id) else { return nil }
        if occurrence.value.isEmpty || occurrence.value.contains(0) { throw refusal(occurrence, "a name") }
        return occurrence.value
    }

    private func refusal(_ occurrence: Occurrence, _ expected: String) -> UsageFailure {
        UsageFailure("\(occurrence.spelled): \(Printable.text(occurrence.value)): must be \(expected)")
    }
}
