// The receiver's root: the directory that a job writes into, opened or created by rsync's slash rule.
//
// Directories, contents and several sources go into DESTINATION. A single thing that is no directory goes inside
// DESTINATION if that ends in a slash or is a directory; otherwise DESTINATION is its new name, and the root is the
// directory that name is in. Only the last component may be missing, unless the job creates paths.

package import LifterProtocol
package import LifterSystem

package struct DestinationRoot: Sendable {
    /// The directory as it was found or created; of a missing one, what it would be.
    package let attributes: Attributes
    /// There is nothing in it at all, not even leftovers of ours.
    package let isEmpty: Bool
    /// It was there before.
    package let existed: Bool
    /// It was created for this job.
    package var isNew: Bool { !existed && !isMissing }
    /// A dry run did not create it.
    package let isMissing: Bool
    /// The name that the single source gets.
    package let renamedTo: [UInt8]?
    private let held: HeldDescriptors
    package let status: FileStatus?

    /// How the destination may be opened.
    package struct Options: Sendable {
        /// One source, and no directory.
        package var singleFile = false
        /// Missing components above the last are created, too.
        package var makesPath = false
        package var dryRun = false
        package init() {}
    }

    package static func open(
        _ path: [UInt8], _ options: Options, base: PathBase, fileSystem: any FileSystem
    ) throws(RootProblem) -> DestinationRoot {
        let walker = DestinationWalker(
            opener: PathOpener(fileSystem: fileSystem, base: base), options: options, path: path)
        let normal = try walker.opener.normalized(path)
        let split = SplitPath(normal)
        if options.singleFile && !split.meansContents {
            if let directory = try walker.openIfDirectory(normal) {
                return try DestinationRoot(directory, walker)
            }
            // A new name in a directory that must be there.
            guard let parent = try walker.openOrCreate(split.parent, isLast: false) else {
                return DestinationRoot(missing: split.last, walker)
            }
            return try DestinationRoot(parent, walker, renamedTo: split.last)
        }
        guard let directory = try walker.openOrCreate(normal, isLast: true) else {
            return DestinationRoot(missing: nil, walker)
        }
        return try DestinationRoot(directory, walker)
    }

    private init(
        _ opened: DestinationWalker.Opened, _ walker: DestinationWalker, renamedTo: [UInt8]? = nil
    ) throws(RootProblem) {
        let fileSystem = walker.opener.fileSystem
        held = HeldDescriptors(fileSystem)
        let root = held.hold(opened.descriptor)
        do throws(Errno) {
            let status = try fileSystem.status(of: root)
            var names = DirectoryNames()
            if !opened.isNew { while names.count == 0, try fileSystem.readNames(of: root, into: &names) {} }
            isEmpty = names.count == 0
            attributes = Attributes(status)
            self.status = status
        } catch {
            throw .system(path: walker.path, error, doing: "opening the destination")
        }
        existed = !opened.isNew
        isMissing = false
        self.renamedTo = renamedTo
    }

    private init(missing renamedTo: [UInt8]?, _ walker: DestinationWalker) {
        held = HeldDescriptors(walker.opener.fileSystem)
        status = nil
        attributes = Attributes(
            kind: .directory, mode: 0o755, userID: 0, groupID: 0, size: 0,
            modified: Timestamp(seconds: 0, nanoseconds: 0))
        isEmpty = true
        existed = false
        isMissing = true
        self.renamedTo = renamedTo
    }

    /// Nanoseconds that timestamps there are multiples of; 1 where the file system does not tell.
    package func timeGranularity(_ fileSystem: any FileSystem) -> UInt32 {
        guard let root = held.first, let facts = try? fileSystem.facts(of: root) else { return 1 }
        return max(1, facts.timeGranularity)
    }

    /// Tells the table where directory 0 is. This root must outlive the table's use.
    package func register(in table: DirectoryTable) {
        if let root = held.first, let status { table.setRoot(root, status: status) }
    }
}

/// Opens a destination directory, creating what may be created.
private struct DestinationWalker {
    let opener: PathOpener
    let options: DestinationRoot.Options
    /// As the user wrote it, for errors.
    let path: [UInt8]

    struct Opened {
        var descriptor: RawDescriptor
        var isNew: Bool
    }

    /// Nil where there is no directory of that name (nothing, or something else).
    func openIfDirectory(_ path: [UInt8]) throws(RootProblem) -> Opened? {
        do throws(Errno) {
            return Opened(descriptor: try opener.openDirectory(path), isNew: false)
        } catch {
            // ELOOP: confined, and the name is a link.
            if error == .noEntry || error == .notDirectory || error == .loop { return nil }
            throw problem(error)
        }
    }

    /// Nil in a dry run where something is missing that would be created. `isLast`: this is the destination
    /// itself, whose last component may be created in any case.
    func openOrCreate(_ directory: [UInt8], isLast: Bool) throws(RootProblem) -> Opened? {
        do throws(Errno) {
            return Opened(descriptor: try opener.openDirectory(directory), isNew: false)
        } catch .noEntry {
            if !isLast && !options.makesPath { throw .missingParents(path: path) }
        } catch .notDirectory {
            throw .notDirectory(path: path)
        } catch {
            throw problem(error)
        }
        return try create(directory)
    }

    /// Creates the directory in its parent, which is opened or, where the job creates paths, created first.
    private func create(_ directory: [UInt8]) throws(RootProblem) -> Opened? {
        let split = SplitPath(directory)
        if split.last == Array(".".utf8) && !split.parent.isEmpty {
            // `new/.`: what is missing is the part before it.
            return try openOrCreate(split.parent, isLast: true)
        }
        if split.last.isEmpty || split.last == Array(".".utf8) || split.last == Array("..".utf8) {
            throw problem(.noEntry)
        }
        guard let parent = try openOrCreate(split.parent, isLast: false) else { return nil }
        let fileSystem = opener.fileSystem
        defer { fileSystem.close(parent.descriptor) }
        if options.dryRun { return nil }
        do throws(Errno) {
            var isNew = true
            do throws(Errno) {
                try fileSystem.makeDirectory(split.last[...], in: parent.descriptor, mode: 0o777)
            } catch .exists {
                isNew = false
            }
            let opened = try fileSystem.open(
                split.last[...], in: parent.descriptor, [.read, .directory], mode: 0)
            return Opened(descriptor: opened, isNew: isNew)
        } catch {
            throw problem(error, doing: "creating the destination")
        }
    }

    private func problem(_ errno: Errno, doing: String = "opening the destination") -> RootProblem {
        .system(path: path, errno, doing: doing)
    }
}
