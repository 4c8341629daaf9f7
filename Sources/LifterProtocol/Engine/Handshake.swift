// The first flight, as two small machines without I/O.
//
// Client: preamble, Hello and Job leave at once; then the server's Hello (or its Abort) is awaited.
// Server: preamble, the client's Hello and Job are awaited; then its own Hello answers.
// Afterwards both directions are re-keyed by both nonces.

/// How the first flight failed, for a person.
package enum HandshakeFailure: Error, Sendable {
    case wire(WireError)
    /// The peer ended the session and said why.
    case aborted(Abort)
    /// No common version; both ranges and the peer's name.
    case version(own: ClosedRange<UInt16>, peer: ClosedRange<UInt16>, peerSoftware: String)
}

/// What a finished handshake leaves: keys for both directions and for digests.
package struct HandshakeResult: Sendable {
    package var peer: Hello
    package var job: Job
    package var sendingChain: UInt64
    package var receivingChain: UInt64
    package var digestKey: UInt64
}

package struct ClientHandshake {
    private let own: Hello
    private let job: Job

    package init(own: Hello, job: Job) {
        self.own = own
        self.job = job
    }

    /// Messages that follow the preamble without waiting.
    package var opening: [Message] { [.hello(own), .job(job)] }

    /// Takes the server's first message.
    package func receive(_ message: Message) throws(HandshakeFailure) -> HandshakeResult {
        switch message {
        case .hello(let peer):
            guard Handshakes.commonVersion(own, peer) != nil else { throw Handshakes.mismatch(own, peer) }
            return Handshakes.result(own: own, peer: peer, ownIsClient: true, job: job)
        case .abort(let abort): throw .aborted(abort)
        default: throw .wire(.unexpected("the server's first message must be Hello"))
        }
    }
}

package struct ServerHandshake {
    private let own: Hello
    private var peer: Hello?

    package init(own: Hello) { self.own = own }

    /// Takes the client's first messages; the result comes with the second.
    package mutating func receive(_ message: Message) throws(HandshakeFailure) -> HandshakeResult? {
        switch message {
        case .hello(let hello):
            guard peer == nil else { throw .wire(.unexpected("a second Hello")) }
            guard Handshakes.commonVersion(own, hello) != nil else { throw Handshakes.mismatch(own, hello) }
            peer = hello
            return nil
        case .job(let job):
            guard let peer else { throw .wire(.unexpected("Job before Hello")) }
            return Handshakes.result(own: own, peer: peer, ownIsClient: false, job: job)
        case .abort(let abort): throw .aborted(abort)
        default: throw .wire(.unexpected("the client's first messages must be Hello and Job"))
        }
    }

    package var answer: Message { .hello(own) }
}

private enum Handshakes {
    static func commonVersion(_ own: Hello, _ peer: Hello) -> UInt16? {
        let newest = min(own.newest, peer.newest)
        return newest >= max(own.oldest, peer.oldest) ? newest : nil
    }

    static func mismatch(_ own: Hello, _ peer: Hello) -> HandshakeFailure {
        .version(
            own: own.oldest...own.newest, peer: peer.oldest...peer.newest, peerSoftware: peer.software)
    }

    static func result(own: Hello, peer: Hello, ownIsClient: Bool, job: Job) -> HandshakeResult {
        let client = ownIsClient ? own.nonce : peer.nonce
        let server = ownIsClient ? peer.nonce : own.nonce
        let clientChain = Agreement.key(
            client: client, server: server, seed: ProtocolConstants.clientChainSeed)
        let serverChain = Agreement.key(
            client: client, server: server, seed: ProtocolConstants.serverChainSeed)
        return HandshakeResult(
            peer: peer, job: job, sendingChain: ownIsClient ? clientChain : serverChain,
            receivingChain: ownIsClient ? serverChain : clientChain,
            digestKey: Agreement.key(client: client, server: server, seed: ProtocolConstants.digestKeySeed))
    }
}
