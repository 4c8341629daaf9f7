// Why the roots of a job could not be opened. Nothing has moved when one of these is thrown.

package import LifterSystem

package enum RootProblem: Error, Hashable, Sendable {
    /// The system refused; `path` as the user wrote it.
    case system(path: [UInt8], Errno, doing: String)
    /// Two sources would get the same name.
    case sameName(name: [UInt8], first: [UInt8], second: [UInt8])
    /// More than the last component of the destination is missing.
    case missingParents(path: [UInt8])
    /// The destination must be a directory and is something else.
    case notDirectory(path: [UInt8])
    /// The path leads out of the directory that this session is confined to.
    case outside(path: [UInt8])
    case noSources
}

extension RootProblem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let path, let errno, let doing):
            "\(Display.escaped(path)): \(doing): \(errno)"
        case .sameName(let name, let first, let second):
            "\(Display.escaped(first)) and \(Display.escaped(second)) would both become \(Display.escaped(name))"
        case .missingParents(let path):
            "\(Display.escaped(path)): only the last component may be missing (--mkpath creates the others)"
        case .notDirectory(let path):
            "\(Display.escaped(path)): is not a directory"
        case .outside(let path):
            "\(Display.escaped(path)): leads out of the directory that is served"
        case .noSources:
            "no source was given"
        }
    }
}
