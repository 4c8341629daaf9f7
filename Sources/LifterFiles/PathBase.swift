// Where the paths of a job begin, and how a path as written is taken apart.
//
// On the user's own side links in a path are followed, once, when a root is opened. A confined session (a module,
// `--root`) sees its directory as both `/` and the home: nothing written leads out of it, and no link is followed.

package import LifterSystem

package enum PathBase: Sendable {
    /// The working directory and the whole file system, by the user's own rights.
    case user
    /// Strictly beneath this directory, which stays open and is not owned.
    case beneath(RawDescriptor)
}

/// A path split for rsync's slash rule.
struct SplitPath {
    /// Everything before the last component, in a form that can be opened; empty means the base itself.
    var parent: [UInt8]
    /// The last component.
    var last: [UInt8]
    /// A slash behind it, or `.`, `..` or nothing as last component: the directory's contents are meant.
    var meansContents: Bool

    init(_ path: [UInt8]) {
        let slash = UInt8(ascii: "/")
        var trimmed = path[...]
        while trimmed.count > 1 && trimmed.last == slash { trimmed.removeLast() }
        let lastSlash = trimmed.lastIndex(of: slash)
        last = Array(lastSlash.map { trimmed[($0 + 1)...] } ?? trimmed)
        parent = lastSlash.map { Array(path[...$0]) } ?? []
        let isSpecial = last.isEmpty || last == Array(".".utf8) || last == Array("..".utf8)
        meansContents = isSpecial || path.last == slash
    }
}

/// Opens directories by paths as they were written.
struct PathOpener {
    let fileSystem: any FileSystem
    let base: PathBase

    /// The path in the form that the other functions take: as written, or, when confined, its components beneath
    /// the base joined by single slashes (`..` taken literally: there are no links that could change its meaning),
    /// with a slash behind it kept.
    func normalized(_ path: [UInt8]) throws(RootProblem) -> [UInt8] {
        if path.contains(0) { throw .system(path: path, .invalid, doing: "opening") }
        switch base {
        case .user: return path
        case .beneath: break
        }
        let slash = UInt8(ascii: "/")
        var components: [ArraySlice<UInt8>] = []
        var rest = path[...]
        let home = Array("~".utf8)
        if rest.elementsEqual(home) || rest.starts(with: home + [slash]) { rest.removeFirst() }
        for component in rest.split(separator: slash) {
            if component.elementsEqual(".".utf8) { continue }
            if component.elementsEqual("..".utf8) {
                if components.popLast() == nil { throw .outside(path: path) }
            } else {
                components.append(component)
            }
        }
        var result = Array(components.joined(separator: [slash]))
        let ending = SplitPath(path)
        if ending.meansContents && !result.isEmpty { result.append(slash) }
        return result
    }

    /// Opens a directory for reading; its path is `normalized`.
    func openDirectory(_ path: [UInt8]) throws(Errno) -> RawDescriptor {
        switch base {
        case .user:
            return try fileSystem.openRoot(path.isEmpty ? Array(".".utf8) : path, [.read, .directory])
        case .beneath(let root):
            let trimmed = Self.withoutSlashBehind(path)
            if trimmed.isEmpty { return try fileSystem.reopen(root) }
            return try fileSystem.open(trimmed, in: root, [.read, .directory], mode: 0)
        }
    }

    /// Opens a directory only to reach what is in it, which needs no right to list it.
    func openPassage(_ path: [UInt8]) throws(Errno) -> RawDescriptor {
        switch base {
        case .user:
            return try fileSystem.openRoot(path.isEmpty ? Array(".".utf8) : path, [.pathOnly, .directory])
        case .beneath(let root):
            let trimmed = Self.withoutSlashBehind(path)
            if trimmed.isEmpty { return try fileSystem.reopen(root) }
            return try fileSystem.open(trimmed, in: root, [.pathOnly, .directory], mode: 0)
        }
    }

    private static func withoutSlashBehind(_ path: [UInt8]) -> ArraySlice<UInt8> {
        var path = path[...]
        while path.last == UInt8(ascii: "/") { path.removeLast() }
        return path
    }
}
