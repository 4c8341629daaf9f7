// A command line given as one text (`-e 'ssh -p 2222'`, `--via 'command:...'`), made into words without a shell.
//
// The rules are rsync's: spaces (and nothing else) separate words; '...' and "..." keep spaces together, also in the
// middle of a word; a quote doubled inside its own kind of quotes stands for itself; a backslash is an ordinary byte.

import LifterSystem

package enum CommandWords {
    /// The words of `text`; an error where a quote stays open or no word is there.
    package static func split(_ text: [UInt8]) throws(LocationError) -> [[UInt8]] {
        guard !text.contains(0) else { throw LocationError("a command holds a NUL byte") }
        var words: [[UInt8]] = []
        var word: [UInt8]?
        var quote: UInt8?
        var index = 0
        while index < text.count {
            let byte = text[index]
            index += 1
            if let open = quote {
                if byte != open {
                    word?.append(byte)
                } else if index < text.count, text[index] == open {
                    word?.append(byte)
                    index += 1
                } else {
                    quote = nil
                }
            } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
                word = word ?? []
            } else if byte == UInt8(ascii: " ") {
                if let finished = word { words.append(finished) }
                word = nil
            } else {
                word = (word ?? []) + [byte]
            }
        }
        if let open = quote {
            throw LocationError("a \(Display.escaped([open])) is not closed in the command: \(Display.escaped(text))")
        }
        if let finished = word { words.append(finished) }
        guard let program = words.first, !program.isEmpty else { throw LocationError("the command is empty") }
        return words
    }

    /// The words as one text for messages, each escaped.
    package static func display(_ words: [[UInt8]]) -> String {
        words.map { Display.escaped($0) }.joined(separator: " ")
    }
}
