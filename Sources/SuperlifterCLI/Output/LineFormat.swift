// --out-format and --log-file-format: rsync's language of % escapes, read once, before anything starts.
//
//     % [width] letter       width: digits, with - in front flush left; ' before or behind it groups a number's digits

import Superlifter

package struct LineFormat: Equatable, Sendable {
    package enum Field: UInt8, CaseIterable, Sendable {
        case change = 0x69  // i
        case name = 0x6E  // n
        case link = 0x4C  // L
        case length = 0x6C  // l
        case transferred = 0x62  // b
        case longName = 0x66  // f
        case operation = 0x6F  // o
        case modified = 0x4D  // M
        case now = 0x74  // t
        case process = 0x70  // p
        case permissions = 0x42  // B
        case user = 0x55  // U
        case group = 0x47  // G
    }

    package enum Piece: Equatable, Sendable {
        case literal([UInt8])
        case field(Field, Layout)
    }

    package struct Layout: Equatable, Sendable {
        /// In characters; shorter texts are filled up with blanks.
        package var width = 0
        package var isFlushLeft = false
        package var isGrouped = false

        package init() {}
    }

    package private(set) var pieces: [Piece] = []

    /// `%i %n%L`, which is what -i prints.
    package static let itemized: LineFormat = {
        var format = LineFormat()
        format.pieces = [
            .field(.change, Layout()), .literal([0x20]), .field(.name, Layout()), .field(.link, Layout()),
        ]
        return format
    }()

    private init() {}

    /// What is wrong with a format, as the end of a sentence.
    package struct Problem: Error, Equatable, Sendable {
        package var text: String
    }

    package init(_ text: [UInt8]) throws(Problem) {
        var literal: [UInt8] = []
        var rest = text[...]
        while let byte = rest.popFirst() {
            if byte != UInt8(ascii: "%") {
                literal.append(byte)
            } else if rest.first == UInt8(ascii: "%") {
                literal.append(byte)
                rest.removeFirst()
            } else {
                if !literal.isEmpty { pieces.append(.literal(literal)) }
                literal = []
                pieces.append(try Self.escape(&rest))
            }
        }
        if !literal.isEmpty { pieces.append(.literal(literal)) }
    }

    /// Whether lines tell an item's changes: then there is one for each, and not only for what was transferred or made.
    package var tellsChanges: Bool { uses(.change) }

    /// Whether lines tell what is done, deletions as well.
    package var tellsDeletions: Bool { uses(.change) || uses(.operation) }

    private func uses(_ field: Field) -> Bool {
        pieces.contains { if case .field(field, _) = $0 { true } else { false } }
    }

    private static func escape(_ rest: inout ArraySlice<UInt8>) throws(Problem) -> Piece {
        var layout = Layout()
        var written: [UInt8] = [UInt8(ascii: "%")]
        func takesMark(_ rest: inout ArraySlice<UInt8>, _ mark: Character) -> Bool {
            guard let value = mark.asciiValue, rest.first == value else { return false }
            rest.removeFirst()
            written.append(value)
            return true
        }
        layout.isGrouped = takesMark(&rest, "'")
        layout.isFlushLeft = takesMark(&rest, "-")
        while let digit = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) {
            rest.removeFirst()
            written.append(digit)
            layout.width = layout.width * 10 + Int(digit - UInt8(ascii: "0"))
            guard layout.width <= 1000 else { throw Problem(text: "a field is at most 1000 characters wide") }
        }
        if takesMark(&rest, "'") {
            guard !layout.isGrouped else { throw Problem(text: "one ' groups digits; sizes in units are not built") }
            layout.isGrouped = true
        }
        guard let letter = rest.popFirst() else {
            throw Problem(text: "\(Printable.text(written)) at its end begins an escape; for a % write %%")
        }
        guard let field = Field(rawValue: letter) else {
            let known = Field.allCases.map { String(UnicodeScalar($0.rawValue)) }.joined(separator: " %")
            throw Problem(
                text: "%\(Printable.text([letter])) is not an escape we have; these are: %\(known) %%")
        }
        return .field(field, layout)
    }
}
