// Contents are compressed each frame by itself, or against what the frames before it hold before they are compressed. So
// any thread may do it before the frame is made, and each frame may have another level.

package import LifterCodec

/// What is done to the payload of one content frame.
package enum ContentMethod: Hashable, Sendable {
    case none
    case zstd(level: Int)
    case zlib(level: Int)

    /// What a choice means for a message; nil where contents stay plain, or each frame is judged by itself.
    ///
    /// The standard level is 3, which keeps up with a disk. What differs within files are few bytes, for which two
    /// versions have been read already: half as much time again for each of them saves a twentieth.
    package init?(_ choice: CompressionChoice, for kind: MessageKind) {
        switch choice {
        case .none, .auto: return nil
        case .standard: self = .zstd(level: kind == .delta ? 5 : 3)
        case .zstd(let level): self = .zstd(level: Int(level))
        case .zlib(let level): self = .zlib(level: Int(level))
        }
    }
}

/// Compresses contents, message by message, with contexts that are reused. Not for several threads at once.
package final class ContentCompressor {
    private var zstd: ZstdCompressor?
    private var zlib: (level: Int, compressor: ZlibCompressor)?
    /// Of one message: its history, and its payload behind it.
    private var joined: [UInt8] = []

    package init() {}

    /// Compresses what gets shorter by it; what does not stays as it is. Nothing is tried twice. `history`: what the
    /// message follows in the stream, empty for a peer that does not know it; zlib does not use it.
    package func compress(
        _ message: inout EncodedMessage, _ method: ContentMethod, after history: ContentHistory = ContentHistory()
    ) throws(CodecError) {
        guard message.isContent, message.payloadLength >= FrameEncoder.shortest else { return message.leavePlain() }
        switch method {
        case .none: message.leavePlain()
        case .zstd(let level) where history.count > 0: try compress(&message, level, after: history)
        case .zstd(let level):
            let context = try zstdContext()
            let compressed = try message.withPayload { (bytes) throws(CodecError) in
                try context.compress(bytes, level: level)
            }
            message.replace(by: compressed, .zstd, always: false)
        case .zlib(let level):
            let context = try zlibContext(level)
            let compressed = try message.withPayload { (bytes) throws(CodecError) in try context.compress(bytes) }
            message.replace(by: compressed, .zlib, always: false)
        }
    }

    /// zstd is quickest where the history lies in front of what it compresses.
    private func compress(
        _ message: inout EncodedMessage, _ level: Int, after history: ContentHistory
    ) throws(CodecError) {
        let reach = history.reach(for: message.payloadLength)
        joined.removeAll(keepingCapacity: true)
        joined.reserveCapacity(reach + message.payloadLength)
        history.appendLast(reach, to: &joined)
        message.appendPayload(to: &joined)
        let compressed = try zstdContext().compress(joined, history: reach, level: level)
        message.replace(by: compressed, history: reach)
    }

    /// How much of a message would be left, from 0 to 1, judged by four short samples of it and the fastest method.
    package func probe(_ message: inout EncodedMessage) throws(CodecError) -> Double {
        let (count, length) = (4, 4096)
        guard message.payloadLength > 2 * count * length else { return 0 }
        let context = try zstdContext()
        let sample = message.withPayload { bytes in
            var sample: [UInt8] = []
            sample.reserveCapacity(count * length)
            for index in 0..<count {
                let start = (bytes.count - length) / (count - 1) * index
                sample.append(contentsOf: bytes[start..<start + length])
            }
            return sample
        }
        return Double(try context.compress(sample, level: 1).count) / Double(sample.count)
    }

    private func zstdContext() throws(CodecError) -> ZstdCompressor {
        if let zstd { return zstd }
        let made = try ZstdCompressor()
        zstd = made
        return made
    }

    private func zlibContext(_ level: Int) throws(CodecError) -> ZlibCompressor {
        if let zlib, zlib.level == level { return zlib.compressor }
        let made = try ZlibCompressor(level: level)
        zlib = (level, made)
        return made
    }
}
