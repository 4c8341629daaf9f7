// Large files whose pieces are written by a thread of its own, while the next are read.

import Glibc
import LifterCodec
import LifterProtocol
import LifterSystem
import Synchronization
import Testing

@testable import LifterFiles

@Suite struct WriteBehindTests {
    private let place = Destination()
    private static let old: [UInt8] = {
        var state: UInt64 = 7
        return (0..<(5 << 20) + 123).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }()

    init() {
        for name in ["f", "g"] { plant(name) }
    }

    private func plant(_ name: String) {
        let file = Glibc.open("\(place.path)/\(name)", O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
        precondition(Glibc.write(file, Self.old, Self.old.count) == Self.old.count)
        Glibc.close(file)
    }

    private func contents(_ name: String) -> [UInt8] {
        let file = Glibc.open("\(place.path)/\(name)", O_RDONLY | O_CLOEXEC)
        defer { Glibc.close(file) }
        var result = [UInt8](repeating: 0, count: 16 << 20)
        result.removeLast(result.count - max(0, Glibc.read(file, &result, result.count)))
        return result
    }

    /// What the new file is made of: ten bytes, then the old one but for its first byte, from two places.
    private static let made: [UInt8] = Array("0123456789".utf8) + old[1...]
    private static let payloads: [Payload] = [
        .bytes(Array("0123456789".utf8), 0..<10), .basis(offset: 1, length: 3 << 20),
        .basis(offset: 1 + 3 << 20, length: UInt64(old.count - 1 - 3 << 20)),
    ]

    private func open(_ layer: FileLayer, _ name: String, id: FileID) -> PlaceResult {
        let entry = entry(name, .regular, mode: 0o644, size: UInt64(Self.made.count), seconds: 1_000)
        var target = FileTarget(id: id, directory: 0, entry: entry, set: everything, rule: ReplaceRule())
        target.isPatched = true
        return layer.perform(.openStage(target)).placed
    }

    private func commit(_ layer: FileLayer, id: FileID) -> PlaceResult {
        let digest = XXH3.hash128(Self.made, seed: Destination.key)
        return layer.perform(.commit(id: id, digest: ContentDigest(low: digest.low, high: digest.high))).placed
    }

    @Test("A file is made of its old version, and of what came") func copies() throws {
        let writers = Mutex<Set<pthread_t>>([])
        let watched = FaultingFileSystem()
        watched.onCall { call, _ in
            if call == .write { writers.withLock { _ = $0.insert(pthread_self()) } }
        }
        let layer = try place.layer(watched) { $0.writesBehind = true }
        #expect(open(layer, "f", id: 1).isDone)
        // The first bytes shift all that follows, so that no block can be shared.
        #expect(layer.perform(.writeChunk(id: 1, payloads: Self.payloads)).placed.isDone)
        #expect(commit(layer, id: 1).isDone)
        #expect(contents("f") == Self.made)
        // What came is written by who was asked, what is copied by the other.
        let threads = writers.withLock { $0 }
        #expect(threads.count == 2 && threads.contains(pthread_self()))
    }

    @Test("Two at once: one has the thread, and the other does without") func together() throws {
        let layer = try place.layer { $0.writesBehind = true }
        let names = [(FileID(1), "f"), (FileID(2), "g")]
        for (id, name) in names { #expect(open(layer, name, id: id).isDone) }
        let threads = try names.map { id, _ in
            try Thread(name: "copy") { _ = layer.perform(.writeChunk(id: id, payloads: Self.payloads)) }
        }
        for thread in threads { thread.join() }
        for (id, name) in names {
            #expect(commit(layer, id: id).isDone)
            #expect(contents(name) == Self.made)
        }
    }

    /// The thread is used again after it has met a full disk.
    @Test("A disk that is full in the middle", arguments: [2, 3, 7, 13]) func full(write: Int) throws {
        let disk = FaultingFileSystem()
        let layer = try place.layer(disk) { $0.writesBehind = true }
        #expect(open(layer, "f", id: 1).isDone)
        disk.arm(.init(at: write, errno: .noSpace, only: .write))
        let failed = layer.perform(.writeChunk(id: 1, payloads: Self.payloads)).placed
        #expect(failed.problem?.errno == Errno.noSpace.rawValue && failed.problem?.doing == "writing")
        #expect(contents("f") == Self.old)
        // What is left is what was written before the piece that is missing.
        let rest = Self.made.prefix(10 + (write - 2) * 256 << 10)
        let part = part(of: "f")
        if rest.count >= 1 << 20 { #expect(contents(part) == Array(rest)) } else { #expect(!place.exists(part)) }
        disk.arm(nil)
        #expect(open(layer, "g", id: 2).isDone)
        #expect(layer.perform(.writeChunk(id: 2, payloads: Self.payloads)).placed.isDone)
        #expect(commit(layer, id: 2).isDone)
        #expect(contents("g") == Self.made)
    }

    @Test("An old version that has become shorter is found out, and nothing is lost") func shorter() throws {
        let layer = try place.layer { $0.writesBehind = true }
        #expect(open(layer, "f", id: 1).isDone)
        #expect(layer.perform(.writeChunk(id: 1, payloads: Array(Self.payloads[..<2]))).placed.isDone)
        #expect(truncate("\(place.path)/f", 4 << 20) == 0)
        #expect(layer.perform(.writeChunk(id: 1, payloads: Array(Self.payloads[2...]))).placed.isDone)
        #expect(commit(layer, id: 1).problem?.code == .mismatch)
        #expect(contents("f") == Array(Self.old[..<(4 << 20)]))
    }
}
