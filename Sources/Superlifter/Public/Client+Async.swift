// The same verbs for async code: each runs on a thread of its own and tells its events as a sequence, the last of
// which is the summary. Ending the iteration early cancels the session cleanly.

import LifterSystem

/// One step of a transfer told as a sequence.
public enum TransferStep: Hashable, Sendable {
    case event(TransferEvent)
    case finished(TransferSummary)
}

extension Client {
    /// Events as they happen, then the summary; or the error that ended it.
    public typealias Steps = AsyncThrowingStream<TransferStep, any Error>

    /// `push` as a sequence.
    public func pushing(_ sources: [[UInt8]], to destination: [UInt8]) -> Steps {
        steps { (client, observe) throws(SuperlifterError) in
            try client.push(sources, to: destination, observe: observe)
        }
    }

    /// `pull` as a sequence.
    public func pulling(_ sources: [[UInt8]], to destination: [UInt8]) -> Steps {
        steps { (client, observe) throws(SuperlifterError) in
            try client.pull(sources, to: destination, observe: observe)
        }
    }

    /// `compare` as a sequence.
    public func comparing(_ source: [UInt8], with destination: [UInt8]) -> Steps {
        steps { (client, observe) throws(SuperlifterError) in
            try client.compare(source, with: destination, observe: observe)
        }
    }

    /// `list` as a sequence.
    public func listing(_ location: [UInt8]) -> Steps {
        steps { (client, observe) throws(SuperlifterError) in
            try client.list(location, observe: observe)
        }
    }

    private func steps(
        _ body:
            @escaping @Sendable (Client, @escaping (TransferEvent) -> Void) throws(SuperlifterError) ->
            TransferSummary
    ) -> Steps {
        var client = self
        let cancellation = cancellation ?? Cancellation()
        client.cancellation = cancellation
        let prepared = client
        return Steps { continuation in
            continuation.onTermination = { _ in cancellation.cancel() }
            do throws(Errno) {
                _ = try Thread(name: "lifter-session") {
                    do throws(SuperlifterError) {
                        let summary = try body(prepared) { continuation.yield(.event($0)) }
                        continuation.yield(.finished(summary))
                        continuation.finish()
                    } catch {
                        continuation.finish(throwing: error)
                    }
                }
            } catch {
                continuation.finish(
                    throwing: SuperlifterError(.file, "starting a thread", causes: [error.description]))
            }
        }
    }
}
