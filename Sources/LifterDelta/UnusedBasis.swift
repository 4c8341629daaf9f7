// What no copy of a script takes from the basis.

/// The ranges between all copies, rising.
struct UnusedBasis {
    private let ranges: [Range<UInt64>]
    private let basisSize: UInt64

    init(script: DeltaScript, basisSize: UInt64) {
        var used: [Range<UInt64>] = []
        for case .copy(let offset, let length) in script.operations {
            let end = offset.addingReportingOverflow(length).partialValue
            if offset < end, end <= basisSize { used.append(offset..<end) }
        }
        var unused: [Range<UInt64>] = []
        var end: UInt64 = 0
        for range in used.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > end { unused.append(end..<range.lowerBound) }
            end = max(end, range.upperBound)
        }
        if end < basisSize { unused.append(end..<basisSize) }
        ranges = unused
        self.basisSize = basisSize
    }

    /// Where the counterpart of a literal may be: all between the copies around it if that is not much more than the
    /// literal, else as far as `reach` behind the one before and ahead of the one after.
    func near(_ literal: DeltaScript.Literal, reach: UInt64) -> [Range<UInt64>] {
        let (start, end) = (literal.after, literal.before)
        if start <= end, end - start <= 4 * reach { return parts(of: start..<end) }
        let behind = start..<start + min(reach, basisSize - start)
        let ahead = end - min(reach, end)..<end
        if behind.overlaps(ahead) {
            return parts(of: min(behind.lowerBound, ahead.lowerBound)..<max(behind.upperBound, ahead.upperBound))
        }
        return parts(of: behind) + parts(of: ahead)
    }

    /// What of it is unused.
    private func parts(of range: Range<UInt64>) -> [Range<UInt64>] {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound <= range.lowerBound { low = middle + 1 } else { high = middle }
        }
        var parts: [Range<UInt64>] = []
        while low < ranges.count, ranges[low].lowerBound < range.upperBound {
            let part = ranges[low].clamped(to: range)
            if !part.isEmpty { parts.append(part) }
            low += 1
        }
        return parts
    }
}
