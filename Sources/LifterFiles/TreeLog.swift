// What a walk through the destination has met: directories and the files in them, one after the other, in blocks of
// 64 KiB. A few blocks stay in memory; when they are full they go to a file without a name, in one piece and in order.
//
// Nothing is looked up by a key. Whoever wants some files goes over all of it once, which for a million files takes some
// hundredths of a second, and may ask for many at a time.

import LifterSystem

/// Used by one thread at a time.
struct TreeLog {
    /// Where a file's record is, and that of its directory: counted in bytes over all blocks.
    struct Position: Hashable, Sendable {
        var directory: UInt64
        var file: UInt64
    }

    static let blockSize = 64 << 10
    private static let directoryMark: UInt8 = 1
    private static let fileMark: UInt8 = 2
    /// Files below longer paths are not noted.
    private static let longestPath = 16 << 10

    private let fileSystem: any FileSystem
    private let makeFile: () -> RawDescriptor?
    /// Blocks in memory; the last one is being filled.
    private var blocks: [[UInt8]] = []
    private let blockLimit: Int
    private var filed: UInt64 = 0
    private var file: SpoolFile?
    private var isFull = false
    private(set) var count = 0

    /// The directory whose record came last in the last block.
    private var current: UInt64?
    private var nextDirectory: UInt64 = 1

    /// `blockLimit`: blocks held in memory at most (64 are 4 MiB).
    init(fileSystem: any FileSystem, blockLimit: Int = 64, makeFile: @escaping () -> RawDescriptor?) {
        self.fileSystem = fileSystem
        self.blockLimit = max(1, blockLimit)
        self.makeFile = makeFile
    }

    var isSpooled: Bool { file != nil }

    // MARK: Noting

    /// A number for a directory that files will be noted of.
    mutating func directory() -> UInt64 {
        defer { nextDirectory += 1 }
        return nextDirectory
    }

    /// Notes a file under a key. False where there is no more room, neither in memory nor in a file.
    @discardableResult
    mutating func append(
        key: UInt64, name: ArraySlice<UInt8>, in directory: UInt64, path: () -> [UInt8]
    ) -> Bool {
        guard !isFull else { return false }
        guard name.count <= 255 else { return true }
        var needed = 10 + name.count
        var place: [UInt8]?
        if current != directory || blocks.isEmpty || (blocks[blocks.count - 1].count + needed > Self.blockSize) {
            let path = path()
            guard path.count <= Self.longestPath else { return true }
            needed += 3 + path.count
            place = path
        }
        guard makeRoom(needed) else { return false }
        let last = blocks.count - 1
        if let place {
            blocks[last].append(Self.directoryMark)
            blocks[last].append(UInt8(truncatingIfNeeded: place.count))
            blocks[last].append(UInt8(truncatingIfNeeded: place.count >> 8))
            blocks[last].append(contentsOf: place)
            current = directory
        }
        blocks[last].append(Self.fileMark)
        withUnsafeBytes(of: key.littleEndian) { blocks[last].append(contentsOf: $0) }
        blocks[last].append(UInt8(name.count))
        blocks[last].append(contentsOf: name)
        count += 1
        return true
    }

    /// A block with so many bytes left; the ones before go to the file when there are too many.
    private mutating func makeRoom(_ needed: Int) -> Bool {
        if let last = blocks.last, last.count + needed <= Self.blockSize { return true }
        if blocks.count >= blockLimit, !store() {
            isFull = true
            return false
        }
        var block: [UInt8] = []
        block.reserveCapacity(Self.blockSize)
        blocks.append(block)
        return true
    }

    private mutating func store() -> Bool {
        if file == nil { file = makeFile().map { SpoolFile($0, fileSystem) } }
        guard let file else { return false }
        do throws(Errno) {
            for (index, block) in blocks.enumerated() {
                let start = (filed + UInt64(index)) * UInt64(Self.blockSize)
                // A rest of zeros is no record.
                let whole = block + [UInt8](repeating: 0, count: Self.blockSize - block.count)
                try file.write(whole, at: start)
            }
        } catch {
            return false
        }
        filed += UInt64(blocks.count)
        blocks.removeAll(keepingCapacity: true)
        return true
    }

    // MARK: Looking for

    /// Tells every file whose key passes. Blocks that cannot be read again are passed by.
    func each(
        _ wants: (UInt64) -> Bool, _ found: (UInt64, ArraySlice<UInt8>, Position) -> Void
    ) {
        for number in 0..<filed + UInt64(blocks.count) {
            guard let block = block(number) else { continue }
            Self.scan(block, number * UInt64(Self.blockSize), wants, found)
        }
    }

    private static func scan(
        _ block: [UInt8], _ start: UInt64, _ wants: (UInt64) -> Bool,
        _ found: (UInt64, ArraySlice<UInt8>, Position) -> Void
    ) {
        var directory: UInt64?
        var offset = 0
        while offset + 3 <= block.count {
            if block[offset] == directoryMark {
                directory = start + UInt64(offset)
                offset += 3 + (Int(block[offset + 1]) | Int(block[offset + 2]) << 8)
            } else if block[offset] == fileMark, offset + 10 <= block.count {
                let key = UInt64(
                    littleEndian: block.withUnsafeBytes {
                        $0.loadUnaligned(fromByteOffset: offset + 1, as: UInt64.self)
                    })
                let end = offset + 10 + Int(block[offset + 9])
                guard end <= block.count, let directory else { return }
                if wants(key) {
                    found(key, block[offset + 10..<end], Position(directory: directory, file: start + UInt64(offset)))
                }
                offset = end
            } else {
                return
            }
        }
    }

    /// What stands at a position; nil where it cannot be had.
    func path(at position: Position) -> (directory: [UInt8], name: [UInt8])? {
        let size = UInt64(Self.blockSize)
        guard position.directory / size == position.file / size, let block = block(position.file / size) else {
            return nil
        }
        let (place, name) = (Int(position.directory % size), Int(position.file % size))
        guard place + 3 <= block.count, block[place] == Self.directoryMark, name + 10 <= block.count,
            block[name] == Self.fileMark
        else { return nil }
        let end = place + 3 + (Int(block[place + 1]) | Int(block[place + 2]) << 8)
        let nameEnd = name + 10 + Int(block[name + 9])
        guard end <= block.count, nameEnd <= block.count else { return nil }
        return (Array(block[place + 3..<end]), Array(block[name + 10..<nameEnd]))
    }

    private func block(_ number: UInt64) -> [UInt8]? {
        if number >= filed {
            let index = Int(clamping: number - filed)
            return index < blocks.count ? blocks[index] : nil
        }
        return try? file?.read(Self.blockSize, at: number * UInt64(Self.blockSize))
    }
}
