// One end of a simulated session: what a driver is, without threads and descriptors. It opens its root, speaks the
// first flight, feeds the machine, and carries its messages, effects and events out.
//
//     start, receive          the first flight; then the machine
//     pump                    messages to bytes, until the machine has none
//     SimulatedPool           effects, at moments that the scheduler chooses

import LifterCodec
import LifterFiles
import LifterProtocol
import LifterSystem

final class SimulatedSide {
    let name: String
    let isClient: Bool
    let isSender: Bool
    let plan: SessionPlan
    private(set) var fileSystem: ModelFileSystem
    private(set) var layer: FileLayer?
    var machine: (any SessionMachine)?

    // The first flight.
    private var job: Job
    private var shape: RootShape?
    private var destination: DestinationRoot?
    private var serverHandshake: ServerHandshake
    private var preambleLeft = ProtocolConstants.preamble
    /// Why there was no session.
    private(set) var failure: String?

    // The stream.
    private var encoder: FrameEncoder?
    private var decoder = FrameDecoder()
    /// The check of the last frame sent: what a forged frame must follow.
    private var chain = ProtocolConstants.openingChain
    /// Contents that are being compressed: everything else goes past them.
    private var contents = Queue<EncodedMessage>()
    private var codecs: SeededRandom
    private let compressor = ContentCompressor()
    private var usesHistory = false
    private var history = ContentHistory()
    var outgoing: [UInt8] = []
    private var outgoingStart = 0
    /// Something was handed to the machine, and it was not emptied since.
    private(set) var isStirred = false
    var hasSeenEnd = false
    var isDone = false
    /// The process is gone, or (frozen) does nothing any more.
    private(set) var isDead = false
    private(set) var isFrozen = false

    // What came out.
    var pool = SimulatedPool()
    private(set) var events: [MachineEvent] = []
    private(set) var sent: [MessageKind: Int] = [:]
    private(set) var received: [MessageKind: Int] = [:]
    private(set) var endedAt: UInt64?
    /// Called with each message before the machine gets it.
    var watch: ((Message) -> Void)?
    /// What the machine gets instead of a message, and instead of what an effect has ended with.
    var distort: ((Message, Int) -> [(message: Message, weight: Int)])?
    var exchange: ((FileEffect, FileResult) -> FileResult)?

    init(_ plan: SessionPlan, isClient: Bool, fileSystem: ModelFileSystem) {
        self.plan = plan
        self.isClient = isClient
        self.fileSystem = fileSystem
        isSender = (plan.direction == .push) == isClient
        name = (isClient ? "client" : "server") + (isSender ? " (sender)" : " (receiver)")
        job = plan.job
        serverHandshake = ServerHandshake(own: plan.hello(isClient: false))
        codecs = SeededRandom(seed: plan.codecSeed)
    }

    /// How the machine has ended, as of the last input: to ask it is to copy it.
    private(set) var end: SessionEnd?
    var isEnded: Bool { failure != nil || end != nil || isDead }

    // MARK: Roots

    private func openRoot() {
        let startedAt = fileSystem.disk.now.seconds
        do throws(RootProblem) {
            if isSender {
                let roots = try SourceRoots.open([plan.source], base: .user, fileSystem: fileSystem)
                switch roots.shape {
                case .contents(let attributes): shape = .contents(attributes)
                case .items(let items):
                    shape = .items(items.map { RootShape.Item(name: $0.name, kind: $0.kind) })
                }
                layer = FileLayer(
                    fileSystem: fileSystem, settings: plan.settings(isSender: true, startedAt: startedAt),
                    role: .sender(roots))
            } else {
                var options = DestinationRoot.Options()
                options.dryRun = plan.options.dryRun
                options.singleFile = plan.isSingleFile
                let disk: any FileSystem =
                    plan.protection == .none ? fileSystem : AppendOnlyFileSystem(fileSystem)
                let root = try DestinationRoot.open(plan.destination, options, base: .user, fileSystem: disk)
                destination = root
                layer = FileLayer(
                    fileSystem: disk, settings: plan.settings(isSender: false, startedAt: startedAt),
                    role: .receiver(root))
            }
        } catch {
            failure = "\(error)"
        }
    }

    private var ready: Ready {
        let isElsewhere = plan.options.partialDirectory?.first == UInt8(ascii: "/")
        return Ready(isEmpty: !isElsewhere && destination?.isEmpty ?? true, timeGranularity: plan.granularity)
    }

    // MARK: The first flight

    /// The client speaks first.
    func start(now: UInt64) {
        openRoot()
        if failure != nil { return }
        job.shape = plan.direction == .push ? shape : nil
        job.destination = plan.direction == .pull ? ready : nil
        outgoing = ProtocolConstants.preamble
        makeEncoder()
        let handshake = ClientHandshake(own: plan.hello(isClient: true), job: job)
        for message in handshake.opening { emit(message) }
    }

