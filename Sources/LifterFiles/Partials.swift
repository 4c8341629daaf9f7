// What is left of files that were interrupted: a part that is large enough stays under its part name, and a later run
// goes on where it ends.
//
//     leave            a file is given up: its part stays or goes
//     claimPartial     a part that was found is locked, and looked at with distrust
//     digestPartial    its bytes are digested, step by step, so that the sender can compare them with its own
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
        if file.isInPlace { return }
        let isWorthKeeping =
            settings.keepsPartials && file.written >= settings.smallestPartial
            && file.part.name == PartName.part(of: file.target.entry.name)
        guard isWorthKeeping else { return discard(file) }
        // What was reserved behind the data, and what a failed write may have added, goes.
        try? fileSystem.truncate(file.part.descriptor, to: file.written)
    }

    // MARK: Taking up

    func digestPartial(_ target: FileTarget) -> PartialDigest {
        guard let file = stages.take(target.id) ?? claimPartial(target) else { return .unusable }
        let found = file.part.status.size
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

    private func claimPartial(_ target: FileTarget) -> StagedFile? {
        if settings.appends {
            // What is there is the beginning, if it is to be lengthened.
            guard let file = try? openInPlace(target), file.part.status.size > 0,
                file.part.status.size < target.entry.attributes.size
            else { return nil }
            return file
        }
        guard settings.keepsPartials, !settings.dryRun else { return nil }
        let part = try? working(in: target.directory) { directory throws(FileProblem) in
            try attempting("taking up what an earlier run left") { () throws(Errno) in
                try claimPartial(target, in: directory)
            }
        }
        guard let part = part ?? nil else { return nil }
        return StagedFile(target: target, part: part, key: contentKey, fileSystem: fileSystem)
    }

    /// nil where it is not what a run of this user's has left, or where another run is at work on it.
    private func claimPartial(_ target: FileTarget, in directory: RawDescriptor) throws(Errno) -> Part? {
        let name = PartName.part(of: target.entry.name)
        let descriptor = try openRoomy(name, in: directory, [.read, .write], mode: 0)
        do throws(Errno) {
            if try lockIfPossible(descriptor, isDirectory: false) {
                let status = try fileSystem.status(of: descriptor)
                if mayContinue(status, target),
                    try fileSystem.status(of: name[...], in: directory).isSameObject(as: status)
                {
                    return Part(name: name, descriptor: descriptor, status: status)
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
            && status.size >= settings.smallestPartial && status.size <= wanted.size
    }

    /// Whether a part that a scan has met may be worth continuing; `digestPartial` looks again.
    static func isResumable(_ status: FileStatus, _ settings: FileSettings) -> Bool {
        status.kind == .regular && status.links == 1 && status.size >= settings.smallestPartial
    }
}
