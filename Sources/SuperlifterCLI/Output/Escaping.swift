// Names are bytes and may hold anything. What is shown to a person is made harmless here: a name must not be able to
// move the cursor, ring the bell or begin a line of its own.

package enum Escaping {
    /// `bytes` as printable UTF-8, in rsync's notation: control characters and bytes that are not UTF-8 appear as
    /// `\#ooo` (three octal digits), and so does a backslash that would otherwise read like one of these.
    package static func printable(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let input = Array(bytes)
        var output: [UInt8] = []
        output.reserveCapacity(input.count)
        var index = 0
        while index < input.count {
            let length = scalarLength(input, at: index)
            if length == 0 || isControl(input, at: index, length: length) || looksEscaped(input, at: index) {
                for byte in input[index..<index + max(length, 1)] { appendOctal(byte, to: &output) }
            } else {
                output.append(contentsOf: input[index..<index + length])
            }
            index += max(length, 1)
        }
        return output
    }

    package static func printableText(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: printable(bytes), as: UTF8.self)
    }

    package static func isUTF8(_ bytes: some Collection<UInt8>) -> Bool {
        let input = Array(bytes)
        var index = 0
        while index < input.count {
            let length = scalarLength(input, at: index)
            if length == 0 { return false }
            index += length
        }
        return true
    }

    /// The length in bytes of the well-formed UTF-8 sequence at `index`, or 0 (Unicode 15, table 3-7).
    static func scalarLength(_ bytes: [UInt8], at index: Int) -> Int {
        let first = bytes[index]
        if first < 0x80 { return 1 }
        func continues(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            index + offset < bytes.count && range.contains(bytes[index + offset])
        }
        switch first {
        case 0xC2...0xDF: return continues(1) ? 2 : 0
        case 0xE0: return continues(1, 0xA0...0xBF) && continues(2) ? 3 : 0
        case 0xED: return continues(1, 0x80...0x9F) && continues(2) ? 3 : 0
        case 0xE1...0xEF: return continues(1) && continues(2) ? 3 : 0
        case 0xF0: return continues(1, 0x90...0xBF) && continues(2) && continues(3) ? 4 : 0
        case 0xF1...0xF3: return continues(1) && continues(2) && continues(3) ? 4 : 0
        case 0xF4: return continues(1, 0x80...0x8F) && continues(2) && continues(3) ? 4 : 0
        default: return 0
        }
    }

    /// C0, DEL and C1 controls, the line separators, and the characters that reorder what stands beside them.
    private static func isControl(_ bytes: [UInt8], at index: Int, length: Int) -> Bool {
        switch length {
        case 1: return bytes[index] < 0x20 || bytes[index] == 0x7F
        case 2: return bytes[index] == 0xC2 && bytes[index + 1] < 0xA0
        case 3:
            guard bytes[index] == 0xE2 else { return false }
            let low = bytes[index + 2]
            return switch bytes[index + 1] {
            case 0x80: (0xA8...0xAE).contains(low)
            case 0x81: (0xA6...0xA9).contains(low)
            default: false
            }
        default: return false
        }
    }

    private static func looksEscaped(_ bytes: [UInt8], at index: Int) -> Bool {
        guard bytes[index] == UInt8(ascii: "\\"), index + 4 < bytes.count, bytes[index + 1] == UInt8(ascii: "#")
        else { return false }
        return bytes[(index + 2)...(index + 4)].allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
    }

    private static func appendOctal(_ byte: UInt8, to output: inout [UInt8]) {
        output.append(contentsOf: [
            UInt8(ascii: "\\"), UInt8(ascii: "#"), 0x30 + (byte >> 6), 0x30 + (byte >> 3 & 7), 0x30 + (byte & 7),
        ])
    }
}
