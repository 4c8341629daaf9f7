// A descriptor that cannot be made non-blocking (a terminal's, some devices') gets a thread that does the waiting:
// it carries bytes between the descriptor and one end of a socket pair, whose other end the loop uses.

import LifterSystem
import LifterTransport

final class Pumps {
    private(set) var input: RawDescriptor
    private(set) var output: RawDescriptor
    private var held: [RawDescriptor] = []

    init(_ connection: inout Connection) {
        let (inputDone, outputDone) = connection.makeNonBlocking()
        input = connection.inputDescriptor
        output = connection.outputDescriptor
        if !inputDone, let pair = try? Streams.makeSocketPair().release() {
            let source = input
            let sink = pair.writing
            held.append(pair.reading)
            input = pair.reading
            _ = try? Streams.setNonBlocking(true, of: pair.reading)
            _ = try? Thread(name: "lifter-reader") { Self.carry(from: source, to: sink) }
        }
        if !outputDone, let pair = try? Streams.makeSocketPair().release() {
            let sink = output
            let source = pair.reading
            held.append(pair.writing)
            output = pair.writing
            _ = try? Streams.setNonBlocking(true, of: pair.writing)
            _ = try? Thread(name: "lifter-writer") { Self.carry(from: source, to: sink) }
        }
    }

    deinit {
        for descriptor in held { Descriptor(owning: descriptor).closeQuietly() }
    }

    /// Blocking reads and writes until either side ends; then the near end is told.
    private static func carry(from source: RawDescriptor, to sink: RawDescriptor) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        copying: while true {
            let read: Result<Transfer, Errno> = buffer.withUnsafeMutableBytes { bytes in
                do throws(Errno) { return .success(try Streams.read(source, into: bytes)) } catch {
                    return .failure(error)
                }
            }
            guard case .success(.bytes(let count)) = read else { break copying }
            var written = 0
            while written < count {
                let result: Result<Transfer, Errno> = buffer.withUnsafeBytes { bytes in
                    do throws(Errno) {
                        return .success(
                            try Streams.write(sink, from: UnsafeRawBufferPointer(rebasing: bytes[written..<count])))
                    } catch {
                        return .failure(error)
                    }
                }
                guard case .success(.bytes(let more)) = result else { break copying }
                written += more
            }
        }
        try? StreamCalls.shutdownSending(sink)
    }
}

extension Descriptor {
    /// Closes where an error tells nothing that could be acted upon.
    consuming func closeQuietly() { try? close() }
}
