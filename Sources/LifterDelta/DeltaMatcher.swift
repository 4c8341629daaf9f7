// Finds what of a new file is in the basis.

/// Takes the new file in order, in pieces of any size. It holds back at most one block between two calls. Not for
/// several threads at once.
package final class DeltaMatcher {
    private let index: BlockIndex
    private let collectsLiterals: Bool
    /// Bytes that were not judged yet; the first is at `position` in the new file.
    private var held: [UInt8] = []
    private var position: UInt64
    private var open: (offset: UInt64, length: UInt64)?
    /// Bytes over which the window was moved one by one.
    package private(set) var rolledBytes: UInt64 = 0

    /// The first byte that comes is at `newOffset` in the new file. Where bytes before it came from the basis,
    /// `expecting` is where that copy ended there.
    package init(
        index: BlockIndex, newOffset: UInt64 = 0, expecting basisOffset: UInt64? = nil, collectsLiterals: Bool = true
    ) {
        self.index = index
        self.collectsLiterals = collectsLiterals
        position = newOffset
    }

    /// Goes on at another place of the new file, after an update that was the last.
    package func restart(newOffset: UInt64, expecting basisOffset: UInt64?) {
        held.removeAll(keepingCapacity: true)
        position = newOffset
        open = nil
    }

    /// Takes the next bytes and appends what is decided. Copies that follow each other are one, also across calls: the
    /// last one comes out when it is complete. With `isLast` everything comes out.
    package func update(_ chunk: UnsafeRawBufferPointer, isLast: Bool, into output: inout DeltaOutput) {
        held.append(contentsOf: chunk)
        var start = 0
        var literalStart = 0
        held.withUnsafeBytes { bytes in
            while start < bytes.count {
                let length = min(index.blockLength, bytes.count - start)
                if length < index.blockLength && !isLast { break }
                let window = UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])
                guard let found = find(window) else {
                    start += 1
                    rolledBytes += 1
                    continue
                }
                emitLiteral(bytes, literalStart..<start, into: &output)
                emitCopy(index.offsets[found], UInt64(length), into: &output)
                start += length
                literalStart = start
            }
            emitLiteral(bytes, literalStart..<start, into: &output)
        }
        held.removeFirst(start)
        position += UInt64(start)
        if isLast { flush(into: &output) }
    }

    private func find(_ window: UnsafeRawBufferPointer) -> Int? {
        guard let candidates = index.byRolling[RollingSum(of: window).value] else { return nil }
        let strong = StrongHash.of(window, key: index.key, length: index.strongLength)
        return candidates.first {
            index.strong[$0] == strong
                && min(UInt64(index.blockLength), index.basisSize - index.offsets[$0]) == UInt64(window.count)
        }
    }

    private func emitLiteral(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, into output: inout DeltaOutput) {
        guard !range.isEmpty else { return }
        flush(into: &output)
        output.operations.append(.literal(offset: position + UInt64(range.lowerBound), length: range.count))
        if collectsLiterals { output.literals.append(contentsOf: bytes[range]) }
    }

    private func emitCopy(_ offset: UInt64, _ length: UInt64, into output: inout DeltaOutput) {
        if let last = open, last.offset + last.length == offset {
            open = (last.offset, last.length + length)
        } else {
            flush(into: &output)
            open = (offset, length)
        }
    }

    private func flush(into output: inout DeltaOutput) {
        if let last = open { output.operations.append(.copy(basisOffset: last.offset, length: last.length)) }
        open = nil
    }
}
