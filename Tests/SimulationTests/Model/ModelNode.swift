// One object of the model's disk: what the running system sees of it, and what of that would survive a power cut.

import LifterSystem

final class ModelNode {
    /// What is journalled of an object besides its names and its contents.
    struct Attributes: Hashable {
        var mode: UInt32
        var user: UInt32
        var group: UInt32
        var modified: FileTime
    }

    /// A change of contents that is not yet safe.
    enum DataChange {
        case write(offset: Int, bytes: [UInt8])
        case resize(Int)
    }

    /// Never used twice, unlike the inode number.
    let id: Int
    let number: UInt64
    let kind: FileKind

    var attributes: Attributes
    var changed: FileTime
    var accessed: FileTime
    var links = 1
    /// How many open files refer to it.
    var opens = 0
    /// How many of them could read (for FIFOs).
    var readers = 0

    var data: [UInt8] = []
    /// Bytes set aside by `reserve`.
    var reserved = 0
    var target: [UInt8] = []
    var device: UInt64 = 0

    var entries: [[UInt8]: Int] = [:]
    /// The directory that a directory is in; the root is in itself.
    var parent: Int
    /// A directory that was removed: nothing can be made or found in it.
    var isDead = false

    /// Who holds the OFD lock and the flock: the open file's id.
    var rangeLock: Int?
    var wholeLock: Int?

    // What a power cut leaves for certain, and what may follow in order.
    var safeAttributes: Attributes
    var safeData: [UInt8] = []
    var safeEntries: [[UInt8]: Int] = [:]
    var unsafeAttributes: [(sequence: Int, value: Attributes)] = []
    var unsafeData: [DataChange] = []

    init(id: Int, number: UInt64, kind: FileKind, attributes: Attributes, now: FileTime, parent: Int) {
        self.id = id
        self.number = number
        self.kind = kind
        self.attributes = attributes
        self.safeAttributes = attributes
        self.changed = now
        self.accessed = now
        self.parent = parent
    }

    static let pageSize = 4096

    static func roundedUp(_ size: Int) -> Int { (size + pageSize - 1) / pageSize * pageSize }

    /// Bytes taken from the disk's budget.
    var allocated: Int { Self.roundedUp(max(data.count, reserved)) }

    /// Bytes that statx would tell.
    var size: Int {
        switch kind {
        case .regular: data.count
        case .symlink: target.count
        case .directory: Self.pageSize
        case .fifo, .socket, .characterDevice, .blockDevice: 0
        }
    }

    func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        Self.put(bytes, at: offset, into: &data)
    }

    static func put(_ bytes: UnsafeRawBufferPointer, at offset: Int, into data: inout [UInt8]) {
        if bytes.isEmpty { return }
        if offset > data.count { data.append(contentsOf: repeatElement(0, count: offset - data.count)) }
        let overlap = min(bytes.count, data.count - offset)
        if overlap > 0 {
            data.withUnsafeMutableBytes { whole in
                UnsafeMutableRawBufferPointer(rebasing: whole[offset..<offset + overlap])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<overlap]))
            }
        }
        if overlap < bytes.count { data.append(contentsOf: bytes[overlap...]) }
    }

    static func resize(_ data: inout [UInt8], to size: Int) {
        if size < data.count {
            data.removeLast(data.count - size)
        } else {
            data.append(contentsOf: repeatElement(0, count: size - data.count))
        }
    }
}

extension FileTime {
    /// A later (or, with a negative number, earlier) time.
    func advanced(byNanoseconds amount: Int64) -> FileTime {
        let sum = Int64(nanoseconds) + amount % 1_000_000_000
        let carry: Int64 = sum < 0 ? -1 : sum / 1_000_000_000
        return FileTime(
            seconds: seconds &+ amount / 1_000_000_000 &+ carry, nanoseconds: UInt32(sum - carry * 1_000_000_000))
    }
}
