// The blocks of a signature in the order of the basis, judged: nothing a peer says about them is believed unseen.

/// All blocks, and where they lie.
struct BlockTable: Sendable {
    /// Consecutive blocks, from `offset` of the basis on.
    struct Run: Sendable {
        var offset: UInt64
        var numbers: Range<Int>
    }

    private(set) var hashes = BlockHashes()
    private(set) var runs: [Run] = []
    let blockLength: Int
    /// The number of the last block and its bytes, if it is shorter than a whole one.
    private(set) var shortNumber: Int?
    private(set) var shortLength = 0

    /// Nil if the runs are not as `BlockIndex` wants them.
    init?(shape: SignatureShape, runs given: [SignatureRun]) {
        blockLength = shape.blockLength
        var end: UInt64 = 0
        for run in given {
            let count = run.hashes.rolling.count
            guard run.offset >= end, run.offset <= shape.basisSize, run.hashes.strong.count == count,
                count <= SignatureShape.maximumBlocks - hashes.count
            else { return nil }
            if count == 0 { continue }
            // The last block must begin inside of the basis. 2^18 blocks of at most 2^24 bytes do not overflow.
            let before = UInt64(count - 1) * UInt64(blockLength)
            guard before < shape.basisSize - run.offset else { return nil }
            append(run, touches: run.offset == end)
            let rest = shape.basisSize - run.offset - before
            if rest < UInt64(blockLength) {
                shortNumber = hashes.count - 1
                shortLength = Int(rest)
            }
            end = run.offset + before + min(rest, UInt64(blockLength))
        }
    }

    private mutating func append(_ run: SignatureRun, touches: Bool) {
        let numbers = hashes.count..<hashes.count + run.hashes.count
        if touches, let last = runs.last {
            runs[runs.count - 1].numbers = last.numbers.lowerBound..<numbers.upperBound
        } else {
            runs.append(Run(offset: run.offset, numbers: numbers))
        }
        hashes.append(run.hashes)
    }

    /// Of the runs that begin at this place of the basis or before it, the last.
    func lastRun(from offset: UInt64) -> Run? {
        lastRun { $0.offset <= offset }
    }

    /// Where a block begins in the basis.
    func offset(of number: Int) -> UInt64 {
        guard let run = lastRun(where: { $0.numbers.lowerBound <= number }) else { return 0 }
        return run.offset + UInt64(number - run.numbers.lowerBound) * UInt64(blockLength)
    }

    /// The last run of which this holds; it holds up to some run and not after it.
    @inline(__always)
    private func lastRun(where holds: (Run) -> Bool) -> Run? {
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if holds(runs[middle]) { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : runs[low - 1]
    }
}
