// One pattern of rsync's language, compiled, and whether a path matches it.
//
//     *      any bytes but `/`             ?       one byte but `/`
//     **     any bytes                     [a-z]   one of these but `/`; `[!a-z]` and `[^a-z]` one of the others;
//     \x     x itself                              `[[:digit:]]` and its kin by ASCII
//
// A pattern without any of `*?[` is meant to the letter, backslashes included. A leading `/` ties it to the root of
// the transfer, a trailing `/` to directories, a trailing `/***` means a directory and all that is in it. Without a
// `/` or `**` inside it is compared with the last name, otherwise with the tail of the path.

struct Pattern: Hashable, Sendable {
    private enum Token: Hashable {
        case byte(UInt8)
        case any
        case star
        case doubleStar
        case set(ByteSet)
        /// What can never match, for instance a set without its end.
        case never
    }

    /// What of a path is compared.
    private enum Reach: Hashable {
        /// The last name.
        case name
        /// All of it.
        case path
        /// This many names from the end; a shorter path does not match.
        case tail(Int)
        /// All of it, or what is behind any of its slashes.
        case anyTail
    }

    private let tokens: [Token]
    private let reach: Reach
    let onlyDirectories: Bool
    /// `**` in front may stand for nothing before the first slash: the path is read with a `/` before it.
    private let readsSlashBefore: Bool
    /// `***` at the end: a directory is read with a `/` behind it.
    private let readsSlashBehind: Bool

    init(_ text: ArraySlice<UInt8>) {
        var text = text
        onlyDirectories = text.count > 1 && text.last == Self.slash
        if onlyDirectories { text.removeLast() }
        let slashes = text.count { $0 == Self.slash }
        let isWild = text.contains { $0 == Self.asterisk || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "[") }
        let doubleStar = Self.firstDoubleStar(in: text)
        let isAnchored = text.first == Self.slash
        readsSlashBefore = doubleStar == text.startIndex && doubleStar != nil
        readsSlashBehind =
            doubleStar != nil && text.suffix(3).count == 3
            && text.suffix(3).allSatisfy { $0 == Self.asterisk }

        if slashes == 0 && doubleStar == nil {
            reach = .name
        } else if isAnchored || readsSlashBefore {
            reach = .path
        } else {
            reach = doubleStar == nil ? .tail(slashes + 1) : .anyTail
        }
        if isAnchored { text.removeFirst() }
        tokens = isWild ? Self.compile(text) : text.map { .byte($0) }
    }

    /// `path` is the path relative to the root of the transfer with one `/` before and one behind it;
    /// `nameStart` is where its last name begins.
    func matches(_ path: Span<UInt8>, nameStart: Int, isDirectory: Bool) -> Bool {
        if onlyDirectories && !isDirectory { return false }
        let end = path.count - (isDirectory && readsSlashBehind ? 0 : 1)
        switch reach {
        case .name:
            return matches(path.extracting(nameStart..<end))
        case .path:
            return matches(path.extracting((readsSlashBefore ? 0 : 1)..<end))
        case .tail(let names):
            var start = end
            var slashes = 0
            while start > 0 {
                if path[start - 1] == Self.slash { slashes += 1 }
                if slashes == names { break }
                start -= 1
            }
            return start > 0 && matches(path.extracting(start..<end))
        case .anyTail:
            for start in 1..<max(1, end) where path[start - 1] == Self.slash {
                if matches(path.extracting(start..<end)) { return true }
            }
            return false
        }
    }

    /// Each star takes as little as it can and gives way only where what follows does not fit. Only the last star
    /// before a mismatch ever needs to take more, or, where a slash stops it, the last double star: what comes
    /// before them can be left as it is. So no pattern takes longer than the product of the lengths (squared with
    /// double stars).
    private func matches(_ text: Span<UInt8>) -> Bool {
        var token = 0
        var index = 0
        var star: (token: Int, index: Int)?
        var doubleStar: (token: Int, index: Int)?
        while true {
            if token < tokens.count {
                switch tokens[token] {
                case .star:
                    token += 1
                    star = (token, index)
                    continue
                case .doubleStar:
                    token += 1
                    if token == tokens.count { return true }
                    (doubleStar, star) = ((token, index), nil)
                    continue
                case .byte(let byte):
                    if index < text.count && text[index] == byte {
                        (token, index) = (token + 1, index + 1)
                        continue
                    }
                case .any:
                    if index < text.count && text[index] != Self.slash {
                        (token, index) = (token + 1, index + 1)
                        continue
                    }
                case .set(let set):
                    if index < text.count && text[index] != Self.slash && set.contains(text[index]) {
                        (token, index) = (token + 1, index + 1)
                        continue
                    }
                case .never:
                    return false
                }
            } else if index == text.count {
                return true
            }
            if let last = star, last.index < text.count, text[last.index] != Self.slash {
                star = (last.token, last.index + 1)
                (token, index) = (last.token, last.index + 1)
            } else if let last = doubleStar, last.index < text.count {
                doubleStar = (last.token, last.index + 1)
                (token, index, star) = (last.token, last.index + 1, nil)
            } else {
                return false
            }
        }
    }
}

