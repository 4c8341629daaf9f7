// The strong digest of a file's contents: 128 bits under the session's key, by the function that the job names. Both
// ends compute it over every byte that travelled, the sender while reading, the receiver while writing; a file gets its
// name only when they agree. It guards against bad luck on the way and on the disk, and with SHA-256 against files made
// to look alike, but not against a sender who lies about its own files.

package import LifterCodec

/// Takes contents in order, in pieces of any size.
package final class ContentHasher {
    private enum Running {
        case xxh3(XXH3Stream)
        case sha256(SHA256)
    }

    private let running: Running

    package init(key: ContentKey) {
        switch key.kind {
        case .xxh3: running = .xxh3(XXH3Stream(seed: key.seed))
        case .sha256: running = .sha256(key.sha256())
        }
    }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        switch running {
        case .xxh3(let stream): stream.update(bytes)
        case .sha256(let stream): stream.update(bytes)
        }
    }

    package func update(_ bytes: ArraySlice<UInt8>) { bytes.withUnsafeBytes { update($0) } }

    package func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    /// Of everything taken so far.
    package func digest() -> Digest128 {
        switch running {
        case .xxh3(let stream): stream.digest128()
        case .sha256(let stream): Digest128(firstOf: stream)
        }
    }

    /// Of contents that are all there: the same as one update.
    package static func digest(of bytes: ArraySlice<UInt8>, key: ContentKey) -> Digest128 { key.digest(of: bytes) }
}
