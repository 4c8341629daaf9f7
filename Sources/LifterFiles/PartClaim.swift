// Getting a part name: create it, lock it, be sure that it is ours.
//
// The usual part name of an entry may be taken: by a run that was killed (then nobody holds its lock, and it is
// removed), by a run at work (then it is locked, and a private random name is used), or by somebody else's file
// (left alone, a random name is used). Whoever removes a found part holds its lock first and then checks that the
// name still stands for what was locked; whoever creates one locks it and then checks that it has not been removed
// in between. So two runs never work on one part.

import LifterProtocol
import LifterSystem

extension FileLayer {
    /// Creates a file under a part name for `name`. `mode` is what open(2) is asked for.
    func claimFile(
        for name: [UInt8], in directory: RawDescriptor, mode: UInt32
    ) throws(FileProblem) -> Part {
        let usual = PartName.part(of: name)
        for _ in 0..<2 {
            if var part = try createFile(usual, in: directory, mode: mode) {
                part.isUsual = true
                return part
            }
            guard try clearPart(usual, in: directory) else { break }
        }
        for _ in 0..<4 {
            if let part = try createFile(PartName.randomPart(fileSystem), in: directory, mode: mode) { return part }
        }
        throw FileProblem(.exists, doing: "creating a staged file")
    }

    /// nil where the name is taken or was taken from us at once.
    private func createFile(
        _ name: [UInt8], in directory: RawDescriptor, mode: UInt32
    ) throws(FileProblem) -> Part? {
        let descriptor: RawDescriptor
        do throws(Errno) {
            descriptor = try openRoomy(name, in: directory, [.write, .create], mode: mode)
        } catch .exists {
            return nil
        } catch {
            throw FileProblem(error, doing: "creating a staged file")
        }
        do throws(Errno) {
            guard try lockIfPossible(descriptor, isDirectory: false) else {
                // Another run found it between the two calls and is clearing it away.
                fileSystem.close(descriptor)
                return nil
            }
            let status = try fileSystem.status(of: descriptor)
            if status.links == 0 {
                fileSystem.close(descriptor)
                return nil
            }
            return Part(name: name, descriptor: descriptor, status: status)
        } catch {
            fileSystem.close(descriptor)
            try? fileSystem.remove(name[...], in: directory, isDirectory: false)
            throw FileProblem(error, doing: "locking a staged file")
        }
    }

    /// Makes a directory under a part name for `name`, for nobody but us to enter.
    func claimDirectory(for name: [UInt8], in directory: RawDescriptor) throws(FileProblem) -> Part {
        let usual = PartName.part(of: name)
        for _ in 0..<2 {
            if let part = try createDirectory(usual, in: directory) { return part }
            guard try clearPart(usual, in: directory) else { break }
        }
        for _ in 0..<4 {
            if let part = try createDirectory(PartName.randomPart(fileSystem), in: directory) { return part }
        }
        throw FileProblem(.exists, doing: "making a directory")
    }

    private func createDirectory(_ name: [UInt8], in directory: RawDescriptor) throws(FileProblem) -> Part? {
        do throws(Errno) {
            try fileSystem.makeDirectory(name[...], in: directory, mode: 0o700)
        } catch .exists {
            return nil
        } catch {
            throw FileProblem(error, doing: "making a directory")
        }
        var opened: RawDescriptor?
        do throws(Errno) {
            let descriptor = try openRoomy(name, in: directory, [.read, .directory], mode: 0)
            opened = descriptor
            let status = try fileSystem.status(of: descriptor)
            if try lockIfPossible(descriptor, isDirectory: true),
                try fileSystem.status(of: name[...], in: directory).isSameObject(as: status)
            {
                return Part(name: name, descriptor: descriptor, status: status)
            }
            fileSystem.close(descriptor)
            return nil
        } catch .noEntry {
            // Another run cleared it away between the calls.
            if let opened { fileSystem.close(opened) }
            return nil
        } catch {
            if let opened { fileSystem.close(opened) }
            try? fileSystem.remove(name[...], in: directory, isDirectory: true)
            throw FileProblem(error, doing: "locking a new directory")
        }
    }

