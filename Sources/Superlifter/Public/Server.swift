// The serving end of one connection: greet, open what the job names within what is allowed, run the machine that the
// job's direction asks for.

import LifterFiles
import LifterProtocol
import LifterSystem
package import LifterTransport

/// What one connection is served with.
public struct Server: Sendable {
    /// What may be reached.
    public enum Confinement: Hashable, Sendable {
        /// The user's own paths; relative ones from the login directory.
        case unconfined
        /// Beneath this directory alone, which is both `/` and the login directory of the session.
        case root([UInt8], access: Access)
    }

    /// What may be done there.
    public enum Access: Hashable, Sendable {
        case read
        /// Read, and make new names; what is there already is never replaced, changed or removed.
        case append
        case write
    }

    /// What may be reached.
    public var confinement: Confinement
    /// Bytes a second that a session may send; a client can ask for less, not for more. Nil: as the client says.
    public var rateLimit: UInt64?
    /// Until the handshake must be done, in milliseconds; nil: 30 s on TCP, 300 s elsewhere, since ssh may be asking
    /// for a password.
    public var handshakeTimeout: UInt64?
    /// Seconds without a byte from the client after which a session ends; nil: 300. A client may only shorten it.
    public var silenceTimeout: UInt32?
    /// Ends a session cleanly, from any thread.
    public var cancellation: Cancellation?
    /// Instead of a confinement: directories under names, each with its own rules.
    package var modules: (any ModuleHouse)?
    /// False: paths are walked as on kernels before 5.6, which is for tests.
    package var usesOpenat2 = true

    /// Serves within a confinement.
    public init(_ confinement: Confinement) { self.confinement = confinement }

    /// Serves over two descriptors (which may be one number); they stay the caller's. Returns when the session is
    /// complete; throws with the reason otherwise (the peer was told it, where that was possible).
    public func serve(input: Int32, output: Int32) throws(SuperlifterError) {
        var greeting = try Borrowed.greeting(
            input, output, milliseconds: handshakeTimeout ?? 300_000, cancellation)
        try serve(&greeting)
    }

    /// Serves a connection and ends it.
    package func serve(_ connection: consuming Connection) throws(SuperlifterError) {
        let usual: UInt64
        switch connection.peer {
        case .tcp: usual = 30_000
        case .unix, .pipe, .child: usual = 300_000
        }
        let pumps = Pumps(&connection)
        var greeting = Greeting(
            input: pumps.input, output: pumps.output,
            deadline: Clock.monotonic + (handshakeTimeout ?? usual) * 1_000_000, cancellation: cancellation)
        do throws(SuperlifterError) {
            try serve(&greeting)
        } catch {
            Self.drain(pumps.input)
            _ = connection.finish()
            throw error
        }
        _ = connection.finish()
    }

    /// Answers a client that will not be served with the reason, and ends the connection.
    package func turnAway(_ connection: consuming Connection, exitCode: UInt8, _ reason: String) {
        let pumps = Pumps(&connection)
        var greeting = Greeting(
            input: pumps.input, output: pumps.output, deadline: Clock.monotonic + 5_000_000_000, cancellation: nil)
        greeting.sayAbort(Abort(exit: exitCode, text: reason))
        Self.drain(pumps.input)
        _ = connection.finish()
    }

    /// What a client is told that is turned away before anything of it was read: preamble and Abort. `isTemporary`:
    /// the same may succeed later.
    package static func refusal(exitCode: UInt8, isTemporary: Bool = false, _ reason: String) -> [UInt8] {
        Greeting.bytes(of: Abort(exit: exitCode, errno: isTemporary ? Errno.again.rawValue : 0, text: reason))
    }

