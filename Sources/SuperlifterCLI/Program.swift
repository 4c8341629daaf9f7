// The way of one run: argv is parsed, its meaning is worked out, help and version are answered here, and everything
// else is handed to `perform`. Whatever fails before that has started nothing.

package enum Program {
    /// The version of the program; the protocol has one of its own.
    package static let version = "0.1.0"

    /// Runs one command line and says how the program ends.
    package static func run(arguments: [[UInt8]], perform: (Request) -> Outcome) -> Outcome {
        let request: Request
        do {
            let parsed = try ArgumentParser.parse(arguments)
            request = try PlanBuilder.request(
                from: parsed,
                environment: ProgramSurroundings.environment(["SUPERLIFTER_RSH", "SUPERLIFTER_REMOTE_PATH"]),
                read: ProgramSurroundings.readFile)
        } catch {
            StandardStream.error.write(ProblemLine.line(error.message))
            // As diff does, compare keeps 1 for "different".
            if let first = arguments.first, first.elementsEqual("compare".utf8) { return .compared(.trouble) }
            return .ended(error.status)
        }
        switch request {
        case .help(let topic): return show(HelpText.text(for: topic))
        case .version: return show("superlifter \(version)\n")
        case .transfer, .serve, .explain: return perform(request)
        }
    }

    private static func show(_ text: String) -> Outcome {
        .ended(StandardStream.output.write(Array(text.utf8)) ? .success : .fileIO)
    }
}

/// How a run ends.
package enum Outcome: Equatable, Sendable {
    case ended(ExitStatus)
    case compared(CompareStatus)

    package var code: Int32 {
        switch self {
        case .ended(let status): status.rawValue
        case .compared(let status): status.rawValue
        }
    }
}
