// What is left of files that were interrupted: a part that is large enough stays under its part name, and a later run
// goes on where it ends.
//
//     leave            a file is given up: its part stays or goes
//     claimPartial     a part that was found is locked, and looked at with distrust
//     digestPartial    its bytes are digested, step by step, so that the sender can compare them with its own
//     takePart         it is to be copied from: it gives up its name to the new contents
//
// Where the new contents do not go on at its end it serves as their basis, alone or before the file that is there; if
// that is interrupted as well, two parts are left, and the next run takes up the longer one.
//
// A part that lay about may hold anything. So the digest that decides in the end is over all bytes of the file, and a
// part that another user could have made, or may still write to, is not taken up at all.

import LifterCodec
import LifterDelta
import LifterProtocol
import LifterSystem

extension FileLayer {
    // MARK: Leaving

    /// Gives up a file that is not whole. A private name would not be found again.
    func leave(_ file: StagedFile) {
        // What was found and not gone on with stays as it was found.
        if file.isInPlace || file.foundBytes > 0 { return }
        let isWorthKeeping =
            settings.keepsPartials && file.written >= settings.smallestPartial && file.part.isUsual
        guard isWorthKeeping else { return discard(file) }
        // What was reserved behind the data, and what a failed write may have added, goes.
        try? fileSystem.truncate(file.part.descriptor, to: file.written)
    }

    // MARK: Taking up

    func digestPartial(_ target: FileTarget) -> PartialDigest {
        guard let file = stages.take(target.id) ?? claimPartial(target) else { return .unusable }
        let found = file.part.status.size
        if found > target.entry.attributes.size, !file.isInPlace {
            stages.put(file)
            return .longer
        }
        var step = UInt64(settings.digestStep)
        do throws(FileProblem) {
            try stages.withBuffer { buffer throws(FileProblem) in
                while file.written < found, step > 0 {
                    let wanted = Int(min(found - file.written, UInt64(buffer.count)))
                    let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
                    let count = try attempting("reading what an earlier run left") { () throws(Errno) in
                        try fileSystem.read(file.part.descriptor, into: piece, at: file.written)
                    }
                    if count <= 0 || count > wanted { throw FileProblem(.changed, doing: "reading") }
                    file.hasher.update(UnsafeRawBufferPointer(rebasing: piece[..<count]))
                    file.written += UInt64(count)
                    step -= min(step, UInt64(count))
                }
            }
        } catch {
            discard(file)
            return .unusable
        }
        stages.put(file)
        if file.written < found { return .more }
        return .whole(Resume(length: found, digest: ContentDigest(file.hasher.digest())))
    }

    func claimPartial(_ target: FileTarget) -> StagedFile? {
        if settings.appends {
            // What is there is the beginning, if it is to be lengthened.
            guard let file = try? openInPlace(target), file.part.status.size > 0,
                file.part.status.size < target.entry.attributes.size
            else { return nil }
            return file
        }
        guard settings.keepsPartials, !settings.dryRun else { return nil }
        let part = try? working(in: target.directory) { directory throws(FileProblem) in
            try claimLongest(target, in: directory)
        }
        guard let part = part ?? nil else { return nil }
        let file = StagedFile(target: target, part: part, key: contentKey, fileSystem: fileSystem)
        file.foundBytes = part.status.size
        return file
    }

    /// The longest of what there may be, beside the target or where the user has such parts kept: what the last run
    /// wrote, and what it copied from. The others go.
    private func claimLongest(
        _ target: FileTarget, in directory: RawDescriptor
    ) throws(FileProblem) -> Part? {
        let apart = openPartials(of: directory)
        defer { apart.map { fileSystem.close($0) } }
        var best: Part?
        for place in [directory, apart] {
            guard let place else { continue }
            for name in partNames(of: target.entry.name, in: directory, isApart: place != directory) {
                guard var part = try claimIfThere(name, target, in: place) else { continue }
                part.isApart = place != directory
                let shorter: Part?
                if let other = best, other.status.size >= part.status.size {
                    shorter = part
                } else {
                    shorter = best
                    best = part
                }
                if let shorter {
                    remove(shorter, in: directory)
                    fileSystem.close(shorter.descriptor)
                }
            }
        }
        return best
    }

    private func claimIfThere(
        _ name: [UInt8], _ target: FileTarget, in directory: RawDescriptor
    ) throws(FileProblem) -> Part? {
        do throws(Errno) {
            return try claimPartial(name, target, in: directory)
        } catch {
            // Perhaps the directory can be made workable.
            if error == .access { throw FileProblem(error, doing: "taking up what an earlier run left") }
            return nil
        }
    }

    /// nil where it is not what a run of this user's has left, or where another run is at work on it.
    private func claimPartial(
        _ name: [UInt8], _ target: FileTarget, in directory: RawDescriptor
    ) throws(Errno) -> Part? {
        let descriptor = try openRoomy(name, in: directory, [.read, .write], mode: 0)
        do throws(Errno) {
            if try lockIfPossible(descriptor, isDirectory: false) {
                let status = try fileSystem.status(of: descriptor)
                if mayContinue(status, target),
                    try fileSystem.status(of: name[...], in: directory).isSameObject(as: status)
                {
                    return Part(name: name, descriptor: descriptor, status: status, isUsual: true)
                }
            }
        } catch {
            fileSystem.close(descriptor)
            throw error
        }
        fileSystem.close(descriptor)
        return nil
    }

    /// Of this user, or given already to who is to own it; under no other name, where it could be changed by others.
    private func mayContinue(_ status: FileStatus, _ target: FileTarget) -> Bool {
        let wanted = target.entry.attributes
        let isGiven = target.set.contains(.user) && status.userID == wanted.userID
        return status.kind == .regular && status.links == 1
            && (status.userID == settings.ownUserID || (settings.isRoot && isGiven))
            && status.size >= settings.smallestPartial
            && (status.size <= wanted.size
                || target.copiesPart && status.size / Tuning.largestBasisRatio <= wanted.size)
    }

    // MARK: Copying

    /// What was left of a file, watched as a basis. It loses its usual name, which the new contents need; where it cannot
    /// be given another, these will have a private one.
    func takePart(_ target: FileTarget) -> (file: StagedFile, source: WatchedSource)? {
        guard let file = stages.take(target.id) ?? claimPartial(target), !file.isInPlace else { return nil }
        try? directories.withDirectory(target.directory) { directory throws(FileProblem) in
            let place = file.part.isApart ? openPartials(of: directory) : nil
            defer { place.map { fileSystem.close($0) } }
            if file.part.isApart && place == nil { return }
            let names = partNames(of: target.entry.name, in: directory, isApart: file.part.isApart)
            guard let prior = names.last, prior != file.part.name else { return }
            let holder = place ?? directory
            try attempting("putting aside what an earlier run left") { () throws(Errno) in
                try fileSystem.rename(file.part.name[...], in: holder, to: prior[...], in: holder, .noReplace)
            }
            file.part.name = prior
        }
        guard let status = try? fileSystem.status(of: file.part.descriptor) else { return nil }
        let source = WatchedSource(
            descriptor: file.part.descriptor, status: status, fileSystem: fileSystem, owner: file)
        return (file, source)
    }

    /// Whether a part that a scan has met may be worth continuing; `digestPartial` looks again.
    static func isResumable(_ status: FileStatus, _ settings: FileSettings) -> Bool {
        status.kind == .regular && status.links == 1 && status.size >= settings.smallestPartial
    }
}
