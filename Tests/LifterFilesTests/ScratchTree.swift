// Real files for these tests, in a directory of their own that goes away with the value.

import Glibc
import LifterSystem
import TestPlace

final class ScratchTree {
    let path: String

    init() {
        guard let made = try? TestPlace.makeDirectory(for: "files") else { fatalError("no room for test files") }
        path = made
    }

    deinit { _ = shell("chmod -R u+rwx \(quoted(path)); rm -rf \(quoted(path))") }

    func at(_ name: String) -> String { name.isEmpty ? path : path + "/" + name }
    func bytes(_ name: String = "") -> [UInt8] { Array(at(name).utf8) }

    func directory(_ name: String) {
        var made = path
        for part in name.split(separator: "/") {
            made += "/" + part
            mkdir(made, 0o755)
        }
    }

    /// Writes a file; its last change then seems a while ago to nobody but `settle`.
    func file(_ name: String, _ text: String = "") {
        write(name, text, O_CREAT | O_WRONLY | O_TRUNC)
    }

    func append(_ name: String, _ text: String) { write(name, text, O_WRONLY | O_APPEND) }

    private func write(_ name: String, _ text: String, _ flags: Int32) {
        let descriptor = Glibc.open(at(name), flags, 0o644)
        precondition(descriptor >= 0, "cannot write \(name)")
        _ = text.withCString { Glibc.write(descriptor, $0, strlen($0)) }
        Glibc.close(descriptor)
    }

    func link(_ name: String, to target: String) { symlink(target, at(name)) }
    func remove(_ name: String) { unlink(at(name)) }
    func move(_ old: String, to new: String) { Glibc.rename(at(old), at(new)) }
    func exists(_ name: String) -> Bool { access(at(name), F_OK) == 0 }

    /// Sets the modification time, in whole seconds.
    func date(_ name: String, _ seconds: Int) {
        var times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
        utimensat(AT_FDCWD, at(name), &times, 0)
    }
}

func quoted(_ word: String) -> String {
    "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}

/// What a command prints.
func shell(_ command: String) -> String {
    guard let stream = popen(command, "r") else { return "" }
    defer { pclose(stream) }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&buffer, 1, buffer.count, stream)
        if count == 0 { break }
        output.append(contentsOf: buffer[..<count])
    }
    return String(decoding: output, as: UTF8.self)
}

/// SplitMix64, so that a printed seed brings a run back.
struct Dice: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
    mutating func pick<T>(_ choices: [T]) -> T { choices[Int(next() % UInt64(choices.count))] }
    mutating func chance(_ percent: UInt64) -> Bool { next() % 100 < percent }
}

extension [UInt8] {
    init(_ text: String) { self = Array(text.utf8) }
    var text: String { String(decoding: self, as: UTF8.self) }
}
