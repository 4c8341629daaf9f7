// Paths of first names: appended to chunks of which the newest stay in memory, and found again by a number.

struct LinkPaths {
    private static let chunkSize = 64 << 10

    /// Chunks held in memory at most, if there is a file.
    private let limit: Int
    /// By where they begin in the file.
    private var chunks: [UInt64: [UInt8]] = [:]
    private var current: UInt64?

    init(limit: Int) {
        self.limit = limit
    }

    /// Keeps some bytes; the number they are found by again.
    mutating func append(_ bytes: [UInt8], _ spool: inout LinkSpool) -> UInt64 {
        let needed = bytes.count + 4
        if let start = current, let chunk = chunks[start], chunk.count + needed > Self.chunkSize { current = nil }
        let start = current ?? begin(needed, &spool)
        let position = start + UInt64(chunks[start]?.count ?? 0)
        for shift in 0..<4 { chunks[start]?.append(UInt8(truncatingIfNeeded: bytes.count >> (8 * shift))) }
        chunks[start]?.append(contentsOf: bytes)
        return position
    }

    private mutating func begin(_ needed: Int, _ spool: inout LinkSpool) -> UInt64 {
        let size = max(Self.chunkSize, needed)
        let start = spool.take(size)
        var chunk: [UInt8] = []
        chunk.reserveCapacity(size)
        if chunks.count >= limit {
            for (start, old) in chunks where spool.write(old, at: start) { chunks[start] = nil }
        }
        chunks[start] = chunk
        current = start
        return start
    }

    /// What was kept under a number; nil where it cannot be had.
    func bytes(at position: UInt64, _ spool: LinkSpool) -> [UInt8]? {
        guard let head = piece(4, at: position, spool) else { return nil }
        let length = head.enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        return piece(length, at: position + 4, spool)
    }

    private func piece(_ length: Int, at position: UInt64, _ spool: LinkSpool) -> [UInt8]? {
        for (start, chunk) in chunks where position >= start && position - start <= UInt64(chunk.count) {
            let from = Int(position - start)
            guard length <= chunk.count - from else { continue }
            return Array(chunk[from..<from + length])
        }
        return spool.read(length, at: position)
    }
}
