// `hosts-allow` and `hosts-deny`: numeric addresses and networks, and `local` for peers that have no address. No names:
// a look-up that fails, or lies, must not decide who comes in.

import LifterSystem

package enum HostRule: Hashable, Sendable {
    /// Peers without an address: Unix sockets, pipes.
    case local
    /// All addresses with these first bits, in network order; 4 or 16 bytes.
    case network([UInt8], bits: Int)

    /// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`, `local`; nil for anything else. Bits behind the prefix must be 0:
    /// where they are not, something else was meant.
    package init?(_ written: [UInt8]) {
        if written.elementsEqual("local".utf8) {
            self = .local
            return
        }
        let parts = written.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first.flatMap({ NumericAddress.bytes(of: Array($0)) }) else { return nil }
        var bits = address.count * 8
        if parts.count == 2 {
            let digits = parts[1]
            guard (1...3).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }),
                let number = Int(String(decoding: digits, as: UTF8.self)), number <= bits
            else { return nil }
            bits = number
        }
        let rule = HostRule.network(address, bits: bits)
        guard rule.prefix(of: address) == address else { return nil }
        self = rule
    }

    /// Whether the rule is about a peer; nil is one without an address.
    package func matches(_ address: [UInt8]?) -> Bool {
        switch self {
        case .local: return address == nil
        case .network(let network, _):
            guard let bytes = address.flatMap({ NumericAddress.bytes(of: $0) }), bytes.count == network.count else {
                return false
            }
            return prefix(of: bytes) == network
        }
    }

    private func prefix(of address: [UInt8]) -> [UInt8] {
        guard case .network(_, let bits) = self else { return address }
        return address.enumerated().map { index, byte in
            let kept = min(max(bits - index * 8, 0), 8)
            return kept == 0 ? 0 : byte & (0xff << UInt8(8 - kept))
        }
    }

    /// Who may come, where both lists may say something: whoever is denied may not, however much he is allowed; where
    /// anybody is allowed by name, nobody else is.
    package static func admits(_ address: [UInt8]?, allow: [HostRule]?, deny: [HostRule]) -> Bool {
        // An address that cannot be read must not slip past a denial.
        if let address, NumericAddress.bytes(of: address) == nil { return allow == nil && deny.isEmpty }
        if deny.contains(where: { $0.matches(address) }) { return false }
        return allow?.contains { $0.matches(address) } ?? true
    }
}
