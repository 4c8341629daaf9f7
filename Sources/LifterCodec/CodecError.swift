// What can be wrong with bytes that claim to be compressed.

/// Thrown by decompression; all but `failed` describe the input, never this program.
package enum CodecError: Error, Hashable, Sendable {
    /// Not a stream of this format, or damaged.
    case malformed
    /// The input yields fewer bytes than were promised.
    case tooShort
    /// The input would yield more bytes than were promised. Nothing beyond the promise is produced or kept.
    case tooLong
    /// The stream asks for a window larger than the receiver allows.
    case windowTooLarge
    /// The stream failed before; its state is of no use any more.
    case broken
    /// The library could not do its part (out of memory).
    case failed
}

extension CodecError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed: "the compressed data is damaged"
        case .tooShort: "the compressed data holds less than announced"
        case .tooLong: "the compressed data holds more than announced"
        case .windowTooLarge: "the compressed data asks for too large a window"
        case .broken: "the compressed stream failed before"
        case .failed: "the compressor could not do its work"
        }
    }
}
