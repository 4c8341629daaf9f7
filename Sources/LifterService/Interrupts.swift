// SIGINT, SIGTERM and SIGHUP end a session cleanly: the first asks for it, a second one ends the program at once.

import LifterSystem
package import Superlifter

package enum Interrupts {
    /// From now until the program ends, signals cancel. Where that cannot be had (another watch lives, no thread or
    /// descriptor is left) they keep their own effect.
    package static func cancel(_ cancellation: Cancellation) {
        guard let watch = try? SignalWatch(secondIsFatal: true) else { return }
        _ = try? Thread(name: "lifter-signals", stackSize: 128 << 10) {
            var poller = Poller()
            poller.add(watch.raw, .readable)
            while (try? poller.wait(timeout: nil)) != nil {
                if watch.next() != nil { cancellation.cancel() }
            }
        }
    }
}
