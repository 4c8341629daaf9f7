// Addresses as numbers, for rules about them.

import Glibc

package enum NumericAddress {
    /// The 4 or 16 bytes of an address written in digits, in network order; nil for anything else. The zone of a
    /// link-local address is left away, and IPv4 inside IPv6 is IPv4, so that a rule holds either way.
    package static func bytes(of text: [UInt8]) -> [UInt8]? {
        let plain = text.prefix { $0 != UInt8(ascii: "%") }
        guard !plain.contains(0), plain.count < 64 else { return nil }
        let name = plain.map { CChar(bitPattern: $0) } + [0]
        var four = [UInt8](repeating: 0, count: 4)
        if inet_pton(AF_INET, name, &four) == 1 { return four }
        var six = [UInt8](repeating: 0, count: 16)
        guard inet_pton(AF_INET6, name, &six) == 1 else { return nil }
        return six[..<12].elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]) ? Array(six[12...]) : six
    }
}
