// What a large file is copied from, open: the version that is there, or what an earlier run left of it, or both, one
// behind the other, as if they were one file.

import LifterProtocol
import LifterSystem

final class OpenBasis: Sendable {
    /// A piece of one of the two.
    struct Piece {
        var source: WatchedSource
        var offset: UInt64
        var length: UInt64
    }

    /// What an earlier run left, where that is in it.
    let part: StagedFile?
    private let first: WatchedSource
    private let second: WatchedSource?

    init(_ first: WatchedSource, _ second: WatchedSource? = nil, part: StagedFile? = nil) {
        self.first = first
        self.second = second
        self.part = part
    }

    /// As the first one was when it was opened.
    var status: FileStatus { first.status }

    /// Bytes of all.
    var size: UInt64 { first.status.size &+ (second?.status.size ?? 0) }

    /// Where a range lies; what is behind the end is asked of the last one, which then does not have it.
    func pieces(_ offset: UInt64, _ length: UInt64) -> [Piece] {
        guard let second else { return [Piece(source: first, offset: offset, length: length)] }
        let border = first.status.size
        if offset >= border { return [Piece(source: second, offset: offset - border, length: length)] }
        let before = min(length, border - offset)
        let front = Piece(source: first, offset: offset, length: before)
        return before == length ? [front] : [front, Piece(source: second, offset: 0, length: length - before)]
    }

    /// Asks whether both are still as they were before the first read.
    func verify() -> FileProblem? { first.verify() ?? second?.verify() }
}
