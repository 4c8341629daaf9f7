// From a file to a configuration: read, understood key by key, then checked as a whole. Whatever is wrong is told with
// the file, the line, and what would be right; all of it at once, since nobody likes to mend one line at a time.

import LifterSystem
import LifterTransport

/// Everything that is wrong with a configuration, a line each.
package struct ConfigurationFailure: Error, Sendable {
    package let lines: [String]
    /// 1 for what is written in it, 11 where it cannot be read.
    package let exitCode: Int32
}

package struct ConfigurationReader {
    private let shownPath: String
    private var problems: [(line: Int, text: String)] = []
    private var result: Configuration

    private static let largest = 1 << 20
    private static let topKeys = ["listen", "max-connections", "lock-directory", "modules"]
    private static let moduleKeys = [
        "path", "access", "comment", "list", "uid", "gid", "insecure", "max-connections", "hosts-allow", "hosts-deny",
        "exclude", "timeout",
    ]

    /// Reads and checks a file.
    package static func read(_ path: [UInt8]) throws(ConfigurationFailure) -> Configuration {
        let text: [UInt8]
        do throws(Errno) {
            text = try contents(path)
        } catch {
            throw ConfigurationFailure(lines: ["\(Display.escaped(path)): \(error)"], exitCode: 11)
        }
        return try parse(text, path: path)
    }

    /// Understands a text; `path` is only for messages.
    package static func parse(_ text: [UInt8], path: [UInt8]) throws(ConfigurationFailure) -> Configuration {
        var reader = ConfigurationReader(path)
        do throws(TOMLDocument.Problem) {
            reader.takeTop(try TOMLDocument.read(text))
        } catch {
            reader.complain(error.line, error.message)
        }
        guard reader.problems.isEmpty else {
            let sorted = reader.problems.sorted { $0.line < $1.line }
            throw ConfigurationFailure(lines: sorted.map(\.text), exitCode: 1)
        }
        return reader.result
    }

    private init(_ path: [UInt8]) {
        shownPath = Display.escaped(path)
        result = Configuration(path: path)
    }

    private static func contents(_ path: [UInt8]) throws(Errno) -> [UInt8] {
        let fileSystem = KernelFileSystem()
        let descriptor = try fileSystem.openRoot(path, [.read])
        defer { fileSystem.close(descriptor) }
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = try readSome(fileSystem, descriptor, &chunk, at: UInt64(text.count))
            if count == 0 { return text }
            text += chunk[..<count]
            guard text.count <= Self.largest else { throw .fileTooBig }
        }
    }

    private static func readSome(
        _ fileSystem: KernelFileSystem, _ descriptor: RawDescriptor, _ chunk: inout [UInt8], at offset: UInt64
    ) throws(Errno) -> Int {
        let result: Result<Int, Errno> = chunk.withUnsafeMutableBytes { room in
            do throws(Errno) { return .success(try fileSystem.read(descriptor, into: room, at: offset)) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private mutating func complain(_ line: Int, _ text: String) {
        problems.append((line, line > 0 ? "\(shownPath):\(line): \(text)" : "\(shownPath): \(text)"))
    }

    // MARK: Keys

    private mutating func takeTop(_ entries: [TOMLEntry]) {
        for entry in entries {
            switch entry.name {
            case "listen": takeListen(entry)
            case "max-connections": result.maxConnections = number(entry, atMost: 10_000)
            case "lock-directory":
                if let path = string(entry) {
                    if path.first == UInt8(ascii: "/") {
                        result.lockDirectory = path
                    } else {
                        complain(entry.line, "lock-directory must begin with /")
                    }
                }
            case "modules": takeModules(entry)
            default: complain(entry.line, "unknown key '\(entry.name)'; there are \(Self.listed(Self.topKeys))")
            }
        }
        if result.modules.isEmpty, problems.isEmpty {
            complain(0, "it names no module: add [modules.NAME] with a path")
        }
    }

    private mutating func takeListen(_ entry: TOMLEntry) {
        let addresses: [TOMLValue]
        if case .string = entry.value.kind { addresses = [entry.value] } else { addresses = list(entry) }
        for value in addresses {
            guard case .string(let text) = value.kind else {
                complain(value.line, "listen is a list of strings like \"tcp:127.0.0.1:8730\", not \(value.words)")
                continue
            }
            do throws(LocationError) {
                result.listen.append(try ListenAddress.parse(text))
            } catch {
                complain(value.line, "listen: \(error.message)")
            }
        }
    }

    private mutating func takeModules(_ entry: TOMLEntry) {
        guard case .table(let modules) = entry.value.kind else {
            return complain(entry.line, "modules are tables: write [modules.NAME]")
        }
        for module in modules {
            guard case .table(let keys) = module.value.kind else {
                complain(module.line, "a module is a table: write [modules.\(module.name)]")
                continue
            }
            let name = module.key
            let isName = !name.isEmpty && name.count <= 255 && !name.contains(UInt8(ascii: "/")) && !name.contains(0)
            guard isName, !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8), name.first != 0x7e else {
                complain(module.line, "'\(module.name)' cannot be a module's name: no slash, no ., .. or ~ in front")
                continue
            }
            takeModule(Module(name: name, line: module.line), keys)
        }
    }

    private mutating func takeModule(_ empty: Module, _ keys: [TOMLEntry]) {
        var module = empty
        var user: TOMLEntry?
        var group: TOMLEntry?
        for entry in keys {
            switch entry.name {
            case "path": module.path = string(entry) ?? []
            case "access": takeAccess(entry, &module)
            case "comment": module.comment = string(entry).map { String(decoding: $0, as: UTF8.self) } ?? ""
            case "list": module.isListed = flag(entry) ?? true
            case "uid": user = entry
            case "gid": group = entry
            case "insecure": module.isInsecure = flag(entry) ?? false
            case "max-connections": module.maxConnections = number(entry, atMost: 10_000)
            case "hosts-allow": module.allow = hosts(entry)
            case "hosts-deny": module.deny = hosts(entry)
            case "exclude": module.exclude = patterns(entry)
            case "timeout": module.timeout = number(entry, atMost: 300).map { UInt32($0) }
            default:
                complain(
                    entry.line, "unknown key '\(entry.name)' in a module; there are \(Self.listed(Self.moduleKeys))")
            }
        }
        takeIdentity(user, group, &module)
        if !keys.contains(where: { $0.name == "path" }) {
            complain(module.line, "module '\(Display.escaped(module.name))' has no path: add path = \"/DIRECTORY\"")
        } else if module.path.first != UInt8(ascii: "/") {
            let line = keys.first { $0.name == "path" }?.line ?? module.line
            complain(line, "the path of a module must begin with /")
        }
        result.modules.append(module)
    }

    private mutating func takeAccess(_ entry: TOMLEntry, _ module: inout Module) {
        guard let text = string(entry) else { return }
        let word = String(decoding: text, as: UTF8.self)
        if let access = Module.Access(rawValue: word) {
            module.access = access
        } else {
            complain(
                entry.line,
                "access is \"read\", \"append\" or \"write\", not '\(Display.escaped(text, limit: 40))'")
        }
    }

    private mutating func takeIdentity(_ user: TOMLEntry?, _ group: TOMLEntry?, _ module: inout Module) {
        guard let user else {
            if let group { complain(group.line, "gid needs a uid beside it") }
            return
        }
        guard let name = nameOrNumber(user) else { return }
        var groupName: [UInt8]?
        if let group {
            guard let text = nameOrNumber(group) else { return }
            groupName = text
        }
        do throws(ServeRefusal) {
            module.identity = try Identity.resolve(user: name, group: groupName)
        } catch {
            complain(user.line, error.message)
        }
    }

    // MARK: Values

    private mutating func string(_ entry: TOMLEntry) -> [UInt8]? {
        guard case .string(let text) = entry.value.kind, !text.contains(0) else {
            complain(entry.line, "\(entry.name) is a string in quotes, not \(entry.value.words)")
            return nil
        }
        return text
    }

    private mutating func flag(_ entry: TOMLEntry) -> Bool? {
        guard case .boolean(let value) = entry.value.kind else {
            complain(entry.line, "\(entry.name) is true or false, not \(entry.value.words)")
            return nil
        }
        return value
    }

    private mutating func number(_ entry: TOMLEntry, atMost most: Int64) -> Int? {
        guard case .integer(let value) = entry.value.kind, (1...most).contains(value) else {
            complain(entry.line, "\(entry.name) is a number from 1 to \(most)")
            return nil
        }
        return Int(value)
    }

    private mutating func nameOrNumber(_ entry: TOMLEntry) -> [UInt8]? {
        switch entry.value.kind {
        case .string(let text) where !text.isEmpty: return text
        case .integer(let number) where number >= 0: return Array(String(number).utf8)
        case .string, .integer, .boolean, .other, .array, .table:
            complain(entry.line, "\(entry.name) is a name in quotes or a number, not \(entry.value.words)")
            return nil
        }
    }

    private mutating func list(_ entry: TOMLEntry) -> [TOMLValue] {
        guard case .array(let values) = entry.value.kind else {
            complain(entry.line, "\(entry.name) is a list of strings: \(entry.name) = [\"...\"]")
            return []
        }
        return values
    }

    private mutating func hosts(_ entry: TOMLEntry) -> [HostRule] {
        var rules: [HostRule] = []
        for value in list(entry) {
            if case .string(let text) = value.kind, let rule = HostRule(text) {
                rules.append(rule)
                continue
            }
            let shown =
                if case .string(let text) = value.kind { "'\(Display.escaped(text, limit: 60))'" } else { value.words }
            complain(
                value.line,
                "\(entry.name): \(shown) is no numeric address (192.0.2.1), network (192.0.2.0/24, 2001:db8::/32) "
                    + "or \"local\"; names of hosts are not looked up")
        }
        return rules
    }

    private mutating func patterns(_ entry: TOMLEntry) -> [[UInt8]] {
        var patterns: [[UInt8]] = []
        for value in list(entry) {
            guard case .string(let text) = value.kind, !text.isEmpty, !text.contains(0),
                !text.contains(UInt8(ascii: "/"))
            else {
                complain(
                    value.line, "exclude is a list of patterns of names, without a slash: [\"*.key\", \".git\"]")
                continue
            }
            patterns.append(text)
        }
        return patterns
    }

    private static func listed(_ words: [String]) -> String {
        words.dropLast().joined(separator: ", ") + " and " + (words.last ?? "")
    }
}
