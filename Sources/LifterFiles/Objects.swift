// Links, fifos, sockets and devices, made whole under a part name and renamed; and attributes of what is there.

import LifterProtocol
import LifterSystem

extension FileLayer {
    // MARK: Making

    func makeObject(
        in id: DirectoryID, entry: Entry, set: AttributeSet, rule: ReplaceRule
    ) -> FileResult {
        .madeObject(
            result { () throws(FileProblem) in
                try checkMayWrite(entry.name)
                return try working(in: id) { directory throws(FileProblem) in
                    if stages.isBuilding(id), !rule.onlyExisting {
                        // Nobody sees it before the directory gets its name.
                        return try make(entry, set, named: entry.name, in: directory, of: id)
                    }
                    return try replace(with: entry, set, rule, id, in: directory)
                }
            })
    }

    private func replace(
        with entry: Entry, _ set: AttributeSet, _ rule: ReplaceRule, _ id: DirectoryID,
        in directory: RawDescriptor
    ) throws(FileProblem) -> Placed {
        var part = try freePart(PartName.part(of: entry.name), in: directory)
        var mustMake = true
        var tries = 0
        while true {
            do throws(FileProblem) {
                if mustMake { _ = try make(entry, set, named: part, in: directory) }
                mustMake = false
                let placed = try place(
                    Placement(
                        directory: id, part: part, name: entry.name, isDirectory: false,
                        modified: entry.attributes.modified, rule: rule),
                    in: directory)
                switch placed {
                case .done: break
                case .kept: removePart(part, isDirectory: false, in: directory)
                }
                return placed
            } catch {
                // What cannot be locked may be cleared away by another run that begins just now.
                let wasTaken = error.errno == Errno.exists.rawValue && mustMake
                let wasCleared = error.errno == Errno.noEntry.rawValue
                if !wasTaken { removePart(part, isDirectory: false, in: directory) }
                tries += 1
                guard wasTaken || wasCleared, tries < 4 else { throw error }
                part = PartName.randomPart(fileSystem)
                mustMake = true
            }
        }
    }

    /// Makes the object with its attributes. Removes it again where an attribute fails.
    private func make(
        _ entry: Entry, _ set: AttributeSet, named name: [UInt8], in directory: RawDescriptor,
        of building: DirectoryID? = nil
    ) throws(FileProblem) -> Placed {
        let wanted = entry.attributes
        let isLink = wanted.kind == .symlink
        switch wanted.kind {
        case .symlink:
            try attempting("making a link") { () throws(Errno) in
                try fileSystem.makeLink(to: entry.target, named: name[...], in: directory)
            }
        case .fifo: try makeNode(.fifo, wanted, name, directory)
        case .socket: try makeNode(.socket, wanted, name, directory)
        case .characterDevice: try makeNode(.characterDevice, wanted, name, directory)
        case .blockDevice: try makeNode(.blockDevice, wanted, name, directory)
        case .regular, .directory:
            throw FileProblem(.unsupported, doing: "making a special file of this kind")
        }
        do throws(FileProblem) {
            let status = try attempting("looking at what was made") { () throws(Errno) in
                try fileSystem.status(of: name[...], in: directory)
            }
            let missing = missing(wanted, set, in: status, fallbackMode: isLink ? nil : newMode(wanted))
            try apply(missing, to: name, isLink: isLink, in: directory)
        } catch {
            do throws(Errno) {
                try fileSystem.remove(name[...], in: directory, isDirectory: false)
            } catch {
                if let building { stages.spoil(building) }
            }
            throw error
        }
        return .done
    }

    private func makeNode(
        _ kind: FileKind, _ wanted: Attributes, _ name: [UInt8], _ directory: RawDescriptor
    ) throws(FileProblem) {
        let isDevice = kind == .characterDevice || kind == .blockDevice
        try attempting("making a special file") { () throws(Errno) in
            try fileSystem.makeNode(
                kind, named: name[...], in: directory, mode: 0o600, device: isDevice ? wanted.size : 0)
        }
    }

    // MARK: Attributes of what is there

    func setAttributes(in id: DirectoryID, entry: Entry, set: AttributeSet) -> FileResult {
        .setAttributes(
            result { () throws(FileProblem) in
                try checkMayWrite(entry.name)
                try working(in: id) { directory throws(FileProblem) in
                    try setAttributes(entry, set, in: directory)
                }
                return .done
            })
    }

    private func setAttributes(
        _ entry: Entry, _ set: AttributeSet, in directory: RawDescriptor
    ) throws(FileProblem) {
        let status = try attempting("looking at an entry") { () throws(Errno) in
            try fileSystem.status(of: entry.name[...], in: directory)
        }
        try checkKind(status, entry)
        let missing = missing(entry.attributes, set, in: status, fallbackMode: nil)
        // Opening a device may do something; a link cannot be opened.
        let isOpenable = status.kind == .regular || status.kind == .directory
        guard isOpenable, missing.changesOwner || missing.mode != nil else {
            return try apply(
                missing, to: entry.name, isLink: status.kind == .symlink, in: directory)
        }
        let descriptor: RawDescriptor
        do throws(Errno) {
            let flags: OpenFlags = status.kind == .directory ? [.read, .directory] : [.read]
            descriptor = try openRoomy(entry.name, in: directory, flags, mode: 0)
        } catch .access {
            // Ours, but not to be read. No call below follows a link.
            return try apply(missing, to: entry.name, isLink: false, in: directory)
        } catch {
            throw FileProblem(error, doing: "opening to set attributes")
        }
        defer { fileSystem.close(descriptor) }
        // From here on it is one object, whatever happens to its name.
        let opened = try attempting("looking at an entry") { () throws(Errno) in
            try fileSystem.status(of: descriptor)
        }
        try checkKind(opened, entry)
        try apply(
            self.missing(entry.attributes, set, in: opened, fallbackMode: nil), to: descriptor)
    }

    private func checkKind(_ status: FileStatus, _ entry: Entry) throws(FileProblem) {
        if status.kind.rawValue != entry.attributes.kind.rawValue {
            throw FileProblem(.changed, doing: "setting attributes: it is of another kind now")
        }
    }
}
