// What is to become of one entry, by what is there already and by the options that select.

extension ReceiverMachine {
    enum Decision {
        case unchanged
        case skip
        /// After deletions, in the second pass.
        case later
        case refuse(FileProblem)
        case attributes(Changes)
        case directory(Changes, ChildPlan)
        case object(Changes)
        case content(Changes)
        /// Equal in size: the contents decide.
        case check(Changes)

        var changes: Changes {
            switch self {
            case .unchanged, .skip, .later, .refuse: []
            case .attributes(let changes), .directory(let changes, _), .object(let changes), .content(let changes),
                .check(let changes):
                changes
            }
        }
    }

    mutating func decide(
        _ entry: Entry, _ own: Entry?, in directory: DirectoryID, _ isPromised: Bool
    ) -> Decision {
        let isDirectory = entry.attributes.kind == .directory
        if let problem = unasked(entry.attributes.kind) { return .refuse(problem) }
        guard let own else {
            if options.existing { return isDirectory ? unwanted() : .skip }
            if isFirstOfTwo { return isDirectory ? unwanted() : .later }
            return create(entry, [.created])
        }
        if own.attributes.kind != entry.attributes.kind { return replace(entry, own, in: directory) }
        if isDirectory {
            let changes = compare(entry, own)
            return .directory(
                changes, ChildPlan(place: .existing, entry: entry, needsAttributes: !changes.isEmpty))
        }
        if options.ignoreExisting { return .skip }
        if options.update && entry.attributes.kind == .regular && isNewer(own, than: entry) { return .skip }
        if isFirstOfTwo { return .later }
        return entry.attributes.kind == .regular ? decideFile(entry, own, isPromised) : decideObject(entry, own)
    }

    /// The same where what is there stays as it is. Contents that may turn out to be equal are compared.
    mutating func sparing(_ decision: Decision, _ name: [UInt8], in directory: DirectoryID) -> Decision {
        switch decision {
        case .unchanged, .skip, .later, .refuse, .check: return decision
        case .attributes, .object, .content: return .refuse(.keepsExisting)
        case .directory(let changes, var child):
            if child.place == .unwanted || changes.isEmpty { return decision }
            fail(path(directory, name), .keepsExisting)
            // Something else is in the way; or it differs itself, but what is new can be added.
            guard child.place == .existing else { return unwanted() }
            child.needsAttributes = false
            return .directory([], child)
        }
    }

    private func unwanted() -> Decision { .directory([], ChildPlan(place: .unwanted)) }

    /// Under `--delete-before` the first pass only compares and deletes.
    private var isFirstOfTwo: Bool { options.delete == .before && pass == 0 && !changesNothing }

    /// What bears the time 0 was being overwritten in place when a run ended.
    private func isNewer(_ own: Entry, than entry: Entry) -> Bool {
        if own.attributes.modified.seconds == 0 { return false }
        return own.attributes.modified.truncated(to: rules.granularity)
            > entry.attributes.modified.truncated(to: rules.granularity)
    }

    private func create(_ entry: Entry, _ changes: Changes) -> Decision {
        switch entry.attributes.kind {
        case .directory:
            return .directory(
                changes.union(.created),
                ChildPlan(
                    place: changesNothing ? .imagined : .fresh, entry: entry, needsAttributes: true,
                    rule: rule(for: entry)))
        case .regular: return .content(changes.union(.content))
        case .symlink, .fifo, .socket, .characterDevice, .blockDevice: return .object(changes)
        }
    }

    /// Something of another kind is in the way.
    private mutating func replace(_ entry: Entry, _ own: Entry, in directory: DirectoryID) -> Decision {
        let isDirectory = entry.attributes.kind == .directory
        if options.ignoreExisting { return isDirectory ? unwanted() : .skip }
        if isFirstOfTwo {
            if own.attributes.kind == .directory { planConflict(own.name, in: directory) }
            return isDirectory ? unwanted() : .later
        }
        // What `--delete` or `--force` permits is counted first and done in the second pass; an empty directory
        // needs neither, which only the commit itself can tell.
        return create(entry, [.kind, .created])
    }

    private func decideFile(_ entry: Entry, _ own: Entry, _ isPromised: Bool) -> Decision {
        let sameSize = entry.attributes.size == own.attributes.size
        let changes = compare(entry, own)
        if options.checksum {
            // Promised contents come anyway.
            return sameSize && !isPromised ? .check(changes) : .content(changes.union(.content))
        }
        let sameTime =
            entry.attributes.modified.truncated(to: rules.granularity)
            == own.attributes.modified.truncated(to: rules.granularity)
        if sameSize && !options.ignoreTimes && (options.sizeOnly || sameTime) {
            return changes.isEmpty ? .unchanged : .attributes(changes)
        }
        if options.writing == .append && own.attributes.size >= entry.attributes.size { return .skip }
        let changed = changes.union(.content)
        return sameSize && !isPromised && comparesFirst(entry) ? .check(changed) : .content(changed)
    }

    /// Whether a file is worth a look at its digest before anything is sent for it: most that only got another time,
    /// as all files of a new release do, have the contents that they had. A large one is read twice if it does not;
    /// there the signature tells as well.
    private func comparesFirst(_ entry: Entry) -> Bool {
        agreement.usesDelta && !changesNothing && !onlyAdds && entry.attributes.size <= Tuning.comparedFirst
    }

    private func decideObject(_ entry: Entry, _ own: Entry) -> Decision {
        let isDevice = entry.attributes.kind == .characterDevice || entry.attributes.kind == .blockDevice
        let changes = compare(entry, own)
        if entry.target != own.target || (isDevice && entry.attributes.size != own.attributes.size) {
            return .object(changes.union(.checksum))
        }
        return changes.isEmpty ? .unchanged : .attributes(changes)
    }

    /// What differs between two entries of one kind, of what this job keeps.
    func compare(_ entry: Entry, _ own: Entry) -> Changes {
        var changes = Changes()
        let attributes = entry.attributes
        if attributes.kind == .regular && attributes.size != own.attributes.size { changes.insert(.size) }
        // Whatever is added to a directory gives it another time.
        let timesCount = attributes.kind == .directory ? rules.directoryTimes && !onlyAdds : rules.times
        if timesCount
            && attributes.modified.truncated(to: rules.granularity)
                != own.attributes.modified.truncated(to: rules.granularity)
        {
            changes.insert(.time)
        }
        if rules.permissions && attributes.kind != .symlink
            && rules.comparedMode(attributes.mode) != rules.comparedMode(own.attributes.mode)
        {
            changes.insert(.mode)
        }
        if rules.user && attributes.userID != own.attributes.userID { changes.insert(.user) }
        if rules.group && attributes.groupID != own.attributes.groupID { changes.insert(.group) }
        return changes
    }

    /// What may be replaced at the moment of commit. A full directory only in the second pass, when what is in it was
    /// counted as deleted and that was not too much.
    func rule(for entry: Entry) -> ReplaceRule {
        var rule = ReplaceRule()
        rule.keepExisting = options.ignoreExisting
        rule.keepNewer = options.update && entry.attributes.kind == .regular
        rule.onlyExisting = options.existing
        rule.removeDirectory = pass == 1 && summary.refusedDeletions == 0
        return rule
    }

    var attributeSet: AttributeSet {
        var set = AttributeSet()
        if rules.permissions { set.insert(.mode) }
        if rules.times { set.insert(.times) }
        if rules.user { set.insert(.user) }
        if rules.group { set.insert(.group) }
        return set
    }
}
