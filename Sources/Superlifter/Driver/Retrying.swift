// `--retry`: a client whose session was lost connects again and repeats the job. Nothing of the old session is used; what
// it left on the disk is found as in any other run.
//
// Retried is what another attempt may mend: a lost or damaged stream, a silent peer, a server that was stopped; and,
// once there was a session, a connection that cannot be made. Before that only a socket that nobody answers: where a
// child makes the connection, its failing may as well be a refused key. Never usage, refusals, files, our own interrupt.

import LifterProtocol
import LifterSystem

/// What one call has been through so far.
final class Attempts {
    /// A handshake has succeeded, in any attempt.
    var hadSession = false
    /// The failure just met was a socket's, before there was any session.
    var failedAtSocket = false
    /// Something has been got done since the last attempt began.
    var progressed = false
    /// What lost sessions have done.
    private(set) var done = TransferSummary()

    func lost(_ summary: Summary, sent: UInt64, received: UInt64, isReceiver: Bool) {
        if summary.settled > 0 || (isReceiver && summary.contentBytes > 0) { progressed = true }
        done.add(TransferSummary(summary, sent: sent, received: received))
    }
}

struct Retrying {
    let retries: UInt32
    let cancellation: Cancellation?
    let observe: (TransferEvent) -> Void

    func run(
        _ attempt: (Attempts) throws(SuperlifterError) -> TransferSummary
    ) throws(SuperlifterError) -> TransferSummary {
        let attempts = Attempts()
        var backoff = Backoff()
        var random = SystemRandomNumberGenerator()
        var left = retries
        while true {
            attempts.progressed = false
            attempts.failedAtSocket = false
            do throws(SuperlifterError) {
                var summary = try attempt(attempts)
                summary.add(attempts.done)
                return summary
            } catch {
                guard left > 0, isWorthAnother(error, attempts) else { throw error }
                if attempts.progressed { backoff.progressed() }
                let delay = backoff.next(chance: Double.random(in: 0..<1, using: &random))
                observe(.warning(announcement(error, delay, retries - left + 1)))
                left -= 1
                try wait(delay)
            }
        }
    }

    private func isWorthAnother(_ error: SuperlifterError, _ attempts: Attempts) -> Bool {
        if cancellation?.isCancelled == true { return false }
        switch error.code {
        case .socket, .connectTimeout: return attempts.hadSession || attempts.failedAtSocket
        // An interrupt that is not ours was the server's.
        case .protocolStream, .timeout, .interrupted: return attempts.hadSession
        default: return false
        }
    }

    private func announcement(_ error: SuperlifterError, _ delay: UInt64, _ number: UInt32) -> String {
        let tenths = (delay + 50_000_000) / 100_000_000
        return "\(error); connecting again in \(tenths / 10).\(tenths % 10) s (\(number) of \(retries))"
    }

    /// Sleeps; an interrupt ends it, and the call.
    private func wait(_ delay: UInt64) throws(SuperlifterError) {
        let end = Clock.monotonic + delay
        while true {
            let now = Clock.monotonic
            if cancellation?.isCancelled == true { throw SuperlifterError(.interrupted, "interrupted") }
            guard now < end else { return }
            var poller = Poller()
            if let cancellation { poller.add(cancellation.raw, .readable) }
            guard (try? poller.wait(timeout: end - now)) != nil else { return Clock.sleep(nanoseconds: end - now) }
        }
    }
}

extension TransferSummary {
    /// What an earlier session of the same run did.
    mutating func add(_ earlier: TransferSummary) {
        changed &+= earlier.changed
        files &+= earlier.files
        deleted &+= earlier.deleted
        contentBytes &+= earlier.contentBytes
        totalBytes &+= earlier.totalBytes
        sentBytes &+= earlier.sentBytes
        receivedBytes &+= earlier.receivedBytes
    }
}
