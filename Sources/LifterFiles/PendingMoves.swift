// A file that is to become another version of itself, in place, of pieces of its own and of others.
//
//     take        the new contents pass by, in order: where each piece comes from is noted, nothing is written
//     begin       all was told, and is right
//     advance     areas are written in an order in which nothing is lost, each of them checked first
//
// So as long as contents come the old version is whole: it can be signed more finely, and an end before the last byte
// has come leaves it as it was. What is written later was seen before, and must be that: each area has a check of the
// bytes that change in it.

import LifterCodec
import LifterDelta
import LifterProtocol
import LifterSystem

/// Used by one thread at a time.
final class PendingMoves {
    /// What it needs of the disk.
    struct Disk {
        var fileSystem: any FileSystem
        /// The file.
        var descriptor: RawDescriptor
        /// What the file's time is to be whenever it was written to.
        var time: FileTime
        /// A file without a name; nil where none can be had.
        var makeSpool: () -> RawDescriptor?
    }

    /// Bytes at the beginning that the old version and the new one both have. What lies behind them overwrites nothing.
    let reach: UInt64
    private(set) var order: MoveOrder
    private(set) var log: MoveLog
    private(set) var spares: SpareAreas
    /// For each area where its records begin; `unchanged`: it has none.
    private var starts: [UInt64]
    /// And the check of its bytes that change.
    private var checks: [UInt64]
    private static let unchanged = UInt64.max

    // While contents come.
    private let hasher: XXH3Stream
    private var area = 0
    /// Bytes behind the area's last record that stay where they are.
    private var staying = 0

    // While areas are written.
    private(set) var hasBegun = false
    private var hasWritten = false
    private var buffer: UnsafeMutableRawBufferPointer?

    /// `shortest`: bytes of an area, at least. `key`: the session's.
    init(reach: UInt64, shortest: UInt64, memory: Int, key: UInt64, fileSystem: any FileSystem) {
        self.reach = reach
        hasher = XXH3Stream(seed: key)
        let length = Self.areaLength(reach, shortest: shortest)
        order = MoveOrder(length: reach, areaLength: length)
        log = MoveLog(fileSystem: fileSystem, limit: memory)
        spares = SpareAreas(fileSystem: fileSystem, limit: memory, areaLength: length)
        starts = Array(repeating: Self.unchanged, count: order.count)
        checks = Array(repeating: 0, count: order.count)
    }

    deinit { buffer?.deallocate() }

    /// Long enough that 65,536 of them make the file, up to 16 MiB.
    private static func areaLength(_ reach: UInt64, shortest: UInt64) -> UInt64 {
        var length = max(1, shortest)
        while length < 16 << 20, reach / length >= 65_536 { length *= 2 }
        return length
    }

    // MARK: Noting

    /// Notes the next bytes of the new contents, below `reach`. `source`: where in the old version they are.
    func take(
        _ bytes: UnsafeRawBufferPointer, at start: UInt64, from source: UInt64?, _ disk: Disk
    ) throws(FileProblem) {
        var done = 0
        while done < bytes.count {
            let place = start &+ UInt64(done)
            let next = Int(clamping: place / order.areaLength)
            guard place < reach, next < starts.count else {
                throw FileProblem(.mismatch, doing: "rearranging a file beyond its end")
            }
            if next != area { try leave(disk) }
            area = next
            let room = min(order.areaLength - place % order.areaLength, reach - place)
            let count = Int(min(UInt64(bytes.count - done), room))
            let piece = UnsafeRawBufferPointer(rebasing: bytes[done..<done + count])
            let from = source.map { $0 &+ UInt64(done) }
            if from == place { staying += count } else { try note(piece, from, disk) }
            done += count
        }
    }

    private func note(_ piece: UnsafeRawBufferPointer, _ from: UInt64?, _ disk: Disk) throws(FileProblem) {
        if starts[area] == Self.unchanged { starts[area] = log.end }
        if staying > 0 {
            try log.append(.stays(staying), disk.makeSpool)
            staying = 0
        }
        hasher.update(piece)
        if let from {
            order.note(area, takes: from..<from + UInt64(piece.count))
            try log.append(.copy(piece.count, from: from), disk.makeSpool)
        } else {
            order.note(area)
            try log.append(.literal(piece.count), disk.makeSpool)
            try log.append(piece, disk.makeSpool)
        }
    }

    /// The area is told.
    private func leave(_ disk: Disk) throws(FileProblem) {
        staying = 0
        guard !starts.isEmpty, starts[area] != Self.unchanged else { return }
        try log.append(.end, disk.makeSpool)
        checks[area] = hasher.digest64()
        hasher.reset()
    }

    // MARK: Writing

    /// All is noted.
    func begin(_ disk: Disk) throws(FileProblem) {
        try leave(disk)
        hasBegun = true
        order.begin()
    }

    /// Writes areas, of about so many bytes; false when all are written.
    func advance(_ bytes: Int, _ disk: Disk) throws(FileProblem) -> Bool {
        var left = bytes
        while left > 0 {
            guard let step = order.next() else { return false }
            switch step {
            case .save(let area): try save(area, disk)
            case .write(let area): try write(area, disk)
            }
            left -= Int(clamping: order.areaLength)
        }
        return true
    }

