// The records of a deletion plan: in memory up to 4 MiB, beyond that in a file without a name.

import LifterProtocol
import LifterSystem

/// One entry to be deleted, as it was when that was decided.
struct DeletionRecord: Equatable, Sendable {
    /// Relative to the root.
    var path: [UInt8]
    var kind: FileKind
    var device: UInt64
    var inode: UInt64
    var changed: FileTime
    var modified: FileTime
    var size: UInt64
    /// It had other names: deleting one of those changes its change time.
    var isLinked: Bool

    init(path: [UInt8], status: FileStatus) {
        self.path = path
        kind = status.kind
        device = status.device
        inode = status.inode
        changed = status.changed
        modified = status.modified
        size = status.size
        isLinked = status.kind != .directory && status.links > 1
    }

    /// Whether what is there now is still what was planned.
    func agrees(with status: FileStatus) -> Bool {
        guard status.kind == kind, status.device == device, status.inode == inode else { return false }
        // A directory changes as what is in it goes; it is judged by what it is.
        if kind == .directory { return true }
        // Its attributes may have been set by another of its names, which the sender has.
        if isLinked { return status.size == size }
        return status.changed == changed
    }
}

extension DeletionRecord {
    /// Bytes before the path: length of the path (4), kind, links, then six fields of 8 and two of 4.
    static let headSize = 4 + 2 + 8 * 5 + 4 * 2

    func append(to bytes: inout [UInt8]) {
        Self.put(UInt32(truncatingIfNeeded: path.count), &bytes)
        bytes.append(kind.rawValue)
        bytes.append(isLinked ? 1 : 0)
        Self.put(device, &bytes)
        Self.put(inode, &bytes)
        Self.put(UInt64(bitPattern: changed.seconds), &bytes)
        Self.put(UInt64(bitPattern: modified.seconds), &bytes)
        Self.put(size, &bytes)
        Self.put(changed.nanoseconds, &bytes)
        Self.put(modified.nanoseconds, &bytes)
        bytes.append(contentsOf: path)
    }

    static func pathLength(head: [UInt8]) -> Int {
        Int(get(head, 0, as: UInt32.self))
    }

    /// nil where the bytes are none of ours (a disk that does not keep what it is given).
    init?(head: [UInt8], path: [UInt8]) {
        guard head.count == Self.headSize, let kind = FileKind(rawValue: head[4]) else { return nil }
        self.path = path
        self.kind = kind
        isLinked = head[5] == 1
        device = Self.get(head, 6, as: UInt64.self)
        inode = Self.get(head, 14, as: UInt64.self)
        changed = FileTime(
            seconds: Int64(bitPattern: Self.get(head, 22, as: UInt64.self)),
            nanoseconds: Self.get(head, 46, as: UInt32.self))
        modified = FileTime(
            seconds: Int64(bitPattern: Self.get(head, 30, as: UInt64.self)),
            nanoseconds: Self.get(head, 50, as: UInt32.self))
        size = Self.get(head, 38, as: UInt64.self)
    }

    private static func put<Number: FixedWidthInteger>(_ number: Number, _ bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private static func get<Number: FixedWidthInteger>(_ bytes: [UInt8], _ at: Int, as: Number.Type) -> Number {
        Number(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: Number.self) })
    }
}

/// Records in the order they were added; read once, from the front, when all are added.
struct DeletionSpool {
    /// Bytes kept in memory.
    private let limit: Int
    private var memory: [UInt8] = []
    /// Bytes moved to the file.
    private var filed: UInt64 = 0
    private var file: SpoolFile?
    private var position: UInt64 = 0
    private var canFile = true

    init(limit: Int = 4 << 20) { self.limit = limit }

    /// Moves what is in memory to the file where it has become too much. Where no file can be had, memory must do.
    mutating func append(
        _ record: DeletionRecord, fileSystem: any FileSystem, makeFile: () -> RawDescriptor?
    ) {
        record.append(to: &memory)
        guard memory.count >= limit, canFile else { return }
        if file == nil { file = makeFile().map { SpoolFile($0, fileSystem) } }
        canFile = file != nil
        guard let file else { return }
        do throws(Errno) {
            try file.write(memory, at: filed)
            filed += UInt64(memory.count)
            memory.removeAll(keepingCapacity: true)
        } catch {
            // A full disk: the file keeps what it has whole, and the rest stays in memory.
            canFile = false
        }
    }

    var isAtEnd: Bool { position >= filed + UInt64(memory.count) }

    /// The next record; nil at the end.
    mutating func next() throws(FileProblem) -> DeletionRecord? {
        if isAtEnd { return nil }
        let head = try bytes(DeletionRecord.headSize)
        let path = try bytes(DeletionRecord.pathLength(head: head))
        guard let record = DeletionRecord(head: head, path: path) else {
            position = .max
            throw FileProblem(.io, doing: "reading the deletion plan")
        }
        return record
    }

    private mutating func bytes(_ count: Int) throws(FileProblem) -> [UInt8] {
        let start = position
        position = .max
        let result: [UInt8]
        if start >= filed {
            let from = Int(start - filed)
            guard from <= memory.count, count <= memory.count - from else {
                throw FileProblem(.io, doing: "reading the deletion plan")
            }
            result = Array(memory[from..<from + count])
        } else {
            guard let file, UInt64(count) <= filed - start else {
                throw FileProblem(.io, doing: "reading the deletion plan")
            }
            result = try attempting("reading the deletion plan") { () throws(Errno) in try file.read(count, at: start) }
        }
        position = start + UInt64(count)
        return result
    }

    mutating func clear() {
        self = DeletionSpool(limit: limit)
    }
}