    /// In one process there is no first flight.
    func startInProcess(_ client: SimulatedSide, now: UInt64) {
        openRoot()
        if failure != nil { return }
        if isClient {
            job.shape = plan.direction == .push ? shape : nil
            job.destination = plan.direction == .pull ? ready : nil
        } else {
            job = client.job
        }
        begin(
            Agreement(
                job: job, peerLimits: isClient ? plan.serverLimits : plan.clientLimits,
                ownLimits: isClient ? plan.clientLimits : plan.serverLimits, receiverAbilities: plan.abilities,
                digestKey: 77, isInProcess: true),
            now)
    }

    private func makeEncoder() {
        do throws(CodecError) {
            encoder = try FrameEncoder(content: isSender ? job.options.compression : .none, listings: true)
        } catch {
            failure = "\(error)"
        }
    }

    private func greet(_ message: Message, now: UInt64) {
        do throws(HandshakeFailure) {
            if isClient {
                let handshake = ClientHandshake(own: plan.hello(isClient: true), job: job)
                agree(try handshake.receive(message), now)
            } else if let result = try serverHandshake.receive(message) {
                job = result.job
                outgoing = ProtocolConstants.preamble
                makeEncoder()
                openRoot()
                if let failure {
                    emit(.abort(Abort(exit: 3, text: failure)))
                    return
                }
                emit(serverHandshake.answer)
                agree(result, now)
            }
        } catch {
            failure = "\(error)"
            if encoder == nil {
                outgoing = ProtocolConstants.preamble
                makeEncoder()
            }
            if case .aborted = error { return }
            emit(.abort(Abort(exit: 12, text: "handshake: \(error)")))
        }
    }

    private func agree(_ result: HandshakeResult, _ now: UInt64) {
        usesHistory = result.peer.features.contains(Hello.historyFeature)
        encoder?.usesHistory = usesHistory
        encoder?.rekey(result.sendingChain)
        chain = result.sendingChain
        decoder.rekey(result.receivingChain)
        let receiver = isSender ? result.peer.abilities : plan.abilities
        begin(
            Agreement(
                job: job, peerLimits: result.peer.limits,
                ownLimits: isClient ? plan.clientLimits : plan.serverLimits, receiverAbilities: receiver,
                digestKey: result.digestKey, isInProcess: false, peerFeatures: Set(result.peer.features)),
            now)
    }

    private func begin(_ agreed: Agreement, _ now: UInt64) {
        var agreement = agreed
        agreement.smallestMoved = plan.smallestMoved
        agreement.smallestPartial = max(1, plan.smallestPartial)
        layer?.setDigestKey(agreement.contentKey)
        if let shape, isSender {
            var sender = SenderMachine(agreement, shape: shape, reportsEvents: true, now: now)
            if plan.eventLimit > 0 { sender.eventLimit = plan.eventLimit }
            if plan.listingsKept > 0 { sender.listingsKept = plan.listingsKept }
            machine = sender
        } else if let destination {
            var receiver = ReceiverMachine(
                agreement, destination: ready, rootExists: !destination.isMissing, renamedTo: destination.renamedTo,
                reportsEvents: true, now: now)
            if plan.eventLimit > 0 { receiver.eventLimit = plan.eventLimit }
            if plan.workLimit > 0 { receiver.workLimit = plan.workLimit }
            receiver.onlyAdds = plan.protection == .server && plan.purpose == .transfer
            machine = receiver
        }
        if plan.pace > 0 { machine?.paced(plan.pace) }
        stir()
    }

    // MARK: Input

    func receive(_ message: Message, weight: Int, now: UInt64) {
        watch?(message)
        received[message.kind, default: 0] += 1
        if machine != nil {
            let deliveries = distort?(message, weight) ?? [(message, weight)]
            for delivery in deliveries { machine?.receive(delivery.message, weight: delivery.weight, now: now) }
            stir()
        } else if failure == nil {
            greet(message, now: now)
        }
    }

    func receive(_ bytes: [UInt8], now: UInt64) {
        if isEnded { return }
        machine?.heard(now)
        let known = min(preambleLeft.count, bytes.count)
        guard bytes.prefix(known).elementsEqual(preambleLeft.prefix(known)) else {
            failure = "no preamble"
            return
        }
        preambleLeft.removeFirst(known)
        decoder.push(Array(bytes[known...]))
        do throws(WireError) {
            while !isEnded, let message = try decoder.next() {
                receive(message.message, weight: message.weight, now: now)
            }
        } catch {
            if machine == nil { failure = error.text } else { machine?.fail(error) }
            stir()
        }
    }

