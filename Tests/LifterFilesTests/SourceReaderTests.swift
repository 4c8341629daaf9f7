import Glibc
import LifterCodec
import LifterFiles
import LifterProtocol
import LifterSystem
import Testing

@Suite struct SourceReaderTests {
    private func layer(
        _ tree: ScratchTree, allowsClone: Bool = false, fileSystem: any FileSystem = KernelFileSystem()
    ) throws -> FileLayer {
        var settings = FileSettings(ownUserID: Users.effectiveUser)
        settings.allowsClone = allowsClone
        let roots = try SourceRoots.open([tree.bytes() + [0x2f]], base: .user, fileSystem: fileSystem)
        let layer = FileLayer(fileSystem: fileSystem, settings: settings, role: .sender(roots))
        layer.setDigestKey(ContentKey(42))
        return layer
    }

    private func entry(_ layer: FileLayer, _ name: String) throws -> Entry {
        guard case .scanned(let result) = layer.perform(.scan(id: 0, parent: nil, name: [])) else {
            throw FileProblem(.stopped, doing: "no scan")
        }
        let listing = try result.get().listing
        return listing.entry(at: try #require(listing.index(of: Array(name)[...])))
    }

    private func readSmall(_ layer: FileLayer, _ entries: [Entry]) -> [Result<[UInt8], FileProblem>] {
        let files = entries.map { ListedFile(directory: 0, entry: $0) }
        guard case .readSmall(let buffer, let reads) = layer.perform(.readSmall(files)) else { return [] }
        return reads.map {
            switch $0 {
            case .whole(let range, _): .success(Array(buffer[range]))
            case .failed(let problem): .failure(problem)
            }
        }
    }

    private func code(_ result: Result<[UInt8], FileProblem>?) -> FileProblem.Code? {
        guard case .failure(let problem)? = result else { return nil }
        return problem.code
    }

    @Test func smallFilesComeWholeAndInOrder() throws {
        let tree = ScratchTree()
        for (name, text) in [("a", "first"), ("b", ""), ("c", "third one")] { tree.file(name, text) }
        let layer = try layer(tree)
        let entries = try ["a", "b", "c"].map { try entry(layer, $0) }
        tree.remove("b")
        let reads = readSmall(layer, entries)
        #expect(try reads[0].get().text == "first")
        #expect(code(reads[1]) == .vanished)
        #expect(try reads[2].get().text == "third one")
    }

    @Test func whatIsNotTheListedFileIsNotRead() throws {
        let tree = ScratchTree()
        for name in ["grown", "dated", "linked", "fifo"] { tree.file(name, "text") }
        let layer = try layer(tree)
        let entries = try ["dated", "fifo", "grown", "linked"].map { try entry(layer, $0) }
        tree.append("grown", "more")
        tree.date("dated", 5)
        tree.remove("linked")
        tree.link("linked", to: "/etc/passwd")
        tree.remove("fifo")
        mkfifo(tree.at("fifo"), 0o600)
        for result in readSmall(layer, entries) { #expect(code(result) == .changed) }
        for entry in entries {
            guard
                case .openedSource(.failure(let problem)) = layer.perform(
                    .openSource(id: 1, directory: 0, entry: entry))
            else {
                Issue.record("opened \(entry.name.text)")
                continue
            }
            #expect(problem.code == .changed)
        }
    }

    /// A write whose traces in size and mtime were wiped shows in the change time: read again, and whole.
    @Test func aFileThatChangedMeanwhileIsReadAgain() throws {
        let tree = ScratchTree()
        tree.file("f", "old text")
        tree.date("f", 1_000)
        let path = tree.at("f")
        let fileSystem = WatchedFileSystem { _, earlier in
            if earlier == 0 { rewrite(path, "new text", date: 1_000) }
        }
        let layer = try layer(tree, fileSystem: fileSystem)
        let reads = readSmall(layer, [try entry(layer, "f")])
        #expect(try reads[0].get().text == "new text")
    }

    @Test func aFileThatKeepsChangingIsReported() throws {
        let tree = ScratchTree()
        tree.file("f", "old text")
        tree.date("f", 1_000)
        let path = tree.at("f")
        let fileSystem = WatchedFileSystem { _, earlier in
            // A tick of the kernel's clock apart, as two real writers would be at least now and then.
            usleep(15_000)
            rewrite(path, "text \(earlier % 10)xx", date: 1_000)
        }
        let layer = try layer(tree, fileSystem: fileSystem)
        #expect(code(readSmall(layer, [try entry(layer, "f")]).first) == .changed)
    }

    @Test func aFileThatGrowsMeanwhileIsReported() throws {
        let tree = ScratchTree()
        tree.file("f", "old text")
        let path = tree.at("f")
        let fileSystem = WatchedFileSystem { _, _ in
            let descriptor = Glibc.open(path, O_WRONLY | O_APPEND)
            Glibc.write(descriptor, "x", 1)
            Glibc.close(descriptor)
        }
        let layer = try layer(tree, fileSystem: fileSystem)
        #expect(code(readSmall(layer, [try entry(layer, "f")]).first) == .changed)
    }

    @Test func aWriteInTheSameInstantIsNotMissed() throws {
        let tree = ScratchTree()
        // Each file is written just before it is read, and again right after the first read began.
        for round in 0..<20 {
            let name = "f\(round)"
            tree.file(name, "old text")
            let path = tree.at(name)
            let fileSystem = WatchedFileSystem { _, earlier in
                if earlier == 0 { overwrite(path, "new") }
            }
            let layer = try layer(tree, fileSystem: fileSystem)
            let read = readSmall(layer, [try entry(layer, name)])[0]
            // The write changed the mtime as well, so this is never the listed file again.
            #expect(code(read) == .changed, "round \(round)")
        }
    }

    // MARK: Large files

    private func readAll(_ layer: FileLayer, _ id: FileID, piece: Int) throws -> (bytes: [UInt8], end: SourceEnd) {
        var bytes: [UInt8] = []
        while true {
            guard case .readChunk(let result) = layer.perform(.readChunk(id: id, length: piece)) else {
                throw FileProblem(.stopped, doing: "no chunk")
            }
            let chunk = try result.get()
            switch chunk.payload {
            case .bytes(let buffer, let range): bytes += buffer[range]
            case .file, .basis: Issue.record("a file instead of bytes")
            }
            if let end = chunk.end { return (bytes, end) }
        }
    }

    @Test(arguments: [0, 1, 1_000, 700_001])
    func chunksAddUpToTheFile(_ size: Int) throws {
        let tree = ScratchTree()
        tree.file("f", String(repeating: "0123456789", count: size / 10 + 1).prefix(size).description)
        let layer = try layer(tree)
        let entry = try entry(layer, "f")
        guard case .openedSource(.success(nil)) = layer.perform(.openSource(id: 7, directory: 0, entry: entry)) else {
            Issue.record("not opened")
            return
        }
        let (bytes, end) = try readAll(layer, 7, piece: 300_000)
        _ = layer.perform(.closeSource(id: 7))
        #expect(bytes.count == size)
        guard
            case .readSmall(let buffer, let reads) = layer.perform(.readSmall([ListedFile(directory: 0, entry: entry)])),
            case .whole(let range, let digest) = reads[0],
            case .digested(let digests) = layer.perform(
                .digestFiles([ListedFile(directory: 0, entry: entry)], alone: true))
        else {
            Issue.record("not read")
            return
        }
        #expect(Array(buffer[range]) == bytes)
        #expect(end.digest == digest)
        #expect(try digests[0].get() == digest)
        var (longer, missing) = (entry, entry)
        longer.attributes.size += 1
        missing.name = Array("g")
        guard
            case .digested(let others) = layer.perform(
                .digestFiles([longer, missing].map { ListedFile(directory: 0, entry: $0) }, alone: false))
        else { return }
        #expect(throws: FileProblem.self) { try others[0].get() }
        #expect(throws: FileProblem.self) { try others[1].get() }
    }

    @Test func aLargeFileThatChangesIsReportedAtItsEnd() throws {
        let tree = ScratchTree()
        tree.file("f", String(repeating: "x", count: 100_000))
        tree.file("g", String(repeating: "x", count: 100_000))
        let layer = try layer(tree)
        for (id, name) in [(FileID(1), "f"), (FileID(2), "g")] {
            _ = layer.perform(.openSource(id: id, directory: 0, entry: try entry(layer, name)))
            _ = layer.perform(.readChunk(id: id, length: 1_000))
        }
        overwrite(tree.at("f"), "changed")
        truncate(tree.at("g"), 50_000)
        for id in [FileID(1), 2] {
            let problem = #expect(throws: FileProblem.self) { try readAll(layer, id, piece: 1 << 20) }
            #expect(problem?.code == .changed)
        }
    }

    @Test func inOneProcessTheFileItselfIsHandedOver() throws {
        let tree = ScratchTree()
        tree.file("f", "some text")
        let fileSystem = WatchedFileSystem()
        do {
            let layer = try layer(tree, allowsClone: true, fileSystem: fileSystem)
            let opened = layer.perform(.openSource(id: 1, directory: 0, entry: try entry(layer, "f")))
            guard case .openedSource(.success(let file?)) = opened, let watched = file as? WatchedSource,
                case .readChunk(.success(let chunk)) = layer.perform(.readChunk(id: 1, length: 1 << 20)),
                case .file(let same, 0, 9) = chunk.payload
            else {
                Issue.record("not handed over")
                return
            }
            #expect(same === file)
            #expect(chunk.end == SourceEnd(digest: nil))
            _ = layer.perform(.closeSource(id: 1))
            #expect(watched.verify() == nil)
            overwrite(tree.at("f"), "SOME")
            #expect(watched.verify()?.code == .changed)
        }
        #expect(fileSystem.openCount == 0)
    }
}

/// Writes over the beginning of a file.
private func overwrite(_ path: String, _ text: String) {
    let descriptor = Glibc.open(path, O_WRONLY)
    _ = text.withCString { Glibc.write(descriptor, $0, strlen($0)) }
    Glibc.close(descriptor)
}

private func rewrite(_ path: String, _ text: String, date: Int) {
    overwrite(path, text)
    var times = [timespec(tv_sec: date, tv_nsec: 0), timespec(tv_sec: date, tv_nsec: 0)]
    utimensat(AT_FDCWD, path, &times, 0)
}
