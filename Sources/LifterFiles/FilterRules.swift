// Which names take part: `--include` and `--exclude`, in the order they were given; the first that matches decides,
// and what none matches is included. What is excluded is not looked into. Values only: no rule is ever read from
// a file that a peer names.

package struct FilterRules: Hashable, Sendable {
    /// Which option a pattern came with.
    package enum Default: Sendable {
        case exclude, include
    }

    package enum Decision: Hashable, Sendable {
        case included
        /// By the rule with this number, counted from 0.
        case excluded(rule: Int)
    }

    /// A rule as it was understood, and as it was written (for `explain` and for the wire).
    package struct Rule: Hashable, Sendable {
        package let isInclude: Bool
        package let text: [UInt8]
        let pattern: Pattern

        init(isInclude: Bool, text: ArraySlice<UInt8>) {
            self.isInclude = isInclude
            self.text = Array(text)
            pattern = Pattern(text)
        }
    }

    package private(set) var rules: [Rule] = []

    package init() {}

    package var isEmpty: Bool { rules.isEmpty }

    /// Adds the argument of one `--include` or `--exclude`, or one line of their files. `+ ` or `- ` in front
    /// says which it is, whatever the option; `!` alone forgets every rule before it. False for an empty pattern.
    package mutating func add(_ argument: ArraySlice<UInt8>, as option: Default) -> Bool {
        var isInclude = option == .include
        var pattern = argument
        if argument.starts(with: Array("+ ".utf8)) || argument.starts(with: Array("- ".utf8)) {
            isInclude = argument.first == UInt8(ascii: "+")
            pattern = argument.dropFirst(2)
        } else if argument.elementsEqual([UInt8(ascii: "!")]) {
            rules.removeAll()
            return true
        }
        if pattern.isEmpty || pattern.contains(0) { return false }
        rules.append(Rule(isInclude: isInclude, text: pattern))
        return true
    }

    /// Adds a rule whose kind is known.
    package mutating func append(pattern: [UInt8], isInclude: Bool) -> Bool {
        if pattern.isEmpty || pattern.contains(0) { return false }
        rules.append(Rule(isInclude: isInclude, text: pattern[...]))
        return true
    }

    /// Decides on one path relative to the root of the transfer (no slash in front or behind). It says nothing
    /// of the directories above.
    package func decision(for path: ArraySlice<UInt8>, isDirectory: Bool) -> Decision {
        if rules.isEmpty { return .included }
        let nameStart = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? path.startIndex
        var matcher = matcher(inDirectory: path[..<max(path.startIndex, nameStart - 1)])
        return matcher.decision(for: path[nameStart...], isDirectory: isDirectory)
    }

    /// For the names of one directory, given as its path relative to the root of the transfer (empty: the root).
    package func matcher(inDirectory directory: ArraySlice<UInt8>) -> Matcher {
        Matcher(rules: rules, directory: directory)
    }

    package struct Matcher {
        private let rules: [Rule]
        /// `/directory/` and, behind it, the name in question and a slash.
        private var path: [UInt8]
        private let nameStart: Int

        fileprivate init(rules: [Rule], directory: ArraySlice<UInt8>) {
            self.rules = rules
            let slash = UInt8(ascii: "/")
            path = [slash]
            if !rules.isEmpty && !directory.isEmpty {
                path.append(contentsOf: directory)
                path.append(slash)
            }
            nameStart = path.count
        }

        package mutating func decision(for name: ArraySlice<UInt8>, isDirectory: Bool) -> Decision {
            if rules.isEmpty { return .included }
            path.removeSubrange(nameStart...)
            path.append(contentsOf: name)
            path.append(UInt8(ascii: "/"))
            let span = path.span
            for index in rules.indices
            where rules[index].pattern.matches(span, nameStart: nameStart, isDirectory: isDirectory) {
                return rules[index].isInclude ? .included : .excluded(rule: index)
            }
            return .included
        }
    }
}
