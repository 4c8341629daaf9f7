// Child processes: started by posix_spawn, waited for by descriptor and by their own number only, never left behind.

import CSuperlifter
import Glibc

/// Where one of a child's standard descriptors goes.
package enum ChildStream: Hashable, Sendable {
    /// The same as ours.
    case inherited
    /// /dev/null.
    case null
    /// A copy of this one, which stays ours to close.
    case descriptor(RawDescriptor)
}

/// How a child ended.
package enum ChildStatus: Hashable, Sendable {
    case exited(Int32)
    /// By a signal, by its number.
    case signaled(Int32)

    package var isSuccess: Bool { self == .exited(0) }
}

/// A child that runs, or has been reaped. Dropped while it runs, it is killed and reaped.
package struct ChildProcess: ~Copyable, Sendable {
    package let processID: Int32
    /// Readable once the child has ended; nil on kernels before 5.3.
    private let pidDescriptor: Descriptor?
    private var status: ChildStatus?

    /// Starts a program. `arguments` holds its name first, which is looked for in PATH unless it has a slash, or
    /// `program` says which file it is.
    /// `environment` is a list of `NAME=value`; nil passes ours on. The child gets the three standard descriptors
    /// and no other, all signals at their default, none blocked.
    ///
    /// Throws what exec said: ENOENT for a program that is not there, EACCES for one that must not be run. (A shell
    /// that cannot find its command does start, and exits with 127.)
    package init(
        _ arguments: [[UInt8]], program: [UInt8]? = nil, environment: [[UInt8]]? = nil,
        input: ChildStream = .inherited, output: ChildStream = .inherited, error: ChildStream = .inherited
    ) throws(Errno) {
        guard let name = arguments.first, !name.isEmpty, program?.isEmpty != true else { throw .noEntry }
        if arguments.contains(where: { $0.contains(0) }) || program?.contains(0) == true { throw .invalid }
        if let environment, environment.contains(where: { $0.contains(0) }) { throw .invalid }

        var setup = try SpawnSetup([input, output, error])
        processID = try setup.spawn(
            CStringList([program ?? name]), CStringList(arguments), environment.map(CStringList.init))
        let raw = sl_pidfd_open(processID)
        pidDescriptor = raw >= 0 ? Descriptor(owning: raw) : nil
    }

    deinit {
        if status == nil {
            _ = kill(processID, SIGKILL)
            var ignored: Int32 = 0
            while waitpid(processID, &ignored, 0) < 0 && errno == EINTR {}
        }
    }

    /// To be polled for reading: readable once the child has ended. Nil on kernels before 5.3.
    package var pollable: RawDescriptor? {
        switch pidDescriptor {
        case .some(let descriptor): descriptor.raw
        case .none: nil
        }
    }

    /// Waits for the end, at most `timeout` nanoseconds (nil: without end; 0: just looks). Nil: it still runs.
    package mutating func wait(timeout: UInt64?) throws(Errno) -> ChildStatus? {
        let start = Clock.monotonic
        while true {
            if let status = try reap() { return status }
            let elapsed = Clock.monotonic &- start
            if let timeout, elapsed >= timeout { return nil }
            let rest = timeout.map { $0 - elapsed }
            if let pollable {
                var poller = Poller()
                poller.add(pollable, .readable)
                _ = try poller.wait(timeout: rest)
            } else {
                Clock.sleep(nanoseconds: min(rest ?? .max, 5_000_000))
            }
        }
    }

    /// Sends a signal; nothing happens to a child that has been reaped.
    package func send(_ signal: Signal) throws(Errno) {
        if status == nil { try Signals.send(signal, to: processID) }
    }

    /// Ends the child in good order: waits `grace` nanoseconds for it to go by itself, asks it to (SIGTERM), waits as
    /// long again, then kills it. Close its standard input first, so that it has a reason to go.
    package mutating func terminatePolitely(grace: UInt64 = 2_000_000_000) throws(Errno) -> ChildStatus {
        if let status = try wait(timeout: grace) { return status }
        try send(.terminate)
        if let status = try wait(timeout: grace) { return status }
        try send(.kill)
        while true {
            if let status = try wait(timeout: nil) { return status }
        }
    }

    /// ECHILD where somebody else took the status.
    private mutating func reap() throws(Errno) -> ChildStatus? {
        if let status { return status }
        var raw: Int32 = 0
        if try retrying({ outcome(waitpid(processID, &raw, WNOHANG)) }) == 0 { return nil }
        // The layout of wait(2): the low 7 bits are the signal, 0 for an ordinary exit with its code above.
        let signal = raw & 0x7f
        status = signal == 0 ? .exited(raw >> 8 & 0xff) : .signaled(signal)
        return status
    }
}

