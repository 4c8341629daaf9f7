// When the first bytes are not Superlifter's: who might be talking instead, and what to do about it.
//
// A stream is only a promise that something is at the other end. The commonest surprises are a login shell that
// prints a greeting, a missing program, and a port that belongs to another service; each is known by how it begins.

import LifterSystem

package enum WrongProtocol: Hashable, Sendable {
    case nothing
    case http
    case ssh
    case rsync
    case tls
    case commandNotFound
    case terminalEcho
    case noise

    /// Who should have spoken our protocol.
    package enum Speaker: Sendable {
        /// A server behind a socket.
        case server
        /// A server behind a login shell, which may say things of its own.
        case shell
        /// Whoever connected to us.
        case client
    }

    /// Whom the first bytes received seem to come from. About 200 bytes are plenty; fewer are fine.
    package static func name(of firstBytes: some Collection<UInt8>) -> WrongProtocol {
        let bytes = Array(firstBytes.prefix(1024))
        guard !bytes.isEmpty else { return .nothing }
        if begins(bytes, with: ["HTTP/", "<!DOCTYPE", "<!doctype", "<html", "<HTML"]) { return .http }
        if begins(bytes, with: ["GET ", "HEAD ", "POST ", "PUT ", "OPTIONS ", "CONNECT ", "PRI * HTTP"]) {
            return .http
        }
        if begins(bytes, with: ["SSH-"]) { return .ssh }
        if begins(bytes, with: ["@RSYNCD:"]) { return .rsync }
        // A TLS record: handshake or alert, then version 3.x.
        if bytes.count >= 3, bytes[0] == 0x16 || bytes[0] == 0x15, bytes[1] == 3, bytes[2] <= 4 { return .tls }
        let complaints = ["ommand not found", ": not found", "No such file or directory", "is not recognized as"]
        if complaints.contains(where: { contains(bytes, $0) }) { return .commandNotFound }
        // A terminal echoes what we said with its control characters spelled out; the preamble holds ^Z, and ^@ is
        // everywhere. The program behind it may be gone by then: a nonce can hold ^C.
        if contains(bytes, "^@") || contains(bytes, "^Z") { return .terminalEcho }
        return .noise
    }

    /// One line for a person: what came, and what to try. `firstBytes` are shown, escaped, at most 200 of them.
    package func explanation(firstBytes: some Collection<UInt8>, from speaker: Speaker) -> String {
        let shown = "received: \(Display.escaped(firstBytes, limit: 200))"
        switch speaker {
        case .server, .shell: return serverExplanation(speaker) + (self == .nothing ? "" : "; \(shown)")
        case .client: return clientExplanation + (self == .nothing ? "" : "; \(shown)")
        }
    }

    private func serverExplanation(_ speaker: Speaker) -> String {
        switch self {
        case .nothing: "the other end closed the stream before it said anything"
        case .http: "this is an HTTP service, not a Superlifter server; check the port"
        case .ssh: "this is an SSH server; reach it as host:path, not over tcp"
        case .rsync: "this is an rsync server, which speaks another protocol; check the port"
        case .tls: "the other end speaks TLS, not Superlifter's protocol; check the port"
        case .commandNotFound where speaker == .shell:
            "the far side found no superlifter program; name it with --remote-path or SUPERLIFTER_REMOTE_PATH"
        case .terminalEcho where speaker == .shell:
            "the far side runs its command in a terminal, which changes what passes "
                + "(take -t out of the ssh command, and RequestTTY out of ssh's configuration)"
        case .noise where speaker == .shell:
            "something else wrote into the stream first, often a login shell's start-up file "
                + "(test: ssh HOST true | od -c must print nothing)"
        case .noise, .terminalEcho, .commandNotFound: "this is not a Superlifter server; check host and port"
        }
    }

    private var clientExplanation: String {
        switch self {
        case .nothing: "the client went away before it said anything"
        case .http: "an HTTP client came here; this is a Superlifter server"
        case .ssh: "an SSH client came here; this is a Superlifter server"
        case .rsync: "an rsync client came here; this is a Superlifter server, reached by superlifter's tcp://host/path"
        case .tls: "a TLS client came here; this server speaks Superlifter's own protocol, plainly"
        case .noise, .terminalEcho, .commandNotFound: "the client speaks another protocol; this is a Superlifter server"
        }
    }

    private static func begins(_ bytes: [UInt8], with openings: [String]) -> Bool {
        openings.contains { bytes.starts(with: $0.utf8) }
    }

    private static func contains(_ bytes: [UInt8], _ text: String) -> Bool {
        let wanted = Array(text.utf8)
        guard bytes.count >= wanted.count else { return false }
        return (0...(bytes.count - wanted.count)).contains { bytes[$0...].starts(with: wanted) }
    }
}
