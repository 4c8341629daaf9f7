// Lists one directory: its names from the open directory, put in order, chosen by the filter, and each asked for
// its attributes relative to that same descriptor. Nothing is allocated per entry but room in the listing's arena.

import LifterProtocol
import LifterSystem

final class Scanner: Sendable {
    private let fileSystem: any FileSystem
    private let settings: FileSettings
    private let directories: DirectoryTable
    private let role: FileRole
    private let isSender: Bool
    /// What does not take part on this end.
    private let filter: FilterRules
    private let ownerNames = OwnerNames()
    private let fixedPartials: FixedPartials?

    init(
        fileSystem: any FileSystem, settings: FileSettings, directories: DirectoryTable, role: FileRole,
        fixedPartials: FixedPartials? = nil
    ) {
        self.fixedPartials = fixedPartials
        self.fileSystem = fileSystem
        self.settings = settings
        self.directories = directories
        self.role = role
        switch role {
        case .sender:
            isSender = true
            filter = settings.filter
        case .receiver:
            isSender = false
            filter = settings.deletesExcluded ? FilterRules() : settings.filter
        }
    }

    /// `key` is the session's digest key.
    func scan(
        _ id: DirectoryID, parent: DirectoryID?, name: [UInt8], key: UInt64
    ) -> Result<ScanResult, FileProblem> {
        let result = list(id, parent: parent, name: name)
        guard settings.keepsHardLinks, case .success(var scan) = result else { return result }
        scan.listing.seal(isSender: isSender, key: key)
        return .success(scan)
    }

    private func list(_ id: DirectoryID, parent: DirectoryID?, name: [UInt8]) -> Result<ScanResult, FileProblem> {
        do throws(FileProblem) {
            if id != 0 { return .success(try scanBelow(id, parent: parent ?? 0, name: name)) }
            switch role {
            case .receiver(let root):
                // A destination that a dry run did not create is an empty directory.
                if root.isMissing { return .success(ScanResult(attributes: root.attributes)) }
            case .sender(let roots):
                switch roots.shape {
                case .contents: break
                case .items(let items): return .success(scanItems(items, of: roots))
                }
            }
            return .success(try scanAgain(0))
        } catch {
            return .failure(error)
        }
    }

    // MARK: Opening

    /// Opens a directory at its first sight, lists it, and leaves its descriptor to the table.
    private func scanBelow(_ id: DirectoryID, parent: DirectoryID, name: [UInt8]) throws(FileProblem) -> ScanResult {
        if directories.isRegistered(id) { return try scanAgain(id) }
        directories.register(id, parent: parent, name: name)
        let opened = try directories.withDirectory(parent, holding: name[...]) { base throws(FileProblem) in
            try attempting("opening the directory") { () throws(Errno) in
                try directories.opening { () throws(Errno) in
                    try fileSystem.open(name[...], in: base, [.read, .directory, .noAccessTime], mode: 0)
                }
            }
        }
        let status: FileStatus
        let result: ScanResult
        do throws(FileProblem) {
            status = try attempting("opening the directory") { () throws(Errno) in
                try fileSystem.status(of: opened)
            }
            result = try list(opened, status, id)
        } catch {
            fileSystem.close(opened)
            throw error
        }
        directories.adopt(id, descriptor: opened, status: status)
        return result
    }

    /// Lists a directory that is known already, through a descriptor of its own: names are read from the front.
    private func scanAgain(_ id: DirectoryID) throws(FileProblem) -> ScanResult {
        try directories.withDirectory(id) { held throws(FileProblem) in
            let opened = try attempting("opening the directory") { () throws(Errno) in
                try directories.opening { () throws(Errno) in try fileSystem.reopen(held) }
            }
            defer { fileSystem.close(opened) }
            let status = try attempting("opening the directory") { () throws(Errno) in
                try fileSystem.status(of: opened)
            }
            return try list(opened, status, id)
        }
    }

    /// The root that several sources, or one by its name, make up.
    private func scanItems(_ items: [SourceRoots.Item], of roots: SourceRoots) -> ScanResult {
        var entries = Entries(result: ScanResult(attributes: roots.attributes))
        if let names = roots.names {
            for entry in names { entries.result.listing.append(name: entry.name[...], entry.attributes) }
            return entries.result
        }
        var matcher = filter.matcher(inDirectory: [])
        for item in items {
            add(item.name[...], kind: FileKind(item.kind), in: item.base, isNamed: true, &matcher, &entries)
        }
        return finish(entries)
    }

    // MARK: Listing

    private struct Entries {
        var result: ScanResult
        var owners = OwnerSet()
    }

    private func list(
        _ directory: RawDescriptor, _ status: FileStatus, _ id: DirectoryID
    ) throws(FileProblem) -> ScanResult {
        var names = DirectoryNames()
        try attempting("reading the directory") { () throws(Errno) in
            while try fileSystem.readNames(of: directory, into: &names) {}
        }
        var entries = Entries(result: ScanResult(attributes: Attributes(status)))
        entries.result.listing.reserve(count: names.count, bytes: names.bytes.count)
        // The root is an entry of no directory, and its owner counts too.
        if id == 0 && isSender && !settings.numericIDs {
            entries.owners.insert(user: status.userID, group: status.groupID)
        }
        var matcher = filter.matcher(inDirectory: filter.isEmpty ? [] : directories.path(of: id)[...])
        for index in names.sortedIndices() {
            let name = names[index]
            if name.first == UInt8(ascii: "."), Names.isReserved(name) {
                note(name, in: directory, &entries.result)
            } else if isPartialDirectory(name, names.kinds[index], in: directory) {
                if !isSender, fixedPartials == nil { noteParts(in: name, of: directory, &entries.result) }
            } else {
                add(name, kind: names.kinds[index], in: directory, isNamed: false, &matcher, &entries)
            }
        }
        return finish(entries)
    }

