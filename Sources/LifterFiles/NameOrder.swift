// The one order of listings: names by their bytes, shorter first where one begins the other.

import LifterProtocol
import LifterSystem

extension DirectoryNames {
    /// Indices of the names in order; a name that the directory told twice (it changed meanwhile) counts once.
    ///
    /// What all names have in common ("IMG_2024...") is skipped, and the next eight bytes of each become a number:
    /// nearly every comparison is one of numbers.
    func sortedIndices() -> [Int] {
        let common = commonPrefixLength()
        var keys: [(prefix: UInt64, index: UInt32)] = []
        keys.reserveCapacity(count)
        bytes.withUnsafeBufferPointer { bytes in
            for index in 0..<count {
                let name = range(at: index)
                var prefix: UInt64 = 0
                var position = name.lowerBound + common
                let end = min(name.upperBound, position + 8)
                var shift: UInt64 = 56
                while position < end {
                    prefix |= UInt64(bytes[position]) << shift
                    shift &-= 8
                    position += 1
                }
                keys.append((prefix, UInt32(truncatingIfNeeded: index)))
            }
            keys.sort { left, right in
                if left.prefix != right.prefix { return left.prefix < right.prefix }
                let (leftName, rightName) = (range(at: Int(left.index)), range(at: Int(right.index)))
                return Self.isBefore(bytes, leftName, rightName, skipping: common)
            }
        }
        var indices: [Int] = []
        indices.reserveCapacity(count)
        for key in keys {
            if let last = indices.last, self[last].elementsEqual(self[Int(key.index)]) { continue }
            indices.append(Int(key.index))
        }
        return indices
    }

    private func range(at index: Int) -> Range<Int> {
        Int(starts[index])..<(index + 1 < starts.count ? Int(starts[index + 1]) : bytes.count)
    }

    private static func isBefore(
        _ bytes: UnsafeBufferPointer<UInt8>, _ left: Range<Int>, _ right: Range<Int>, skipping common: Int
    ) -> Bool {
        let shared = min(left.count, right.count)
        var offset = common
        while offset < shared {
            let (leftByte, rightByte) = (bytes[left.lowerBound + offset], bytes[right.lowerBound + offset])
            if leftByte != rightByte { return leftByte < rightByte }
            offset += 1
        }
        return left.count < right.count
    }

    private func commonPrefixLength() -> Int {
        guard count > 1 else { return 0 }
        let first = range(at: 0)
        var common = first.count
        for index in 1..<count {
            let name = range(at: index)
            common = min(common, name.count)
            var offset = 0
            while offset < common, bytes[name.lowerBound + offset] == bytes[first.lowerBound + offset] {
                offset += 1
            }
            common = offset
            if common == 0 { break }
        }
        return common
    }
}
