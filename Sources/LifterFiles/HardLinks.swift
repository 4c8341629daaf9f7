// `--hard-links` at the receiver's disk: where the first name of each group is, who keeps a file that has several names
// here, and making one name another of a file that is in place.
//
//     claimLinks    before names are found to be the same: they claim files that have names elsewhere, too
//     link          links names to where their group is, as far as it is known, and answers who may keep what
//     recordLinks   a first name is in place: from now on others can be linked to it

import LifterCodec
import LifterProtocol
import LifterSystem
import Synchronization

/// What is remembered. The table may read or write a page of the disk under the lock.
final class HardLinks: Sendable {
    /// A name that others can be linked to.
    struct Place {
        /// While the directory is in use it is known by its number, since it may have a part name yet.
        var directory: DirectoryID
        /// From the root, by final names.
        var path: [UInt8]
        /// The file that was recorded; nil: one that a dry run would make.
        var file: LinkKey?
        /// Names of the group that were not linked yet, as far as the sender counts them.
        var left: UInt32
    }

    private let table: Mutex<LinkTable>

    init(fileSystem: any FileSystem, spool: UnnamedFiles) {
        // The peer may choose what is looked up, but not where it comes to lie.
        table = Mutex(
            LinkTable(fileSystem: fileSystem, seed: fileSystem.unpredictableNumber(), makeFile: { spool.make() }))
    }

    // MARK: Groups

    func place(of link: FileIdentity) -> Place? {
        table.withLock { table in
            guard let value = table[Self.key(link)], let bytes = table.bytes(at: value.low), bytes.count >= 21 else {
                return nil
            }
            let file = LinkKey(device: Self.number(bytes, 4), inode: Self.number(bytes, 12))
            return Place(
                directory: DirectoryID(truncatingIfNeeded: Self.number(bytes, 0) & 0xffff_ffff),
                path: Array(bytes[21...]), file: bytes[20] == 1 ? file : nil,
                left: UInt32(truncatingIfNeeded: value.high))
        }
    }

    func record(_ link: FileIdentity, _ place: Place) {
        var bytes: [UInt8] = []
        for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: place.directory >> UInt32(shift * 8))) }
        for number in [place.file?.device ?? 0, place.file?.inode ?? 0] {
            for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift * 8))) }
        }
        bytes.append(place.file == nil ? 0 : 1)
        table.withLock { table in
            let position = table.append(bytes + place.path)
            table.set(Self.key(link), LinkTableValue(low: position, high: UInt64(place.left)))
        }
    }

    /// One more name was linked. When it was the last there is nothing to remember any more.
    func wasLinked(_ link: FileIdentity) {
        table.withLock { table in
            let key = Self.key(link)
            guard var value = table[key] else { return }
            value.high = value.high > 0 ? value.high - 1 : 0
            if value.high == 0 { table.remove(key) } else { table.set(key, value) }
        }
    }

    private static func key(_ link: FileIdentity) -> LinkTableKey {
        LinkTableKey(.group, device: link.device, inode: link.inode)
    }

    private static func number(_ bytes: [UInt8], _ start: Int) -> UInt64 {
        (0..<8).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64($1 * 8) }
    }

    // MARK: Who keeps a file

    /// The first name of a file that comes keeps it. For any other it is contested.
    func isContested(_ name: ArraySlice<UInt8>, in path: [UInt8], _ file: FileIdentity) -> Bool {
        let mine = Self.keeper(path, name)
        return table.withLock { table in
            let key = Self.key(own: file)
            if let keeper = table[key] { return keeper != mine }
            table.set(key, mine)
            return false
        }
    }

    /// Whether a name may keep its file; then it does, or its group does.
    func mayKeep(_ name: [UInt8], in path: [UInt8], _ file: FileIdentity, for group: FileIdentity?) -> Bool {
        let mine = Self.keeper(path, name[...])
        let group = group.map(Self.keeper)
        return table.withLock { table in
            let key = Self.key(own: file)
            if let keeper = table[key], keeper != mine, keeper != group { return false }
            table.set(key, group ?? mine)
            return true
        }
    }

    private static func key(own file: FileIdentity) -> LinkTableKey {
        LinkTableKey(.own, device: file.device, inode: file.inode)
    }

    /// Names are told apart by a digest of their path, which is the same in the second pass.
    private static func keeper(_ path: [UInt8], _ name: ArraySlice<UInt8>) -> LinkTableValue {
        let digest = XXH3.hash128(path + [UInt8(ascii: "/")] + name, seed: 1)
        return LinkTableValue(low: digest.low, high: digest.high)
    }

    private static func keeper(_ group: FileIdentity) -> LinkTableValue {
        var bytes: [UInt8] = []
        for number in [group.device & ~LinkKey.secondPass, group.inode] {
            for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift * 8))) }
        }
        let digest = XXH3.hash128(bytes, seed: 2)
        return LinkTableValue(low: digest.low, high: digest.high)
    }
}

