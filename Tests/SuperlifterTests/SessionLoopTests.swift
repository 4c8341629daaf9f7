import LifterFiles
import LifterProtocol
import LifterSystem
import Testing

@testable import Superlifter

/// A machine that says three words, is interrupted, and says a last one.
private struct Speaker: SessionMachine {
    var words: UInt64 = 0
    var saysLast = false
    var end: SessionEnd?
    var isOver: Bool { end != nil }
    let wasSilent: @Sendable () -> Void
    let deadline: Deadline? = nil

    mutating func nextMessage() -> OutgoingMessage? {
        if saysLast {
            saysLast = false
            return .value(.abort(Abort(exit: 20, text: "interrupted")), weight: 0)
        }
        guard end == nil, words < 3 else { return nil }
        words += 1
        if words == 3 {
            // What comes now comes when nothing has room any more.
            saysLast = true
            end = .cancelled
        }
        return .value(.ping(words), weight: 0)
    }

    /// The test's patience is at its end.
    mutating func cancel() {
        wasSilent()
        end = .silent
    }

    mutating func tick(_ now: UInt64) {}
    mutating func receive(_ message: Message, weight: Int, now: UInt64) {}
    mutating func finished(_ id: EffectID, _ result: FileResult) {}
    mutating func heard(_ now: UInt64) {}
    mutating func paced(_ bytesPerSecond: UInt64) {}
    mutating func inputEnded() {}
    mutating func fail(_ error: WireError) {}
    mutating func refuse(_ abort: Abort) {}
    mutating func nextEffect() -> NumberedEffect? { nil }
    mutating func nextEvent() -> MachineEvent? { nil }
    var hasOutput: Bool { false }
    var effectsRunning: Int { 0 }
    var summary: Summary { Summary() }
    var progress: Progress { Progress() }
}

/// A link that is full at first and has room for one message, all of which leaves whenever it is asked to write.
private final class NarrowLink: Link {
    private(set) var sentKinds: [MessageKind] = []
    private var isFull = true

    func register(in poller: inout Poller) {}
    func turn(_ poller: Poller) {}
    func nextReceived() throws(WireError) -> ReceivedMessage? { nil }
    var hasRoom: Bool { !isFull }
    func send(_ message: OutgoingMessage) throws(WireError) {
        if case .value(let value, _) = message { sentKinds.append(value.kind) }
        isFull = true
    }
    func flush() { if sentKinds.last != .ping || sentKinds.count < 3 { isFull = false } }
    var isFlushed: Bool { true }
    let inputHasEnded = false
    let heardSomething = false
    let wantsTurn = false
    let wakesAt: UInt64? = nil
    let rate: UInt64? = nil
    func beginFarewell() {}
    let received: UInt64 = 0
    let sent: UInt64 = 0
}

@Suite struct SessionLoopTests {
    /// Everything has left a full link at once, so no poll will ever tell that there is room: the loop must see it by
    /// itself. And the last words leave even where there is no room.
    @Test func roomThatIsMadeAtOnceIsUsedAndLastWordsNeedNone() throws {
        let fileSystem = KernelFileSystem()
        let layer = FileLayer(
            fileSystem: fileSystem, settings: FileSettings(ownUserID: 0), role: .sender(SourceRoots(names: [])))
        let pool = try WorkerPool(size: 1)
        defer { pool.finish() }
        let link = NarrowLink()
        let machine = Speaker(wasSilent: { Issue.record("the loop waited, though there was room") })
        let cancellation = Cancellation()
        let alarm = try Thread(name: "alarm") {
            Clock.sleep(nanoseconds: 2_000_000_000)
            cancellation.cancel()
        }
        var loop = try SessionLoop(machine, link: link, layer: layer, pool: pool, cancellation: cancellation)
        let end = try loop.run()
        alarm.join()
        #expect(end == .cancelled)
        #expect(link.sentKinds == [.ping, .ping, .ping, .abort])
    }
}
