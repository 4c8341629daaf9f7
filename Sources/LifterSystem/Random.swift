// Unpredictable bytes from the kernel: for nonces and for names nobody can guess.

import CSuperlifter
import Glibc

package enum Random {
    /// getrandom(2). Waits only on a machine that has just started.
    package static func bytes(_ count: Int) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            // At most 32 MiB come at a time, and above 256 bytes a signal may cut it short.
            filled += try retrying {
                bytes.withUnsafeMutableBytes { sl_random($0.baseAddress! + filled, $0.count - filled) }
            }
        }
        return bytes
    }

    package static func number() throws(Errno) -> UInt64 {
        try bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
