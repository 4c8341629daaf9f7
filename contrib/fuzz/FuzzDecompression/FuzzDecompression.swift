// Any bytes as compressed payloads: decompression gives exactly what was announced or an error, within its bounds.
// The first byte chooses codec and shape, the next three the announced length.

import LifterCodec

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

@main enum FuzzDecompression {
    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        _ = runDriver(&count, &arguments, fuzz)
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ base: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: base, count: count))
    guard count >= 4 else { return 0 }
    let size = (Int(bytes[1]) | Int(bytes[2]) << 8 | Int(bytes[3]) << 16) % (1 << 20 + 1)
    let input = Array(bytes[4...])
    switch bytes[0] % 6 {
    case 0: check(try? ZstdDecompressor().decompress(input, exactSize: size), size)
    case 1: check(try? ZlibDecompressor().decompress(input, exactSize: size), size)
    case 2: streamed(input, size)
    case 3: roundTrip(input)
    case 4: zlibRoundTrip(input)
    default: withHistory(input, size)
    }
    return 0
}

private func check(_ output: [UInt8]?, _ size: Int) {
    if let output { precondition(output.count == size) }
}

/// Two messages of one stream; after an error there is no second.
private func streamed(_ input: [UInt8], _ size: Int) {
    guard let stream = try? ZstdStreamDecompressor(windowLogMax: 20) else { return }
    let half = input.count / 2
    let first = try? stream.decompress(Array(input[..<half]), exactSize: size)
    check(first, size)
    let second = try? stream.decompress(Array(input[half...]), exactSize: size)
    check(second, size)
    precondition(first != nil || second == nil)
}

private func roundTrip(_ input: [UInt8]) {
    guard let compressor = try? ZstdStreamCompressor(level: 1),
        let stream = try? ZstdStreamDecompressor(windowLogMax: 20),
        let block = try? ZstdCompressor().compress(input, level: 1)
    else { return }
    let half = input.count / 2
    for part in [Array(input[..<half]), Array(input[half...]), input] {
        guard let bytes = try? compressor.compress(part) else { fatalError("a stream cannot be compressed") }
        precondition((try? stream.decompress(bytes, exactSize: part.count)) == part)
    }
    precondition((try? ZstdDecompressor().decompress(block, exactSize: input.count)) == input)
}

/// The first half is what went before.
private func withHistory(_ input: [UInt8], _ size: Int) {
    guard let compressor = try? ZstdCompressor(), let reader = try? ZstdDecompressor() else { return }
    let (history, rest) = (Array(input[..<(input.count / 2)]), Array(input[(input.count / 2)...]))
    check(try? reader.decompress(rest, history: history, exactSize: size), size)
    guard let packed = try? compressor.compress(input, history: history.count, level: 1) else {
        fatalError("a block cannot be compressed behind another")
    }
    precondition((try? reader.decompress(packed, history: history, exactSize: rest.count)) == rest)
    check(try? reader.decompress(packed, exactSize: size), size)
}

private func zlibRoundTrip(_ input: [UInt8]) {
    guard let block = try? ZlibCompressor().compress(input) else { fatalError("a block cannot be compressed") }
    precondition((try? ZlibDecompressor().decompress(block, exactSize: input.count)) == input)
}