extension FileLayer {
    func claimLinks(in id: DirectoryID, _ names: [(name: [UInt8], file: FileIdentity)]) -> FileResult {
        guard let hardLinks else { return .claimedLinks(names.map { _ in false }) }
        let path = directories.path(of: id)
        return .claimedLinks(names.map { hardLinks.isContested($0.name[...], in: path, $0.file) })
    }

    // MARK: Recording

    func recordLinks(in id: DirectoryID, _ records: [LinkRecord]) -> FileResult {
        guard let hardLinks else { return .recordedLinks(records.map { _ in .gone }) }
        return .recordedLinks(
            records.map { record in
                do throws(FileProblem) {
                    return try self.record(record, in: id, hardLinks) ? .done : .gone
                } catch {
                    return .failed(error)
                }
            })
    }

    private func record(
        _ record: LinkRecord, in id: DirectoryID, _ hardLinks: HardLinks
    ) throws(FileProblem) -> Bool {
        var file = record.own.map { LinkKey(device: $0.device, inode: $0.inode) }
        if !settings.dryRun {
            let found = try directories.withDirectory(id) { directory throws(FileProblem) in
                try statusIfAny(record.name, in: directory)
            }
            guard let found else { return false }
            file = LinkKey(device: found.device, inode: found.inode)
        }
        hardLinks.record(
            record.link,
            HardLinks.Place(directory: id, path: record.path, file: file, left: record.link.names - 1))
        return true
    }

    // MARK: Linking

    /// Answers in the order of the questions.
    func link(in id: DirectoryID, _ asks: [LinkAsk]) -> FileResult {
        guard let hardLinks else { return .linked(asks.map { _ in .first(mayKeepOwn: true) }) }
        let path = directories.path(of: id)
        return .linked(
            asks.map { ask in
                if let answer = linkIfKnown(ask, in: id, hardLinks) { return answer }
                guard ask.keepsOwn, let own = ask.own else { return .first(mayKeepOwn: true) }
                return .first(
                    mayKeepOwn: hardLinks.mayKeep(ask.entry.name, in: path, own, for: ask.entry.link))
            })
    }

    /// nil: there is nothing to link to, or this disk cannot.
    private func linkIfKnown(_ ask: LinkAsk, in id: DirectoryID, _ hardLinks: HardLinks) -> LinkAnswer? {
        do throws(FileProblem) {
            guard let (link, place) = try knownPlace(ask, hardLinks) else { return nil }
            if settings.dryRun {
                let own = ask.own.map { LinkKey(device: $0.device, inode: $0.inode) }
                let isSame = place.file != nil && own == place.file
                hardLinks.wasLinked(link)
                return isSame ? .unchanged : .linked(to: place.path)
            }
            try checkMayWrite(ask.entry.name)
            guard let file = place.file else { return nil }
            let done = try withPlace(place) { source, name throws(FileProblem) -> LinkAnswer? in
                try working(in: id) { directory throws(FileProblem) in
                    try makeName(ask, of: name, in: source, file, place, in: directory, id)
                }
            }
            guard let answer = done ?? nil else { return nil }
            switch answer {
            case .linked, .unchanged: hardLinks.wasLinked(link)
            case .kept, .failed, .first: break
            }
            return answer
        } catch {
            return .failed(error)
        }
    }

    /// Where the group of a name is. In the second pass every group begins anew; but what the first pass has made
    /// without the source's time is newer, and so skipped now (`--update`): then it goes on standing for its group.
    private func knownPlace(
        _ ask: LinkAsk, _ hardLinks: HardLinks
    ) throws(FileProblem) -> (link: FileIdentity, place: HardLinks.Place)? {
        guard var link = ask.entry.link else { return nil }
        if let place = hardLinks.place(of: link) { return (link, place) }
        guard ask.rule.keepNewer, link.device & LinkKey.secondPass != 0 else { return nil }
        link.device &= ~LinkKey.secondPass
        guard let place = hardLinks.place(of: link) else { return nil }
        let found = try withPlace(place) { directory, name throws(FileProblem) in
            try statusIfAny(Array(name), in: directory)
        }
        guard let found, let status = found else { return nil }
        return keeps(status, rule: ask.rule, modified: ask.entry.attributes.modified) ? (link, place) : nil
    }

    /// Lends the directory of a recorded name; nil where it is not to be found any more.
    private func withPlace<R>(
        _ place: HardLinks.Place, _ body: (RawDescriptor, ArraySlice<UInt8>) throws(FileProblem) -> R
    ) throws(FileProblem) -> R? {
        let slash = place.path.lastIndex(of: UInt8(ascii: "/"))
        let name = slash.map { place.path[($0 + 1)...] } ?? place.path[...]
        if directories.isRegistered(place.directory) {
            // What fails before the body has begun is the way there: then perhaps by the path.
            let result = try? directories.withDirectory(place.directory) { directory throws(FileProblem) in
                Result { () throws(FileProblem) in try body(directory, name) }
            }
            if let result { return try result.get() }
        }
        guard let slash else { return nil }
        guard let opened = try openBelowRoot(place.path[..<slash]) else { return nil }
        defer { fileSystem.close(opened) }
        return try body(opened, name)
    }

