// Reads at the sender: small files many at a time, large ones piece by piece, and digests of either.
//
// Each file is opened relative to its directory, must be the regular file that was listed, and is watched
// (`WatchedSource`) until its last byte has been read. A small one that changed meanwhile is read once more.

import LifterCodec
import LifterDelta
import LifterProtocol
import LifterSystem
import Synchronization

final class SourceReader: Sendable {
    private let fileSystem: any FileSystem
    private let settings: FileSettings
    private let directories: DirectoryTable
    private let open = Mutex<[FileID: OpenSource]>([:])
    let matching = Mutex<[FileID: MatchingSource]>([:])
    private let isStopped = Atomic<Bool>(false)

    /// Bytes read by one call.
    static let piece = 256 << 10
    /// The most that one batch of small files may hold (the machine asks for far less).
    private static let largestBatch = 64 << 20

    init(fileSystem: any FileSystem, settings: FileSettings, directories: DirectoryTable) {
        self.fileSystem = fileSystem
        self.settings = settings
        self.directories = directories
    }

    /// The session is over, and nobody waits for digests of large files any more.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    // MARK: Small files

    func readSmall(_ files: [ListedFile], key: ContentKey) -> FileResult {
        var total = 0
        for file in files {
            let size = Int(clamping: file.entry.attributes.size)
            if size > Self.largestBatch - total {
                let problem = FileProblem(.refused, doing: "reading more at once than a batch may hold")
                return .readSmall(buffer: [], files.map { _ in .failed(problem) })
            }
            total += size
        }
        var buffer = [UInt8](unfilled: total)
        var filled = 0
        var patience = Patience()
        var reads: [SmallRead] = []
        reads.reserveCapacity(files.count)
        for file in files {
            let range = filled..<filled + Int(file.entry.attributes.size)
            do throws(FileProblem) {
                try readWhole(file, into: &buffer, range, &patience)
                let digest = ContentDigest(ContentHasher.digest(of: buffer[range], key: key))
                reads.append(.whole(range: range, digest: digest))
                filled = range.upperBound
            } catch {
                reads.append(.failed(error))
            }
        }
        return .readSmall(buffer: buffer, reads)
    }

    /// Fills `range` with the whole of a file; twice, where it changed the first time.
    func readWhole(
        _ file: ListedFile, into buffer: inout [UInt8], _ range: Range<Int>, _ patience: inout Patience
    ) throws(FileProblem) {
        let source = try openWatched(file.entry.name, in: file.directory, &patience)
        try checkListed(source.status, file.entry.attributes)
        if try read(source.descriptor, into: &buffer, range, at: 0) == range.count, source.verify() == nil { return }
        let again = try openWatched(file.entry.name, in: file.directory, &patience)
        try checkListed(again.status, file.entry.attributes)
        guard try read(again.descriptor, into: &buffer, range, at: 0) == range.count else {
            throw FileProblem(.changed, doing: "reading")
        }
        if let problem = again.verify() { throw problem }
    }

    // MARK: Large files

    /// A file between `openSource` and `closeSource`.
    ///
    /// Unchecked, because the machine asks one thing of a file at a time.
    private final class OpenSource: @unchecked Sendable {
        let file: WatchedSource
        /// Nil where the receiver reads the file itself.
        var hasher: ContentHasher?
        /// Bytes handed out, or compared, so far.
        var position: UInt64 = 0
        /// Over a beginning that is being compared.
        var prefix: ContentHasher?

        init(file: WatchedSource, hasher: ContentHasher?) {
            self.file = file
            self.hasher = hasher
        }
    }

    func open(
        _ id: FileID, _ entry: Entry, in directory: DirectoryID, key: ContentKey
    ) -> Result<(any SourceFile)?, FileProblem> {
        do throws(FileProblem) {
            var patience = Patience()
            let file = try openWatched(entry.name, in: directory, &patience)
            try checkListed(file.status, entry.attributes)
            let hasher = settings.allowsClone ? nil : ContentHasher(key: key)
            let source = OpenSource(file: file, hasher: hasher)
            open.withLock { $0[id] = source }
            return .success(settings.allowsClone ? file : nil)
        } catch {
            return .failure(error)
        }
    }

