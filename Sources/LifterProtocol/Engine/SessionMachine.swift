/// What the two machines look like to whoever drives them.
///
/// The rule: after any input, drain `nextMessage` (as far as there is room), `nextEffect` and `nextEvent` until they
/// give nil; then sleep until `deadline`, another input, or a finished effect.
package protocol SessionMachine: Sendable {
    // Inputs.
    mutating func receive(_ message: Message, weight: Int, now: UInt64)
    mutating func finished(_ id: EffectID, _ result: FileResult)
    mutating func heard(_ now: UInt64)
    mutating func tick(_ now: UInt64)
    /// What the stream was measured to take, in bytes a second.
    mutating func paced(_ bytesPerSecond: UInt64)
    mutating func cancel()
    mutating func inputEnded()
    mutating func fail(_ error: WireError)
    mutating func refuse(_ abort: Abort)

    // Outputs.
    mutating func nextMessage() -> OutgoingMessage?
    mutating func nextEffect() -> NumberedEffect?
    mutating func nextEvent() -> MachineEvent?
    var end: SessionEnd? { get }
    /// There is an end.
    var isOver: Bool { get }
    /// Something waits to be drained.
    var hasOutput: Bool { get }
    var effectsRunning: Int { get }
    var deadline: Deadline? { get }
    var summary: Summary { get }
    var progress: Progress { get }
}

extension SenderMachine: SessionMachine {}

extension ReceiverMachine: SessionMachine {
    /// Its messages are short.
    package mutating func paced(_ bytesPerSecond: UInt64) {}
}
