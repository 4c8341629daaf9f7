// A 128-bit digest as a value.

/// The result of XXH3-128. In bytes it is little-endian: `low` first, then `high`.
package struct Digest128: Hashable, Sendable {
    package var low: UInt64
    package var high: UInt64

    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// Bytes in its encoded form.
    package static let size = 16

    /// Nil unless there are exactly 16 bytes.
    package init?(bytes: ArraySlice<UInt8>) {
        guard bytes.count == Self.size else { return nil }
        let (low, high) = bytes.withUnsafeBytes {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self.init(low: UInt64(littleEndian: low), high: UInt64(littleEndian: high))
    }

    package init?(bytes: [UInt8]) { self.init(bytes: bytes[...]) }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.size)
        append(to: &bytes)
        return bytes
    }

    package func append(to bytes: inout [UInt8]) {
        withUnsafeBytes(of: low.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: high.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

extension Digest128: CustomStringConvertible {
    /// 32 lower-case hexadecimal digits, most significant first, as xxhsum prints them.
    package var description: String { Self.hexadecimal(high) + Self.hexadecimal(low) }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