    private func range(of area: Int) -> Range<UInt64> {
        let start = UInt64(area) * order.areaLength
        return start..<min(start + order.areaLength, reach)
    }

    /// Room for an area.
    private func room() -> UnsafeMutableRawBufferPointer {
        if let buffer { return buffer }
        let size = Int(min(order.areaLength, reach))
        let made = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 4096)
        buffer = made
        return made
    }

    private func save(_ area: Int, _ disk: Disk) throws(FileProblem) {
        let range = range(of: area)
        let piece = UnsafeMutableRawBufferPointer(rebasing: room()[..<range.count])
        try read(piece, at: range.lowerBound, disk)
        try spares.put(UnsafeRawBufferPointer(piece), of: area, disk.makeSpool)
        order.saved(area)
    }

    private func write(_ area: Int, _ disk: Disk) throws(FileProblem) {
        let range = range(of: area)
        let piece = UnsafeMutableRawBufferPointer(rebasing: room()[..<range.count])
        hasher.reset()
        try each(area) { (record, place, position) throws(FileProblem) in
            let part = UnsafeMutableRawBufferPointer(rebasing: piece[place])
            if case .copy(_, let source) = record {
                try fetch(part, from: source, disk)
            } else {
                try log.read(part, at: &position)
            }
            hasher.update(UnsafeRawBufferPointer(part))
        }
        guard hasher.digest64() == checks[area] else {
            throw FileProblem(.mismatch, doing: "rearranging a file: it changed meanwhile")
        }
        try attempting("writing") { () throws(Errno) in
            if !hasWritten { try disk.fileSystem.setModified(disk.time, of: disk.descriptor) }
        }
        hasWritten = true
        var run = 0..<0
        try each(area) { (record, place, position) throws(FileProblem) in
            if case .literal(let length) = record { position += UInt64(length) }
            if place.lowerBound == run.upperBound {
                run = run.lowerBound..<place.upperBound
            } else {
                try put(run, of: piece, at: range.lowerBound, disk)
                run = place
            }
        }
        try put(run, of: piece, at: range.lowerBound, disk)
        try attempting("writing") { () throws(Errno) in
            try disk.fileSystem.setModified(disk.time, of: disk.descriptor)
        }
        // From here on the others may go on.
        order.wrote(area) { spares.drop($0) }
        try each(area) { (record, _, position) throws(FileProblem) in
            switch record {
            case .copy(let length, let source):
                order.release(source..<source + UInt64(length), by: area) { spares.drop($0) }
            case .literal(let length): position += UInt64(length)
            case .end, .stays: break
            }
        }
    }

    private func put(
        _ run: Range<Int>, of piece: UnsafeMutableRawBufferPointer, at start: UInt64, _ disk: Disk
    ) throws(FileProblem) {
        try attempting("writing") { () throws(Errno) in
            let bytes = UnsafeRawBufferPointer(rebasing: piece[run])
            try disk.fileSystem.writeAll(bytes, to: disk.descriptor, at: start + UInt64(run.lowerBound))
        }
    }

    /// Goes over what changes in an area: copies and literal bytes, and where in it they go. The position is behind the
    /// record, and has to be moved behind its bytes.
    private func each(
        _ area: Int, _ body: (MoveRecord, Range<Int>, inout UInt64) throws(FileProblem) -> Void
    ) throws(FileProblem) {
        let size = range(of: area).count
        var (position, place) = (starts[area], 0)
        while true {
            let record = try log.record(at: &position)
            let length: Int
            switch record {
            case .end: return
            case .stays(let count):
                place += count
                continue
            case .copy(let count, let source):
                guard source <= UInt64(Int64.max) - UInt64(count) else { throw MoveLog.problem(.io) }
                length = count
            case .literal(let count): length = count
            }
            guard place <= size, length <= size - place else { throw MoveLog.problem(.io) }
            try body(record, place..<place + length, &position)
            place += length
        }
    }

    /// Old contents, from the file or from where they were set aside.
    private func fetch(
        _ part: UnsafeMutableRawBufferPointer, from source: UInt64, _ disk: Disk
    ) throws(FileProblem) {
        var done = 0
        while done < part.count {
            let place = source + UInt64(done)
            var count = part.count - done
            var isAside = false
            if place < reach {
                let area = Int(place / order.areaLength)
                count = Int(min(UInt64(count), range(of: area).upperBound - place))
                guard let answer = order.isAside(area) else { throw MoveLog.problem(.io) }
                isAside = answer
            }
            let piece = UnsafeMutableRawBufferPointer(rebasing: part[done..<done + count])
            if isAside {
                try spares.read(piece, of: Int(place / order.areaLength), from: Int(place % order.areaLength))
            } else {
                try read(piece, at: place, disk)
            }
            done += count
        }
    }

    private func read(
        _ piece: UnsafeMutableRawBufferPointer, at start: UInt64, _ disk: Disk
    ) throws(FileProblem) {
        let count = try attempting("reading the old version") { () throws(Errno) in
            try disk.fileSystem.readAll(disk.descriptor, into: piece, at: start)
        }
        guard count == piece.count else {
            throw FileProblem(.mismatch, doing: "reading the old version: it has become shorter")
        }
    }
}
