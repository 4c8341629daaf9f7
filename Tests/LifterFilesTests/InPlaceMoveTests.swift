// Files that become other versions of themselves in place, of pieces of their own: whatever the pieces are, the result is
// right, nothing is overwritten before all is known, and what is half done can be told from what is whole.

import Glibc
import LifterCodec
import LifterProtocol
import LifterSystem
import Testing

@testable import LifterFiles

/// Old bytes and what became of them, each byte with where it comes from.
private struct Rearrangement {
    struct Byte {
        var value: UInt8
        var origin: Int?
    }

    let old: [UInt8]
    var new: [Byte]
    var random: SystemTestRandom

    init(size: Int, seed: UInt64) {
        random = SystemTestRandom(state: seed)
        let old = random.bytes(size)
        self.old = old
        new = old.indices.map { Byte(value: old[$0], origin: $0) }
    }

    var contents: [UInt8] { new.map(\.value) }

    enum Edit: CaseIterable {
        case insert, delete, swap, rotate, `repeat`, overwrite, truncate, grow, reverseBlocks, insertInFront
    }

    mutating func apply(_ edit: Edit) {
        let place = random.below(new.count + 1)
        let length = 1 + random.below(random.below(3) == 0 ? 400 : 40)
        let end = min(new.count, place + length)
        switch edit {
        case .insert: new.insert(contentsOf: fresh(length), at: place)
        case .insertInFront: new.insert(contentsOf: fresh(length), at: 0)
        case .delete: new.removeSubrange(place..<end)
        case .swap:
            let piece = Array(new[place..<end])
            new.removeSubrange(place..<end)
            new.insert(contentsOf: piece, at: random.below(new.count + 1))
        case .rotate: new = Array(new[place...] + new[..<place])
        case .repeat: new.insert(contentsOf: new[place..<end], at: random.below(new.count + 1))
        case .overwrite: new.replaceSubrange(place..<end, with: fresh(end - place))
        case .truncate: new.removeLast(min(length, new.count))
        case .grow: new += fresh(length)
        case .reverseBlocks:
            let blocks = stride(from: 0, to: new.count, by: length).map { new[$0..<min($0 + length, new.count)] }
            new = Array(blocks.reversed().joined())
        }
    }

    private mutating func fresh(_ count: Int) -> [Byte] { random.bytes(count).map { Byte(value: $0, origin: nil) } }

    /// Copies and literal bytes that make it, cut here and there.
    mutating func payloads() -> [Payload] {
        var result: [Payload] = []
        let most = [20, 200, 5000][random.below(3)]
        var start = 0
        while start < new.count {
            var end = start + 1
            while end < new.count, end - start < most, follows(end) { end += 1 }
            if let origin = new[start].origin {
                result.append(.basis(offset: UInt64(origin), length: UInt64(end - start)))
            } else {
                result.append(.bytes(contents, start..<end))
            }
            start = end
        }
        return result
    }

    private func follows(_ index: Int) -> Bool {
        guard let before = new[index - 1].origin else { return new[index].origin == nil }
        return new[index].origin == before + 1
    }
}

/// splitmix64.
private struct SystemTestRandom {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
    mutating func below(_ end: Int) -> Int { end <= 1 ? 0 : Int(next() % UInt64(end)) }
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}

@Suite struct InPlaceMoveTests {
    private let place = Destination()

