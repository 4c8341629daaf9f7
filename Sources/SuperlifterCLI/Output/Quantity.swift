// Numbers for people: counts with commas, sizes in decimal units with three digits, times as on a clock.

package enum Quantity {
    /// 1234567 -> `1,234,567`
    package static func count(_ value: UInt64) -> String {
        var text = ""
        let digits = String(value)
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    /// 999 -> `999 B`, 1234 -> `1.23 kB`, 99950 -> `99.9 kB`: cut, never rounded up, so that nothing seems complete
    /// before it is.
    package static func size(_ bytes: UInt64) -> String {
        if bytes < 1000 { return "\(bytes) B" }
        var unit: UInt64 = 1000
        var name = "k"
        for next in ["M", "G", "T", "P", "E"] where bytes / unit >= 1000 {
            unit *= 1000
            name = next
        }
        let whole = bytes / unit
        let thousandths = bytes % unit / (unit / 1000)
        let padded = String(String(thousandths + 1000).dropFirst())
        let decimals = whole >= 100 ? "" : whole >= 10 ? "." + padded.prefix(1) : "." + padded.prefix(2)
        return "\(whole)\(decimals) \(name)B"
    }

    /// 75 -> `1:15`, 3675 -> `1:01:15`, from 100 hours on in days.
    package static func duration(_ seconds: UInt64) -> String {
        func two(_ value: UInt64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        if seconds >= 360_000 { return "\(seconds / 86400) days" }
        if seconds >= 3600 { return "\(seconds / 3600):\(two(seconds / 60 % 60)):\(two(seconds % 60))" }
        return "\(seconds / 60):\(two(seconds % 60))"
    }

    /// 1234 ms -> `1.2 s`; from a minute on as `duration`.
    package static func elapsed(milliseconds: UInt64) -> String {
        if milliseconds >= 60_000 { return duration(milliseconds / 1000) }
        return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
    }

    package static func counted(_ value: UInt64, _ one: String, _ many: String) -> String {
        "\(count(value)) \(value == 1 ? one : many)"
    }
}
