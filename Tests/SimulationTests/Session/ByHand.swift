// A machine whose peer and whose disk are the test: messages are handed to it one by one, and what it asks of the disk
// stays out until the test answers it. For what no honest end says, and for orders that a simulated disk hardly brings
// about.

import LifterProtocol
import Testing

struct ByHand<Machine: SessionMachine> {
    var machine: Machine
    /// What is out.
    private(set) var effects: [NumberedEffect] = []
    private(set) var sent: [Message] = []
    /// The stream takes messages.
    var hasRoom = true { didSet { drain() } }
    private var now: UInt64 = 1
    /// What comes out for a stream is read again.
    private var encoder = try? FrameEncoder(content: .none, listings: false)
    private var decoder = FrameDecoder()

    private init(machine: Machine) {
        self.machine = machine
        drain()
    }

    private static func agreement(isInProcess: Bool = true, _ configure: (inout JobOptions) -> Void) -> Agreement {
        var job = SessionPlan().job
        job.shape = .contents(.directory)
        configure(&job.options)
        return Agreement(
            job: job, peerLimits: Limits(), ownLimits: Limits(), receiverAbilities: [], digestKey: 1,
            isInProcess: isInProcess)
    }

    mutating func tell(_ message: Message, weight: Int = 100) {
        machine.receive(message, weight: weight, now: now)
        drain()
    }

    /// Nothing happens until the machine wants to be woken.
    mutating func sleep() {
        now = machine.deadline?.at ?? now
        machine.tick(now)
        drain()
    }

    /// The first effect of that name ends so.
    mutating func answer(_ name: String, _ result: FileResult, location: SourceLocation = #_sourceLocation) {
        guard let index = waiting.firstIndex(of: name) else {
            Issue.record("\(name) was not asked for: \(waiting)", sourceLocation: location)
            return
        }
        machine.finished(effects.remove(at: index).id, result)
        drain()
    }

    mutating func answerScan(_ entries: [Entry], location: SourceLocation = #_sourceLocation) {
        answer("scan", .scanned(.success(.holding(entries))), location: location)
    }

    private mutating func drain() {
        var isStill = false
        while !isStill {
            isStill = true
            while let effect = machine.nextEffect() {
                effects.append(effect)
                isStill = false
            }
            while hasRoom, let message = machine.nextMessage() {
                note(message)
                isStill = false
            }
        }
    }

    private mutating func note(_ message: OutgoingMessage) {
        switch message {
        case .value(let message, _): sent.append(message)
        case .encoded(let encoded):
            guard let frame = try? encoder?.frame(encoded) else { return }
            decoder.push(frame.bytes)
            while let received = try? decoder.next() { sent.append(received.message) }
        }
    }

    // MARK: What came of it

    /// The names of the effects that are out, in order.
    var waiting: [String] { effects.map { String("\($0.effect)".prefix { $0 != "(" }) } }

    /// The field or the words for which the peer was found to have broken the protocol.
    var complaint: String? {
        if case .broken(let error) = machine.end { error.text } else { nil }
    }

    /// Credit of a class that was given back.
    func granted(_ creditClass: CreditClass) -> Int {
        var sum = 0
        for case .credit(let credit) in sent where credit.creditClass == creditClass { sum += Int(credit.amount) }
        return sum
    }

    /// How an id was answered; more than once is a mistake.
    func outcomes(of id: FileID) -> [Outcome] {
        var all: [Outcome] = []
        for case .outcomes(let outcomes) in sent {
            for run in outcomes.runs where run.first <= id && id < run.first + FileID(run.count) {
                all.append(run.outcome)
            }
        }
        return all
    }
}

extension ByHand<ReceiverMachine> {
    /// Its root is opened, and holds this.
    init(root: [Entry] = [], onStream: Bool = false, _ configure: (inout JobOptions) -> Void = { _ in }) {
        self.init(
            machine: ReceiverMachine(
                Self.agreement(isInProcess: !onStream, configure),
                destination: Ready(isEmpty: false, timeGranularity: 1), rootExists: true, renamedTo: nil,
                reportsEvents: false, now: 0))
        open(0, "")
        answerScan(root)
    }

    mutating func open(_ id: DirectoryID, in parent: DirectoryID = 0, _ name: String) {
        tell(.directory(DirectoryOpened(id: id, parent: parent, name: path(name), streams: false)))
    }

    mutating func tell(
        _ entries: [Entry], in directory: DirectoryID = 0, answers: UInt64? = nil, base: FileID, isLast: Bool = false,
        isPromised: Bool = false, weight: Int = 100
    ) {
        tell(
            .entries(
                EntriesMessage(
                    directory: directory, answers: answers, base: base, entries: entries, hasMore: false,
                    isLast: isLast, isIncomplete: false, isPromised: isPromised, matched: [])), weight: weight)
    }

    /// Contents of a file, or a part of them.
    mutating func send(_ id: FileID, from offset: UInt64 = 0, _ bytes: [UInt8], end: ContentEnd?) {
        let payload = Payload.bytes(bytes, 0..<bytes.count)
        tell(.content(ContentMessage([ContentSegment(id: id, offset: offset, payload: payload, end: end)])))
    }
}

extension ByHand<SenderMachine> {
    /// The receiver is ready, and the source holds this.
    init(root: [Entry], _ configure: (inout JobOptions) -> Void = { _ in }) {
        self.init(
            machine: SenderMachine(
                Self.agreement(configure), shape: .contents(.directory), reportsEvents: false, now: 0))
        tell(.ready(Ready(isEmpty: false, timeGranularity: 1)))
        answerScan(root)
    }
}

extension Attributes {
    static let directory = Attributes(
        kind: .directory, mode: 0o755, userID: 0, groupID: 0, size: 0,
        modified: Timestamp(seconds: 0, nanoseconds: 0))
}

extension Entry {
    static func directory(_ name: String) -> Entry { Entry(name: path(name), attributes: .directory) }

    static func file(_ name: String, _ size: UInt64, mode: UInt16 = 0o644, seconds: Int64 = 1) -> Entry {
        let attributes = Attributes(
            kind: .regular, mode: mode, userID: 0, groupID: 0, size: size,
            modified: Timestamp(seconds: seconds, nanoseconds: 0))
        return Entry(name: path(name), attributes: attributes)
    }
}

extension Listing {
    static func of(_ entries: [Entry]) -> Listing {
        var listing = Listing()
        for entry in entries { listing.append(name: entry.name[...], entry.attributes) }
        return listing
    }
}

extension ScanResult {
    static func holding(_ entries: [Entry]) -> ScanResult {
        var result = ScanResult(attributes: .directory)
        result.listing = .of(entries)
        return result
    }
}
