// The values that options take: numbers, limits, methods. Each returns nil for what it does not understand, and the
// builder names the option.

enum OptionValues {
    /// Digits only; nil if there are none, or the number is above `maximum`.
    static func number(_ text: some Collection<UInt8>, atMost maximum: UInt64 = .max) -> UInt64? {
        guard !text.isEmpty else { return nil }
        var value: UInt64 = 0
        for byte in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (tens, tooMany) = value.multipliedReportingOverflow(by: 10)
            let (sum, tooMuch) = tens.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            if tooMany || tooMuch { return nil }
            value = sum
        }
        return value <= maximum ? value : nil
    }

    /// `29` or `29.75` seconds, as milliseconds; a day at most.
    static func milliseconds(_ text: [UInt8]) -> UInt64? {
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, let seconds = number(whole, atMost: 86_400) else { return nil }
        guard parts.count == 2 else { return seconds * 1000 }
        let decimals = Array(parts[1])
        guard (1...3).contains(decimals.count) else { return nil }
        return number(decimals + Array("00".utf8).prefix(3 - decimals.count)).map { seconds * 1000 + $0 }
    }

    /// Bytes a second, as rsync writes them: a number, perhaps with a fraction, of KiB, or of the unit behind it: B, K, M,
    /// G, T (also KiB, in powers of 1,024) or KB, MB, GB, TB (in powers of 1,000). Case does not matter.
    static func rate(_ text: [UInt8]) -> UInt64? {
        let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        let number = text.prefix { isDigit($0) || $0 == UInt8(ascii: ".") }
        let unit = String(decoding: text[number.count...], as: UTF8.self).uppercased()
        let parts = number.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard number.contains(where: isDigit), parts.count <= 2, parts.allSatisfy({ $0.count <= 15 }) else {
            return nil
        }
        guard let factor = unitFactor(unit), let value = Double(String(decoding: number, as: UTF8.self)) else {
            return nil
        }
        let bytes = value * factor
        return bytes < 1e15 ? UInt64(bytes) : nil
    }

    private static func unitFactor(_ unit: String) -> Double? {
        if unit.isEmpty { return 1024 }
        if unit == "B" { return 1 }
        guard let first = unit.first, let power = ["K", "M", "G", "T"].firstIndex(of: first) else { return nil }
        let base: Double
        switch unit.dropFirst() {
        case "", "IB": base = 1024
        case "B": base = 1000
        default: return nil
        }
        return (0..<power).reduce(base) { factor, _ in factor * base }
    }

    /// `N` or `P%`.
    static func deletionLimit(_ text: [UInt8]) -> Deletion.Limit? {
        if text.last == UInt8(ascii: "%") {
            return number(text.dropLast(), atMost: 100).map { .percent(UInt8($0)) }
        }
        return number(text).map { .entries($0) }
    }

    /// 64 to 16777216 bytes, also with K or M for powers of 1024.
    static func blockSize(_ text: [UInt8]) -> UInt32? {
        var digits = text[...]
        var unit: UInt64 = 1
        switch digits.last {
        case UInt8(ascii: "K"), UInt8(ascii: "k"): unit = 1 << 10
        case UInt8(ascii: "M"), UInt8(ascii: "m"): unit = 1 << 20
        default: break
        }
        if unit > 1 { digits = digits.dropLast() }
        guard let value = number(digits, atMost: 1 << 24), (64...1 << 24).contains(value * unit) else { return nil }
        return UInt32(value * unit)
    }

    /// A name, or a path from the root, without slashes behind it.
    static func partialDirectory(_ text: [UInt8]) -> [UInt8]? {
        let slash = UInt8(ascii: "/")
        var path = text[...]
        while path.last == slash { path.removeLast() }
        if path.isEmpty || path.contains(0) { return nil }
        if path.first == slash { return path.count <= 4095 ? Array(path) : nil }
        let isName =
            !path.contains(slash) && path.count <= 255 && ![".", ".."].contains { path.elementsEqual($0.utf8) }
            && !path.starts(with: ".sl-part-".utf8) && !path.starts(with: ".sl-displaced-".utf8)
        return isName ? Array(path) : nil
    }

    /// `auto`, `none`, `zstd[:LEVEL]`, `zlib[:LEVEL]`.
    static func compression(_ text: [UInt8]) -> Wire.Compression? {
        let parts = text.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let method = parts.first else { return nil }
        func level(atMost maximum: UInt64) -> Int? {
            guard let level = number(parts[1], atMost: maximum), level >= 1 else { return nil }
            return Int(level)
        }
        let isAlone = parts.count == 1
        if method.elementsEqual("auto".utf8) { return isAlone ? Wire.Compression.auto : nil }
        if method.elementsEqual("none".utf8) { return isAlone ? Wire.Compression.off : nil }
        if method.elementsEqual("zstd".utf8) { return isAlone ? .standard : level(atMost: 19).map { .zstd(level: $0) } }
        if method.elementsEqual("zlib".utf8) { return (isAlone ? 6 : level(atMost: 9)).map { .zlib(level: $0) } }
        return nil
    }
}
