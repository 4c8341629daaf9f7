import SuperlifterCLI

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Parses a command line whose words have no spaces: `push -vz a/ b`.
func parse(_ line: String) throws(UsageFailure) -> ParsedArguments {
    try ArgumentParser.parse(line.split(separator: " ").map { Array($0.utf8) })
}

/// Parses and plans; `files` are what pattern files hold.
func plan(
    _ words: [String], environment: [String: String] = [:], files: [String: String] = [:]
) throws(UsageFailure) -> Request {
    let parsed = try ArgumentParser.parse(words.map { Array($0.utf8) })
    return try PlanBuilder.request(from: parsed, environment: environment.mapValues { Array($0.utf8) }) {
        (path: [UInt8]) throws(ReadFailure) -> [UInt8] in
        guard let text = files[String(decoding: path, as: UTF8.self)] else {
            throw ReadFailure(cause: "No such file or directory")
        }
        return Array(text.utf8)
    }
}

func plan(_ line: String) throws(UsageFailure) -> Request {
    try plan(line.split(separator: " ").map(String.init))
}

func transfer(_ line: String) throws -> TransferRequest? {
    if case .transfer(let request) = try plan(line) { return request }
    return nil
}

/// The failure that `body` ends with, or nil if it does not fail.
func failure<Value>(_ body: () throws(UsageFailure) -> Value) -> UsageFailure? {
    do {
        _ = try body()
        return nil
    } catch {
        return error
    }
}
