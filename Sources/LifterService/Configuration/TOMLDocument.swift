// A configuration's text as values that know their lines. toml++ reads it; this is all that sees its pointers.

import CTOML
import LifterSystem

/// A value and where it stands.
struct TOMLValue: Sendable {
    enum Kind: Sendable {
        case string([UInt8])
        case integer(Int64)
        case boolean(Bool)
        /// What no key of ours takes, in words.
        case other(String)
        case array([TOMLValue])
        case table([TOMLEntry])
    }

    let kind: Kind
    /// From 1.
    let line: Int

    /// For messages: "a string".
    var words: String {
        switch kind {
        case .string: "a string"
        case .integer: "a number"
        case .boolean: "true or false"
        case .other(let text): text
        case .array: "a list"
        case .table: "a table"
        }
    }
}

/// A key and its value; the line is the key's.
struct TOMLEntry: Sendable {
    let key: [UInt8]
    let value: TOMLValue
    var line: Int { value.line }
    var name: String { Display.escaped(key, limit: 100) }
}

enum TOMLDocument {
    /// What is wrong with a text, and on which line.
    struct Problem: Error {
        let line: Int
        let message: String
    }

    /// The entries of the document, each table's in the order of their keys.
    static func read(_ text: [UInt8]) throws(Problem) -> [TOMLEntry] {
        let builder = Builder()
        var line: UInt32 = 0
        var column: UInt32 = 0
        var reason = [CChar](repeating: 0, count: 300)
        let context = Unmanaged.passUnretained(builder).toOpaque()
        let result = withExtendedLifetime(builder) {
            text.withUnsafeBytes { bytes in
                // An empty text has no address.
                let start = bytes.bindMemory(to: CChar.self).baseAddress
                return withUnsafePointer(to: 0 as CChar) { nothing in
                    sl_toml_read(
                        start ?? nothing, bytes.count, tell, context, &reason, reason.count, &line, &column)
                }
            }
        }
        guard result == 0 else {
            let words = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw Problem(line: Int(line), message: Display.escaped(words))
        }
        return builder.document
    }

    /// Puts pieces together again.
    fileprivate final class Builder {
        private struct Open {
            let key: [UInt8]
            let line: Int
            let isTable: Bool
            var entries: [TOMLEntry] = []
            var elements: [TOMLValue] = []

            var value: TOMLValue { TOMLValue(kind: isTable ? .table(entries) : .array(elements), line: line) }
        }

        private var open: [Open] = []
        private(set) var document: [TOMLEntry] = []

        func take(_ piece: sl_toml_piece) {
            let key = Self.bytes(piece.key, piece.key_length)
            let line = Int(piece.line)
            switch Int(piece.kind) {
            case sl_toml_table: open.append(Open(key: key, line: line, isTable: true))
            case sl_toml_array: open.append(Open(key: key, line: line, isTable: false))
            case sl_toml_end:
                guard let done = open.popLast() else { return }
                if open.isEmpty { document = done.entries } else { add(done.value, done.key) }
            case sl_toml_string:
                add(TOMLValue(kind: .string(Self.bytes(piece.text, piece.text_length)), line: line), key)
            case sl_toml_integer: add(TOMLValue(kind: .integer(piece.number), line: line), key)
            case sl_toml_boolean: add(TOMLValue(kind: .boolean(piece.number != 0), line: line), key)
            default:
                let words = String(decoding: Self.bytes(piece.text, piece.text_length), as: UTF8.self)
                add(TOMLValue(kind: .other(words), line: line), key)
            }
        }

        private func add(_ value: TOMLValue, _ key: [UInt8]) {
            guard let last = open.indices.last else { return }
            if open[last].isTable {
                open[last].entries.append(TOMLEntry(key: key, value: value))
            } else {
                open[last].elements.append(value)
            }
        }

        private static func bytes(_ start: UnsafePointer<CChar>?, _ count: Int) -> [UInt8] {
            Array(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
        }
    }
}

private func tell(_ context: UnsafeMutableRawPointer?, _ piece: UnsafePointer<sl_toml_piece>?) {
    guard let context, let piece else { return }
    Unmanaged<TOMLDocument.Builder>.fromOpaque(context).takeUnretainedValue().take(piece.pointee)
}
