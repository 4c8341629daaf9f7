// What carries messages between two machines: a stream of bytes, or memory.

import LifterProtocol
import LifterSystem

/// One end of a link, driven by one thread.
protocol Link: AnyObject {
    /// Adds the descriptors to wait for.
    func register(in poller: inout Poller)
    /// Does what can be done without waiting, after a poll: takes in and sends out. Bounded, so that every turn of
    /// the loop is short.
    func turn(_ poller: Poller)
    /// The next message that has arrived whole.
    func nextReceived() throws(WireError) -> ReceivedMessage?
    /// Room for another outgoing message.
    var hasRoom: Bool { get }
    func send(_ message: OutgoingMessage) throws(WireError)
    /// Writes what can be written without waiting.
    func flush()
    /// Everything sent has left this process (or can never leave it).
    var isFlushed: Bool { get }
    /// The peer's direction has ended, and everything before its end was handed out.
    var inputHasEnded: Bool { get }
    /// Something arrived in the last turn, if only a byte.
    var heardSomething: Bool { get }
    /// `turn` stopped for fairness; more can be done at once.
    var wantsTurn: Bool { get }
    /// When a limit lets more bytes leave; nil where none holds any up.
    var wakesAt: UInt64? { get }
    /// Bytes a second that it takes or may take; nil while nothing waits for it.
    var rate: UInt64? { get }
    /// The session is over: the last words need not wait for a limit, and nobody takes what still arrives.
    func beginFarewell()
    /// Bytes in both directions.
    var received: UInt64 { get }
    var sent: UInt64 { get }
}
