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
    package var access: Server.Access
    /// Patterns of names that are not there.
    package var hidden: [[UInt8]]
    /// Seconds.
    package var silenceTimeout: UInt32?

    package init(path: [UInt8], access: Server.Access, hidden: [[UInt8]], silenceTimeout: UInt32?) {
        self.path = path
        self.access = access
        self.hidden = hidden
        self.silenceTimeout = silenceTimeout
    }
}

/// A path as a client wrote it, taken apart: `/module/rest`, where the rest is read beneath the module.
struct ModulePath {
    /// Empty where the path names none.
    let module: [UInt8]
    let rest: [UInt8]
    /// Neither rest nor slash: by the slash rule the module itself, under its name.
    let isModuleItself: Bool

    init(_ path: [UInt8]) {
        let slash = UInt8(ascii: "/")
        var left = path[...]
        var name: ArraySlice<UInt8>
        repeat {
            left = left.drop { $0 == slash }
            name = left.prefix { $0 != slash }
            left = left.dropFirst(name.count)
        } while name.elementsEqual([UInt8(ascii: ".")])
        module = Array(name)
        isModuleItself = left.isEmpty
        rest = Array(left.drop { $0 == slash })
    }
}

/// The paths of a job, all in one module.
struct ModulePaths {
    let module: [UInt8]
    /// Beneath the module's root.
    let paths: [[UInt8]]
    /// The job has one source, and it is the module itself: `paths` then names it by its own name.
    let isModuleItself: Bool

    init(_ job: Job) throws(SuperlifterError) {
        let parts = job.paths.map { ModulePath($0) }
        guard let first = parts.first, parts.allSatisfy({ !$0.module.isEmpty }) else {
            throw SuperlifterError(
                .refused, "this server has modules: write MODULE/PATH (superlifter list without a path names them)")
        }
        guard parts.allSatisfy({ $0.module == first.module }) else {
            throw SuperlifterError(.refused, "the paths of one run must all be in one module")
        }
        module = first.module
        isModuleItself = job.direction == .pull && job.purpose != .list && parts.contains { $0.isModuleItself }
        guard !isModuleItself || parts.count == 1 else {
            throw SuperlifterError(.refused, "a whole module is fetched by itself, or its contents by MODULE/")
        }
        let ofRoot = isModuleItself ? first.module : [UInt8(ascii: ".")]
        paths = parts.map { $0.rest.isEmpty ? ofRoot : $0.rest }
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
