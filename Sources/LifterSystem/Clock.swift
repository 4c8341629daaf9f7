// The two clocks: one for measuring, one for dates.

import Glibc

package enum Clock {
    /// Nanoseconds since some fixed moment; never goes back. For deadlines and durations.
    package static var monotonic: UInt64 {
        let now = read(CLOCK_MONOTONIC)
        return UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec)
    }

    /// The date, as file systems stamp it. May jump in either direction.
    package static var wall: FileTime {
        let now = read(CLOCK_REALTIME)
        return FileTime(seconds: Int64(now.tv_sec), nanoseconds: UInt32(now.tv_nsec))
    }

    /// Blocks this thread; not shortened by signals.
    package static func sleep(nanoseconds: UInt64) {
        var wanted = timespec(
            tv_sec: Int(clamping: nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        var rest = timespec()
        while nanosleep(&wanted, &rest) != 0 && errno == EINTR { wanted = rest }
    }

    private static func read(_ clock: clockid_t) -> timespec {
        // Cannot fail for these two clocks.
        var now = timespec()
        clock_gettime(clock, &now)
        return now
    }
}
