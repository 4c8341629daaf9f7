// A client that sends: open the sources, greet, run the sender's machine over the stream.

import LifterFiles
import LifterProtocol
import LifterSystem
import LifterTransport

struct RemotePush {
    let client: Client
    let sources: [[UInt8]]
    let path: [UInt8]
    let purpose: Purpose
    /// What the call has been through, where it may try more than once.
    var attempts: Attempts?
    let observe: (TransferEvent) -> Void

    struct Prepared {
        var roots: SourceRoots
        var hello: Hello
        var job: Job
        var fileSystem: KernelFileSystem
    }

    func run(_ reach: Reach) throws(SuperlifterError) -> TransferSummary {
        let prepared = try prepare()
        return try reach.connect(
            client.cancellation, attempts, tell: { observe(.connecting($0)) },
            greet: { (greeting, isChild) throws(SuperlifterError) in
                try greet(&greeting, prepared, isChild: isChild)
            },
            session: { (greeting, stream, _) throws(SuperlifterError) in
                try session(stream, prepared, input: greeting.input, output: greeting.output)
            })
    }

    func prepare() throws(SuperlifterError) -> Prepared {
        let fileSystem = KernelFileSystem(useOpenat2: client.usesOpenat2)
        let rules = client.options.encodedRules
        let roots = try Session.sources(sources, rules: rules, base: .user, fileSystem: fileSystem)
        let job = Job(
            direction: .push, purpose: purpose, paths: [path.isEmpty ? [UInt8(ascii: ".")] : path],
            options: client.options.jobOptions(purpose), rules: rules, shape: Session.shape(roots), destination: nil)
        return Prepared(roots: roots, hello: try Session.hello(job.options), job: job, fileSystem: fileSystem)
    }

    func greet(
        _ greeting: inout Greeting, _ prepared: Prepared, isChild: Bool
    ) throws(SuperlifterError) -> GreetedStream {
        try greeting.client(prepared.hello, prepared.job, skipsNoise: isChild) { observe(.warning($0)) }
    }

    func session(
        _ stream: GreetedStream, _ prepared: Prepared, input: RawDescriptor, output: RawDescriptor
    ) throws(SuperlifterError) -> TransferSummary {
        let agreement = Session.agreement(stream.result, own: prepared.hello, ownIsReceiver: false)
        let layer = FileLayer(
            fileSystem: prepared.fileSystem, settings: try Session.settings(agreement, isSender: true),
            role: .sender(prepared.roots))
        layer.setDigestKey(agreement.contentKey)
        let link = StreamLink(stream, input: input, output: output)
        let machine = SenderMachine(
            agreement, shape: Session.shape(prepared.roots), reportsEvents: true, now: Clock.monotonic)
        return try SessionRun(client: client, attempts: attempts, observe: observe).run(machine, link, layer)
    }
}

extension StreamLink {
    /// `ownLimit`: bytes a second, which the job can only lower.
    convenience init(
        _ stream: GreetedStream, input: RawDescriptor, output: RawDescriptor, ownLimit: UInt64? = nil
    ) {
        let limits = [ownLimit, stream.result.job.options.rateLimit]
        self.init(
            input: input, output: output, decoder: stream.decoder, encoder: stream.encoder,
            contents: stream.result.job.options.compression,
            usesHistory: stream.result.peer.features.contains(Hello.historyFeature),
            limit: limits.compactMap(\.self).min(), received: stream.received, sent: stream.sent)
    }
}

/// Runs a client's machine to its end and makes the summary or the error of it.
struct SessionRun {
    let client: Client
    var attempts: Attempts?
    let observe: (TransferEvent) -> Void

    func run<Machine: SessionMachine>(
        _ machine: consuming Machine, _ link: any Link, _ layer: FileLayer, first: [ReceivedMessage] = []
    ) throws(SuperlifterError) -> TransferSummary {
        let end: SessionEnd
        let own: Summary
        let (machine, client) = (machine, client)
        do throws(Errno) {
            (end, own) = try ToldSession.run(observe) { channel throws(Errno) in
                let pool = try WorkerPool()
                var loop = try SessionLoop(
                    machine, link: link, layer: layer, pool: pool, cancellation: client.cancellation,
                    channel: channel, showsProgress: client.showsProgress)
                let end = try loop.run(first: first)
                pool.finish()
                return (end, loop.machine.summary)
            }
        } catch {
            throw SuperlifterError(.file, "running the session", causes: [error.description])
        }
        if let error = SuperlifterError(end) {
            attempts?.lost(
                own, sent: link.sent, received: link.received, isReceiver: Machine.self == ReceiverMachine.self)
            // Ctrl-C reaches both ends, or ends the program in between first: what counts is that it was ours.
            throw client.cancellation?.isCancelled == true ? SuperlifterError(.cancelled) ?? error : error
        }
        var summary = TransferSummary(own, sent: link.sent, received: link.received)
        if case .complete(let peer) = end { summary.merge(peer) }
        return summary
    }
}

extension TransferSummary {
    /// What only the peer knows.
    mutating func merge(_ peer: Summary) {
        refusedDeletions = max(refusedDeletions, peer.refusedDeletions)
        failed = max(failed, peer.failed)
        vanished = max(vanished, peer.vanished)
        deleted = max(deleted, peer.deleted)
        entries = max(entries, peer.entries)
        directories = max(directories, peer.directories)
        sourceBytes = max(sourceBytes, peer.sourceBytes)
    }
}
