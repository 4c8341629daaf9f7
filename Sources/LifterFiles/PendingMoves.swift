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
    /// Of the area in the buffer: what changes, and what was taken from elsewhere.
    private var changes: [Range<Int>] = []
    private var taken: [Range<UInt64>] = []

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
        try assemble(area, in: piece, disk)
        hasher.reset()
        for change in changes { hasher.update(UnsafeRawBufferPointer(rebasing: piece[change])) }
        guard hasher.digest64() == checks[area] else {
            throw FileProblem(.mismatch, doing: "rearranging a file: it changed meanwhile")
        }
        try attempting("writing") { () throws(Errno) in
            if !hasWritten { try disk.fileSystem.setModified(disk.time, of: disk.descriptor) }
            hasWritten = true
            for change in changes {
                let start = range.lowerBound + UInt64(change.lowerBound)
                try disk.write(UnsafeRawBufferPointer(rebasing: piece[change]), at: start)
            }
            try disk.fileSystem.setModified(disk.time, of: disk.descriptor)
        }
        order.wrote(area, took: taken) { spares.drop($0) }
    }

    /// Makes the new contents of an area, in `changes`.
    private func assemble(
        _ area: Int, in piece: UnsafeMutableRawBufferPointer, _ disk: Disk
    ) throws(FileProblem) {
        changes.removeAll(keepingCapacity: true)
        taken.removeAll(keepingCapacity: true)
        var (position, place) = (starts[area], 0)
        while true {
            let length: Int
            var source: UInt64?
            switch try log.record(at: &position) {
            case .end: return
            case .stays(let count):
                place += count
                continue
            case .copy(let count, let from): (length, source) = (count, from)
            case .literal(let count): length = count
            }
            guard place <= piece.count, length <= piece.count - place else { throw MoveLog.problem(.io) }
            let part = UnsafeMutableRawBufferPointer(rebasing: piece[place..<place + length])
            if let source {
                let (end, overflow) = source.addingReportingOverflow(UInt64(length))
                if overflow { throw MoveLog.problem(.io) }
                try fetch(part, from: source, disk)
                taken.append(source..<end)
            } else {
                try log.read(part, at: &position)
            }
            if let last = changes.last, last.upperBound == place {
                changes[changes.count - 1] = last.lowerBound..<place + length
            } else {
                changes.append(place..<place + length)
            }
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
        var done = 0
        while done < piece.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: piece[done...])
            let count = try attempting("reading the old version") { () throws(Errno) in
                try disk.fileSystem.read(disk.descriptor, into: rest, at: start + UInt64(done))
            }
            guard count > 0, count <= rest.count else {
                throw FileProblem(.mismatch, doing: "reading the old version: it has become shorter")
            }
            done += count
        }
    }
}

extension PendingMoves.Disk {
    func write(_ bytes: UnsafeRawBufferPointer, at start: UInt64) throws(Errno) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = try fileSystem.write(descriptor, from: rest, at: start + UInt64(done))
            if count <= 0 || count > rest.count { throw .io }
            done += count
        }
    }
}
