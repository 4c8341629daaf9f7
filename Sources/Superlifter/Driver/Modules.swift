// Modules: directories that a server shows under names of its own. The first component of a client's path is the
// module; one session has one. What the names stand for, and who may enter, the house knows.

import LifterFiles
import LifterProtocol
import LifterSystem

/// Whoever keeps the modules of a server.
package protocol ModuleHouse: Sendable {
    /// What this client is shown when it asks which modules there are.
    var listed: [ListedModule] { get }
    /// Lets the client of this session into a module, or throws why not. Called once, before anything of it is opened;
    /// the process may be somebody else afterwards.
    func enter(_ name: [UInt8], isWriting: Bool) throws(SuperlifterError) -> EnteredModule
}

package struct ListedModule: Hashable, Sendable {
    package var name: [UInt8]
    package var comment: String

    package init(name: [UInt8], comment: String) {
        self.name = name
        self.comment = comment
    }
}

package struct EnteredModule: Sendable {
    package var path: [UInt8]
    package var isReadOnly: Bool
    /// Patterns of names that are not there.
    package var hidden: [[UInt8]]
    /// Seconds.
    package var silenceTimeout: UInt32?

    package init(path: [UInt8], isReadOnly: Bool, hidden: [[UInt8]], silenceTimeout: UInt32?) {
        self.path = path
        self.isReadOnly = isReadOnly
        self.hidden = hidden
        self.silenceTimeout = silenceTimeout
    }
}

/// A path as a client wrote it, taken apart: `/module/rest`, where the rest is read beneath the module.
struct ModulePath {
    /// Empty where the path names none.
    let module: [UInt8]
    let rest: [UInt8]

    init(_ path: [UInt8]) {
        let slash = UInt8(ascii: "/")
        var left = path[...]
        while true {
            while left.first == slash { left.removeFirst() }
            let name = left.prefix { $0 != slash }
            left = left.dropFirst(name.count)
            if name.elementsEqual([UInt8(ascii: ".")]) { continue }
            module = Array(name)
            rest = Array(left.drop { $0 == slash })
            return
        }
    }

    /// The one module that all paths of a job are in, and the paths beneath it.
    static func split(_ paths: [[UInt8]]) throws(SuperlifterError) -> (module: [UInt8], paths: [[UInt8]]) {
        let parts = paths.map { ModulePath($0) }
        guard let first = parts.first, !first.module.isEmpty else {
            throw SuperlifterError(
                .refused, "this server has modules: write MODULE/PATH (superlifter list without a path names them)")
        }
        guard parts.allSatisfy({ $0.module == first.module }) else {
            throw SuperlifterError(.refused, "the paths of one run must all be in one module")
        }
        return (first.module, parts.map { $0.rest.isEmpty ? [UInt8(ascii: ".")] : $0.rest })
    }
}

extension ListedModule {
    /// In a listing a module is a directory without a date.
    var entry: Entry {
        Entry(
            name: name,
            attributes: Attributes(
                kind: .directory, mode: 0o755, userID: 0, groupID: 0, size: 0,
                modified: Timestamp(seconds: 0, nanoseconds: 0)))
    }
}