    /// Adds one entry, if it takes part. A name that is gone by now was never there, unless the user named it.
    private func add(
        _ name: ArraySlice<UInt8>, kind: FileKind?, in directory: RawDescriptor, isNamed: Bool,
        _ matcher: inout FilterRules.Matcher, _ entries: inout Entries
    ) {
        if let kind, !isChosen(name, kind, &matcher) { return }
        do throws(Errno) {
            let status = try fileSystem.status(of: name, in: directory)
            if kind != status.kind && !isChosen(name, status.kind, &matcher) { return }
            if let destination = settings.destination, status.kind == .directory, destination.isSameObject(as: status) {
                let doing = "sending the destination into itself (leave it out with --exclude)"
                entries.result.problems.append((Array(name), FileProblem(.refused, doing: doing)))
                return
            }
            let attributes = Attributes(status)
            let isListed: Bool
            let link = identity(status)
            if status.kind == .symlink {
                let target = try fileSystem.readLink(name, in: directory)
                isListed = entries.result.listing.append(name: name, attributes, target: target[...], link: link)
            } else {
                isListed = entries.result.listing.append(name: name, attributes, link: link)
            }
            if !isListed { throw .nameTooLong }
            if isSender && !settings.numericIDs {
                entries.owners.insert(user: status.userID, group: status.groupID)
            }
        } catch {
            if error == .noEntry && !isNamed { return }
            let problem =
                error == .noEntry
                ? FileProblem(.vanished, errno: error.rawValue, doing: "reading attributes")
                : FileProblem(error, doing: "reading attributes")
            entries.result.problems.append((Array(name), problem))
        }
    }

    // MARK: Parts

    private func note(_ name: ArraySlice<UInt8>, in directory: RawDescriptor, _ result: inout ScanResult) {
        if isResumable(name, in: directory) {
            result.resumable.append(Array(name))
        } else {
            result.partials.append(Array(name))
        }
    }

    /// The directory in which parts are kept is no part of the tree, at either end.
    private func isPartialDirectory(
        _ name: ArraySlice<UInt8>, _ told: FileKind?, in directory: RawDescriptor
    ) -> Bool {
        if let told, told != .directory { return false }
        switch settings.partialPlace {
        case .beside: return false
        case .below(let own):
            guard name.elementsEqual(own) else { return false }
            return told != nil || (try? fileSystem.status(of: name, in: directory))?.kind == .directory
        case .fixed:
            guard let fixedPartials, let status = try? fileSystem.status(of: name, in: directory) else { return false }
            return fixedPartials.isSame(as: status)
        }
    }

    /// What is below counts as if it lay beside its targets, where it is looked for as well.
    private func noteParts(in name: ArraySlice<UInt8>, of directory: RawDescriptor, _ result: inout ScanResult) {
        guard let opened = try? fileSystem.open(name, in: directory, [.read, .directory], mode: 0) else { return }
        defer { fileSystem.close(opened) }
        var names = DirectoryNames()
        while (try? fileSystem.readNames(of: opened, into: &names)) == true {}
        let parts = names.sortedIndices().filter { PartName.isPart(names[$0]) }
        for index in parts { note(names[index], in: opened, &result) }
        // An empty one is left over itself: whoever sweeps here looks at it, too.
        if parts.isEmpty { result.partials.append(Array(name)) }
    }

    private func isResumable(_ name: ArraySlice<UInt8>, in directory: RawDescriptor) -> Bool {
        guard !isSender, settings.keepsPartials, PartName.isPart(name),
            let status = try? fileSystem.status(of: name, in: directory)
        else { return false }
        return FileLayer.isResumable(status, settings)
    }

    /// Which file it is, where that counts and it has several names.
    private func identity(_ status: FileStatus) -> FileIdentity? {
        guard settings.keepsHardLinks, status.links > 1, status.kind != .directory else { return nil }
        return FileIdentity(
            device: status.device, inode: status.inode, names: UInt32(clamping: status.links))
    }

    /// By the filter, and at the sender by what the job keeps. The receiver must see what may be in the way.
    private func isChosen(
        _ name: ArraySlice<UInt8>, _ kind: FileKind, _ matcher: inout FilterRules.Matcher
    ) -> Bool {
        if isSender {
            switch kind {
            case .regular, .directory: break
            case .symlink: if !settings.keepsLinks { return false }
            case .characterDevice, .blockDevice: if !settings.keepsDevices { return false }
            case .fifo, .socket: if !settings.keepsSpecials { return false }
            }
        }
        return matcher.decision(for: name, isDirectory: kind == .directory) == .included
    }

    private func finish(_ entries: Entries) -> ScanResult {
        var result = entries.result
        result.owners = entries.owners.users.map { ownerNames.owner(isGroup: false, id: $0) }
        result.owners += entries.owners.groups.map { ownerNames.owner(isGroup: true, id: $0) }
        return result
    }
}
