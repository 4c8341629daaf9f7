// A file system that exists in memory and behaves, errno by errno, like the Linux kernel on ext4; it can fail, delay
// or lose any call, and tell what a power cut at that moment would have left.
//
// One `ModelFileSystem` is one process: it has descriptors, a umask, an identity, a fault plan and a trace. The disk
// can be shared by several (`anotherProcess`). Every call goes the same way: it gets a number and its place in the
// trace; the hook may let others act; a fault strikes or not; then it is carried out under the disk's lock.
//
//     +Open       opening, strictly beneath a directory; descriptors
//     +Read       names, links, contents
//     +Make       new names, renamed names, removed names
//     +Metadata   mode, owner, time
//     +Contents   writing, size, space, sharing, durability, locks

import LifterSystem

final class ModelFileSystem: FileSystem, @unchecked Sendable {
    struct Identity: Sendable {
        var user: UInt32
        var group: UInt32
        /// Root is asked for no permission.
        var isRoot: Bool { user == 0 }
        static let root = Identity(user: 0, group: 0)
    }

    /// What an open descriptor stands for.
    final class OpenFile {
        let id: Int
        let node: ModelNode
        let flags: OpenFlags
        /// Names still to be told, in reverse; nil before the first reading.
        var namesLeft: [[UInt8]]?

        init(id: Int, node: ModelNode, flags: OpenFlags) {
            self.id = id
            self.node = node
            self.flags = flags
        }

        var isPathOnly: Bool { flags.contains(.pathOnly) }
        var canWrite: Bool { !isPathOnly && flags.contains(.write) }
        /// Neither read nor write means read.
        var canRead: Bool { !isPathOnly && (flags.contains(.read) || !flags.contains(.write)) }
    }

    let disk: ModelDisk
    let identity: Identity
    let umask: UInt32
    /// The lowest descriptor number: far above what this process really has open, so that a number of the model
    /// given to the kernel by mistake closes nobody's file.
    let firstDescriptor: RawDescriptor
    /// How many descriptors may be open.
    var descriptorLimit = 1_024
    /// Longest transfer of one read or write.
    var longestTransfer = 1 << 30

    var faults: FaultPlan
    var isTracing = false
    private(set) var trace: [ModelCall] = []
    /// How many calls were made.
    private(set) var callCount = 0
    /// The process is gone: a fault plan said so, or `kill` or `crash` was called.
    private(set) var crashed = false
    /// Called before each call is carried out, with no lock held: another process may act here, the scheduler may
    /// note a late call. Set it before the first call.
    var beforeCall: ((ModelFileSystem, ModelCall) -> Void)?

    var openFiles: [RawDescriptor: OpenFile] = [:]
    var lowestFree: RawDescriptor
    private static let ids = ModelCounter()

    init(
        disk: ModelDisk = ModelDisk(), identity: Identity = .root, umask: UInt32 = 0o022, faults: FaultPlan = .none,
        firstDescriptor: RawDescriptor = 1 << 20
    ) {
        self.disk = disk
        self.identity = identity
        self.umask = umask
        self.faults = faults
        self.firstDescriptor = firstDescriptor
        self.lowestFree = firstDescriptor
    }

    func unpredictableNumber() -> UInt64 { disk.lock.held { disk.unpredictable.next() } }

    // MARK: Other processes, and the end of this one

    /// Another process on the same disk.
    func anotherProcess(identity: Identity = .root, faults: FaultPlan = .none) -> ModelFileSystem {
        ModelFileSystem(
            disk: disk, identity: identity, umask: umask, faults: faults, firstDescriptor: firstDescriptor)
    }

    /// `kill -9`: this process ends, its descriptors are closed and its locks dropped; nothing on the disk is lost.
    /// Returns the next process on that disk.
    func kill() -> ModelFileSystem {
        disk.lock.held {
            crashed = true
            for (_, file) in openFiles.sorted(by: { $0.key < $1.key }) { release(file) }
            openFiles.removeAll()
        }
        return anotherProcess()
    }

    /// The power is cut; every process on this disk is gone. Returns the first process after the restart, on the
    /// disk as it was found. Without an order, one is chosen at random.
    func crash(random: inout SeededRandom, order: JournalOrder? = nil) -> ModelFileSystem {
        let chosen = order ?? (random.chance(50) ? .whole : .perObject)
        let next = disk.powerCut(random: &random, order: chosen)
        disk.lock.held { crashed = true }
        return ModelFileSystem(disk: next, umask: umask, firstDescriptor: firstDescriptor)
    }

    // MARK: One call

    /// Runs one call: number, trace, hook, fault, and then `body` under the disk's lock. `body` is given the
    /// longest transfer that it may make.
    func call<Result>(
        _ description: @autoclosure () -> ModelCall, _ body: (Int) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        let call = description()
        let (number, fault) = try disk.lock.held { () throws(Errno) in try announce(call) }
        if let beforeCall {
            var announced = call
            announced.number = number
            announced.fault = fault
            beforeCall(self, announced)
        }
        return try disk.lock.held { () throws(Errno) in
            if crashed || disk.isDown { throw .io }
            var longest = longestTransfer
            switch fault {
            case .fail(let errno)?: throw note(errno, number)
            case .late(let nanoseconds)?: disk.now = disk.now.advanced(byNanoseconds: nanoseconds)
            case .short(let count)?: longest = max(1, min(longest, count))
            case .crash?:
                crashed = true
                throw note(.io, number)
            case nil: break
            }
            do throws(Errno) {
                let result = try body(longest)
                if isTracing, let made = result as? RawDescriptor { noteDescriptor(made, number) }
                return result
            } catch {
                throw note(error, number)
            }
        }
    }

    private func announce(_ call: ModelCall) throws(Errno) -> (number: Int, fault: Fault?) {
        if crashed || disk.isDown {
            crashed = true
            throw .io
        }
        callCount += 1
        disk.now = disk.now.advanced(byNanoseconds: disk.settings.tick)
        let fault = faults.fault(at: callCount, call.operation)
        if isTracing {
            var call = call
            call.number = callCount
            call.fault = fault
            call.place = call.descriptor.flatMap { openFiles[$0] }.map { disk.path(of: $0.node) }
            trace.append(call)
        }
        return (callCount, fault)
    }

    private func note(_ errno: Errno, _ number: Int) -> Errno {
        if let index = traceIndex(number) { trace[index].failure = errno }
        return errno
    }

    private func noteDescriptor(_ descriptor: RawDescriptor, _ number: Int) {
        guard let index = traceIndex(number) else { return }
        switch trace[index].operation {
        case .open, .openRoot, .reopen: trace[index].descriptorMade = descriptor
        default: break
        }
    }

    /// Calls are traced in the order of their numbers; only those before the tracing began are missing.
    private func traceIndex(_ number: Int) -> Int? {
        guard isTracing, let first = trace.first?.number, trace.indices.contains(number - first) else { return nil }
        return number - first
    }

    /// An id for an open file, different in all processes.
    func nextOpenID() -> Int { Self.ids.next() }
}

/// Counts for the whole test run.
final class ModelCounter: @unchecked Sendable {
    private let lock = ModelLock()
    private var value = 0

    func next() -> Int {
        lock.held {
            value += 1
            return value
        }
    }
}