/// The attributes and descriptor actions of one spawn, and what they borrow until it has happened.
private struct SpawnSetup: ~Copyable {
    private let actions: UnsafeMutablePointer<posix_spawn_file_actions_t>
    private let attributes: UnsafeMutablePointer<posix_spawnattr_t>
    /// Copies above 2 of what goes to 0, 1 and 2, so that no action overwrites what a later one needs.
    private var copies: [RawDescriptor] = []

    init(_ streams: [ChildStream]) throws(Errno) {
        actions = .allocate(capacity: 1)
        attributes = .allocate(capacity: 1)
        posix_spawn_file_actions_init(actions)
        posix_spawnattr_init(attributes)

        for (number, stream) in streams.enumerated() {
            let target = Int32(number)
            switch stream {
            case .inherited: break
            case .null: try Self.check(posix_spawn_file_actions_addopen(actions, target, "/dev/null", O_RDWR, 0))
            case .descriptor(let raw):
                let copy = RawDescriptor(
                    truncatingIfNeeded: try LifterSystem.check(Int(sl_fcntl(raw, sl_F_DUPFD_CLOEXEC, 3))))
                copies.append(copy)
                try Self.check(posix_spawn_file_actions_adddup2(actions, copy, target))
            }
        }
        try Self.check(sl_spawn_close_from(actions, 3))

        var signals = sigset_t()
        sigemptyset(&signals)
        try Self.check(posix_spawnattr_setsigmask(attributes, &signals))
        sigfillset(&signals)
        try Self.check(posix_spawnattr_setsigdefault(attributes, &signals))
        let flags = Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK)
        try Self.check(posix_spawnattr_setflags(attributes, flags))
    }

    deinit {
        posix_spawn_file_actions_destroy(actions)
        posix_spawnattr_destroy(attributes)
        actions.deallocate()
        attributes.deallocate()
        for copy in copies { _ = Glibc.close(copy) }
    }

    mutating func spawn(
        _ program: CStringList, _ arguments: CStringList, _ environment: CStringList?
    ) throws(Errno) -> Int32 {
        var process: Int32 = 0
        let variables = environment?.pointers ?? sl_environment()
        let result = withExtendedLifetime((program, arguments, environment)) {
            posix_spawnp(&process, program.pointers[0]!, actions, attributes, arguments.pointers, variables!)
        }
        try Self.check(result)
        return process
    }

    /// This family returns its errno.
    private static func check(_ result: Int32) throws(Errno) {
        if result != 0 { throw Errno(rawValue: result) }
    }
}

/// A NULL-terminated array of C strings.
private final class CStringList {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [[UInt8]]) {
        count = strings.count
        pointers = .allocate(capacity: strings.count + 1)
        pointers.initialize(repeating: nil, count: strings.count + 1)
        for (index, string) in strings.enumerated() {
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: string.count + 1)
            copy.initialize(repeating: 0, count: string.count + 1)
            string.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: copy, count: $0.count).copyMemory(from: $0) }
            pointers[index] = copy
        }
    }

    deinit {
        for index in 0..<count { pointers[index]?.deallocate() }
        pointers.deallocate()
    }
}
