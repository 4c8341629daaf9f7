// A link between two machines in one process: messages pass as they are.

import LifterProtocol
import LifterSystem
import Synchronization

/// What one end has put in for the other to take.
final class Mailbox: Sendable {
    private struct State {
        var messages: [ReceivedMessage] = []
        var isClosed = false
    }
    private let state = Mutex(State())
    let wakeUp: WakeUp

    init() throws(Errno) { wakeUp = try WakeUp() }

    func put(_ message: ReceivedMessage) {
        let wasEmpty = state.withLock { state in
            state.messages.append(message)
            return state.messages.count == 1
        }
        if wasEmpty { wakeUp.signal() }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        wakeUp.signal()
    }

    func takeAll() -> (messages: [ReceivedMessage], isClosed: Bool) {
        state.withLock { state in
            let all = state.messages
            state.messages.removeAll(keepingCapacity: true)
            return (all, state.isClosed)
        }
    }
}

final class LocalLink: Link {
    private let incoming: Mailbox
    private let outgoing: Mailbox
    private var taken = Queue<ReceivedMessage>()
    private var place = 0
    private var isClosed = false
    private(set) var heardSomething = false
    let wantsTurn = false
    let wakesAt: UInt64? = nil
    let rate: UInt64? = nil
    let received: UInt64 = 0
    let sent: UInt64 = 0

    init(incoming: Mailbox, outgoing: Mailbox) {
        self.incoming = incoming
        self.outgoing = outgoing
    }

    deinit { outgoing.close() }

    func register(in poller: inout Poller) { place = poller.add(incoming.wakeUp.raw, .readable) }

    func turn(_ poller: Poller) {
        heardSomething = false
        guard !poller.events(at: place).isEmpty else { return }
        incoming.wakeUp.drain()
        let (messages, isClosed) = incoming.takeAll()
        heardSomething = !messages.isEmpty
        for message in messages { taken.append(message) }
        self.isClosed = isClosed
    }

    func nextReceived() throws(WireError) -> ReceivedMessage? { taken.popFirst() }

    func flush() {}

    func beginFarewell() {}

    /// Credit bounds what is under way.
    var hasRoom: Bool { true }

    func send(_ message: OutgoingMessage) throws(WireError) {
        if case .value(let message, let weight) = message {
            outgoing.put(ReceivedMessage(message: message, weight: weight))
        }
    }

    var isFlushed: Bool { true }

    var inputHasEnded: Bool { isClosed && taken.isEmpty }
}
