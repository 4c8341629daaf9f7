// SHA-256: a running digest, by the system's libcrypto, for jobs that ask for it.

import CSHA256

/// A SHA-256 over bytes that come in pieces. Not for several threads at once.
///
/// Where the library fails on the way, or has no memory, the result is a random number: it agrees with no other, and so
/// the file counts as damaged, instead of an error passing for a digest.
package final class SHA256 {
    /// Nil once something has failed.
    private var state: OpaquePointer?

    /// Whether this machine can compute it. The first call takes a moment: it opens the library.
    package static var isHere: Bool { sl_sha256_is_here() }

    /// Of any use only where `isHere`.
    package init() { state = sl_sha256_make() }

    deinit { sl_sha256_free(state) }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        guard let state, let base = bytes.baseAddress else { return }
        if !sl_sha256_update(state, base, bytes.count) { fail() }
    }

    package func update(_ bytes: ArraySlice<UInt8>) { bytes.withUnsafeBytes { update($0) } }

    /// The 32 bytes for everything taken so far; taking goes on afterwards.
    package func digest() -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        if let state, sl_sha256_result(state, &result) { return result }
        fail()
        return result.map { _ in UInt8.random(in: .min ... .max) }
    }

    /// What has been taken so far is of no use any more.
    package func fail() {
        sl_sha256_free(state)
        state = nil
    }
}
