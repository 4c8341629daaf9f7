// A source file open for reading, and the watch over it: what is sent must have been in the file at one time.
//
// A file counts as unchanged while size, modification time, change time, inode and device stay what they were
// before the first read. The change time alone cannot tell of a write in the same tick of the kernel's clock, so
// reading does not begin before the last change is old enough.

package import LifterProtocol
import LifterSystem

package final class WatchedSource: SourceFile {
    package let descriptor: Int32
    let status: FileStatus
    private let fileSystem: any FileSystem
    /// Who closes the descriptor instead.
    private let owner: StagedFile?

    /// Takes the descriptor over, unless it has an owner, who is then kept.
    init(descriptor: RawDescriptor, status: FileStatus, fileSystem: any FileSystem, owner: StagedFile? = nil) {
        self.owner = owner
        self.descriptor = descriptor
        self.status = status
        self.fileSystem = fileSystem
    }

    deinit { if owner == nil { fileSystem.close(descriptor) } }

    /// Asks, after the last read, whether the file is still as it was before the first.
    package func verify() -> FileProblem? {
        do throws(Errno) {
            let now = try fileSystem.status(of: descriptor)
            if now.size == status.size && now.modified == status.modified && now.changed == status.changed
                && now.isSameObject(as: status)
            {
                return nil
            }
            return FileProblem(.changed, doing: "reading")
        } catch {
            return FileProblem(error, doing: "reading")
        }
    }
}

extension SourceFile {
    /// The same for a source of which only this much is known. One that is not watched has nothing to tell.
    func verify() -> FileProblem? { (self as? WatchedSource)?.verify() }
}

/// The patience of one effect: how long it may still wait for files to become old enough.
struct Patience {
    /// Nanoseconds. Linux stamps changes with a clock that ticks every 10 ms at most (CONFIG_HZ=100), so a file
    /// this old cannot be written again without a new stamp; `wanted` leaves a margin for file servers.
    private static let wanted: Int64 = 20_000_000
    private static let longest: Int64 = 10_000_000
    private var left = Self.longest

    /// Waits until the change is old enough, or patience has gone.
    mutating func await(_ changed: FileTime) {
        let now = Clock.wall
        let seconds = now.seconds.subtractingReportingOverflow(changed.seconds)
        // Long ago, or so far ahead that another machine's clock stamped it: waiting would not help.
        if seconds.overflow || seconds.partialValue > 1 || seconds.partialValue < -1 { return }
        let age = seconds.partialValue * 1_000_000_000 + Int64(now.nanoseconds) - Int64(changed.nanoseconds)
        let wait = min(Self.wanted - age, left)
        if wait <= 0 { return }
        Clock.sleep(nanoseconds: UInt64(wait))
        left -= wait
    }
}
