// What the C library knows of this process and Swift's own library does not tell without changing it: argv and the
// environment as bytes, small files, the width of the terminal.

import Glibc

package enum ProgramSurroundings {
    /// What follows the program's name. `CommandLine.arguments` would repair bytes that are not UTF-8.
    package static func arguments() -> [[UInt8]] {
        (1..<max(1, Int(CommandLine.argc))).compactMap { index in
            CommandLine.unsafeArgv[index].map(bytes)
        }
    }

    /// Those of the named variables that are set.
    package static func environment(_ names: [String]) -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for name in names {
            if let value = getenv(name) { found[name] = bytes(value) }
        }
        return found
    }

    /// The columns of the terminal on `descriptor`, or nil if it is none. A terminal that does not know has 80.
    package static func terminalWidth(_ descriptor: Int32) -> Int? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Whether the terminal on `descriptor` understands that a line is to be written anew.
    package static func isCapableTerminal(_ descriptor: Int32) -> Bool {
        guard isatty(descriptor) == 1 else { return false }
        return environment(["TERM"])["TERM"].map { !$0.isEmpty && !$0.elementsEqual("dumb".utf8) } ?? false
    }

    /// Whether a shell has put this program into the background of the terminal on `descriptor`.
    package static func isInBackground(of descriptor: Int32) -> Bool {
        let front = tcgetpgrp(descriptor)
        return front > 0 && front != getpgrp()
    }

    /// Reads a file of patterns whole; `-` is standard input. At most 64 MiB.
    package static func readFile(_ path: [UInt8]) throws(ReadFailure) -> [UInt8] {
        let isInput = path.elementsEqual("-".utf8)
        let descriptor: Int32 = isInput ? 0 : (path + [0]).withUnsafeBytes { openForReading($0) }
        guard descriptor >= 0 else { throw ReadFailure(cause: cause(errno)) }
        defer { if !isInput { close(descriptor) } }
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while contents.count < 64 << 20 {
            let count = read(descriptor, &chunk, chunk.count)
            if count == 0 { return contents }
            if count > 0 {
                contents.append(contentsOf: chunk[..<count])
            } else if errno != EINTR {
                throw ReadFailure(cause: cause(errno))
            }
        }
        throw ReadFailure(cause: "larger than 64 MiB")
    }

    package static var processID: Int32 { getpid() }

    /// What the last system call failed of.
    package static var lastError: String { cause(errno) }

    package static func text(of code: Int32) -> String { cause(code) }

    private static func openForReading(_ path: UnsafeRawBufferPointer) -> Int32 {
        guard let start = path.bindMemory(to: CChar.self).baseAddress else { return -1 }
        return open(start, O_RDONLY | O_CLOEXEC | O_NOCTTY)
    }

    private static func cause(_ code: Int32) -> String {
        strerror(code).map { String(decoding: bytes($0), as: UTF8.self) } ?? "error \(code)"
    }

    private static func bytes(_ string: UnsafeMutablePointer<CChar>) -> [UInt8] {
        UnsafeBufferPointer(start: string, count: strlen(string)).map { UInt8(bitPattern: $0) }
    }
}

/// Standard output and error, written whole or not at all.
package enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    /// Writes everything, however the descriptor portions it. Answers false if it cannot. A reader who takes nothing is
    /// waited for until `givesUp` says so, which is asked five times a second.
    @discardableResult
    package func write(_ bytes: [UInt8], givesUp: () -> Bool = { false }) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard isWritable(givesUp) else { return false }
            // So much never waits in write(2) once poll(2) has said that there is room (PIPE_BUF).
            let count = rest.prefix(4096).withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // Someone else made the terminal non-blocking; wait for it rather than lose a line.
                continue
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    /// Waits until there is room; false when that was given up.
    private func isWritable(_ givesUp: () -> Bool) -> Bool {
        while true {
            var wait = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
            let found = poll(&wait, 1, 200)
            // What poll(2) cannot tell, write(2) will; but a signal is no answer.
            if found > 0 || (found < 0 && errno != EINTR) { return true }
            if givesUp() { return false }
        }
    }
}

/// What a local path is now; only for messages.
enum LocalKind {
    static func isDirectory(_ path: [UInt8]) -> Bool { status(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false }

    static func exists(_ path: [UInt8]) -> Bool { status(path) != nil }

    private static func status(_ path: [UInt8]) -> stat? {
        var status = stat()
        let result = (path + [0]).withUnsafeBytes { bytes in
            bytes.bindMemory(to: CChar.self).baseAddress.map { stat($0, &status) } ?? -1
        }
        return result == 0 ? status : nil
    }
}

/// A clock that only runs forward, in nanoseconds.
enum Stopwatch {
    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
