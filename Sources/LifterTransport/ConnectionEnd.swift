// How a connection ended on this side, and what that tells a person.

package enum ConnectionEnd: Hashable, Sendable {
    /// Nothing to report: no child, or one that ended with 0.
    case clean
    /// The child ended by itself with this code, never 0.
    case childExited(Int32)
    /// The child was ended by this signal: by somebody else's, or by ours where it would not go.
    case childSignaled(Int32)

    /// One line that explains the end and says what to do, or nil where there is nothing to say. For an error to
    /// which the peer itself gave no better reason.
    package func advice(for peer: PeerFacts) -> String? {
        guard case .child(let command) = peer else { return nil }
        let name = String(decoding: command, as: UTF8.self)
        switch self {
        case .clean:
            return nil
        case .childExited(127):
            return "the program was not found on the far side (\(name) ended with 127); "
                + "name it with --remote-path or SUPERLIFTER_REMOTE_PATH"
        case .childExited(126):
            return "the program on the far side cannot be executed (\(name) ended with 126); "
                + "check --remote-path or SUPERLIFTER_REMOTE_PATH"
        case .childExited(255):
            return "\(name) itself failed (it ended with 255); its own message says why"
        case .childExited(let code):
            return "\(name) ended with \(code)"
        case .childSignaled(let number):
            return "\(name) was ended by signal \(number)"
        }
    }
}
