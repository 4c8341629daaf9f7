// Both ends in one process: two machines, two loops on two threads, one pool, messages as values.

import LifterFiles
import LifterProtocol
import LifterSystem

struct LocalTransfer {
    let client: Client
    let sources: [[UInt8]]
    let destination: [UInt8]
    let purpose: Purpose
    let observe: (TransferEvent) -> Void

    func run() throws(SuperlifterError) -> TransferSummary {
        if client.options.rateLimit != nil {
            observe(.warning("between two places of one machine nothing travels: --bwlimit limits nothing"))
        }
        _ = try Session.hello(client.options.jobOptions(purpose))
        let fileSystem = KernelFileSystem(useOpenat2: client.usesOpenat2)
        let rules = client.options.encodedRules
        let roots =
            purpose == .list
            ? try Session.listed(sources, rules: rules, base: .user, fileSystem: fileSystem)
            : try Session.sources(sources, rules: rules, base: .user, fileSystem: fileSystem)
        let shape = Session.shape(roots)
        var agreement = Agreement(
            job: Job(
                direction: .push, purpose: purpose, paths: [destination], options: client.options.jobOptions(purpose),
                rules: rules, shape: shape, destination: nil),
            peerLimits: Limits(), ownLimits: Limits(), receiverAbilities: Session.abilities, digestKey: 0,
            isInProcess: true)
        agreement.digestKey = UInt64(truncatingIfNeeded: Clock.monotonic)
        let root = try Session.destination(
            purpose == .list ? [UInt8(ascii: ".")] : destination, agreement, shape: shape, base: .user,
            fileSystem: fileSystem)
        var sending = try Session.settings(agreement, isSender: true)
        sending.destination = root.status
        let sender = FileLayer(fileSystem: fileSystem, settings: sending, role: .sender(roots))
        let receiver = FileLayer(
            fileSystem: fileSystem, settings: try Session.settings(agreement, isSender: false), role: .receiver(root))
        sender.setDigestKey(agreement.contentKey)
        receiver.setDigestKey(agreement.contentKey)
        let outcome: Result<TransferSummary, SuperlifterError>
        do throws(Errno) {
            outcome = try run(agreement, shape, root, sender, receiver, Session.ready(root, agreement, fileSystem))
        } catch {
            throw SuperlifterError(.file, "running the session", causes: [error.description])
        }
        return try outcome.get()
    }

    /// Each loop has a thread of its own; the receiver's tells, and this one listens.
    private func run(
        _ agreement: Agreement, _ shape: RootShape, _ root: DestinationRoot, _ sender: FileLayer,
        _ receiver: FileLayer, _ ready: Ready
    ) throws(Errno) -> Result<TransferSummary, SuperlifterError> {
        let pool = try WorkerPool()
        let toReceiver = try Mailbox()
        let toSender = try Mailbox()
        let thread = try Thread(name: "lifter-sender") {
            let machine = SenderMachine(agreement, shape: shape, reportsEvents: false, now: Clock.monotonic)
            let link = LocalLink(incoming: toSender, outgoing: toReceiver)
            // Without its loop the sender can do nothing; the receiver sees its mailbox close.
            guard
                var loop = try? SessionLoop(machine, link: link, layer: sender, pool: pool, cancellation: nil)
            else { return }
            _ = try? loop.run()
        }
        var machine = ReceiverMachine(
            agreement, destination: ready, rootExists: !root.isMissing, rootIsNew: root.isNew,
            renamedTo: root.renamedTo,
            reportsEvents: true, now: Clock.monotonic)
        machine.workLimit = max(1, DescriptorBudget.work / 2)
        let summary = try runReceiver(
            machine, LocalLink(incoming: toReceiver, outgoing: toSender), receiver, pool)
        thread.join()
        pool.finish()
        return summary
    }

    private func runReceiver(
        _ machine: ReceiverMachine, _ link: LocalLink, _ layer: FileLayer, _ pool: WorkerPool
    ) throws(Errno) -> Result<TransferSummary, SuperlifterError> {
        let client = client
        let (end, own) = try ToldSession.run(observe) { channel throws(Errno) in
            var loop = try SessionLoop(
                machine, link: link, layer: layer, pool: pool, cancellation: client.cancellation, channel: channel,
                showsProgress: client.showsProgress)
            let end = try loop.run()
            return (end, loop.machine.summary)
        }
        if let error = SuperlifterError(end) { return .failure(error) }
        var summary = TransferSummary(own, sent: 0, received: 0)
        if case .complete(let peer) = end { summary.merge(peer) }
        return .success(summary)
    }
}
