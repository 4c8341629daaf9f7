// Ownership of an open descriptor.

import Glibc

/// Owns one descriptor and closes it exactly once: by `close`, or when the last use has gone.
package struct Descriptor: ~Copyable, Sendable {
    /// The number, to lend to a call. It is valid only as long as this value lives.
    package let raw: RawDescriptor

    /// Takes over a descriptor that nobody else will close.
    package init(owning raw: RawDescriptor) { self.raw = raw }

    deinit { _ = Glibc.close(raw) }

    /// Closes, and says what the kernel found at the last moment (ENOSPC, EDQUOT or EIO on network file systems).
    /// The descriptor is gone in any case; EINTR is no error, since Linux has closed it by then.
    package consuming func close() throws(Errno) {
        let result = outcome(Glibc.close(raw))
        discard self
        if result != -Int(EINTR) { try check(result) }
    }

    /// Gives the descriptor to a new owner, who closes it.
    package consuming func release() -> RawDescriptor {
        let raw = raw
        discard self
        return raw
    }
}