// MARK: Compiling

extension Pattern {
    private static let slash = UInt8(ascii: "/")
    private static let asterisk = UInt8(ascii: "*")
    private static let backslash = UInt8(ascii: "\\")

    private static func firstDoubleStar(in text: ArraySlice<UInt8>) -> Int? {
        text.indices.dropLast().first { text[$0] == asterisk && text[$0 + 1] == asterisk }
    }

    private static func compile(_ text: ArraySlice<UInt8>) -> [Token] {
        var tokens: [Token] = []
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case asterisk:
                var count = 1
                while rest.first == asterisk {
                    rest.removeFirst()
                    count += 1
                }
                tokens.append(count > 1 ? .doubleStar : .star)
            case UInt8(ascii: "?"):
                tokens.append(.any)
            case UInt8(ascii: "["):
                guard let set = ByteSet(parsing: &rest) else { return tokens + [.never] }
                tokens.append(.set(set))
            case backslash:
                guard let next = rest.popFirst() else { return tokens + [.never] }
                tokens.append(.byte(next))
            default:
                tokens.append(.byte(byte))
            }
        }
        return tokens
    }
}

/// A set of bytes, as written between brackets.
private struct ByteSet: Hashable, Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    static func == (left: ByteSet, right: ByteSet) -> Bool { left.words == right.words }
    func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }

    func contains(_ byte: UInt8) -> Bool {
        let bit: UInt64 = 1 << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: return words.0 & bit != 0
        case 1: return words.1 & bit != 0
        case 2: return words.2 & bit != 0
        default: return words.3 & bit != 0
        }
    }

    private mutating func insert(_ byte: UInt8) {
        let bit: UInt64 = 1 << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: words.0 |= bit
        case 1: words.1 |= bit
        case 2: words.2 |= bit
        default: words.3 |= bit
        }
    }

    /// Reads what follows `[` up to and including its `]`. A `]` in front is a member. Nil where the end is
    /// missing or a class has no such name.
    init?(parsing rest: inout ArraySlice<UInt8>) {
        let isInverted = rest.first == UInt8(ascii: "!") || rest.first == UInt8(ascii: "^")
        if isInverted { rest.removeFirst() }
        let close = UInt8(ascii: "]")
        /// The member a range could begin with; nil after a range or a class.
        var previous: UInt8?
        var isFirst = true
        while true {
            guard let byte = rest.popFirst() else { return nil }
            if byte == close && !isFirst { break }
            isFirst = false
            switch byte {
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { return nil }
                insert(escaped)
                previous = escaped
            case UInt8(ascii: "-") where previous != nil && !rest.isEmpty && rest.first != close:
                guard var last = rest.popFirst() else { return nil }
                if last == UInt8(ascii: "\\") {
                    guard let escaped = rest.popFirst() else { return nil }
                    last = escaped
                }
                if let first = previous, first <= last { for member in first...last { insert(member) } }
                previous = nil
            case UInt8(ascii: "[") where rest.first == UInt8(ascii: ":"):
                guard let end = rest.dropFirst().firstIndex(of: close) else { return nil }
                if end - 1 > rest.startIndex && rest[end - 1] == UInt8(ascii: ":") {
                    let name = rest[(rest.startIndex + 1)..<(end - 1)]
                    guard insert(class: name) else { return nil }
                    rest = rest[(end + 1)...]
                    previous = nil
                } else {
                    insert(byte)
                    previous = byte
                }
            default:
                insert(byte)
                previous = byte
            }
        }
        if isInverted { words = (~words.0, ~words.1, ~words.2, ~words.3) }
    }

    /// The bytes that C's `isalpha` and its kin name in the C locale.
    private mutating func insert(class name: ArraySlice<UInt8>) -> Bool {
        let ranges: [ClosedRange<UInt8>]
        switch String(decoding: name, as: UTF8.self) {
        case "alnum": ranges = [0x30...0x39, 0x41...0x5a, 0x61...0x7a]
        case "alpha": ranges = [0x41...0x5a, 0x61...0x7a]
        case "blank": ranges = [0x20...0x20, 0x09...0x09]
        case "cntrl": ranges = [0x00...0x1f, 0x7f...0x7f]
        case "digit": ranges = [0x30...0x39]
        case "graph": ranges = [0x21...0x7e]
        case "lower": ranges = [0x61...0x7a]
        case "print": ranges = [0x20...0x7e]
        case "punct": ranges = [0x21...0x2f, 0x3a...0x40, 0x5b...0x60, 0x7b...0x7e]
        case "space": ranges = [0x20...0x20, 0x09...0x0d]
        case "upper": ranges = [0x41...0x5a]
        case "xdigit": ranges = [0x30...0x39, 0x41...0x46, 0x61...0x66]
        default: return false
        }
        for range in ranges { for byte in range { insert(byte) } }
        return true
    }
}
