// What this process was given: arguments, variables, a place, limits. All text as the bytes it is.

import CSuperlifter
import Glibc

package enum Environment {
    /// The arguments, the program's name first, byte for byte.
    package static let arguments: [[UInt8]] = {
        let list = UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
        return list.compactMap { $0.map { bytes(of: $0) } }
    }()

    /// A variable's value. This program never sets one, so reading is safe from any thread.
    package static func variable(_ name: String) -> [UInt8]? {
        getenv(name).map { bytes(of: $0) }
    }

    /// Every variable as `NAME=value`.
    package static var variables: [[UInt8]] {
        var all: [[UInt8]] = []
        guard var next = sl_environment() else { return [] }
        while let entry = next.pointee {
            all.append(bytes(of: entry))
            next += 1
        }
        return all
    }

    /// The bits that new files do not get. Changes the process for an instant: ask before starting threads.
    package static var creationMask: UInt32 {
        get {
            let mask = umask(0o077)
            umask(mask)
            return mask
        }
        set { umask(newValue & 0o777) }
    }

    /// ENOENT where it was removed, EACCES where a parent cannot be read.
    package static func currentDirectory() throws(Errno) -> [UInt8] {
        var room = 1024
        while true {
            var path = [CChar](repeating: 0, count: room)
            if getcwd(&path, room) != nil {
                return path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            }
            let problem = Errno.current
            guard problem == .range, room < 1 << 20 else { throw problem }
            room *= 4
        }
    }

    package static var hostName: [UInt8] {
        var name = [CChar](repeating: 0, count: 257)
        gethostname(&name, 256)
        return name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    }

    /// The file of this very program, which stays it even when another has taken its name since; nil where /proc is
    /// not there.
    package static var ownProgram: [UInt8]? {
        access("/proc/self/exe", X_OK) == 0 ? Array("/proc/self/exe".utf8) : nil
    }

    package static var processID: Int32 { getpid() }

    /// How many descriptors this process may have open (RLIMIT_NOFILE): what holds now, and how far it may be raised.
    package static var openFileLimit: (current: Int, maximum: Int) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return (256, 256) }
        return (Int(clamping: limit.rlim_cur), Int(clamping: limit.rlim_max))
    }

    /// Raises the limit that holds towards `count`, as far as it may be; never lowers it.
    package static func raiseOpenFileLimit(to count: Int) {
        let (current, maximum) = openFileLimit
        guard current < min(count, maximum) else { return }
        var limit = rlimit(rlim_cur: rlim_t(min(count, maximum)), rlim_max: rlim_t(maximum))
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    private static func bytes(of text: UnsafePointer<CChar>) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }
}

/// The C library's allocator. Hints only: nothing fails where they have no effect.
package enum Memory {
    /// Buffers of contents come and go thousands of times a second: they are given out again instead of being returned,
    /// each of them, to the kernel, which would clear its pages anew. Up to 16 MiB stay with each thread.
    package static func keepBuffers() { sl_malloc_thresholds(4 << 20, 16 << 20) }
}
