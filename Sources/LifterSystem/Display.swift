// Bytes made fit for a person's terminal or log.
//
// Names, and whatever a peer sends first, may hold anything: an escape sequence that repaints the screen, a newline
// that forges a second log line, a direction mark that turns a name round. Text that is valid UTF-8 is kept; every
// other byte, and every character that acts instead of being seen, appears as `\#` and three octal digits, the form
// that rsync prints. A backslash stays itself unless it would begin something that reads as such a form, so the
// text can always be turned back into the bytes.

package enum Display {
    /// The bytes as one line of harmless text.
    package static func escaped(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: escapedBytes(bytes), as: UTF8.self)
    }

    /// The same as UTF-8.
    package static func escapedBytes(_ bytes: some Collection<UInt8>) -> [UInt8] {
        escape(Array(bytes), keepsEscapes: false)
    }

    /// Text some of which may be escaped already, as one harmless line: what reads as an escape is kept.
    package static func line(_ text: String) -> String {
        let isHarmless = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
        return isHarmless ? text : String(decoding: escape(Array(text.utf8), keepsEscapes: true), as: UTF8.self)
    }

    private static func escape(_ input: [UInt8], keepsEscapes: Bool) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(input.count)
        var index = 0
        while index < input.count {
            let length = visibleLength(in: input, at: index)
            let isConfusing = !keepsEscapes && input[index] == backslash && looksEscaped(input, at: index)
            if length == 0 || isConfusing {
                appendOctal(input[index], to: &text)
                index += 1
            } else {
                text.append(contentsOf: input[index..<index + length])
                index += length
            }
        }
        return text
    }

    /// The same for at most `limit` bytes; what was left out is counted behind.
    package static func escaped(_ bytes: some Collection<UInt8>, limit: Int) -> String {
        guard bytes.count > limit else { return escaped(bytes) }
        return escaped(bytes.prefix(limit)) + " (and \(bytes.count - limit) bytes more)"
    }

    private static let backslash = UInt8(ascii: "\\")

    /// How many bytes the character at `index` takes; 0 where it is not valid UTF-8 or must not reach a terminal.
    private static func visibleLength(in bytes: [UInt8], at index: Int) -> Int {
        let first = bytes[index]
        if first < 0x80 { return first >= 0x20 && first != 0x7f ? 1 : 0 }
        let length: Int
        var scalar: UInt32
        let smallest: UInt32
        switch first {
        case 0xc2...0xdf: (length, scalar, smallest) = (2, UInt32(first & 0x1f), 0x80)
        case 0xe0...0xef: (length, scalar, smallest) = (3, UInt32(first & 0x0f), 0x800)
        case 0xf0...0xf4: (length, scalar, smallest) = (4, UInt32(first & 0x07), 0x1_0000)
        default: return 0
        }
        guard bytes.count - index >= length else { return 0 }
        for byte in bytes[(index + 1)..<(index + length)] {
            guard byte & 0xc0 == 0x80 else { return 0 }
            scalar = scalar << 6 | UInt32(byte & 0x3f)
        }
        // Longer than need be, a surrogate, or beyond Unicode: not UTF-8.
        guard scalar >= smallest, scalar <= 0x10_ffff, !(0xd800...0xdfff).contains(scalar) else { return 0 }
        return acts(scalar) ? 0 : length
    }

    /// Characters that steer a terminal or the reading direction: C1 controls, line and paragraph separators,
    /// direction marks, embeddings, overrides and isolates, and the byte order mark.
    private static func acts(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x80...0x9f, 0x061c, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: true
        default: false
        }
    }

    /// Whether a backslash is followed by `#` and three digits and so would be taken for an escape.
    private static func looksEscaped(_ bytes: [UInt8], at index: Int) -> Bool {
        guard bytes.count - index >= 5, bytes[index + 1] == UInt8(ascii: "#") else { return false }
        return bytes[(index + 2)...(index + 4)].allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func appendOctal(_ byte: UInt8, to text: inout [UInt8]) {
        let zero = UInt8(ascii: "0")
        text.append(contentsOf: [
            backslash, UInt8(ascii: "#"), zero + (byte >> 6), zero + (byte >> 3 & 7), zero + (byte & 7),
        ])
    }
}
