// What is to be done to a file that is rearranged in place: records and literal bytes, one after the other, in memory up
// to a limit and beyond that in a file without a name. It is written once and read by areas, in any order.

import LifterProtocol
import LifterSystem

/// A piece of an area, in the order of the new contents.
enum MoveRecord: Hashable {
    /// The area ends here, or stays as it is from here on.
    case end
    /// So many bytes stay where they are.
    case stays(Int)
    /// So many bytes from elsewhere in the old contents.
    case copy(Int, from: UInt64)
    /// So many bytes, which follow.
    case literal(Int)
}

/// Used by one thread at a time. Where it throws the file cannot be rearranged: then it is asked for whole, which needs
/// no room.
struct MoveLog {
    private static let window = 64 << 10

    private let fileSystem: any FileSystem
    private let limit: Int
    private var memory: [UInt8] = []
    /// Bytes that were moved to the file.
    private var filed: UInt64 = 0
    private var file: SpoolFile?
    /// Bytes of the file that were read last, and where they are.
    private var cached: [UInt8] = []
    private var cachedAt: UInt64 = 0
    /// The most bytes that were in memory.
    private(set) var mostHeld = 0

    /// `limit`: bytes held in memory, about.
    init(fileSystem: any FileSystem, limit: Int) {
        self.fileSystem = fileSystem
        self.limit = limit
    }

    var end: UInt64 { filed + UInt64(memory.count) }
    var isSpooled: Bool { file != nil }

    // MARK: Writing

    mutating func append(_ record: MoveRecord, _ makeFile: () -> RawDescriptor?) throws(FileProblem) {
        switch record {
        case .end: memory.append(0)
        case .stays(let length): put(1, length)
        case .copy(let length, let from):
            put(2, length)
            withUnsafeBytes(of: from.littleEndian) { memory.append(contentsOf: $0) }
        case .literal(let length): put(3, length)
        }
        try spool(makeFile)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer, _ makeFile: () -> RawDescriptor?) throws(FileProblem) {
        memory.append(contentsOf: bytes)
        try spool(makeFile)
    }

    private mutating func put(_ kind: UInt8, _ length: Int) {
        memory.append(kind)
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: length).littleEndian) { memory.append(contentsOf: $0) }
    }

    private mutating func spool(_ makeFile: () -> RawDescriptor?) throws(FileProblem) {
        mostHeld = max(mostHeld, memory.count)
        guard memory.count > limit else { return }
        if file == nil { file = makeFile().map { SpoolFile($0, fileSystem) } }
        guard let file else { throw Self.problem(.io) }
        do throws(Errno) {
            try file.write(memory, at: filed)
        } catch {
            throw Self.problem(error)
        }
        filed += UInt64(memory.count)
        memory.removeAll(keepingCapacity: true)
    }

    // MARK: Reading

    /// The record at a position, which moves behind it.
    mutating func record(at position: inout UInt64) throws(FileProblem) -> MoveRecord {
        let kind = try number(UInt8.self, at: &position)
        if kind == 0 { return .end }
        let length = Int(try number(UInt32.self, at: &position))
        switch kind {
        case 1: return .stays(length)
        case 2: return .copy(length, from: try number(UInt64.self, at: &position))
        case 3: return .literal(length)
        default: throw Self.problem(.io)
        }
    }

    private mutating func number<Number: FixedWidthInteger>(
        _ type: Number.Type, at position: inout UInt64
    ) throws(FileProblem) -> Number {
        var value: Number = 0
        try withUnsafeMutableBytes(of: &value) { bytes throws(FileProblem) in try read(bytes, at: &position) }
        return Number(littleEndian: value)
    }

    /// Fills a buffer from a position, which moves on.
    mutating func read(_ buffer: UnsafeMutableRawBufferPointer, at position: inout UInt64) throws(FileProblem) {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count: Int
            if position >= filed {
                let start = Int(clamping: position - filed)
                guard start <= memory.count, rest.count <= memory.count - start else { throw Self.problem(.io) }
                count = rest.count
                memory.withUnsafeBytes {
                    rest.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
                }
            } else {
                count = try readFiled(rest, at: position)
            }
            done += count
            position += UInt64(count)
        }
    }

    /// At least one byte from the file; short reads go through a window of it.
    private mutating func readFiled(
        _ buffer: UnsafeMutableRawBufferPointer, at position: UInt64
    ) throws(FileProblem) -> Int {
        guard let file else { throw Self.problem(.io) }
        let most = Int(clamping: min(filed - position, UInt64(buffer.count)))
        do throws(Errno) {
            if most >= Self.window {
                let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<most])
                try file.read(piece, at: position)
                return most
            }
            if position < cachedAt || position >= cachedAt + UInt64(cached.count) {
                cached = try file.read(Int(clamping: min(UInt64(Self.window), filed - position)), at: position)
                cachedAt = position
            }
        } catch {
            throw Self.problem(error)
        }
        let start = Int(position - cachedAt)
        let count = min(most, cached.count - start)
        cached.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count])) }
        return count
    }

    static func problem(_ errno: Errno) -> FileProblem {
        FileProblem(.mismatch, errno: errno.rawValue, doing: "setting aside what a file is rearranged from")
    }
}