    /// A part name for what is made in one call: the usual one, and what a killed run left there goes; a private one
    /// where that is to be left alone.
    func freePart(_ usual: [UInt8], in directory: RawDescriptor) throws(FileProblem) -> [UInt8] {
        if try statusIfAny(usual, in: directory) == nil { return usual }
        return (try? clearPart(usual, in: directory)) == true ? usual : PartName.randomPart(fileSystem)
    }

    /// Removes a part that a killed run left. True when the name is free now, false when it is to be left alone:
    /// locked by a run at work, or not ours.
    func clearPart(_ name: [UInt8], in directory: RawDescriptor) throws(FileProblem) -> Bool {
        do throws(Errno) {
            let found = try fileSystem.status(of: name[...], in: directory)
            guard isOurs(found) else { return false }
            // What has another name as well was on its way to becoming a name of a file that is in place.
            if found.kind == .regular && found.links > 1 {
                try fileSystem.remove(name[...], in: directory, isDirectory: false)
                return true
            }
            switch found.kind {
            case .regular, .directory: return try clearLockable(name, found, in: directory)
            case .symlink, .fifo, .socket, .characterDevice, .blockDevice:
                // These live under a part name for two calls only, and cannot be locked.
                try fileSystem.remove(name[...], in: directory, isDirectory: false)
                return true
            }
        } catch .noEntry {
            return true
        } catch {
            throw FileProblem(error, doing: "clearing what an earlier run left")
        }
    }

    /// Made by this user; as root also what a killed run had already given its final owner.
    func isOurs(_ status: FileStatus) -> Bool { settings.isRoot || status.userID == settings.ownUserID }

    private func clearLockable(
        _ name: [UInt8], _ found: FileStatus, in directory: RawDescriptor
    ) throws(Errno) -> Bool {
        let isDirectory = found.kind == .directory
        let flags: OpenFlags = isDirectory ? [.read, .directory] : .write
        let descriptor: RawDescriptor
        do throws(Errno) {
            descriptor = try openRoomy(name, in: directory, flags, mode: 0)
        } catch .access {
            // Ours, with a final mode that keeps even its owner out.
            try fileSystem.setMode(isDirectory ? 0o700 : 0o600, of: name[...], in: directory)
            descriptor = try openRoomy(name, in: directory, flags, mode: 0)
        }
        defer { fileSystem.close(descriptor) }
        guard try lockIfPossible(descriptor, isDirectory: isDirectory) else { return false }
        let locked = try fileSystem.status(of: descriptor)
        guard try fileSystem.status(of: name[...], in: directory).isSameObject(as: locked),
            isOurs(locked), locked.kind == found.kind
        else { return false }
        if isDirectory {
            if let problem = TreeRemoval.removeAll(name, in: directory, fileSystem: fileSystem) {
                throw Errno(rawValue: problem.errno)
            }
        } else {
            try fileSystem.remove(name[...], in: directory, isDirectory: false)
        }
        return true
    }

    /// File systems without locks are trusted to one run at a time, as there is no better to be had.
    func lockIfPossible(_ descriptor: RawDescriptor, isDirectory: Bool) throws(Errno) -> Bool {
        do throws(Errno) {
            return try fileSystem.lock(descriptor, isDirectory: isDirectory)
        } catch {
            if [.notSupported, .noSystem, .noLocks, .invalid].contains(error) { return true }
            throw error
        }
    }

    /// Opens a name; where descriptors have run out, some held directories are let go.
    func openRoomy(
        _ name: [UInt8], in directory: RawDescriptor, _ flags: OpenFlags, mode: UInt32
    ) throws(Errno) -> RawDescriptor {
        try directories.opening { () throws(Errno) in
            try fileSystem.open(name[...], in: directory, flags, mode: mode)
        }
    }
}
