// The golden files: bytes as hexadecimal text, `#` begins a comment.

import Glibc
import LifterProtocol
import LifterSystem

enum Golden {
    private static let tests: [UInt8] = {
        let file = Array(#filePath.utf8)
        return Array(file[..<(file.lastIndex(of: UInt8(ascii: "/")) ?? file.endIndex)])
    }()

    /// The bytes that a golden file stands for.
    static func bytes(_ name: String) throws -> [UInt8] {
        try hexadecimal(contents(tests + Array("/Golden/\(name).hex".utf8)))
    }

    /// The names of all golden files, sorted.
    static func names() throws -> [String] {
        try names(in: tests + Array("/Golden".utf8)).filter { $0.hasSuffix(".hex") }.map { String($0.dropLast(4)) }
    }

    /// Inputs that a fuzzer once found, by target.
    static func failures() throws -> [(name: String, bytes: [UInt8])] {
        let folder = tests + Array("/../../contrib/fuzz/failures".utf8)
        return try names(in: folder).filter { $0.hasPrefix("Fuzz") }.map { name in
            (name, try contents(folder + Array("/\(name)".utf8)))
        }
    }

    private static func names(in folder: [UInt8]) throws -> [String] {
        let files = KernelFileSystem()
        let directory = try files.openRoot(folder, [.read, .directory])
        defer { files.close(directory) }
        var found = DirectoryNames()
        while try files.readNames(of: directory, into: &found) {}
        return (0..<found.count).map { String(decoding: found[$0], as: UTF8.self) }.sorted()
    }

    private static func contents(_ path: [UInt8]) throws -> [UInt8] {
        let files = KernelFileSystem()
        let file = try files.openRoot(path, [.read])
        defer { files.close(file) }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = try buffer.withUnsafeMutableBytes { try files.read(file, into: $0, at: UInt64(result.count)) }
            if count == 0 { return result }
            result += buffer[..<count]
        }
    }

    struct NotHexadecimal: Error { var character: UInt8 }

    private static func hexadecimal(_ text: [UInt8]) throws -> [UInt8] {
        var result: [UInt8] = []
        var half: UInt8?
        var isComment = false
        for character in text {
            switch character {
            case UInt8(ascii: "\n"): isComment = false
            case _ where isComment: break
            case UInt8(ascii: "#"): isComment = true
            case UInt8(ascii: " "): break
            default:
                guard let digit = Character(Unicode.Scalar(character)).hexDigitValue else {
                    throw NotHexadecimal(character: character)
                }
                if let high = half {
                    result.append(high << 4 | UInt8(digit))
                    half = nil
                } else {
                    half = UInt8(digit)
                }
            }
        }
        return result
    }
}
