// What the contents of files are digested with in one session.

/// By which function. The numbers are the protocol's.
package enum DigestKind: UInt8, Hashable, Sendable {
    /// XXH3-128, seeded: as fast as memory, and against bad luck.
    case xxh3 = 0
    /// The first 16 bytes of SHA-256 over the seed, as eight bytes little-endian, and the contents: also against
    /// whoever can choose what is in the files.
    case sha256 = 1
}

/// A function and the session's seed for it, which is made from both nonces, so that no two sessions share a digest.
package struct ContentKey: Hashable, Sendable {
    package var seed: UInt64
    package var kind: DigestKind

    package init(_ seed: UInt64, _ kind: DigestKind = .xxh3) {
        self.seed = seed
        self.kind = kind
    }

    /// Of bytes that are all there.
    package func digest(of bytes: ArraySlice<UInt8>) -> Digest128 {
        switch kind {
        case .xxh3: return XXH3.hash128(bytes, seed: seed)
        case .sha256:
            let running = sha256()
            running.update(bytes)
            return Digest128(firstOf: running)
        }
    }

    /// A running digest that has taken the seed.
    package func sha256() -> SHA256 {
        let running = SHA256()
        withUnsafeBytes(of: seed.littleEndian) { running.update($0) }
        return running
    }
}

extension Digest128 {
    /// The first 16 bytes of what a running SHA-256 has come to.
    package init(firstOf running: SHA256) {
        let (low, high) = running.digest().withUnsafeBytes {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self.init(low: UInt64(littleEndian: low), high: UInt64(littleEndian: high))
    }
}
