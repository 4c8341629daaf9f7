// From argv to `ParsedArguments`: the command, then options and operands in any order, until `--`.
//
// Arguments are bytes and stay bytes: a file name need not be text. Functions follow in the order in which one
// argument meets them: long option, cluster of letters, the option found, the unknown option explained.

import Superlifter

package struct ArgumentParser {
    private var arguments: [[UInt8]]
    private var position = 0
    private var parsed: ParsedArguments

    /// Parses what follows the program's name.
    ///
    /// - Throws: `UsageFailure`, exit code 1 for what we do not understand, 4 for what we do not have yet.
    package static func parse(_ arguments: [[UInt8]]) throws(UsageFailure) -> ParsedArguments {
        var parser = ArgumentParser(arguments: arguments, parsed: ParsedArguments(command: .help))
        try parser.takeCommand()
        try parser.takeRest()
        return parser.parsed
    }

    private init(arguments: [[UInt8]], parsed: ParsedArguments) {
        self.arguments = arguments
        self.parsed = parsed
    }

    private mutating func takeCommand() throws(UsageFailure) {
        guard let first = arguments.first else {
            throw UsageFailure("say what to do: push, pull, compare, list, serve or explain; superlifter -h helps")
        }
        if let command = Command.allCases.first(where: { $0.rawValue.utf8.elementsEqual(first) }) {
            parsed.command = command
            position = 1
            return
        }
        // `superlifter -h`, `--help` and `--version` stand alone; they are options of `help`.
        let alone = ["-h", "--help", "-V", "--version"]
        if arguments.count == 1, alone.contains(where: { $0.utf8.elementsEqual(first) }) { return }
        if first.elementsEqual("--generate-completion-script".utf8) {
            throw UsageFailure(.unsupported, "--generate-completion-script: not built yet")
        }
        if first.first == UInt8(ascii: "-") {
            throw UsageFailure(
                "the command comes first: superlifter push \(Printable.text(first)) ... SOURCE... DESTINATION")
        }
        let names = Command.allCases.map(\.rawValue)
        let word = Printable.text(first)
        if let nearest = EditDistance.nearest(to: word, among: names, atMost: 2) {
            throw UsageFailure("\(word): no such command; did you mean \(nearest)?")
        }
        throw UsageFailure("\(word): no such command; say push, pull, compare, list, serve or explain first")
    }

    private mutating func takeRest() throws(UsageFailure) {
        var optionsEnded = false
        while position < arguments.count {
            let argument = arguments[position]
            position += 1
            if optionsEnded || argument.count < 2 || argument[0] != UInt8(ascii: "-") {
                parsed.operands.append(argument)
            } else if argument[1] != UInt8(ascii: "-") {
                try takeLetters(argument)
            } else if argument.count == 2 {
                optionsEnded = true
            } else {
                try takeLong(argument)
            }
        }
    }

    /// `--name`, `--name=value`, `--name value`, `--no-name`.
    private mutating func takeLong(_ argument: [UInt8]) throws(UsageFailure) {
        let body = argument[2...]
        let equals = body.firstIndex(of: UInt8(ascii: "="))
        let name = body[..<(equals ?? body.endIndex)]
        let attached = equals.map { Array(body[($0 + 1)...]) }
        let spelled = "--" + Printable.text(name)

        if let option = OptionTable.option(long: name) {
            try take(option, option.status, negated: false, attached: attached, spelled: spelled)
        } else if name.starts(with: "no-".utf8), let option = OptionTable.option(negated: name.dropFirst(3)),
            let status = option.negated
        {
            if attached != nil { throw UsageFailure("\(spelled): takes no value") }
            try take(option, status, negated: true, attached: nil, spelled: spelled)
        } else {
            throw Self.unknown(name: name, spelled: spelled)
        }
    }

    /// `-vzf RULE`, `-vzfRULE`: the first letter that takes a value has the rest of the argument, or the next one.
    private mutating func takeLetters(_ argument: [UInt8]) throws(UsageFailure) {
        var index = 1
        while index < argument.count {
            let letter = argument[index]
            index += 1
            let spelled = "-" + Printable.text([letter])
            guard let option = OptionTable.option(short: letter) else {
                throw Self.unknown(name: [letter], spelled: spelled)
            }
            if option.metavar != nil, index < argument.count {
                try take(option, option.status, negated: false, attached: Array(argument[index...]), spelled: spelled)
                return
            }
            try take(option, option.status, negated: false, attached: nil, spelled: spelled)
        }
    }

    private mutating func take(
        _ option: Option, _ status: OptionStatus, negated: Bool, attached: [UInt8]?, spelled: String
    ) throws(UsageFailure) {
        guard option.commands.contains(CommandSet(parsed.command)) else {
            throw UsageFailure(
                "\(spelled): not an option of \(parsed.command.rawValue), but of \(option.commands.names)")
        }
        if case .later(let reason) = status {
            throw UsageFailure(.unsupported, "\(spelled): \(reason)")
        }
        var value: [UInt8] = []
        if let metavar = option.metavar, !negated {
            if let attached {
                value = attached
            } else if position < arguments.count {
                value = arguments[position]
                position += 1
            } else {
                throw UsageFailure("\(spelled): needs a value: \(metavar)")
            }
        } else if attached != nil {
            throw UsageFailure("\(spelled): takes no value")
        }
        guard let id = status.id else { return }
        parsed.occurrences.append(Occurrence(id: id, value: value, negated: negated, spelled: spelled))
    }

    /// Says what to type instead, where that can be told.
    private static func unknown(name: ArraySlice<UInt8>, spelled: String) -> UsageFailure {
        if let row = OptionTable.elsewhere.first(where: { $0.name.utf8.elementsEqual(name) }) {
            return UsageFailure("\(spelled): no such option here; \(row.advice)")
        }
        let names = OptionTable.all.flatMap { option -> [String] in
            guard let long = option.long else { return [] }
            return option.negated == nil ? ["--\(long)"] : ["--\(long)", "--no-\(long)"]
        }
        // Who types the beginning of a name is better served by that name than by one a letter away.
        let begun = name.count >= 3 ? names.filter { $0.utf8.starts(with: spelled.utf8) } : []
        if !begun.isEmpty {
            return UsageFailure("\(spelled): no such option; write it in full: \(begun.joined(separator: ", "))")
        }
        if let nearest = EditDistance.nearest(to: spelled, among: names, atMost: max(1, spelled.utf8.count / 4)) {
            return UsageFailure("\(spelled): no such option; did you mean \(nearest)?")
        }
        return UsageFailure("\(spelled): no such option; superlifter help lists them")
    }
}
