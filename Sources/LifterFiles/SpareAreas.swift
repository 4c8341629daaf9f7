// What is set aside while a file is rearranged in place.

import LifterProtocol
import LifterSystem

/// The old bytes of areas that were overwritten while others still take from them: in memory up to a limit, beyond that
/// in a file without a name, whose places are used again.
struct SpareAreas {
    private enum Place {
        case memory([UInt8])
        case file(UInt64)
    }

    private let fileSystem: any FileSystem
    private let limit: Int
    private let areaLength: UInt64
    private var places: [Int: Place] = [:]
    private var held = 0
    private var file: SpoolFile?
    /// Places in the file that are free again, and how many there are.
    private var free: [UInt64] = []
    private var filed: UInt64 = 0
    /// The most areas that were set aside at once.
    private(set) var most = 0

    init(fileSystem: any FileSystem, limit: Int, areaLength: UInt64) {
        self.fileSystem = fileSystem
        self.limit = limit
        self.areaLength = areaLength
    }

    var isSpooled: Bool { file != nil }

    mutating func put(
        _ bytes: UnsafeRawBufferPointer, of area: Int, _ makeFile: () -> RawDescriptor?
    ) throws(FileProblem) {
        if held + bytes.count <= limit {
            places[area] = .memory(Array(bytes))
            held += bytes.count
        } else {
            if file == nil { file = makeFile().map { SpoolFile($0, fileSystem) } }
            guard let file else { throw MoveLog.problem(.io) }
            let place = free.popLast() ?? filed
            do throws(Errno) {
                try file.write(bytes, at: place * areaLength)
            } catch {
                throw MoveLog.problem(error)
            }
            if place == filed { filed += 1 }
            places[area] = .file(place)
        }
        most = max(most, places.count)
    }

    mutating func drop(_ area: Int) {
        switch places.removeValue(forKey: area) {
        case .memory(let bytes): held -= bytes.count
        case .file(let place): free.append(place)
        case nil: break
        }
    }

    func read(
        _ buffer: UnsafeMutableRawBufferPointer, of area: Int, from offset: Int
    ) throws(FileProblem) {
        switch places[area] {
        case .memory(let bytes):
            guard offset <= bytes.count, buffer.count <= bytes.count - offset else { throw MoveLog.problem(.io) }
            bytes.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + buffer.count]))
            }
        case .file(let place):
            guard let file else { throw MoveLog.problem(.io) }
            do throws(Errno) {
                try file.read(buffer, at: place * areaLength + UInt64(offset))
            } catch {
                throw MoveLog.problem(error)
            }
        case nil: throw MoveLog.problem(.io)
        }
    }
}
