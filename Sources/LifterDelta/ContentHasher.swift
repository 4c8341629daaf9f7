// The strong digest of a file's contents: 128 bits of XXH3 under the session's key. Both ends compute it over every
// byte that travelled, the sender while reading, the receiver while writing; a file gets its name only when they agree.
// It guards against bad luck on the way and on the disk, not against a sender who lies about its own files.

package import LifterCodec

/// Takes contents in order, in pieces of any size.
package final class ContentHasher {
    private let stream: XXH3Stream

    /// `key`: the session's, made from both nonces, so that no two sessions share a digest.
    package init(key: UInt64) { stream = XXH3Stream(seed: key) }

    package func update(_ bytes: UnsafeRawBufferPointer) { stream.update(bytes) }

    package func update(_ bytes: ArraySlice<UInt8>) { stream.update(bytes) }

    package func update(_ bytes: [UInt8]) { stream.update(bytes) }

    /// Of everything taken so far.
    package func digest() -> Digest128 { stream.digest128() }

    /// Of contents that are all there: the same as one update.
    package static func digest(of bytes: ArraySlice<UInt8>, key: UInt64) -> Digest128 {
        XXH3.hash128(bytes, seed: key)
    }
}
