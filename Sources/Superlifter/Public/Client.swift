// The client's four verbs. A location decides how the peer is reached; one that is local needs no peer: both ends run
// in this process. Each call blocks until the session has ended.

import LifterFiles
import LifterProtocol
import LifterSystem
import LifterTransport

/// One configuration, for any number of transfers.
public struct Client: Sendable {
    /// What is looked at, kept and deleted.
    public var options = TransferOptions()
    /// How remote locations are reached.
    public var connecting = ConnectOptions()
    /// Ends a running call cleanly, from any thread.
    public var cancellation: Cancellation?
    /// Whether `progress` events are wanted, ten times a second.
    public var showsProgress = false
    /// False: paths are walked as on kernels before 5.6, which is for tests.
    package var usesOpenat2 = true

    /// An archive over ssh.
    public init() {}

    /// Sends local sources to a location. Bytes as the user wrote them; the slash rule is rsync's.
    /// Throws where nothing could be done; failures of single entries are events and counts.
    public func push(
        _ sources: [[UInt8]], to destination: [UInt8], observe: @escaping (TransferEvent) -> Void
    ) throws(SuperlifterError) -> TransferSummary {
        try send(sources, to: destination, .transfer, observe)
    }

    /// Fetches sources from one location. All of them must be at the same place.
    public func pull(
        _ sources: [[UInt8]], to destination: [UInt8], observe: @escaping (TransferEvent) -> Void
    ) throws(SuperlifterError) -> TransferSummary {
        try fetch(sources, to: destination, .transfer, observe)
    }

    /// Tells every difference and changes nothing; either side may be remote.
    public func compare(
        _ source: [UInt8], with destination: [UInt8], observe: @escaping (TransferEvent) -> Void
    ) throws(SuperlifterError) -> TransferSummary {
        if case .remote = try Self.location(source, connecting) {
            return try fetch([source], to: destination, .compare, observe)
        }
        return try send([source], to: destination, .compare, observe)
    }

    /// Lists one directory (or names one file), remote or local.
    public func list(
        _ location: [UInt8], observe: @escaping (TransferEvent) -> Void
    ) throws(SuperlifterError) -> TransferSummary {
        try fetch([location], to: [UInt8(ascii: ".")], .list, observe)
    }

    // MARK: Where to

    private static func location(
        _ written: [UInt8], _ connecting: ConnectOptions
    ) throws(SuperlifterError) -> Location {
        do throws(LocationError) {
            return try Location.parse(written, via: !connecting.hints.isEmpty)
        } catch {
            throw SuperlifterError(.usage, error.message)
        }
    }

    private func send(
        _ sources: [[UInt8]], to destination: [UInt8], _ purpose: Purpose, _ observe: @escaping (TransferEvent) -> Void
    ) throws(SuperlifterError) -> TransferSummary {
        for source in sources {
            guard case .local = try Self.location(source, connecting) else {
                throw SuperlifterError(
                    .usage,
                    "\(Display.escaped(source)): a source of push must be local (pull fetches; ./ in front of a local "
                        + "name with a colon)")
            }
        }
        switch try Self.location(destination, connecting) {
        case .local(let path): return try local(sources, path, purpose, observe)
        case .remote(let remote):
            let reach = try Reach(remote, connecting)
            return try retrying(observe) { attempts throws(SuperlifterError) in
                try RemotePush(
                    client: self, sources: sources, path: reach.path, purpose: purpose, attempts: attempts,
                    observe: observe
                ).run(reach)
            }
        }
    }

    private func fetch(
        _ sources: [[UInt8]], to destination: [UInt8], _ purpose: Purpose, _ observe: @escaping (TransferEvent) -> Void
    ) throws(SuperlifterError) -> TransferSummary {
        guard case .local(let target) = try Self.location(destination, connecting) else {
            throw SuperlifterError(
                .usage, "\(Display.escaped(destination)): the destination of pull must be local (push sends)")
        }
        var remotes: [RemoteLocation] = []
        var locals: [[UInt8]] = []
        for source in sources {
            switch try Self.location(source, connecting) {
            case .local(let path): locals.append(path)
            case .remote(let remote): remotes.append(remote)
            }
        }
        guard let first = remotes.first else { return try local(locals, target, purpose, observe) }
        guard locals.isEmpty, remotes.allSatisfy({ $0.reach == first.reach }) else {
            throw SuperlifterError(.usage, "the sources of one pull must all be at the same place")
        }
        let reach = try Reach(first, connecting)
        return try retrying(observe) { attempts throws(SuperlifterError) in
            try RemotePull(
                client: self, paths: remotes.map(\.path), target: target, purpose: purpose, attempts: attempts,
                observe: observe
            ).run(reach)
        }
    }

    private func retrying(
        _ observe: @escaping (TransferEvent) -> Void,
        _ attempt: (Attempts) throws(SuperlifterError) -> TransferSummary
    ) throws(SuperlifterError) -> TransferSummary {
        try Retrying(retries: connecting.retries, cancellation: cancellation, observe: observe).run(attempt)
    }

    private func local(
        _ sources: [[UInt8]], _ destination: [UInt8], _ purpose: Purpose,
        _ observe: @escaping (TransferEvent) -> Void
    ) throws(SuperlifterError) -> TransferSummary {
        try LocalTransfer(
            client: self, sources: sources, destination: destination, purpose: purpose, observe: observe
        ).run()
    }
}

// MARK: Over descriptors of your own

extension Client {
    /// Pushes over two descriptors (which may be one number) with a server at their other end; they stay the
    /// caller's. `path`: the destination as the server will read it.
    public func push(
        _ sources: [[UInt8]], toPath path: [UInt8], input: Int32, output: Int32,
        observe: @escaping (TransferEvent) -> Void
    ) throws(SuperlifterError) -> TransferSummary {
        var greeting = try Borrowed.greeting(input, output, milliseconds: handshakeTime, cancellation)
        let push = RemotePush(client: self, sources: sources, path: path, purpose: .transfer, observe: observe)
        let prepared = try push.prepare()
        let stream = try push.greet(&greeting, prepared, isChild: false)
        return try push.session(stream, prepared, input: input, output: output)
    }

    /// Pulls over two descriptors; see `push`.
    public func pull(
        _ paths: [[UInt8]], to destination: [UInt8], input: Int32, output: Int32,
        observe: @escaping (TransferEvent) -> Void
    ) throws(SuperlifterError) -> TransferSummary {
        var greeting = try Borrowed.greeting(input, output, milliseconds: handshakeTime, cancellation)
        let pull = RemotePull(
            client: self, paths: paths, target: destination, purpose: .transfer, observe: observe)
        let hello = try Session.hello()
        let stream = try pull.greet(&greeting, hello, isChild: false)
        return try pull.session(&greeting, stream, hello, input: input, output: output)
    }
}

extension Client {
    private var handshakeTime: UInt64 { UInt64(connecting.timeout ?? 30) * 1000 }
}

/// Descriptors that a caller lends for one session.
enum Borrowed {
    static func greeting(
        _ input: RawDescriptor, _ output: RawDescriptor, milliseconds: UInt64, _ cancellation: Cancellation?
    ) throws(SuperlifterError) -> Greeting {
        do throws(Errno) {
            _ = try Streams.setNonBlocking(true, of: input)
            if output != input { _ = try Streams.setNonBlocking(true, of: output) }
        } catch {
            throw SuperlifterError(.socket, "the given descriptors cannot be used", causes: [error.description])
        }
        return Greeting(
            input: input, output: output,
            deadline: Clock.monotonic + milliseconds * 1_000_000, cancellation: cancellation)
    }
}
