// One piece is written while the next is read and digested: of a large file that is copied on this machine these take
// a third of the time, and a second processor has nothing else to do.
//
//     fill     an empty buffer is filled, as soon as there is one
//     write    it is handed over, written by the thread, and comes back

import LifterProtocol
import LifterSystem

/// A thread that writes, and the buffers that go to it and back. Used by one copy at a time.
final class WriteBehind: Sendable {
    private struct Piece: Sendable {
        let buffer: CopyBuffer
        let count: Int
        let descriptor: RawDescriptor
        let offset: UInt64
    }

    private struct Written: Sendable {
        let buffer: CopyBuffer
        let result: Result<Int, Errno>
    }

    private let pieces = WorkQueue<Piece>()
    private let written = WorkQueue<Written>()

    /// Two would do if both threads always ran when they could.
    private let buffers = (0..<4).map { _ in CopyBuffer() }

    init(_ fileSystem: any FileSystem) throws(Errno) {
        let (pieces, written) = (pieces, written)
        _ = try Thread(name: "lifter-copier") {
            while let piece = pieces.take() {
                written.add([Self.write(piece, fileSystem)])
            }
        }
    }

    /// What is handed over is written first.
    deinit { pieces.close() }

    private static func write(_ piece: Piece, _ fileSystem: any FileSystem) -> Written {
        do throws(Errno) {
            let bytes = UnsafeRawBufferPointer(rebasing: piece.buffer.bytes[..<piece.count])
            try fileSystem.writeAll(bytes, to: piece.descriptor, at: piece.offset)
            return Written(buffer: piece.buffer, result: .success(piece.count))
        } catch {
            return Written(buffer: piece.buffer, result: .failure(error))
        }
    }

    /// How a copy ended.
    struct End {
        /// Bytes, up to the first piece that could not be written.
        var written: UInt64 = 0
        var reading: FileProblem?
        var writing: Errno?
    }

    /// Writes to `descriptor`, from `start` on, what `fill` puts into the buffers it is given, until it gives 0.
    func copy(
        to descriptor: RawDescriptor, from start: UInt64,
        fill: (UnsafeMutableRawBufferPointer) throws(FileProblem) -> Int
    ) -> End {
        var idle = buffers
        var (out, handedOver) = (0, UInt64(0))
        var end = End()
        func takeBack() {
            guard let back = written.take() else { return }
            out -= 1
            idle.append(back.buffer)
            // What lies behind a piece that is missing does not count.
            guard end.writing == nil else { return }
            switch back.result {
            case .success(let count): end.written += UInt64(count)
            case .failure(let error): end.writing = error
            }
        }
        do throws(FileProblem) {
            while end.writing == nil {
                if idle.isEmpty { takeBack() }
                guard let buffer = idle.popLast() else { break }
                let count = try fill(buffer.bytes)
                if count <= 0 { break }
                pieces.add([Piece(buffer: buffer, count: count, descriptor: descriptor, offset: start + handedOver)])
                handedOver += UInt64(count)
                out += 1
            }
        } catch {
            end.reading = error
        }
        while out > 0 { takeBack() }
        return end
    }
}
