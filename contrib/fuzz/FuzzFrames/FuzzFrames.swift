// Any bytes as a stream. An even first byte: the rest arrives as it is, in pieces. An odd one: the rest is cut into
// frames whose checks are made right, so that headers, flags, kinds and payloads behind the checks are reached too.
// Somewhere on the way the chain is re-keyed.

import LifterCodec
import LifterProtocol

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

@main enum FuzzFrames {
    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        _ = runDriver(&count, &arguments, fuzz)
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ base: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: base, count: count))
    guard count >= 3 else { return 0 }
    let piece = Int(bytes[1]) + 1
    let openers = Int(bytes[2] % 4)
    let rest = bytes[3...]
    deliver(bytes[0] % 2 == 0 ? Array(rest) : framed(rest, openers), piece, openers)
    return 0
}

private let key: UInt64 = 0x0123_4567_89ab_cdef

/// Pushes a stream in pieces and reads what can be read, as a session does.
private func deliver(_ stream: [UInt8], _ piece: Int, _ openers: Int) {
    var decoder = FrameDecoder()
    var position = 0
    var count = 0
    if openers == 0 { decoder.rekey(key) }
    while position < stream.count {
        let end = min(stream.count, position + piece)
        decoder.push(Array(stream[position..<end]))
        position = end
        do throws(WireError) {
            while let received = try decoder.next() {
                precondition(received.weight <= ProtocolConstants.longestPayload)
                count += 1
                if count == openers { decoder.rekey(key) }
            }
        } catch {
            // Once broken, for ever: a session may ask again, but gets the same answer.
            var thrown: WireError?
            do throws(WireError) { _ = try decoder.next() } catch { thrown = error }
            precondition(thrown == error)
            return
        }
    }
    precondition(decoder.buffered <= stream.count)
}

/// Bytes cut into frames: kind, flags, job, then two bytes of length, then so many bytes.
private func framed(_ bytes: ArraySlice<UInt8>, _ openers: Int) -> [UInt8] {
    var stream: [UInt8] = []
    var rest = bytes
    var chain = openers == 0 ? key : ProtocolConstants.openingChain
    var count = 0
    while rest.count >= 5 {
        let head = Array(rest.prefix(5))
        rest = rest.dropFirst(5)
        let length = min(rest.count, Int(head[3]) | Int(head[4]) << 8)
        var writer = ByteWriter()
        writer.u8(head[0])
        writer.u8(head[1])
        writer.u16(UInt16(head[2]))
        writer.u32(UInt32(length))
        writer.u32(UInt32(truncatingIfNeeded: XXH3.hash64(writer.bytes, seed: chain)))
        writer.raw(rest.prefix(length))
        rest = rest.dropFirst(length)
        chain = XXH3.hash64(writer.bytes, seed: chain)
        writer.u64(chain)
        stream += writer.bytes
        // The reader counts messages; kinds that it skips are not among them, which is as good as damage.
        if MessageKind(rawValue: head[0]) != nil { count += 1 }
        if count == openers { chain = key }
    }
    return stream
}