    private func plant(_ contents: [UInt8]) {
        let file = Glibc.open("\(place.path)/f", O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
        precondition(file >= 0 && ftruncate(file, 0) == 0)
        precondition(Glibc.write(file, contents, contents.count) == contents.count)
        var times = [timespec(tv_sec: 500, tv_nsec: 7), timespec(tv_sec: 500, tv_nsec: 7)]
        futimens(file, &times)
        Glibc.close(file)
    }

    private func found() -> [UInt8] {
        let file = Glibc.open("\(place.path)/f", O_RDONLY | O_CLOEXEC)
        precondition(file >= 0)
        defer { Glibc.close(file) }
        var buffer = [UInt8](repeating: 0, count: Int(place.status("f")?.st_size ?? 0))
        precondition(Glibc.read(file, &buffer, buffer.count) == buffer.count)
        return buffer
    }

    private func layer(
        _ system: any FileSystem = KernelFileSystem(), area: UInt64 = 64, memory: Int = 1 << 20
    ) throws -> FileLayer {
        try place.layer(system) {
            $0.writesInPlace = true
            $0.movedArea = area
            $0.movesInMemory = memory
        }
    }

    private func digest(_ contents: [UInt8]) -> ContentDigest {
        let digest = XXH3.hash128(contents, seed: Destination.key)
        return ContentDigest(low: digest.low, high: digest.high)
    }

    private func open(_ layer: FileLayer, size: Int, isPatched: Bool = true) -> PlaceResult {
        let entry = entry("f", .regular, mode: 0o644, size: UInt64(size), seconds: 1_000)
        var target = FileTarget(id: 1, directory: 0, entry: entry, set: everything, rule: ReplaceRule())
        target.isPatched = isPatched
        // A child that another test is just starting holds a copy of every descriptor, and so of locks, until it executes.
        for _ in 0..<200 {
            let result = layer.perform(.openStage(target)).placed
            guard result.problem?.errno == EBUSY else { return result }
            usleep(5_000)
        }
        return layer.perform(.openStage(target)).placed
    }

    private func commit(_ layer: FileLayer, _ contents: [UInt8]) -> PlaceResult {
        while true {
            let result = layer.perform(.commit(id: 1, digest: digest(contents)))
            if case .committing = result { continue }
            return result.placed
        }
    }

    /// All of it; ends at the first failure.
    private func run(_ layer: FileLayer, _ payloads: [Payload], _ contents: [UInt8]) -> PlaceResult {
        let opened = open(layer, size: contents.count)
        guard opened.isDone else { return opened }
        for start in stride(from: 0, to: payloads.count, by: 7) {
            let some = Array(payloads[start..<min(start + 7, payloads.count)])
            let written = layer.perform(.writeChunk(id: 1, payloads: some)).placed
            guard written.isDone else { return written }
        }
        return commit(layer, contents)
    }

    /// What is held of a file in work.
    private func moves(_ layer: FileLayer) throws -> PendingMoves {
        let file = try #require(layer.stages.take(1))
        layer.stages.put(file)
        return try #require(file.moves)
    }

    // MARK: Any edits

    @Test("Any pieces in any order make what they should", arguments: [1, 2, 3, 4] as [UInt64])
    func anyEdits(part: UInt64) throws {
        for seed in part * 1000..<part * 1000 + 250 {
            var drawn = Rearrangement(size: 1 + Int(seed * 7919 % 3000), seed: seed)
            for _ in 0..<drawn.random.below(5) {
                drawn.apply(Rearrangement.Edit.allCases[drawn.random.below(Rearrangement.Edit.allCases.count)])
            }
            let area = [1, 7, 64, 500, 5000][drawn.random.below(5)]
            let memory = [0, 60, 2000, 1 << 20][drawn.random.below(4)]
            let what = "seed \(seed): areas of \(area), \(memory) bytes in memory"
            plant(drawn.old)
            let before = place.status("f")
            let system = FaultingFileSystem()
            do {
                let layer = try layer(system, area: UInt64(area), memory: memory)
                let result = run(layer, drawn.payloads(), drawn.contents)
                #expect(result.isDone, "\(what): \(result)")
            }
            #expect(found() == drawn.contents, "\(what)")
            let after = place.status("f")
            #expect(after?.st_ino == before?.st_ino && after?.st_mtim.tv_sec == 1_000, "\(what)")
            #expect(place.names() == ["f"] && system.openCount == 0, "\(what)")
        }
    }

    @Test("What stays where it is is not written, whatever is around it")
    func nothingForNothing() throws {
        var drawn = Rearrangement(size: 40_000, seed: 1)
        plant(drawn.old)
        let system = FaultingFileSystem()
        #expect(run(try layer(system, area: 1000), drawn.payloads(), drawn.contents).isDone)
        #expect(!system.calls.contains(.write))
        drawn.new[20_000].origin = nil
        drawn.new[20_000].value ^= 1
        drawn.new[20_700].origin = nil
        system.forgetCalls()
        #expect(run(try layer(system, area: 1000), drawn.payloads(), drawn.contents).isDone)
        #expect(system.calls.count { $0 == .write } == 2)
        #expect(found() == drawn.contents)
    }

    @Test(
        "Shifts set nothing aside, a circle one area; what does not fit into memory goes to a file", arguments: [0, 1])
    func bounded(variant: Int) throws {
        for (distance, most) in [(-10, 0), (10, 0), (128_000, 1), (100_000, 40)] {
            var drawn = Rearrangement(size: 256_000, seed: 9)
            switch distance {
            case ..<0: drawn.apply(.insertInFront)
            case ..<100: drawn.new.removeFirst(distance)
            default: drawn.new = Array(drawn.new[distance...] + drawn.new[..<distance])
            }
            plant(drawn.old)
            // 512 areas; 100,000 is no multiple of their length.
            let layer = try layer(area: 500, memory: variant == 0 ? 1 << 20 : 2_000)
            #expect(open(layer, size: drawn.new.count).isDone)
            #expect(layer.perform(.writeChunk(id: 1, payloads: drawn.payloads())).placed.isDone)
            let moves = try moves(layer)
            #expect(commit(layer, drawn.contents).isDone)
            #expect(found() == drawn.contents)
            #expect(moves.spares.most <= most && (distance < 128_000 || moves.spares.most > 0), "\(distance)")
            #expect(moves.log.isSpooled == (variant == 1))
            #expect(moves.log.mostHeld <= 2_000 + 600 || variant == 0)
            #expect(moves.spares.isSpooled == (variant == 1 && moves.spares.most > 4))
        }
    }

    // MARK: Promises

    @Test("As long as contents come the old version is as it was; so it is after a wrong digest")
    func untouched() throws {
        var drawn = Rearrangement(size: 5_000, seed: 2)
        drawn.apply(.rotate)
        drawn.apply(.overwrite)
        plant(drawn.old)
        let layer = try layer()
        #expect(open(layer, size: drawn.new.count).isDone)
        #expect(layer.perform(.writeChunk(id: 1, payloads: drawn.payloads())).placed.isDone)
        #expect(found() == drawn.old && place.seconds("f") == 500)
        #expect(commit(layer, drawn.old).problem?.code == .mismatch)
        #expect(found() == drawn.old && place.seconds("f") == 500)
        // Then it is asked for whole, and written as it comes.
        #expect(open(layer, size: drawn.new.count, isPatched: false).isDone)
        let whole = drawn.contents
        #expect(layer.perform(.writeChunk(id: 1, payloads: [.bytes(whole, 0..<whole.count)])).placed.isDone)
        #expect(commit(layer, whole).isDone)
        #expect(found() == whole && place.seconds("f") == 1_000)
    }

    @Test("What lies behind the old version is written at once, under the time 0")
    func growing() throws {
        var drawn = Rearrangement(size: 5_000, seed: 3)
        drawn.apply(.rotate)
        drawn.new += drawn.new[..<300]
        drawn.apply(.grow)
        plant(drawn.old)
        let layer = try layer()
        #expect(open(layer, size: drawn.new.count).isDone)
        #expect(layer.perform(.writeChunk(id: 1, payloads: drawn.payloads())).placed.isDone)
        #expect(found() == drawn.old + drawn.contents[5_000...] && place.seconds("f") == 0)
        #expect(commit(layer, drawn.contents).isDone)
        #expect(found() == drawn.contents && place.seconds("f") == 1_000)
    }

    @Test("A file that somebody else changes meanwhile is not rearranged", arguments: [false, true])
    func changed(late: Bool) throws {
        var drawn = Rearrangement(size: 6 << 20, seed: 4)
        drawn.new.insert(contentsOf: [Rearrangement.Byte(value: 1, origin: nil)], at: 0)
        plant(drawn.old)
        let layer = try layer(area: 64 << 10)
        let contents = drawn.contents
        #expect(open(layer, size: contents.count).isDone)
        let payloads = [
            Payload.bytes([1], 0..<1), .basis(offset: 0, length: 3 << 20), .basis(offset: 3 << 20, length: 3 << 20),
        ]
        #expect(layer.perform(.writeChunk(id: 1, payloads: payloads)).placed.isDone)
        if late {
            guard case .committing = layer.perform(.commit(id: 1, digest: digest(contents))) else {
                Issue.record("it was done in one step")
                return
            }
            #expect(place.seconds("f") == 0)
        }
        let file = Glibc.open("\(place.path)/f", O_WRONLY | O_CLOEXEC)
        #expect(pwrite(file, [9, 9, 9], 3, 100) == 3)
        Glibc.close(file)
        #expect(commit(layer, contents).problem?.code == .mismatch)
    }

    /// Every call fails once, and every call is the last: what is left is the old, the new, or bears another time than
    /// the new one's. And the next run makes good.
    @Test("Any fault leaves what can be told from what is whole", arguments: [false, true])
    func faults(isKill: Bool) throws {
        var drawn = Rearrangement(size: 900, seed: 5)
        drawn.apply(.rotate)
        drawn.apply(.insert)
        drawn.apply(.grow)
        let payloads = drawn.payloads()
        let system = FaultingFileSystem()
        var number = 0
        while true {
            number += 1
            plant(drawn.old)
            let layer = try layer(system, area: 100, memory: 150)
            system.forgetCalls()
            system.arm(.init(at: number, errno: .io, isKill: isKill))
            let result = run(layer, payloads, drawn.contents)
            layer.abandonAll()
            system.arm(nil)
            let now = found()
            if result.isDone {
                #expect(now == drawn.contents)
                if system.calls.count < number { break }
            } else if now != drawn.old && now != drawn.contents {
                // 0, but for the moment between a write and setting the time back.
                #expect(place.seconds("f") != 1_000 && place.seconds("f") != 500, "call \(number): \(result)")
            } else if now == drawn.old {
                #expect(place.seconds("f") != 1_000, "call \(number): \(result)")
            }
            let again = try self.layer(area: 100)
            #expect(open(again, size: drawn.new.count, isPatched: false).isDone)
            let whole = drawn.contents
            #expect(again.perform(.writeChunk(id: 1, payloads: [.bytes(whole, 0..<whole.count)])).placed.isDone)
            #expect(commit(again, whole).isDone)
            #expect(found() == whole && place.seconds("f") == 1_000, "call \(number)")
        }
        #expect(number > 40)
    }

    @Test("Where nothing can be set aside the file is asked for whole")
    func noRoom() throws {
        var drawn = Rearrangement(size: 5_000, seed: 6)
        drawn.apply(.rotate)
        plant(drawn.old)
        let system = FaultingFileSystem()
        let layer = try layer(system, memory: 10)
        #expect(open(layer, size: drawn.new.count).isDone)
        system.arm(.init(at: 1, errno: .noSpace, isKill: true, only: .write))
        #expect(layer.perform(.writeChunk(id: 1, payloads: drawn.payloads())).placed.isDone)
        #expect(commit(layer, drawn.contents).problem?.code == .mismatch)
        system.arm(nil)
        #expect(found() == drawn.old)
    }

    @Test("The time of what is being overwritten is never the one that it is to have")
    func beginningOfTime() throws {
        plant([1, 2, 3])
        let layer = try layer()
        var entry = entry("f", .regular, mode: 0o644, size: 5, seconds: 0)
        entry.attributes.modified = Timestamp(seconds: 0, nanoseconds: 0)
        let target = FileTarget(id: 1, directory: 0, entry: entry, set: everything, rule: ReplaceRule())
        #expect(layer.perform(.openStage(target)).placed.isDone)
        #expect(layer.perform(.writeChunk(id: 1, payloads: [.bytes([4, 5], 0..<2)])).placed.isDone)
        #expect(place.status("f")?.st_mtim.tv_sec == 0 && place.status("f")?.st_mtim.tv_nsec == 1)
    }
}