    /// The next `length` bytes at most. With the last ones comes the end, after the file was checked; where the
    /// receiver reads for itself, it must check again when it has (`WatchedSource.verify`).
    func readChunk(_ id: FileID, length: Int) -> Result<SourceChunk, FileProblem> {
        guard let source = open.withLock({ $0[id] }) else {
            return .failure(FileProblem(.stopped, doing: "reading a file that is not open"))
        }
        let size = source.file.status.size
        let left = size - source.position
        let count = min(left, UInt64(clamping: max(1, length)))
        let isLast = count == left
        let start = source.position
        source.position += count
        do throws(FileProblem) {
            let payload: Payload
            if let hasher = source.hasher {
                let bytes = try readPiece(source.file, at: start, count: Int(count))
                hasher.update(bytes)
                payload = .bytes(bytes, 0..<bytes.count)
            } else {
                payload = .file(source.file, offset: start, length: count)
            }
            if !isLast { return .success(SourceChunk(payload: payload, end: nil)) }
            if let problem = source.file.verify() { throw problem }
            let digest = source.hasher.map { ContentDigest($0.digest()) }
            return .success(SourceChunk(payload: payload, end: SourceEnd(digest: digest)))
        } catch {
            return .failure(error)
        }
    }

    /// Digests the next piece of a file's beginning. When all of it was, reading goes on behind it if it is what the
    /// receiver holds, and else begins at the front.
    func checkPrefix(_ id: FileID, _ resume: Resume, key: ContentKey) -> Result<PrefixCheck, FileProblem> {
        guard let source = open.withLock({ $0[id] }) else {
            return .failure(FileProblem(.stopped, doing: "reading a file that is not open"))
        }
        let prefix = source.prefix ?? ContentHasher(key: key)
        source.prefix = prefix
        var step = settings.digestStep
        do throws(FileProblem) {
            while source.position < min(resume.length, source.file.status.size), step > 0 {
                let count = Int(min(resume.length - source.position, UInt64(Self.piece)))
                prefix.update(try readPiece(source.file, at: source.position, count: count))
                source.position += UInt64(count)
                step -= count
            }
        } catch {
            return .failure(error)
        }
        if source.position < min(resume.length, source.file.status.size) { return .success(.more) }
        source.prefix = nil
        if source.position == resume.length, ContentDigest(prefix.digest()) == resume.digest {
            if source.hasher != nil { source.hasher = prefix }
            return .success(.same)
        }
        source.position = 0
        return .success(.different)
    }

    private func readPiece(_ file: WatchedSource, at offset: UInt64, count: Int) throws(FileProblem) -> [UInt8] {
        if settings.makesHoles,
            let data = try? fileSystem.nextData(of: file.descriptor, from: offset) ?? .max,
            data >= offset + UInt64(count)
        {
            return [UInt8](repeating: 0, count: count)
        }
        var bytes = [UInt8](unfilled: count)
        guard try read(file.descriptor, into: &bytes, 0..<count, at: offset) == count else {
            throw FileProblem(.changed, doing: "reading")
        }
        return bytes
    }

    func close(_ id: FileID) {
        open.withLock { $0[id] = nil }
        matching.withLock { $0[id] = nil }
    }

    // MARK: Digests

    func digest(_ files: [ListedFile], alone: Bool, key: ContentKey) -> [Result<ContentDigest, FileProblem>] {
        var patience = Patience()
        var buffer: [UInt8] = []
        return files.map { file in
            do throws(FileProblem) {
                do throws(FileProblem) {
                    return .success(try digest(file, alone: alone, key, &buffer, &patience))
                } catch  where error.code == .changed {
                    return .success(try digest(file, alone: alone, key, &buffer, &patience))
                }
            } catch {
                return .failure(error)
            }
        }
    }

