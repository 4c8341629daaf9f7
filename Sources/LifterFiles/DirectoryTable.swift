// Where the directories of a session are: id -> (parent, name, identity), and the descriptors held just now.
//
// A tree may be deeper and wider than descriptors go round, so only the last used ones are held. One that was let
// go is opened again from the nearest ancestor still held, strictly beneath it and in pieces shorter than a path
// may be, and must then be the object that was seen first: a directory swapped meanwhile is an error, never a way
// elsewhere. The lock covers the table alone; the kernel is called without it.

package import LifterProtocol
package import LifterSystem
import Synchronization

package final class DirectoryTable: Sendable {
    private let fileSystem: any FileSystem
    private let capacity: Int
    private let state = Mutex(State())

    /// A relative path handed to the kernel stays below this many bytes (PATH_MAX is 4,096 with its NUL).
    private static let longestPiece = 4_000

    /// `capacity`: descriptors held at most, roots and directories in use apart.
    package init(fileSystem: any FileSystem, capacity: Int = 64) {
        self.fileSystem = fileSystem
        self.capacity = max(2, capacity)
    }

    deinit {
        let held = state.withLock { state in state.held.compactMap { state.records[$0]?.held } }
        for descriptor in held { fileSystem.close(descriptor) }
    }

    // MARK: What is known

    private struct Record {
        var parent: DirectoryID?
        var name: [UInt8]
        /// Device and inode at the first sight.
        var identity: Identity?
        var held: RawDescriptor?
        /// Uses in progress; the descriptor stays while there are any.
        var pins = 0
        var lastUse: UInt64 = 0
        var children = 0
        /// Not used any more itself, but still on the way to its children.
        var isForgotten = false
        /// A root: its descriptor belongs to somebody else and is always there.
        var isBase = false
        /// Its descriptor stays open, since it holds a lock.
        var isKept = false
    }

    private struct Identity: Equatable {
        var device: UInt64
        var inode: UInt64
        init(_ status: FileStatus) { (device, inode) = (status.device, status.inode) }
    }

    private struct State {
        var records: [DirectoryID: Record] = [:]
        /// A root that is made of several sources: where each of its names really is.
        var itemBases: [[UInt8]: RawDescriptor] = [:]
        var clock: UInt64 = 0
        /// The directories whose descriptors are held, roots and those that are kept apart, in no order.
        var held: [DirectoryID] = []
        /// Counts renames: a way that failed while one happened is tried again.
        var renames: UInt64 = 0
    }

    /// The root of the job, held by its owner for as long as this table lives.
    package func setRoot(_ descriptor: RawDescriptor, status: FileStatus) {
        state.withLock { state in
            var record = Record(parent: nil, name: [])
            record.identity = Identity(status)
            record.held = descriptor
            record.isBase = true
            state.records[0] = record
        }
    }

    /// A root made of items: each name is found in a directory of its own, held by its owner.
    package func setRoot(items: [[UInt8]: RawDescriptor]) {
        state.withLock { state in
            var record = Record(parent: nil, name: [])
            record.isBase = true
            state.records[0] = record
            state.itemBases = items
        }
    }

    /// Makes a directory known by its place; it is opened at its first use. A nil parent means the root.
    package func register(_ id: DirectoryID, parent: DirectoryID?, name: [UInt8]) {
        state.withLock { state in
            guard id != 0, state.records[id] == nil else { return }
            let parent = parent ?? 0
            state.records[id] = Record(parent: parent, name: name)
            state.records[parent]?.children += 1
        }
    }

    package func isRegistered(_ id: DirectoryID) -> Bool {
        state.withLock { $0.records[id] != nil }
    }

    /// The directory bears another name from now on (a part directory was published).
    package func rename(_ id: DirectoryID, to name: [UInt8]) {
        state.withLock { state in
            state.records[id]?.name = name
            state.renames &+= 1
        }
    }

    /// Takes over an open descriptor of a registered directory, and `status` as the first sight of it. What the
    /// table knew of it before counts no more.
    package func adopt(_ id: DirectoryID, descriptor: RawDescriptor, status: FileStatus) {
        let surplus: RawDescriptor? = state.withLock { state in
            guard var record = state.records[id], !record.isBase else { return descriptor }
            record.identity = Identity(status)
            // A descriptor in use elsewhere cannot be swapped under its user; it is the same directory.
            if record.held != nil {
                state.records[id] = record
                return descriptor
            }
            record.held = descriptor
            state.clock &+= 1
            record.lastUse = state.clock
            state.records[id] = record
            state.held.append(id)
            return nil
        }
        if let surplus { fileSystem.close(surplus) }
        trim()
    }

    /// Takes over an open descriptor of a directory that was just registered, and keeps it open until `letGo`. False, and
    /// it stays the caller's, where that has a descriptor already.
    package func keep(_ id: DirectoryID, descriptor: RawDescriptor, status: FileStatus) -> Bool {
        state.withLock { state in
            guard var record = state.records[id], record.held == nil else { return false }
            record.identity = Identity(status)
            record.held = descriptor
            record.isKept = true
            state.records[id] = record
            return true
        }
    }

    /// A descriptor that was kept is held like others from now on.
    package func letGo(_ id: DirectoryID) {
        let closing: [RawDescriptor] = state.withLock { state in
            guard state.records[id]?.isKept == true else { return [] }
            state.clock &+= 1
            state.records[id]?.isKept = false
            state.records[id]?.lastUse = state.clock
            state.held.append(id)
            return Self.removeForgotten(from: id, &state)
        }
        for descriptor in closing { fileSystem.close(descriptor) }
        trim()
    }

    /// The path relative to the root, for reports: names joined by `/`, empty for the root itself.
    package func path(of id: DirectoryID) -> [UInt8] {
        let names: [[UInt8]] = state.withLock { state in
            var names: [[UInt8]] = []
            var next = state.records[id]
            while let record = next, let parent = record.parent {
                names.append(record.name)
                next = state.records[parent]
            }
            return names
        }
        return Array(names.reversed().joined(separator: [UInt8(ascii: "/")]))
    }

    /// The number is not used again. The record stays while children need it to be found.
    package func forget(_ id: DirectoryID) {
        let closing: [RawDescriptor] = state.withLock { state in
            guard id != 0, state.records[id] != nil else { return [] }
            state.records[id]?.isForgotten = true
            return Self.removeForgotten(from: id, &state)
        }
        for descriptor in closing { fileSystem.close(descriptor) }
    }

    private static func removeForgotten(from id: DirectoryID, _ state: inout State) -> [RawDescriptor] {
        var closing: [RawDescriptor] = []
        var next = id
        while let record = state.records[next], record.isForgotten, record.children == 0, record.pins == 0,
            !record.isKept
        {
            if let held = record.held {
                closing.append(held)
                state.held.removeAll { $0 == next }
            }
            state.records[next] = nil
            guard let parent = record.parent else { break }
            state.records[parent]?.children -= 1
            next = parent
        }
        return closing
    }

    // MARK: Use

    /// Lends the directory's descriptor to `body`; it stays open until `body` is done.
    package func withDirectory<R>(
        _ id: DirectoryID, _ body: (RawDescriptor) throws(FileProblem) -> R
    ) throws(FileProblem) -> R {
        let descriptor = try pin(id)
        defer { unpin(id) }
        return try body(descriptor)
    }

    /// The same for the directory that holds `name`, which for a root made of items is that item's own.
    package func withDirectory<R>(
        _ id: DirectoryID, holding name: ArraySlice<UInt8>, _ body: (RawDescriptor) throws(FileProblem) -> R
    ) throws(FileProblem) -> R {
        if id == 0, let base = state.withLock({ $0.itemBases.isEmpty ? nil : $0.itemBases[Array(name)] }) {
            return try body(base)
        }
        return try withDirectory(id, body)
    }

    /// Closes the longest unused descriptor. False when there is none to spare. For callers that met EMFILE.
    package func releaseOne() -> Bool {
        let victim: RawDescriptor? = state.withLock { Self.evict(&$0) }
        guard let victim else { return false }
        fileSystem.close(victim)
        return true
    }

    /// Runs a call that opens something; where descriptors have run out, lets go of held ones and tries again.
    package func opening<R>(_ call: () throws(Errno) -> R) throws(Errno) -> R {
        while true {
            do throws(Errno) {
                return try call()
            } catch {
                guard error == .tooManyOpen || error == .tooManyOpenSystem, releaseOne() else { throw error }
            }
        }
    }

    private static func evict(_ state: inout State) -> RawDescriptor? {
        var oldest: Int?
        var age = UInt64.max
        for (index, id) in state.held.enumerated() {
            guard let record = state.records[id], record.pins == 0, record.lastUse < age else { continue }
            (oldest, age) = (index, record.lastUse)
        }
        guard let oldest else { return nil }
        let id = state.held.remove(at: oldest)
        let victim = state.records[id]?.held
        state.records[id]?.held = nil
        return victim
    }

    private func trim() {
        while true {
            let victim: RawDescriptor? = state.withLock { $0.held.count > capacity ? Self.evict(&$0) : nil }
            guard let victim else { return }
            fileSystem.close(victim)
        }
    }

    // MARK: Opening again

    private struct Step {
        var id: DirectoryID
        var name: [UInt8]
        var wasSeen: Bool
    }

    /// How to get to a directory that is not held.
    private struct Way {
        /// The nearest held ancestor, pinned; nil where the way begins at an item's base.
        var ancestor: DirectoryID?
        var start: RawDescriptor
        /// From there: each directory on the way, the wanted one last.
        var steps: [Step]
        var renames: UInt64
    }

    private func pin(_ id: DirectoryID) throws(FileProblem) -> RawDescriptor {
        var attempts = 0
        while true {
            if let held = pinHeld(id) { return held }
            let way = try findWay(to: id)
            do throws(FileProblem) {
                let descriptor = try walk(way)
                if let ancestor = way.ancestor { unpin(ancestor) }
                return descriptor
            } catch {
                if let ancestor = way.ancestor { unpin(ancestor) }
                attempts += 1
                let renamed = state.withLock { $0.renames != way.renames }
                if attempts >= 8 || !renamed { throw error }
            }
        }
    }

    private func pinHeld(_ id: DirectoryID) -> RawDescriptor? {
        state.withLock { state in
            guard var record = state.records[id], let held = record.held else { return nil }
            state.clock &+= 1
            record.pins += 1
            record.lastUse = state.clock
            state.records[id] = record
            return held
        }
    }

    private func unpin(_ id: DirectoryID) {
        let closing: [RawDescriptor] = state.withLock { state in
            guard var record = state.records[id], record.pins > 0 else { return [] }
            record.pins -= 1
            state.records[id] = record
            return record.isForgotten ? Self.removeForgotten(from: id, &state) : []
        }
        for descriptor in closing { fileSystem.close(descriptor) }
        trim()
    }

    private func findWay(to id: DirectoryID) throws(FileProblem) -> Way {
        let way: Way? = state.withLock { state in
            var steps: [Step] = []
            var next = id
            while let record = state.records[next] {
                if let held = record.held {
                    state.records[next]?.pins += 1
                    return Way(ancestor: next, start: held, steps: steps.reversed(), renames: state.renames)
                }
                guard let parent = record.parent else {
                    // A root made of items.
                    guard let item = steps.last, let base = state.itemBases[item.name] else { return nil }
                    return Way(ancestor: nil, start: base, steps: steps.reversed(), renames: state.renames)
                }
                steps.append(Step(id: next, name: record.name, wasSeen: record.identity != nil))
                next = parent
            }
            return nil
        }
        guard let way else { throw FileProblem(.stopped, doing: "opening a directory that is not known") }
        return way
    }

    /// Opens piece by piece. The directory at the end of each piece is kept as well: the next one that is missed
    /// is most likely beneath it or beside it.
    private func walk(_ way: Way) throws(FileProblem) -> RawDescriptor {
        var start = way.start
        var startID: DirectoryID?
        defer { if let startID { unpin(startID) } }
        var index = 0
        while index < way.steps.count {
            let (path, end) = nextPiece(of: way.steps, from: index)
            let target = way.steps[end - 1].id
            let opened = try attempting("opening the directory") { () throws(Errno) in
                try self.opening { () throws(Errno) in
                    try self.fileSystem.open(path[...], in: start, [.read, .directory], mode: 0)
                }
            }
            let held = try takePinned(target, opened)
            if let startID { unpin(startID) }
            (start, startID, index) = (held, target, end)
        }
        // The last pin is the caller's.
        startID = nil
        return start
    }

    /// Names joined to a path below the limit. It ends before a directory that was never seen: what is above it
    /// must be checked before it is believed. The last ones of a long way are gone one by one and so kept: who has
    /// done with a deep directory turns to the one above it.
    private func nextPiece(of steps: [Step], from start: Int) -> (path: [UInt8], end: Int) {
        var path = steps[start].name
        var end = start + 1
        let kept = min(capacity / 4, 16)
        let most = steps.count > 2 * kept ? steps.count - kept : steps.count
        while end < most, steps[end].wasSeen, path.count + 1 + steps[end].name.count < Self.longestPiece {
            path.append(UInt8(ascii: "/"))
            path.append(contentsOf: steps[end].name)
            end += 1
        }
        return (path, end)
    }

    /// Checks an opened descriptor against the first sight, hands it to the table, and pins it.
    private func takePinned(_ id: DirectoryID, _ opened: RawDescriptor) throws(FileProblem) -> RawDescriptor {
        let identity: Identity
        do throws(Errno) {
            identity = Identity(try fileSystem.status(of: opened))
        } catch {
            fileSystem.close(opened)
            throw FileProblem(error, doing: "opening the directory")
        }
        let held: RawDescriptor? = state.withLock { state in
            guard var record = state.records[id] else { return nil }
            if let first = record.identity, first != identity { return nil }
            record.identity = identity
            if record.held == nil {
                record.held = opened
                state.held.append(id)
            }
            state.clock &+= 1
            record.lastUse = state.clock
            record.pins += 1
            state.records[id] = record
            return record.held
        }
        if held != opened { fileSystem.close(opened) }
        guard let held else { throw FileProblem(.changed, doing: "opening the directory again") }
        trim()
        return held
    }
}
