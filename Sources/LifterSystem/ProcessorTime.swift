// What the machine's processors have left.

import Glibc

package enum ProcessorTime {
    /// Nanoseconds in which processors had nothing to do since the machine was started, all of them together, to some
    /// 10 ms. Nil where /proc does not tell.
    package static var idle: UInt64? {
        let descriptor = open("/proc/stat", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = read(descriptor, &buffer, buffer.count)
        // "cpu  user nice system idle iowait ...", in ticks.
        guard count > 0, let line = buffer[..<count].split(separator: 0x0a).first else { return nil }
        let fields = line.split(separator: 0x20).dropFirst().prefix(5).map {
            UInt64(String(decoding: $0, as: UTF8.self))
        }
        guard fields.count == 5, let idle = fields[3], let waiting = fields[4] else { return nil }
        let ticks = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        return (idle &+ waiting) &* (1_000_000_000 / ticks)
    }
}
