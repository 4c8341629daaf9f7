// Where a checked request meets the library.

import LifterService
import Superlifter

/// Carries out a request and says how the program ends.
func perform(_ request: Request) -> Outcome {
    ProcessSetUp.run()
    switch request {
    case .transfer(let transfer): return TransferRun(transfer).run()
    case .serve(let serve): return perform(serve)
    case .explain(let explain): return perform(explain)
    case .help, .version: return .ended(.success)
    }
}

private func perform(_ request: ServeRequest) -> Outcome {
    var options = ServeOptions()
    options.flag = request.inetd ? .inetd : .none
    options.configuration = request.configuration
    options.checksOnly = request.checksConfiguration
    options.confinement = ConfinementRequest(
        root: request.root, readOnly: request.readOnly, appendOnly: request.appendOnly,
        unconfined: request.unconfined)
    options.name = request.name
    options.verbosity = request.verbosity
    options.listen = request.listen
    options.maxConnections = request.maxConnections
    options.handshakeTimeout = request.handshakeTimeout
    options.silenceTimeout = request.timeout
    options.user = request.user
    options.group = request.group
    options.isInsecure = request.isInsecure
    options.logFile = request.logFile
    let log: RunLog?
    do throws(ReadFailure) {
        log = try RunLog.open(request.logFile)
    } catch {
        StandardStream.error.write(ProblemLine.line(RunLog.refusal(request.logFile ?? [], error.cause)))
        return .ended(.fileIO)
    }
    let command = ServeCommand(options)
    let code = command.run(
        say: { StandardStream.error.write(ProblemLine.line($0)) },
        show: { StandardStream.output.write(Array(($0 + "\n").utf8)) },
        log: { log?.add($0) })
    return .ended(ExitStatus(rawValue: code) ?? .protocolStream)
}

private func perform(_ request: ExplainRequest) -> Outcome {
    do throws(SuperlifterError) {
        let options = ConnectOptions(request.connection, timeout: request.connectTimeout)
        let lines = try Explanation.lines(for: request.location, options)
        let text = lines.map { $0 + "\n" }.joined()
        return .ended(StandardStream.output.write(Array(text.utf8)) ? .success : .fileIO)
    } catch {
        StandardStream.error.write(ProblemLine.line(error.description))
        return .ended(ExitStatus(rawValue: Int32(error.code.exitCode)) ?? .usage)
    }
}
