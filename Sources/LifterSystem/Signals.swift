// Signals as something to poll for.

import CSuperlifter
import Glibc
import Synchronization

package enum Signal: Int32, Hashable, Sendable, CaseIterable {
    case hangUp = 1, interrupt = 2, kill = 9, terminate = 15, child = 17

    package var name: String {
        switch self {
        case .hangUp: "SIGHUP"
        case .interrupt: "SIGINT"
        case .kill: "SIGKILL"
        case .terminate: "SIGTERM"
        case .child: "SIGCHLD"
        }
    }
}

package enum Signals {
    /// Once at the start of the program: writing to a closed pipe is an error and no death, and the exit status
    /// of children is kept even if whoever started us ignored them.
    package static func prepareProcess() {
        _ = sl_signal_ignore(SIGPIPE)
        _ = sl_signal_default(SIGCHLD)
    }

    /// Has a signal do again what it does by itself.
    package static func restoreDefault(_ signal: Signal) { _ = sl_signal_default(signal.rawValue) }

    package static func send(_ signal: Signal, to process: Int32) throws(Errno) {
        try check(outcome(kill(process, signal.rawValue)))
    }

    /// Ends this process by a signal, as if it had never been caught, so that its parent sees the true reason.
    package static func die(of signal: Signal) -> Never {
        restoreDefault(signal)
        // A thread of some pool may keep signals from itself.
        var mask = sigset_t()
        sigemptyset(&mask)
        sigaddset(&mask, signal.rawValue)
        pthread_sigmask(SIG_UNBLOCK, &mask, nil)
        _ = Glibc.raise(signal.rawValue)
        _exit(128 + signal.rawValue)
    }
}

/// While it lives, the chosen signals make a descriptor readable instead of ending the process. There can be only
/// one at a time, because signals belong to the whole process.
package final class SignalWatch: Sendable {
    private static let isTaken = Atomic<Bool>(false)
    private let signals: [Signal]
    private let reading: Descriptor
    private let writing: Descriptor

    /// With `secondIsFatal`, each signal regains its own effect as soon as it has come once: the second Ctrl-C
    /// ends the program at once, whatever it is doing. EBUSY while another watch lives.
    package init(
        _ signals: [Signal] = [.interrupt, .terminate, .hangUp], secondIsFatal: Bool = false
    ) throws(Errno) {
        if Self.isTaken.exchange(true, ordering: .acquiring) { throw .busy }
        do throws(Errno) {
            let ends = try Streams.makePipe().release()
            reading = Descriptor(owning: ends.reading)
            writing = Descriptor(owning: ends.writing)
        } catch {
            Self.isTaken.store(false, ordering: .releasing)
            throw error
        }
        self.signals = signals
        // From here on `deinit` undoes what was done.
        try Streams.setNonBlocking(true, of: reading.raw)
        try Streams.setNonBlocking(true, of: writing.raw)
        sl_watch_into(writing.raw)
        for signal in signals { try check(Int(sl_watch_signal(signal.rawValue, secondIsFatal ? 1 : 0))) }
    }

    deinit {
        for signal in signals { Signals.restoreDefault(signal) }
        sl_watch_into(-1)
        Self.isTaken.store(false, ordering: .releasing)
    }

    /// To be polled for reading.
    package var raw: RawDescriptor { reading.raw }

    /// The next signal that came, or nil.
    package func next() -> Signal? {
        var byte: UInt8 = 0
        guard Glibc.read(reading.raw, &byte, 1) == 1 else { return nil }
        return Signal(rawValue: Int32(byte))
    }
}
