// Names and paths on their way to the kernel: checked, then NUL-terminated on the stack.

import Glibc

/// Runs `call` with a C string of these bytes; a byte 0 among them is EINVAL. `call` returns an `outcome`, and is
/// run again after EINTR.
@inline(__always) @discardableResult
func withCString(_ bytes: ArraySlice<UInt8>, _ call: (UnsafePointer<CChar>) -> Int) throws(Errno) -> Int {
    let result = withUnsafeTemporaryAllocation(byteCount: bytes.count + 1, alignment: 1) { buffer in
        bytes.withUnsafeBytes { buffer.copyMemory(from: $0) }
        buffer[bytes.count] = 0
        guard let base = buffer.baseAddress, strlen(base) == bytes.count else { return -Int(EINVAL) }
        var result: Int
        repeat { result = call(base.assumingMemoryBound(to: CChar.self)) } while result == -Int(EINTR)
        return result
    }
    return try check(result)
}

@inline(__always)
private func strlen(_ base: UnsafeMutableRawPointer) -> Int {
    Int(Glibc.strlen(base.assumingMemoryBound(to: CChar.self)))
}

/// The same for the name of an entry: one component, and never a way out of the directory it is looked up in.
/// EXDEV for `..` and for a name with a slash in front, EINVAL for anything else that is not a name.
@inline(__always) @discardableResult
func withName(_ name: ArraySlice<UInt8>, _ call: (UnsafePointer<CChar>) -> Int) throws(Errno) -> Int {
    if let problem = PathCheck.problem(inPath: name) { throw problem }
    if name.contains(PathCheck.slash) { throw .invalid }
    return try withCString(name, call)
}

/// What a path beneath a directory may look like.
enum PathCheck {
    static let slash = UInt8(ascii: "/")
    static let dot = UInt8(ascii: ".")
    /// PATH_MAX without its NUL: what the kernel takes in one piece, and so what the walk takes, too.
    static let longest = 4095

    /// Why a relative path is refused before the kernel sees it: nil, EXDEV (absolute, or `..` anywhere), ENAMETOOLONG,
    /// or EINVAL (empty, an empty component, `.`, or a byte 0). The kernel would allow `a/..`; nothing here has a use for it.
    static func problem(inPath path: ArraySlice<UInt8>) -> Errno? {
        guard let first = path.first else { return .invalid }
        if first == slash { return .crossDevice }
        if path.count > longest { return .nameTooLong }
        var start = path.startIndex
        for index in path.indices {
            if path[index] == 0 { return .invalid }
            if path[index] == slash {
                if let problem = problem(inComponent: path[start..<index]) { return problem }
                start = index + 1
            }
        }
        return problem(inComponent: path[start...])
    }

    private static func problem(inComponent component: ArraySlice<UInt8>) -> Errno? {
        switch component.count {
        case 0: .invalid
        case 1: component.first == dot ? .invalid : nil
        case 2: component.allSatisfy { $0 == dot } ? .crossDevice : nil
        default: nil
        }
    }
}
