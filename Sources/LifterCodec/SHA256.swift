// SHA-256: a running digest, by the system's libcrypto, for jobs that ask for it.

import CSHA256

/// A SHA-256 over bytes that come in pieces. Not for several threads at once.
package final class SHA256 {
    private let state: OpaquePointer

    /// Whether this machine can compute it. The first call takes a moment: it opens the library.
    package static var isHere: Bool { sl_sha256_is_here() }

    /// Only where `isHere`.
    package init() {
        guard let state = sl_sha256_make() else { fatalError("out of memory for a digest") }
        self.state = state
    }

    deinit { sl_sha256_free(state) }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        // Without this an error of the library could pass for a digest.
        guard sl_sha256_update(state, base, bytes.count) else { fatalError("libcrypto cannot go on with a digest") }
    }

    package func update(_ bytes: ArraySlice<UInt8>) { bytes.withUnsafeBytes { update($0) } }

    /// The 32 bytes for everything taken so far; taking goes on afterwards.
    package func digest() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 32) { bytes, count in
            guard let base = bytes.baseAddress, sl_sha256_result(state, base) else {
                fatalError("libcrypto cannot finish a digest")
            }
            count = 32
        }
    }
}
