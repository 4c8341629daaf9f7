// A link over two descriptors (which may be one). Bytes are read into the decoder and written from encoded frames;
// both directions are non-blocking, and reading never waits for writing.

import LifterCodec
import LifterProtocol
import LifterSystem

final class StreamLink: Link {
    private let input: RawDescriptor
    private let output: RawDescriptor
    private var decoder: FrameDecoder
    private var encoder: FrameEncoder
    private var buffer: [UInt8]
    private var outgoing = Queue<[UInt8]>()
    private var written = 0
    private var outgoingBytes = 0
    private var inputEnded = false
    private var outputBroken = false
    private var inputPlace = 0
    private var outputPlace = 0
    private(set) var heardSomething = false
    private(set) var wantsTurn = false
    private(set) var received: UInt64
    private(set) var sent: UInt64

    /// Bytes of frames that may wait to be written.
    private static let room = 512 << 10
    private static let readSize = 256 << 10

    /// Takes over a stream after its handshake; `received` and `sent` are what that took.
    init(
        input: RawDescriptor, output: RawDescriptor, decoder: consuming FrameDecoder, encoder: FrameEncoder,
        received: UInt64, sent: UInt64
    ) {
        self.input = input
        self.output = output
        self.decoder = decoder
        self.encoder = encoder
        self.received = received
        self.sent = sent
        buffer = [UInt8](repeating: 0, count: Self.readSize)
    }

    func register(in poller: inout Poller) {
        inputPlace = poller.add(inputEnded ? -1 : input, .readable)
        let wantsToWrite = !outgoing.isEmpty && !outputBroken
        outputPlace = poller.add(wantsToWrite ? output : -1, .writable)
    }

    func turn(_ poller: Poller) {
        heardSomething = false
        wantsTurn = false
        flush()
        if !inputEnded && !poller.events(at: inputPlace).isEmpty { read() }
    }

    private func read() {
        for _ in 0..<4 {
            guard decoder.buffered < 4 * ProtocolConstants.longestPayload else { return }
            do throws(Errno) {
                let transfer: Transfer = try Self.read(input, &buffer)
                switch transfer {
                case .bytes(let count):
                    heardSomething = true
                    received += UInt64(count)
                    buffer.withUnsafeBytes { decoder.push(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                    if count < buffer.count { return }
                case .wouldBlock: return
                case .end:
                    inputEnded = true
                    return
                }
            } catch {
                inputEnded = true
                return
            }
        }
        wantsTurn = true
    }

    private static func read(_ descriptor: RawDescriptor, _ buffer: inout [UInt8]) throws(Errno) -> Transfer {
        let result: Result<Transfer, Errno> = buffer.withUnsafeMutableBytes { bytes in
            do throws(Errno) { return .success(try Streams.read(descriptor, into: bytes)) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Writes while the stream takes bytes, several frames in one call. After a write error the output is given up,
    /// but reading goes on: the peer's reason may still arrive.
    func flush() {
        while !outputBroken, !outgoing.isEmpty {
            do throws(Errno) {
                switch try writeSome() {
                case .bytes(let count): advance(count)
                case .wouldBlock: return
                case .end: return
                }
            } catch {
                outputBroken = true
                outgoing.removeAll()
                outgoingBytes = 0
            }
        }
    }

    private func writeSome() throws(Errno) -> Transfer {
        guard let frame = outgoing.first else { return .bytes(0) }
        let result: Result<Transfer, Errno> = frame.withUnsafeBytes { first in
            do throws(Errno) {
                return .success(
                    try Streams.write(output, from: UnsafeRawBufferPointer(rebasing: first[written...])))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func advance(_ count: Int) {
        sent += UInt64(count)
        written += count
        outgoingBytes -= count
        if let frame = outgoing.first, written >= frame.count {
            written = 0
            _ = outgoing.popFirst()
        }
    }

    func nextReceived() throws(WireError) -> ReceivedMessage? { try decoder.next() }

    var hasRoom: Bool { outgoingBytes < Self.room }

    func send(_ message: OutgoingMessage) throws(WireError) {
        guard case .encoded(let encoded) = message, !outputBroken else { return }
        let frame: [UInt8]
        do throws(CodecError) { frame = try encoder.frame(encoded) } catch { throw .compression }
        // Small frames travel together.
        if let last = outgoing.count > 1 ? outgoing[outgoing.count - 1] : nil, last.count + frame.count <= 16 << 10 {
            outgoing[outgoing.count - 1] = last + frame
        } else {
            outgoing.append(frame)
        }
        outgoingBytes += frame.count
    }

    var isFlushed: Bool { outgoing.isEmpty || outputBroken }

    var inputHasEnded: Bool { inputEnded }
}
