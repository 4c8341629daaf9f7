// The one error type at the public face: an opaque code, a message that says what was being done, and what caused it.

import LifterFiles
import LifterProtocol
import LifterSystem
import LifterTransport

/// Why a transfer could not be done, or not completed.
public struct SuperlifterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure; each has the exit code that rsync's users know. More may be added.
    public struct Code: Hashable, Sendable {
        /// The exit code of a program that ends for this reason.
        public let exitCode: UInt8

        /// The request cannot mean anything.
        public static let usage = Code(exitCode: 1)
        /// The two ends have no version of the protocol in common.
        public static let incompatible = Code(exitCode: 2)
        /// A source or destination cannot be what was asked of it.
        public static let selection = Code(exitCode: 3)
        /// This release cannot do it.
        public static let unsupported = Code(exitCode: 4)
        /// The other end does not want to.
        public static let refused = Code(exitCode: 5)
        /// No connection, or a broken one.
        public static let socket = Code(exitCode: 10)
        /// The disk, where it concerns the whole run.
        public static let file = Code(exitCode: 11)
        /// The stream ended early, or held something else.
        public static let protocolStream = Code(exitCode: 12)
        /// It was asked to stop.
        public static let interrupted = Code(exitCode: 20)
        /// A source that was named is not there.
        public static let partial = Code(exitCode: 23)
        /// The peer was silent for too long.
        public static let timeout = Code(exitCode: 30)
        /// The handshake was not done in time.
        public static let connectTimeout = Code(exitCode: 35)
        /// The program was not found at the far side.
        public static let programNotFound = Code(exitCode: 127)

    }

    /// What kind of failure.
    public let code: Code
    /// What was being done, and what to do next where that is known; one line.
    public let message: String
    /// From the nearest cause to the farthest.
    public let causes: [String]

    /// A failure of one's own, for programs that add steps.
    public init(_ code: Code, _ message: String, causes: [String] = []) {
        self.code = code
        self.message = message
        self.causes = causes
    }

    /// Message and causes in one line.
    public var description: String { ([message] + causes).joined(separator: ": ") }

    /// What the peer is told.
    var abort: Abort { Abort(exit: code.exitCode, text: description) }
}

extension SuperlifterError {
    init(_ error: WireError) {
        if case .preamble(let bytes) = error {
            self = .wrongProtocol(bytes, from: .server)
        } else {
            self.init(.protocolStream, error.text)
        }
    }

    /// The first bytes were not ours; what they look like is named.
    static func wrongProtocol(_ bytes: [UInt8], from speaker: WrongProtocol.Speaker) -> SuperlifterError {
        SuperlifterError(.protocolStream, WrongProtocol.name(of: bytes).explanation(firstBytes: bytes, from: speaker))
    }

    init(_ failure: HandshakeFailure) {
        switch failure {
        case .wire(let error): self.init(error)
        case .aborted(let abort): self.init(abort)
        case .version(let own, let peer, let software):
            let older = own.upperBound < peer.lowerBound ? "this side" : "the other side"
            self.init(
                .incompatible,
                "no common protocol: this side speaks \(own.lowerBound)-\(own.upperBound), "
                    + "\(Display.escaped(Array(software.utf8))) at the other end \(peer.lowerBound)-\(peer.upperBound); "
                    + "upgrade superlifter on \(older)")
        }
    }

    /// The peer's own words.
    init(_ abort: Abort) {
        self.init(
            Code(exitCode: abort.exit == 0 ? 12 : abort.exit),
            "the other side ended the session: \(Display.escaped(Array(abort.text.utf8)))",
            causes: abort.errno == 0 ? [] : [Errno(rawValue: abort.errno).description])
    }

    init(_ failure: ConnectFailure) {
        self.init(Code(exitCode: UInt8(truncatingIfNeeded: failure.exitCode)), failure.message)
    }

    init(_ problem: RootProblem) {
        let code: Code =
            switch problem {
            case .sameName, .noSources: .usage
            case .missingParents, .notDirectory: .selection
            case .outside: .refused
            case .system(_, let errno, _): errno == .noEntry ? .partial : .file
            }
        self.init(code, problem.description)
    }

    /// How a session ended, where it did not end well.
    init?(_ end: SessionEnd) {
        switch end {
        case .complete: return nil
        case .aborted(let abort): self.init(abort)
        case .broken(let error): self.init(error)
        case .cut: self.init(.protocolStream, "the stream ended before the session was complete")
        case .silent: self.init(.timeout, "nothing was heard from the other side for too long (see --timeout)")
        case .cancelled: self.init(.interrupted, "interrupted")
        case .refused(let abort):
            self.init(
                Code(exitCode: abort.exit), abort.text,
                causes: abort.errno == 0 ? [] : [Errno(rawValue: abort.errno).description])
        }
    }
}