    /// Opens a directory by its path from the root, in pieces that the kernel takes, strictly beneath it. Nil where it
    /// is gone, or something else is in its place.
    func openBelowRoot(_ path: ArraySlice<UInt8>) throws(FileProblem) -> RawDescriptor? {
        let longestPiece = 4_000
        return try directories.withDirectory(0) { root throws(FileProblem) -> RawDescriptor? in
            var current = root
            var rest = path
            while !rest.isEmpty {
                var piece = rest
                if rest.count > longestPiece {
                    let window = rest[..<(rest.startIndex + longestPiece)]
                    guard let cut = window.lastIndex(of: UInt8(ascii: "/")) else {
                        throw FileProblem(.system, doing: "opening a directory")
                    }
                    piece = rest[..<cut]
                }
                let next: RawDescriptor
                do throws(Errno) {
                    next = try openRoomy(Array(piece), in: current, [.read, .directory], mode: 0)
                } catch {
                    if current != root { fileSystem.close(current) }
                    if [.noEntry, .notDirectory, .loop].contains(error) { return nil }
                    throw FileProblem(error, doing: "opening a directory")
                }
                if current != root { fileSystem.close(current) }
                current = next
                rest = rest[piece.endIndex...].drop { $0 == UInt8(ascii: "/") }
            }
            return current
        }
    }

    /// Makes the name another one of a file that has a name already. nil: that is not there as it was recorded, or this
    /// disk gives it no further name; then the contents are needed.
    private func makeName(
        _ ask: LinkAsk, of first: ArraySlice<UInt8>, in source: RawDescriptor, _ file: LinkKey,
        _ place: HardLinks.Place, in directory: RawDescriptor, _ id: DirectoryID
    ) throws(FileProblem) -> LinkAnswer? {
        let entry = ask.entry
        guard let status = try statusIfAny(Array(first), in: source), isRecorded(status, file),
            EntryKind(status.kind) == entry.attributes.kind,
            entry.attributes.kind != .regular || status.size == entry.attributes.size
        else { return nil }
        let old = try statusIfAny(entry.name, in: directory)
        if let old, isRecorded(old, file) { return .unchanged }
        if settings.appendOnly, let old {
            if keeps(old, rule: ask.rule, modified: entry.attributes.modified) { return .kept }
            throw .keepsExisting
        }
        // Nobody sees what is in a directory that is being built.
        let isPrivate = old == nil && stages.isBuilding(id) && !ask.rule.onlyExisting
        var part = isPrivate ? entry.name : try freePart(PartName.linkPart(of: entry.name), in: directory)
        for _ in 0..<4 {
            guard try makePart(part, of: first, in: source, file, in: directory) else { return nil }
            if isPrivate { return .linked(to: place.path) }
            do throws(FileProblem) {
                let placed = try self.place(
                    Placement(
                        directory: id, part: part, name: entry.name, isDirectory: false,
                        modified: entry.attributes.modified, rule: ask.rule),
                    in: directory)
                switch placed {
                case .done: return .linked(to: place.path)
                case .kept:
                    removePart(part, isDirectory: false, in: directory)
                    return .kept
                }
            } catch {
                removePart(part, isDirectory: false, in: directory)
                // It cannot be locked, so another run that begins just now may clear it away.
                guard error.errno == Errno.noEntry.rawValue else { throw error }
                part = PartName.randomPart(fileSystem)
            }
        }
        return nil
    }

    /// False where the file gets no further name.
    private func makePart(
        _ part: [UInt8], of first: ArraySlice<UInt8>, in source: RawDescriptor, _ file: LinkKey,
        in directory: RawDescriptor
    ) throws(FileProblem) -> Bool {
        do throws(Errno) {
            try fileSystem.makeHardLink(from: first, in: source, to: part[...], in: directory)
        } catch {
            // Too many names, another file system, one without links, or a file that is not ours to link.
            let cannot: [Errno] = [
                .tooManyLinks, .crossDevice, .permission, .notSupported, .noSystem, .noEntry, .exists,
            ]
            if cannot.contains(error) { return false }
            throw FileProblem(error, doing: "making a hard link")
        }
        // Somebody may have put another thing under the first name in that instant.
        var isRight = false
        defer { if !isRight { removePart(part, isDirectory: false, in: directory) } }
        if let made = try statusIfAny(part, in: directory) { isRight = isRecorded(made, file) }
        return isRight
    }

    private func isRecorded(_ status: FileStatus, _ file: LinkKey) -> Bool {
        status.device == file.device && status.inode == file.inode
    }
}
