// A look inside a machine, for failures.

import LifterProtocol

extension SessionMachine {
    /// Every stored property in a line: collections with their counts and first elements, the rest as it prints.
    var situation: String {
        let plain: Set<String> = ["agreement", "options", "shape", "rules", "owners", "events", "announced", "ready"]
        return Mirror(reflecting: self).children.filter { !plain.contains($0.label ?? "") }.map { child in
            let mirror = Mirror(reflecting: child.value)
            if child.label == "directories" { return Self.directories(mirror) }
            var text = "\(child.value)"
            text = text.split(separator: "LifterProtocol.").joined()
            if text.count > 900 { text = text.prefix(900) + "..." }
            switch mirror.displayStyle {
            case .collection, .dictionary, .set: text = "(\(mirror.children.count)) " + text
            default: break
            }
            return "    \(child.label ?? "?") = \(text)"
        }.joined(separator: "\n")
    }

    /// The directories under way, without their listings.
    private static func directories(_ dictionary: Mirror) -> String {
        let bulky: Set<String> = ["listing", "own", "entry", "name"]
        return "    directories = "
            + dictionary.children.prefix(40).map { pair in
                let parts = Mirror(reflecting: pair.value).children.map(\.value)
                guard parts.count == 2 else { return "\(pair.value)" }
                let fields = Mirror(reflecting: parts[1]).children.filter { !bulky.contains($0.label ?? "") }
                let text = fields.map { "\($0.label ?? "?") \($0.value)" }.joined(separator: ", ")
                return "\n      \(parts[0]): " + text.prefix(600)
            }.joined()
    }
}