    /// The peer has closed.
    func inputEnded() {
        hasSeenEnd = true
        if machine == nil { failure = failure ?? "the peer closed during the first flight" }
        machine?.inputEnded()
        stir()
    }

    func tick(now: UInt64) {
        machine?.tick(now)
        stir()
    }

    func cancel() {
        machine?.cancel()
        stir()
    }

    func finished(_ id: EffectID, _ result: FileResult) {
        machine?.finished(id, result)
        stir()
    }

    /// After every input: effects and events go at once, messages when there is room for them.
    func stir() {
        isStirred = machine != nil
        end = machine?.end
        while let effect = machine?.nextEffect() { pool.waiting.append(effect) }
        if plan.eventLimit == 0 || end != nil { takeEvents() }
    }

    private func takeEvents() {
        while let event = machine?.nextEvent() { events.append(event) }
    }

    // MARK: Output

    var hasOutgoing: Bool { outgoingStart < outgoing.count }
    var canPump: Bool {
        isStirred && !isDead && !isFrozen && outgoing.count - outgoingStart < plan.outputBuffer
    }

    /// Asks the machine for a message; where it has none, it is empty until the next input. What it did wrong.
    func pump(_ link: SimulatedLink, now: UInt64) -> String? {
        guard let message = machine?.nextMessage() else {
            stir()
            if let content = contents.popFirst() {
                emitContent(content)
                return nil
            }
            let told = events.count
            takeEvents()
            // A machine that held back goes on.
            if events.count > told { return nil }
            isStirred = false
            if end != nil && endedAt == nil { endedAt = now }
            if let machine, machine.hasOutput { return "\(name): empty, but hasOutput" }
            return nil
        }
        stir()
        switch message {
        case .encoded(let encoded) where encoded.isContent && plan.codecSeed != 0:
            contents.append(encoded)
            // Few fit in; sometimes one is done soon.
            if contents.count > 3 || codecs.chance(30), let content = contents.popFirst() { emitContent(content) }
        case .encoded(let encoded):
            if encoded.kind == .goodbye || encoded.kind == .abort { contents.removeAll() }
            emit(encoded)
        case .value(let value, let weight):
            sent[value.kind, default: 0] += 1
            link.write(value, weight: weight, now: now)
        }
        return nil
    }

    private func emitContent(_ content: EncodedMessage) {
        var content = content
        do throws(CodecError) {
            if job.options.compression == .auto {
                let before = history
                if usesHistory { history.append(content) }
                let method = codecs.pick([ContentMethod.none, .zstd(level: 1), .zstd(level: 12)])
                try compressor.compress(&content, method, after: before)
            }
        } catch {
            failure = "\(error)"
        }
        emit(content)
    }

    private func emit(_ message: Message) {
        do throws(WireError) { emit(try EncodedMessage(message)) } catch { failure = error.text }
    }

    private func emit(_ message: EncodedMessage) {
        sent[message.kind, default: 0] += 1
        do throws(CodecError) {
            append(try encoder?.frame(message).bytes ?? [])
        } catch {
            failure = "\(error)"
        }
    }

    private func append(_ frame: [UInt8]) {
        outgoing += frame
        if frame.count >= 8 { chain = frame.suffix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) } }
    }

    /// Puts a frame of any kind into the stream, as a peer of another version would.
    func inject(kind: UInt8, isCritical: Bool, payload: [UInt8]) {
        append(RawFrame.make(kind: kind, isCritical: isCritical, payload: payload, chain: chain))
        encoder?.rekey(chain)
    }

    /// Writes some of what waits.
    func send(upTo most: Int, _ link: SimulatedLink, now: UInt64) {
        let end = outgoingStart + min(most, outgoing.count - outgoingStart)
        outgoingStart += link.write(outgoing[outgoingStart..<end], now: now)
        if outgoingStart == outgoing.count {
            outgoing.removeAll(keepingCapacity: true)
            outgoingStart = 0
        } else if outgoingStart > 1 << 16 {
            outgoing.removeFirst(outgoingStart)
            outgoingStart = 0
        }
    }

    // MARK: Ends

    /// `kill -9`.
    func kill() {
        isDead = true
        pool = SimulatedPool()
        outgoing = []
        outgoingStart = 0
        _ = fileSystem.kill()
    }

    /// Hangs without closing anything.
    func freeze() { isFrozen = true }

    /// After the last message has left: what is staged goes, and the stream is closed.
    func close() {
        if end?.isComplete != true { layer?.abandonAll() }
        isDone = true
        layer = nil
        destination = nil
    }
}
