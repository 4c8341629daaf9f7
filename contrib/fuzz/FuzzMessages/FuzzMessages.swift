// Any bytes as the payload of any kind: decoding refuses or understands them, and what it understands is written and
// read again without a difference. The first byte chooses the kind.

import LifterProtocol

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

@main enum FuzzMessages {
    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        _ = runDriver(&count, &arguments, fuzz)
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ base: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: base, count: count))
    guard let first = bytes.first else { return 0 }
    let kind = MessageKind.allCases[Int(first) % MessageKind.allCases.count]
    guard let message = try? Message(kind: kind, payload: Array(bytes.dropFirst())) else { return 0 }
    guard let once = try? message.encoded(), let again = try? Message(kind: kind, payload: once),
        let twice = try? again.encoded()
    else { fatalError("\(kind) was read, but what is written of it is not") }
    precondition(once == twice, "\(kind) changes when it is written and read")
    precondition(message.weight >= 0)
    return 0
}
