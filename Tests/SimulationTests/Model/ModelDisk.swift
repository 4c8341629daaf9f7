// The disk of the model: objects, clock, limits. One disk can be used by several `ModelFileSystem`s at once, each of
// which stands for a process; all of them share its lock.
//
//     ModelDisk              objects, time, room
//     ModelDisk+Names        entries that come, go and move
//     ModelDisk+Durability   what is safe, and what a power cut leaves
//     ModelDisk+Trees        whole trees put on it and read from it, behind every process's back

import Glibc
import LifterSystem

final class ModelDisk: @unchecked Sendable {
    /// In which order a directory tells its names.
    enum NameOrder: Sendable {
        case sorted
        /// Like a hashed directory: mixed, but always the same for the same names.
        case mixed(seed: UInt64)
    }

    struct Settings: Sendable {
        var nameOrder = NameOrder.sorted
        /// Names told by one `readNames`.
        var namesPerRead = 100
        /// False: the kind of every entry is unknown to the directory.
        var tellsKinds = true
        var canClone = false
        /// Whether new objects get the numbers of old ones, as on ext4.
        var reusesNumbers = true
        /// Room in bytes (whole pages) and objects.
        var byteBudget = 1 << 40
        var nodeBudget = Int.max
        /// Larger files fail with EFBIG.
        var largestFile = 64 << 20
        var mostLinks = 65_000
        /// What `facts` tells; ext4's number.
        var type: Int64 = 0xef53
        /// Nanoseconds; times are rounded down to multiples of it.
        var timeGranularity: UInt32 = 1
        /// Seconds that can be stored; others are clamped. ext4 with 256-byte inodes.
        var timeRange: ClosedRange<Int64> = -(1 << 31)...((1 << 34) - (1 << 31) - 1)
        /// Whether what a power cut would leave is kept track of (costs memory for every write).
        var tracksDurability = true
        /// The clock moves on by so many nanoseconds with every call.
        var tick: Int64 = 1_000
    }

    static let rootID = 1

    let lock = ModelLock()
    let settings: Settings
    private(set) var nodes: [Int: ModelNode] = [:]
    /// Objects that are gone, but that a power cut could bring back.
    var ghosts: [Int: ModelNode] = [:]
    var now: FileTime
    /// No power: every call of every process fails from now on.
    var isDown = false

    /// Names changed and not yet safe, in order.
    var unsafeNames: [NameOperation] = []
    var sequence = 0

    /// What every process on this disk takes for chance.
    var unpredictable = SeededRandom(seed: 1)

    private(set) var usedBytes = 0
    private var lastID = ModelDisk.rootID
    private var lastNumber: UInt64 = 10
    private var freeNumbers: [UInt64] = []

    /// An empty disk. The clock starts in 2026.
    init(settings: Settings = Settings(), now: FileTime = FileTime(seconds: 1_790_000_000, nanoseconds: 0)) {
        self.settings = settings
        self.now = now
        let attributes = ModelNode.Attributes(mode: 0o755, user: 0, group: 0, modified: now)
        let root = ModelNode(
            id: Self.rootID, number: 2, kind: .directory, attributes: attributes, now: now, parent: Self.rootID)
        root.links = 2
        nodes[Self.rootID] = root
    }

    var root: ModelNode { node(Self.rootID) }

    /// The object of an id that an entry or an open file holds, and so exists.
    func node(_ id: Int) -> ModelNode {
        guard let node = nodes[id] else { fatalError("model: an entry for object \(id), which does not exist") }
        return node
    }

    func advance(nanoseconds: Int64) {
        lock.held { now = now.advanced(byNanoseconds: nanoseconds) }
    }

    // MARK: Objects

    /// A new object, counted but not yet named. ENOSPC when there is no room for one more.
    func make(_ kind: FileKind, _ attributes: ModelNode.Attributes, in parent: ModelNode) throws(Errno) -> ModelNode {
        if nodes.count >= settings.nodeBudget { throw .noSpace }
        lastID += 1
        let number: UInt64
        if settings.reusesNumbers, let free = freeNumbers.popLast() {
            number = free
        } else {
            lastNumber += 1
            number = lastNumber
        }
        let node = ModelNode(
            id: lastID, number: number, kind: kind, attributes: attributes, now: now, parent: parent.id)
        if kind == .directory { node.links = 2 }
        nodes[node.id] = node
        return node
    }

    /// Puts a survivor of a power cut on a new disk.
    func adopt(_ node: ModelNode) {
        nodes[node.id] = node
        lastID = max(lastID, node.id)
        lastNumber = max(lastNumber, node.number)
        usedBytes += node.allocated
    }

    /// Lets an object go that has neither a name nor an open file.
    func releaseIfUnused(_ node: ModelNode) {
        guard node.links == 0, node.opens == 0, nodes.removeValue(forKey: node.id) != nil else { return }
        usedBytes -= node.allocated
        freeNumbers.append(node.number)
        if settings.tracksDurability && !unsafeNames.isEmpty { ghosts[node.id] = node }
    }

    /// Runs a change of `data` or `reserved` and keeps the count of room.
    func resizing(_ node: ModelNode, _ change: () -> Void) {
        usedBytes -= node.allocated
        change()
        usedBytes += node.allocated
    }

    var availableBytes: Int { max(0, settings.byteBudget - usedBytes) }

    // MARK: Time and attributes

    var stamp: FileTime { stored(now) }

    /// A time as this file system can keep it.
    func stored(_ time: FileTime) -> FileTime {
        var time = time
        let range = settings.timeRange
        time.seconds = min(max(time.seconds, range.lowerBound), range.upperBound)
        if time.seconds == range.lowerBound || time.seconds == range.upperBound { time.nanoseconds = 0 }
        let step = settings.timeGranularity
        if step > 1 && step < 1_000_000_000 {
            time.nanoseconds -= time.nanoseconds % step
        } else if step >= 1_000_000_000 {
            let seconds = Int64(step / 1_000_000_000)
            time.seconds -= ((time.seconds % seconds) + seconds) % seconds
            time.nanoseconds = 0
        }
        return time
    }

    /// Changes journalled attributes; the change time follows.
    func change(_ node: ModelNode, _ body: (inout ModelNode.Attributes) -> Void) {
        body(&node.attributes)
        node.changed = stamp
        noteAttributes(node)
    }

    /// Contents or entries were changed.
    func touch(_ node: ModelNode) {
        let stamp = stamp
        change(node) { $0.modified = stamp }
    }

    func status(of node: ModelNode) -> FileStatus {
        FileStatus(
            kind: node.kind, mode: node.attributes.mode, userID: node.attributes.user,
            groupID: node.attributes.group, size: UInt64(node.size), modified: node.attributes.modified,
            changed: node.changed, accessed: node.accessed, links: UInt64(node.links), inode: node.number,
            device: 8 << 32 | 1, specialDevice: node.device, blocks: UInt64(node.allocated / 512))
    }
}

/// A plain mutual exclusion; nothing is awaited or waited for inside.
final class ModelLock: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() { pthread_mutex_init(mutex, nil) }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func held<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }
}
