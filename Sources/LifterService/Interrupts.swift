// SIGINT, SIGTERM and SIGHUP end a session cleanly: the first asks for it, a second one ends the program at once.

import LifterSystem
package import Superlifter

package final class Interrupts: Sendable {
    private let watch: SignalWatch
    private let closing: WakeUp
    private let thread: Thread

    /// While this lives, signals cancel. Nil where another watch lives already or the system allows no more
    /// descriptors; then signals keep their own effect.
    package init?(cancelling cancellation: Cancellation) {
        do {
            let watch = try SignalWatch(secondIsFatal: true)
            let closing = try WakeUp()
            self.watch = watch
            self.closing = closing
            thread = try Thread(name: "lifter-signals", stackSize: 128 << 10) {
                var poller = Poller()
                let signals = poller.add(watch.raw, .readable)
                let end = poller.add(closing.raw, .readable)
                while (try? poller.wait(timeout: nil)) != nil, poller.events(at: end).isEmpty {
                    if !poller.events(at: signals).isEmpty, watch.next() != nil { cancellation.cancel() }
                }
            }
        } catch {
            return nil
        }
    }

    deinit {
        closing.signal()
        thread.join()
    }
}
