// A client that receives: greet, learn what the sources are, open the destination by the slash rule, run the
// receiver's machine over the stream.

import LifterFiles
import LifterProtocol
import LifterSystem
import LifterTransport

struct RemotePull {
    let client: Client
    let paths: [[UInt8]]
    let target: [UInt8]
    let purpose: Purpose
    /// What the call has been through, where it may try more than once.
    var attempts: Attempts?
    let observe: (TransferEvent) -> Void

    func run(_ reach: Reach) throws(SuperlifterError) -> TransferSummary {
        let hello = try Session.hello(client.options.jobOptions(purpose))
        return try reach.connect(
            client.cancellation, attempts, tell: { observe(.connecting($0)) },
            greet: { (greeting, isChild) throws(SuperlifterError) in
                try greet(&greeting, hello, isChild: isChild)
            },
            session: { (greeting, stream, _) throws(SuperlifterError) in
                try session(&greeting, stream, hello, input: greeting.input, output: greeting.output)
            })
    }

    func greet(
        _ greeting: inout Greeting, _ hello: Hello, isChild: Bool
    ) throws(SuperlifterError) -> GreetedStream {
        let job = Job(
            direction: .pull, purpose: purpose, paths: paths.map { $0.isEmpty ? [UInt8(ascii: ".")] : $0 },
            options: client.options.jobOptions(purpose), rules: client.options.encodedRules, shape: nil,
            destination: peek())
        return try greeting.client(hello, job, skipsNoise: isChild) { observe(.warning($0)) }
    }

    /// What can be told of the destination before the sources are known: whether there is anything to compare with.
    private func peek() -> Ready {
        let fileSystem = KernelFileSystem(useOpenat2: client.usesOpenat2)
        let unknown = Ready(isEmpty: false, timeGranularity: 1)
        if purpose == .list { return Ready(isEmpty: true, timeGranularity: 1) }
        let isElsewhere = Session.keepsElsewhere(client.options.jobOptions(purpose))
        do throws(Errno) {
            let descriptor = try fileSystem.openRoot(target, [.read, .directory])
            defer { fileSystem.close(descriptor) }
            var names = DirectoryNames()
            while names.count == 0, try fileSystem.readNames(of: descriptor, into: &names) {}
            let facts = try fileSystem.facts(of: descriptor)
            return Ready(isEmpty: names.count == 0 && !isElsewhere, timeGranularity: max(1, facts.timeGranularity))
        } catch .noEntry {
            return Ready(isEmpty: !isElsewhere, timeGranularity: 1)
        } catch {
            return unknown
        }
    }

    func session(
        _ greeting: inout Greeting, _ greeted: GreetedStream, _ hello: Hello, input: RawDescriptor,
        output: RawDescriptor
    ) throws(SuperlifterError) -> TransferSummary {
        var stream = greeted
        let agreement = Session.agreement(stream.result, own: hello, ownIsReceiver: true)
        let first = try Greeting.next(on: &stream, &greeting)
        let shape: RootShape
        switch first.message {
        case .roots(let roots): shape = roots
        case .abort(let abort): throw SuperlifterError(abort)
        default: throw SuperlifterError(WireError.unexpected("the server must tell its roots first"))
        }
        // Nothing is opened or made for sources that nobody asked for.
        guard purpose == .list || AskedSources(agreement.job.paths).allow(shape) else {
            let error = SuperlifterError(
                .refused, "the server offers other sources than it was asked for; nothing was taken")
            greeting.sayAbort(error.abort, on: &stream)
            throw error
        }
        let fileSystem = KernelFileSystem(useOpenat2: client.usesOpenat2)
        let root = try openRoot(agreement, shape, fileSystem)
        let layer = FileLayer(
            fileSystem: fileSystem, settings: try Session.settings(agreement, isSender: false), role: .receiver(root))
        layer.setDigestKey(agreement.contentKey)
        let link = StreamLink(stream, input: input, output: output)
        var machine = ReceiverMachine(
            agreement, destination: agreement.job.destination ?? Ready(isEmpty: false, timeGranularity: 1),
            rootExists: !root.isMissing, rootIsNew: root.isNew, renamedTo: root.renamedTo, reportsEvents: true,
            now: Clock.monotonic)
        machine.workLimit = DescriptorBudget.work
        return try SessionRun(client: client, attempts: attempts, observe: namingModules(stream.result.peer.modules))
            .run(machine, link, layer, first: [first])
    }

    /// Where the server lists its modules, what is listed is told as such.
    private func namingModules(_ notes: [ModuleNote]) -> (TransferEvent) -> Void {
        guard purpose == .list, !notes.isEmpty else { return observe }
        return { event in
            guard case .listed(let item) = event else { return observe(event) }
            let note = notes.first { $0.name == item.path }
            observe(.module(name: item.path, comment: note?.comment ?? ""))
        }
    }

    private func openRoot(
        _ agreement: Agreement, _ shape: RootShape, _ fileSystem: KernelFileSystem
    ) throws(SuperlifterError) -> DestinationRoot {
        let path = purpose == .list ? [UInt8(ascii: ".")] : target
        return try Session.destination(path, agreement, shape: shape, base: .user, fileSystem: fileSystem)
    }
}
