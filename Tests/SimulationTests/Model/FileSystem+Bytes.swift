// Reading and writing arrays, with the errno kept in the type.

import LifterSystem

extension FileSystem {
    /// One write; how much of it was taken.
    func write(_ bytes: [UInt8], to descriptor: RawDescriptor, at offset: UInt64) throws(Errno) -> Int {
        let result = bytes.withUnsafeBytes { buffer -> Result<Int, Errno> in
            do throws(Errno) {
                return .success(try write(descriptor, from: buffer, at: offset))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// One read of at most so many bytes.
    func read(_ descriptor: RawDescriptor, upTo count: Int, at offset: UInt64) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let result = bytes.withUnsafeMutableBytes { buffer -> Result<Int, Errno> in
            do throws(Errno) {
                return .success(try read(descriptor, into: buffer, at: offset))
            } catch {
                return .failure(error)
            }
        }
        bytes.removeLast(count - (try result.get()))
        return bytes
    }
}
