/// What can be wrong with bytes from a peer. Each ends the session.
package enum WireError: Error, Hashable, Sendable {
    /// The stream does not begin with the preamble; the first bytes received.
    case preamble([UInt8])
    /// A frame's header or payload does not have its check.
    case check
    /// A payload longer than the limit.
    case tooLong(length: UInt64)
    /// A field runs past the end of its message.
    case truncated(String)
    /// A field has a value that it may not have.
    case value(String)
    /// Bytes after the end of a message.
    case trailing
    /// A message of a critical kind that is not known here.
    case unknownKind(UInt8)
    /// Compressed bytes that do not decompress to what they announce.
    case compression
    /// The peer sent more than it holds credit for; the class.
    case credit(String)
    /// A message that is not allowed in this state; what, and why.
    case unexpected(String)

    package var text: String {
        switch self {
        case .preamble: "the peer did not begin with Superlifter's preamble"
        case .check: "a frame was damaged on the way (its check does not match)"
        case .tooLong(let length): "a frame announces \(length) bytes, more than the limit"
        case .truncated(let field): "a message ends inside its field \(field)"
        case .value(let field): "field \(field) has a value that is not allowed"
        case .trailing: "a message has bytes after its end"
        case .unknownKind(let kind):
            "the peer sent a message of kind \(kind), which this version does not know and may not skip"
        case .compression: "compressed bytes do not decompress to what they announce"
        case .credit(let name): "the peer sent more \(name) than it was given credit for"
        case .unexpected(let what): "unexpected message: \(what)"
        }
    }
}
