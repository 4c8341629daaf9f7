// The door between the machines and the disk: an effect goes in, its result comes out.
//
// Each kind of effect has its room: `Scanner` lists, `SourceReader` reads at the sender; at the receiver the
// extensions of this type in `Directories`, `Stages` and `Deletion` build, write, commit and remove.
// `DirectoryTable` knows where every directory of the session is. Effects may run on several threads at once.

package import LifterCodec
package import LifterProtocol
package import LifterSystem
import Synchronization

/// Which end this is, with its open root.
package enum FileRole: Sendable {
    case sender(SourceRoots)
    case receiver(DestinationRoot)
}

package final class FileLayer: Sendable {
    let fileSystem: any FileSystem
    let settings: FileSettings
    let role: FileRole
    let directories: DirectoryTable
    let scanner: Scanner
    let reader: SourceReader
    let stages: Stages
    let deletionPlan: DeletionPlan
    let hardLinks: HardLinks?
    let treeIndex: TreeIndex
    let fixedPartials: FixedPartials?
    private let key = Atomic<UInt64>(0)
    private let digestKind = Atomic<UInt8>(DigestKind.xxh3.rawValue)

    package init(fileSystem: any FileSystem, settings: FileSettings, role: FileRole) {
        self.fileSystem = fileSystem
        self.settings = settings
        self.role = role
        directories = DirectoryTable(fileSystem: fileSystem, capacity: settings.heldDirectories)
        switch role {
        case .sender(let roots):
            roots.register(in: directories)
        case .receiver(let root):
            root.register(in: directories)
        }
        let spool = UnnamedFiles(fileSystem: fileSystem, settings: settings, directories: directories)
        treeIndex = TreeIndex(fileSystem: fileSystem, spool: spool)
        switch role {
        case .sender: hardLinks = nil
        case .receiver:
            hardLinks = settings.keepsHardLinks ? HardLinks(fileSystem: fileSystem, spool: spool) : nil
        }
        fixedPartials = FixedPartials(settings.partialPlace, fileSystem: fileSystem)
        scanner = Scanner(
            fileSystem: fileSystem, settings: settings, directories: directories, role: role,
            fixedPartials: fixedPartials)
        reader = SourceReader(fileSystem: fileSystem, settings: settings, directories: directories)
        stages = Stages()
        deletionPlan = DeletionPlan()
    }

    /// What contents are digested with, and the seed of all other hashes; set once, before the first effect.
    package func setDigestKey(_ key: ContentKey) {
        digestKind.store(key.kind.rawValue, ordering: .relaxed)
        self.key.store(key.seed, ordering: .releasing)
    }

    var digestKey: UInt64 { key.load(ordering: .acquiring) }

    var contentKey: ContentKey {
        let seed = digestKey
        return ContentKey(seed, DigestKind(rawValue: digestKind.load(ordering: .relaxed)) ?? .xxh3)
    }

    /// The session is over: effects that would take long end at once, with a result that nobody wants.
    package func stop() { reader.stop() }

    /// Carries out one effect on the calling thread.
    package func perform(_ effect: FileEffect) -> FileResult {
        switch effect {
        case .scan(let id, let parent, let name):
            return .scanned(scanner.scan(id, parent: parent, name: name, key: digestKey))
        case .forget(let ids):
            for id in ids { directories.forget(id) }
            return .forgotten
        case .digestFiles(let files, let alone):
            return .digested(reader.digest(files, alone: alone, key: contentKey))

        case .readSmall(let files):
            return reader.readSmall(files, key: contentKey)
        case .openSource(let id, let directory, let entry):
            return .openedSource(reader.open(id, entry, in: directory, key: contentKey))
        case .readChunk(let id, let length):
            return .readChunk(reader.readChunk(id, length: length))
        case .checkPrefix(let id, let resume):
            return .checkedPrefix(reader.checkPrefix(id, resume, key: contentKey))
        case .closeSource(let id):
            reader.close(id)
            return .closedSource
        case .matchSmall(let files, let signatures):
            return reader.matchSmall(files, signatures, key: contentKey)
        case .openMatch(let id, let directory, let entry, let signature, let refine):
            return .openedSource(reader.openMatch(id, entry, signature, refine, in: directory, key: contentKey))
        case .matchChunk(let id, let literals):
            return .matchedChunk(reader.matchChunk(id, literals: literals))
        case .refineMatch(let id, let runs):
            return .matchedChunk(reader.refineMatch(id, runs))

        case .makeDirectory(let id, let parent, let entry, let rule):
            return makeDirectory(id: id, parent: parent, entry: entry, rule: rule)
        case .resolveOwners(let owners):
            return .resolvedOwners(owners.map { OwnerNames.number(of: $0) })
        case .publishDirectory(let id, let final):
            return publishDirectory(id, final: final)
        case .finishDirectory(let id, let final):
            return .finishedDirectory(finishDirectory(id, final))
        case .makeObject(let directory, let entry, let set, let rule):
            return makeObject(in: directory, entry: entry, set: set, rule: rule)
        case .setAttributes(let directory, let entry, let set):
            return setAttributes(in: directory, entry: entry, set: set)
        case .claimLinks(let directory, let names):
            return claimLinks(in: directory, names)
        case .link(let directory, let asks):
            return link(in: directory, asks)
        case .recordLinks(let directory, let records):
            return recordLinks(in: directory, records)
        case .writeSmall(let directory, let buffer, let files):
            return writeSmall(in: directory, buffer: buffer, files: files)
        case .digestPartial(let target):
            return .digestedPartial(digestPartial(target))
        case .signSmall(let files, let limits): return .signedSmall(signSmall(files, limits))
        case .openBasis(let id, let file, let limits, let part):
            return .openedBasis(openBasis(id, file, limits, part))
        case .signRanges(let id, let blockLength, let widths, let ranges):
            return .signedRanges(signRanges(of: id, blockLength, widths, ranges))
        case .closeBasis(let id, let removesPart):
            if let part = stages.takeBasis(id)?.part, removesPart { discard(part) }
            return .closedBasis
        case .indexTree(let smallest, let names):
            return .indexedTree(more: indexTree(smallest: smallest, entering: names))
        case .search(let files):
            return .searched(search(files))
        case .openStage(let target):
            return openStage(target)
        case .writeChunk(let id, let payloads):
            return writeChunk(id, payloads)
        case .commit(let id, let digest):
            return commit(id, digest: digest)
        case .abandon(let id):
            return abandon(id)
        case .sweep(let directory, let names):
            return sweep(in: directory, names: names)
        case .planDeletion(let directory, let name, let countOnly):
            return planDeletion(in: directory, name: name, countOnly: countOnly)
        case .deletePlanned:
            return deletePlanned()
        }
    }
}
