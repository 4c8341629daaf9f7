// One JSON object on one line (RFC 8259), written field by field; just what `--json` needs.

package struct JSONObject: Sendable {
    private var bytes: [UInt8] = [UInt8(ascii: "{")]

    package init() {}

    /// The object as a line, ended by a newline.
    package var line: [UInt8] { bytes + Array("}\n".utf8) }

    package mutating func field(_ key: String, _ value: String) {
        begin(key)
        Self.append(string: Array(value.utf8), to: &bytes)
    }

    package mutating func field(_ key: String, _ value: UInt64) {
        begin(key)
        bytes.append(contentsOf: String(value).utf8)
    }

    package mutating func field(_ key: String, _ value: Int64) {
        begin(key)
        bytes.append(contentsOf: String(value).utf8)
    }

    package mutating func field(_ key: String, _ value: Bool) {
        begin(key)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    package mutating func field(_ key: String, _ values: [JSONObject]) {
        begin(key)
        bytes.append(UInt8(ascii: "["))
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: value.bytes)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: "]"))
    }

    package mutating func field(_ key: String, _ values: [String]) {
        begin(key)
        bytes.append(UInt8(ascii: "["))
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            Self.append(string: Array(value.utf8), to: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// A name: as it is where it is UTF-8; otherwise with U+FFFD for what is not, and exactly as `KEY_base64`.
    package mutating func name(_ key: String, _ value: some Collection<UInt8>) {
        let name = Array(value)
        if String(validating: name, as: UTF8.self) != nil {
            begin(key)
            Self.append(string: name, to: &bytes)
        } else {
            field(key, String(decoding: name, as: UTF8.self))
            field("\(key)_base64", Self.base64(name))
        }
    }

    private mutating func begin(_ key: String) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        Self.append(string: Array(key.utf8), to: &bytes)
        bytes.append(UInt8(ascii: ":"))
    }

    /// `text` is well-formed UTF-8. Control characters are escaped, DEL too, and the line separators of JavaScript.
    private static func append(string text: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var index = 0
        while index < text.count {
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x0A: bytes += Array("\\n".utf8)
            case 0x09: bytes += Array("\\t".utf8)
            case 0x0D: bytes += Array("\\r".utf8)
            case 0..<0x20, 0x7F:
                bytes += Array("\\u00".utf8) + [hex(byte >> 4), hex(byte & 15)]
            case 0xE2 where index + 2 < text.count && text[index + 1] == 0x80 && text[index + 2] & 0xFE == 0xA8:
                bytes += Array((text[index + 2] == 0xA8 ? "\\u2028" : "\\u2029").utf8)
                index += 2
            default: bytes.append(byte)
            }
            index += 1
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func hex(_ digit: UInt8) -> UInt8 {
        digit < 10 ? 0x30 + digit : 0x61 + digit - 10
    }

    static func base64(_ input: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var output: [UInt8] = []
        var index = 0
        while index < input.count {
            let group = input[index..<min(index + 3, input.count)]
            var bits: UInt32 = 0
            for byte in group { bits = bits << 8 | UInt32(byte) }
            bits <<= UInt32(8 * (3 - group.count))
            for position in 0..<4 {
                let sextet = Int(bits >> UInt32(18 - 6 * position) & 63)
                output.append(position <= group.count ? alphabet[sextet] : UInt8(ascii: "="))
            }
            index += 3
        }
        return String(decoding: output, as: UTF8.self)
    }
}
