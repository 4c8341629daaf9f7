// What a name may be. A name is one component of a path; a path is what a user wrote.

import LifterCodec

package enum Names {
    /// A staged file or directory of ours: never sent, never accepted from a peer.
    package static let partPrefix: [UInt8] = Array(".sl-part-".utf8)
    /// Something of the user's that was swapped out: never swept.
    package static let displacedPrefix: [UInt8] = Array(".sl-displaced-".utf8)
    /// The longest name a peer may send (bytes). Linux allows 255.
    package static let longest = 255

    /// Where `name` is staged: the prefix and 16 lower-case hexadecimal digits of XXH3-64 (seed 0) of its bytes.
    package static func part(of name: [UInt8]) -> [UInt8] {
        partPrefix + hexadecimal(XXH3.hash64(name, seed: 0))
    }

    /// Where what an earlier run left of it is kept while the new contents are staged.
    package static func priorPart(of name: [UInt8]) -> [UInt8] {
        part(of: name + [UInt8(ascii: "/"), UInt8(ascii: "/")])
    }

    package static func hexadecimal(_ number: UInt64) -> [UInt8] {
        (0..<16).map { position in
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(60 - 4 * position)) & 0xf
            return digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        }
    }

    /// Byte order, the one order of listings.
    package static func isBefore(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        left.withUnsafeBufferPointer { l in
            right.withUnsafeBufferPointer { r in
                let shared = min(l.count, r.count)
                var index = 0
                while index < shared {
                    if l[index] != r[index] { return l[index] < r[index] }
                    index += 1
                }
                return l.count < r.count
            }
        }
    }

    /// One of the two patterns that belong to this program.
    package static func isReserved(_ name: ArraySlice<UInt8>) -> Bool {
        name.starts(with: partPrefix) || name.starts(with: displacedPrefix)
    }

    /// A component that may come from a peer: 1 ... 255 bytes, no `/`, no NUL, not `.` or `..`, not reserved.
    package static func isAcceptable(_ name: ArraySlice<UInt8>) -> Bool {
        if name.isEmpty || name.count > longest { return false }
        if name.contains(0) || name.contains(UInt8(ascii: "/")) { return false }
        if name.elementsEqual([0x2e]) || name.elementsEqual([0x2e, 0x2e]) { return false }
        return !isReserved(name)
    }
}
