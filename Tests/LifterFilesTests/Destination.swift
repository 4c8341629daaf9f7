// A real destination directory with a file layer over it, and short ways to say what should be in it.

import Glibc
import LifterCodec
import LifterProtocol
import LifterSystem
import TestPlace
import Testing

@testable import LifterFiles

final class Destination {
    static let key: UInt64 = 0x5eed
    let path: String
    private let ownsPath: Bool

    init() {
        guard let made = try? TestPlace.makeDirectory(for: "files") else { fatalError("no scratch directory") }
        path = made
        ownsPath = true
    }

    /// A directory that somebody else made and removes.
    init(at path: String) {
        self.path = path
        ownsPath = false
    }

    deinit {
        guard ownsPath else { return }
        let command = ["rm", "-rf", "--", path].map { Array($0.utf8) }
        var child = try? ChildProcess(command)
        _ = try? child?.wait(timeout: nil)
    }

    func layer(
        _ fileSystem: any FileSystem = KernelFileSystem(), _ change: (inout FileSettings) -> Void = { _ in }
    ) throws -> FileLayer {
        var settings = FileSettings(ownUserID: geteuid())
        change(&settings)
        let root = try DestinationRoot.open(
            Array(path.utf8), DestinationRoot.Options(), base: .user, fileSystem: fileSystem)
        let layer = FileLayer(fileSystem: fileSystem, settings: settings, role: .receiver(root))
        layer.setDigestKey(ContentKey(Self.key))
        return layer
    }

    // MARK: Saying what is there

    func write(_ name: String, _ contents: String, mode: mode_t = 0o644) {
        let file = Glibc.open("\(path)/\(name)", O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, mode)
        precondition(file >= 0, "\(name): \(errno)")
        let bytes = Array(contents.utf8)
        precondition(Glibc.write(file, bytes, bytes.count) == bytes.count)
        fchmod(file, mode)
        Glibc.close(file)
    }

    func makeDirectory(_ name: String, mode: mode_t = 0o755) {
        precondition(mkdir("\(path)/\(name)", mode) == 0, "\(name): \(errno)")
    }

    func makeLink(_ name: String, to target: String) {
        precondition(symlink(target, "\(path)/\(name)") == 0)
    }

    func status(_ name: String) -> stat? {
        var result = stat()
        return lstat("\(path)/\(name)", &result) == 0 ? result : nil
    }

    func exists(_ name: String) -> Bool { status(name) != nil }
    func mode(_ name: String) -> UInt32? { status(name).map { $0.st_mode & 0o7777 } }
    func seconds(_ name: String) -> Int? { status(name).map { $0.st_mtim.tv_sec } }

    func contents(_ name: String) -> String? {
        let file = Glibc.open("\(path)/\(name)", O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { Glibc.close(file) }
        var buffer = [UInt8](repeating: 0, count: 1 << 21)
        let count = Glibc.read(file, &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    func target(_ name: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("\(path)/\(name)", &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// All names below, with their paths, in order.
    func names(_ below: String = "") -> [String] {
        guard let directory = opendir(below.isEmpty ? path : "\(path)/\(below)") else { return [] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            let whole = below.isEmpty ? name : "\(below)/\(name)"
            found.append(whole)
            if entry.pointee.d_type == UInt8(DT_DIR) { found += names(whole) }
        }
        return found.sorted()
    }

    var leftovers: [String] { names().filter { $0.contains(".sl-") } }
}

// MARK: Entries and effects in short

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func part(of name: String) -> String { String(decoding: PartName.part(of: bytes(name)), as: UTF8.self) }

func fileEntry(_ name: String, _ contents: String, mode: UInt16 = 0o644, seconds: Int64 = 1_000) -> Entry {
    entry(name, .regular, mode: mode, size: UInt64(contents.utf8.count), seconds: seconds)
}

func entry(
    _ name: String, _ kind: EntryKind, mode: UInt16 = 0o755, size: UInt64 = 0, seconds: Int64 = 1_000,
    user: UInt32 = 0, group: UInt32 = 0, target: String = ""
) -> Entry {
    Entry(
        name: bytes(name),
        attributes: Attributes(
            kind: kind, mode: mode, userID: user, groupID: group, size: size,
            modified: Timestamp(seconds: seconds, nanoseconds: 5)),
        target: bytes(target))
}

func digest(_ contents: String) -> ContentDigest {
    let digest = XXH3.hash128(bytes(contents), seed: Destination.key)
    return ContentDigest(low: digest.low, high: digest.high)
}

let everything: AttributeSet = [.mode, .user, .group, .times]

extension FileLayer {
    func writeSmall(
        _ name: String, _ contents: String, in directory: DirectoryID = 0, mode: UInt16 = 0o644,
        seconds: Int64 = 1_000, set: AttributeSet = everything, rule: ReplaceRule = ReplaceRule()
    ) -> PlaceResult {
        let target = FileTarget(
            id: 900, directory: directory, entry: fileEntry(name, contents, mode: mode, seconds: seconds),
            set: set, rule: rule)
        let file = SmallFile(target: target, range: 0..<contents.utf8.count, digest: digest(contents))
        let result = perform(.writeSmall(directory: directory, buffer: bytes(contents), files: [file]))
        if case .wroteSmall(let results) = result, results.count == 1 { return results[0] }
        return .failed(FileProblem(.stopped, doing: "wrong result"))
    }

    /// Opens, writes in pieces, commits; ends at the first failure.
    func stage(
        _ name: String, _ contents: String, id: FileID = 1, digest announced: ContentDigest?, mode: UInt16 = 0o644,
        set: AttributeSet = everything, rule: ReplaceRule = ReplaceRule()
    ) -> PlaceResult {
        let target = FileTarget(
            id: id, directory: 0, entry: fileEntry(name, contents, mode: mode), set: set, rule: rule)
        let opened = perform(.openStage(target)).placed
        guard case .done = opened else { return opened }
        let all = bytes(contents)
        let half = all.count / 2
        let written = perform(
            .writeChunk(id: id, payloads: [.bytes(all, 0..<half), .bytes(all, half..<all.count)])
        ).placed
        guard case .done = written else { return written }
        return perform(.commit(id: id, digest: announced)).placed
    }
}

extension FileResult {
    /// Results of one placing as such; anything else is a failure.
    var placed: PlaceResult {
        switch self {
        case .madeDirectory(let result), .publishedDirectory(let result, _), .finishedDirectory(let result),
            .madeObject(let result), .setAttributes(let result), .openedStage(let result),
            .wroteChunk(let result), .committed(let result):
            result
        default: .failed(FileProblem(.stopped, doing: "another result"))
        }
    }
}

extension PlaceResult {
    var isDone: Bool { if case .done = self { true } else { false } }
    var isKept: Bool { if case .kept = self { true } else { false } }
    var problem: FileProblem? { if case .failed(let problem) = self { problem } else { nil } }
}

/// Work on a thread of its own.
final class Background: @unchecked Sendable {
    private let work: @Sendable () -> Void
    private var thread = pthread_t()

    init(_ work: @escaping @Sendable () -> Void) {
        self.work = work
        let box = Unmanaged.passRetained(self)
        pthread_create(
            &thread, nil,
            { context in
                let background = Unmanaged<Background>.fromOpaque(context!).takeRetainedValue()
                background.work()
                return nil
            }, box.toOpaque())
    }

    func join() { pthread_join(thread, nil) }
}
