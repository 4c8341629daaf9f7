// --log-file: what a run does, line by line, behind whatever the file holds already.
//
//     2026/11/21 06:07:08 [1234] <f+++++++++ docs/a.txt
//
// Each line is one write(2) at the file's end, so that runs that share a log never break each other's lines, and what
// is written has happened.

import Glibc
import Superlifter
import Synchronization

package final class RunLog: Sendable {
    private let descriptor: Int32
    private let path: [UInt8]
    private let process = ProgramSurroundings.processID
    /// errno of the first line that could not be written; 0 for none.
    private let lost = Atomic<Int32>(0)

    /// Opens the file, making it if need be: readable for others as far as the umask allows, writable for its owner.
    package init(_ path: [UInt8]) throws(ReadFailure) {
        descriptor = (path + [0]).withUnsafeBytes { bytes in
            bytes.bindMemory(to: CChar.self).baseAddress.map {
                Glibc.open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0o644)
            } ?? -1
        }
        self.path = path
        guard descriptor >= 0 else { throw ReadFailure(cause: ProgramSurroundings.lastError) }
    }

    /// Opens the log that was asked for, if one was.
    package static func open(_ path: [UInt8]?) throws(ReadFailure) -> RunLog? {
        guard let path else { return nil }
        return try RunLog(path)
    }

    deinit { close(descriptor) }

    /// Adds one line; `text` is made printable by its maker, and has no end.
    package func add(_ text: [UInt8]) {
        let line = Array("\(LocalTime.text(LocalTime.now)) [\(process)] ".utf8) + text + [UInt8(ascii: "\n")]
        var rest = line[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                _ = lost.compareExchange(expected: 0, desired: errno, ordering: .relaxed)
                return
            }
        }
    }

    package func add(_ text: String) { add(Array(Printable.line(text).utf8)) }

    /// What kept a line from being written, if anything did.
    package var problem: String? {
        let code = lost.load(ordering: .relaxed)
        return code == 0 ? nil : Self.refusal(path, ProgramSurroundings.text(of: code))
    }

    package static func refusal(_ path: [UInt8], _ cause: String) -> String {
        "--log-file \(Printable.text(path)): it cannot be written: \(cause)"
    }
}

package enum LocalTime {
    /// Seconds since 1970.
    package static var now: Int64 { Int64(time(nil)) }

    /// As `2026/11/21 06:07:08`.
    package static func text(_ seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        guard localtime_r(&time, &parts) != nil else { return String(seconds) }
        var buffer = [CChar](repeating: 0, count: 32)
        let count = strftime(&buffer, buffer.count, "%Y/%m/%d %H:%M:%S", &parts)
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