    private func digest(
        _ file: ListedFile, alone: Bool, _ key: ContentKey, _ buffer: inout [UInt8], _ patience: inout Patience
    ) throws(FileProblem) -> ContentDigest {
        let source = try openWatched(file.entry.name, in: file.directory, &patience)
        let size = file.entry.attributes.size
        guard source.status.size == size else { throw FileProblem(.changed, doing: "reading") }
        guard !alone || source.status.links == 1 else { throw FileProblem(.refused, doing: "digesting") }
        let room = Int(clamping: min(size, UInt64(Self.piece)))
        if buffer.count < room { buffer = [UInt8](repeating: 0, count: room) }
        let hasher = ContentHasher(key: key)
        var position: UInt64 = 0
        while position < size {
            if isStopped.load(ordering: .relaxed) { throw FileProblem(.stopped, doing: "reading") }
            let count = Int(min(size - position, UInt64(room)))
            guard try read(source.descriptor, into: &buffer, 0..<count, at: position) == count else {
                throw FileProblem(.changed, doing: "reading")
            }
            hasher.update(buffer[..<count])
            position += UInt64(count)
        }
        if let problem = source.verify() { throw problem }
        return ContentDigest(hasher.digest())
    }

    // MARK: Opening and reading

    /// Opens a regular file and begins to watch it, not before its last change is old enough.
    func openWatched(
        _ name: [UInt8], in directory: DirectoryID, _ patience: inout Patience
    ) throws(FileProblem) -> WatchedSource {
        try directories.withDirectory(directory, holding: name[...]) { base throws(FileProblem) in
            try openWatched(name, at: base, &patience)
        }
    }

    /// The same in a directory that is open.
    func openWatched(
        _ name: [UInt8], at base: RawDescriptor, _ patience: inout Patience
    ) throws(FileProblem) -> WatchedSource {
        let descriptor: RawDescriptor
        do throws(Errno) {
            descriptor = try directories.opening { () throws(Errno) in
                try fileSystem.open(name[...], in: base, [.read, .noAccessTime], mode: 0)
            }
        } catch {
            throw Self.problem(opening: error)
        }
        let status: FileStatus
        do throws(Errno) {
            status = try fileSystem.status(of: descriptor)
        } catch {
            fileSystem.close(descriptor)
            throw FileProblem(error, doing: "opening")
        }
        let source = WatchedSource(descriptor: descriptor, status: status, fileSystem: fileSystem)
        guard status.kind == .regular else { throw FileProblem(.changed, doing: "opening") }
        patience.await(status.changed)
        return source
    }

    /// What was listed as a regular file and is none any more has vanished, or turned into something else.
    private static func problem(opening errno: Errno) -> FileProblem {
        switch errno {
        case .noEntry, .stale: FileProblem(.vanished, errno: errno.rawValue, doing: "opening")
        case .loop, .noDevice, .isDirectory: FileProblem(.changed, errno: errno.rawValue, doing: "opening")
        default: FileProblem(errno, doing: "opening")
        }
    }

    func checkListed(_ status: FileStatus, _ listed: Attributes) throws(FileProblem) {
        if status.size != listed.size || Timestamp(status.modified) != listed.modified {
            throw FileProblem(.changed, doing: "opening")
        }
    }

    /// Reads until `range` is full or the file ends; how many bytes there were.
    func read(
        _ descriptor: RawDescriptor, into buffer: inout [UInt8], _ range: Range<Int>, at offset: UInt64
    ) throws(FileProblem) -> Int {
        var done = 0
        while done < range.count {
            let start = range.lowerBound + done
            let end = min(range.upperBound, start + Self.piece)
            var outcome = Result<Int, Errno>.success(0)
            buffer.withUnsafeMutableBytes { bytes in
                do throws(Errno) {
                    let target = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<end])
                    outcome = .success(try fileSystem.read(descriptor, into: target, at: offset &+ UInt64(done)))
                } catch {
                    outcome = .failure(error)
                }
            }
            switch outcome {
            case .success(let count):
                if count <= 0 { return done }
                done += min(count, end - start)
            case .failure(let errno):
                throw FileProblem(errno, doing: "reading")
            }
        }
        return done
    }
}

extension ContentDigest {
    init(_ digest: Digest128) { self.init(low: digest.low, high: digest.high) }
}