    private func serve(_ greeting: inout Greeting) throws(SuperlifterError) {
        var hello = try Session.hello()
        var result = try greeting.server(hello)
        var place = confinement
        var fileSystem: any FileSystem = KernelFileSystem(useOpenat2: usesOpenat2)
        var silence = silenceTimeout
        var entered: EnteredModule?
        var rootName: [UInt8]?
        let base: PathBase
        let held: RawDescriptor
        do throws(SuperlifterError) {
            try Session.add(result.job.options.digest, to: &hello)
            if let modules {
                let job = result.job
                if job.purpose == .list, job.paths.allSatisfy({ ModulePath($0).module.isEmpty }) {
                    return try list(modules.listed, &greeting, hello, result)
                }
                let inside = try ModulePaths(job)
                let module = try modules.enter(inside.module, isWriting: Self.isWriting(job))
                entered = module
                result.job.paths = inside.paths
                if inside.isModuleItself { rootName = inside.module }
                place = .root(module.path, access: module.access)
                silence = Self.shorter(silence, module.silenceTimeout)
                // The module may have made us somebody who can do less.
                hello.abilities = Session.abilities
            }
            result.job.options.timeout = Self.shorter(result.job.options.timeout, silence)
            try check(result.job, place)
            (base, held) = try openBase(place, fileSystem)
        } catch {
            greeting.sayAbort(error.abort)
            throw error
        }
        if let entered, !entered.hidden.isEmpty || rootName != nil {
            fileSystem = ModuleFileSystem(fileSystem, hiding: entered.hidden, root: held, rootName: rootName)
        }
        let onlyAdds = Self.access(to: place) == .append
        // Above all else that looks like a disk, so that nothing gets past it.
        if onlyAdds { fileSystem = AppendOnlyFileSystem(fileSystem) }
        defer { if held >= 0 { fileSystem.close(held) } }
        switch result.job.direction {
        case .push: try receive(&greeting, hello, result, base, fileSystem, onlyAdds: onlyAdds)
        case .pull: try send(&greeting, hello, result, base, fileSystem)
        }
    }

    /// Tells which modules there are, by the way of any other listing.
    private func list(
        _ modules: [ListedModule], _ greeting: inout Greeting, _ hello: Hello, _ result: HandshakeResult
    ) throws(SuperlifterError) {
        guard !modules.isEmpty else {
            throw SuperlifterError(.refused, "this server shows no modules; it may have some")
        }
        var hello = hello
        hello.modules = modules.map { ModuleNote(name: $0.name, comment: $0.comment) }
        let roots = SourceRoots(names: modules.map(\.entry))
        let fileSystem = KernelFileSystem(useOpenat2: usesOpenat2)
        let agreement = Session.agreement(result, own: hello, ownIsReceiver: false)
        let layer = FileLayer(
            fileSystem: fileSystem, settings: try Session.settings(agreement, isSender: true), role: .sender(roots))
        layer.setDigestKey(agreement.contentKey)
        let stream = try greeting.accept(hello, result)
        let machine = SenderMachine(
            agreement, shape: Session.shape(roots), reportsEvents: false, now: Clock.monotonic)
        try run(machine, StreamLink(stream, input: greeting.input, output: greeting.output), layer)
    }

    /// The shorter of two times to wait; 0 and nil are the usual one.
    private static func shorter(_ one: UInt32?, _ other: UInt32?) -> UInt32? {
        [one, other].compactMap { $0 == 0 ? nil : $0 }.min()
    }

    /// A comparison changes nothing.
    private static func isWriting(_ job: Job) -> Bool {
        job.direction == .push && job.purpose == .transfer && !job.options.dryRun
    }

    private func check(_ job: Job, _ place: Confinement) throws(SuperlifterError) {
        let what = modules == nil ? "server" : "module"
        switch Self.access(to: place) {
        case .write: return
        case .read:
            if Self.isWriting(job) {
                throw SuperlifterError(.refused, "this \(what) is read-only: nothing can be pushed to it")
            }
        case .append:
            if job.direction == .push, job.purpose == .transfer, let option = Self.changing(job.options) {
                throw SuperlifterError(
                    .refused, "this \(what) only takes new names, so \(option) is not for it; leave it out")
            }
        }
    }

    private static func access(to place: Confinement) -> Access {
        switch place {
        case .unconfined: .write
        case .root(_, let access): access
        }
    }

    /// An option that asks for more than new names, as a user writes it.
    private static func changing(_ options: JobOptions) -> String? {
        if options.delete != .none { return options.deleteExcluded ? "--delete-excluded" : "--delete" }
        if options.force { return "--force" }
        switch options.writing {
        case .aside: return nil
        case .inPlace: return "--inplace"
        case .append: return "--append-verify"
        }
    }

    private func openBase(
        _ place: Confinement, _ fileSystem: any FileSystem
    ) throws(SuperlifterError) -> (PathBase, RawDescriptor) {
        switch place {
        case .unconfined: return (.user, -1)
        case .root(let path, _):
            do throws(Errno) {
                let descriptor = try fileSystem.openRoot(path, [.read, .directory])
                return (.beneath(descriptor), descriptor)
            } catch {
                throw SuperlifterError(
                    .file, "the served directory cannot be opened", causes: [error.description])
            }
        }
    }

    // MARK: Roles

    private func receive(
        _ greeting: inout Greeting, _ hello: Hello, _ result: HandshakeResult, _ base: PathBase,
        _ fileSystem: any FileSystem, onlyAdds: Bool
    ) throws(SuperlifterError) {
        let agreement = Session.agreement(result, own: hello, ownIsReceiver: true)
        let shape = result.job.shape ?? .items([])
        let layer: FileLayer
        let root: DestinationRoot
        do throws(SuperlifterError) {
            root = try Session.destination(
                result.job.paths[0], agreement, shape: shape, base: base, fileSystem: fileSystem)
            var settings = try Session.settings(agreement, isSender: false, base: base)
            settings.appendOnly = onlyAdds
            // Nothing could be taken away there again.
            if onlyAdds { settings.partialPlace = .beside }
            layer = FileLayer(fileSystem: fileSystem, settings: settings, role: .receiver(root))
        } catch {
            greeting.sayAbort(error.abort)
            throw error
        }
        layer.setDigestKey(agreement.contentKey)
        let stream = try greeting.accept(hello, result)
        var machine = ReceiverMachine(
            agreement, destination: Session.ready(root, agreement, fileSystem), rootExists: !root.isMissing,
            rootIsNew: root.isNew, renamedTo: root.renamedTo, reportsEvents: false, now: Clock.monotonic)
        machine.workLimit = DescriptorBudget.work
        machine.onlyAdds = onlyAdds && result.job.purpose == .transfer
        try run(machine, link(stream, greeting), layer)
    }

    private func link(_ stream: GreetedStream, _ greeting: Greeting) -> StreamLink {
        StreamLink(stream, input: greeting.input, output: greeting.output, ownLimit: rateLimit)
    }

    private func send(
        _ greeting: inout Greeting, _ hello: Hello, _ result: HandshakeResult, _ base: PathBase,
        _ fileSystem: any FileSystem
    ) throws(SuperlifterError) {
        let agreement = Session.agreement(result, own: hello, ownIsReceiver: false)
        let roots: SourceRoots
        let layer: FileLayer
        do throws(SuperlifterError) {
            let job = result.job
            roots =
                job.purpose == .list
                ? try Session.listed(job.paths, rules: job.rules, base: base, fileSystem: fileSystem)
                : try Session.sources(job.paths, rules: job.rules, base: base, fileSystem: fileSystem)
            layer = FileLayer(
                fileSystem: fileSystem, settings: try Session.settings(agreement, isSender: true),
                role: .sender(roots))
        } catch {
            greeting.sayAbort(error.abort)
            throw error
        }
        layer.setDigestKey(agreement.contentKey)
        let stream = try greeting.accept(hello, result)
        let machine = SenderMachine(
            agreement, shape: Session.shape(roots), reportsEvents: false, now: Clock.monotonic)
        try run(machine, link(stream, greeting), layer)
    }

    private func run<Machine: SessionMachine>(
        _ machine: consuming Machine, _ link: any Link, _ layer: FileLayer
    ) throws(SuperlifterError) {
        let end: SessionEnd
        do throws(Errno) {
            let pool = try WorkerPool()
            var loop = try SessionLoop(
                machine, link: link, layer: layer, pool: pool, cancellation: cancellation)
            end = try loop.run()
            pool.finish()
        } catch {
            throw SuperlifterError(.file, "running the session", causes: [error.description])
        }
        if let error = SuperlifterError(end) { throw error }
    }

    /// After a refusal: reads what the client has sent already, for a moment, so that closing does not make the
    /// system throw away the reason that is on its way.
    private static func drain(_ input: RawDescriptor) {
        let end = Clock.monotonic + 2_000_000_000
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var poller = Poller()
        poller.add(input, .readable)
        while true {
            let now = Clock.monotonic
            guard now < end, (try? poller.wait(timeout: end - now)) != nil else { return }
            let transfer = buffer.withUnsafeMutableBytes { try? Streams.read(input, into: $0) }
            switch transfer {
            case .bytes, .wouldBlock: continue
            case .end, nil: return
            }
        }
    }
}
