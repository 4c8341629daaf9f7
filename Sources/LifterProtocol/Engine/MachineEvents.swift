// What a machine tells its user. Events are data; the faces (lines, JSON, progress) are made from them elsewhere.

package typealias EffectID = UInt64

/// An effect to run, under a number that its result comes back with.
package struct NumberedEffect: Sendable {
    package let id: EffectID
    package let effect: FileEffect
}

package enum MachineEvent: Sendable {
    /// An entry was settled (or would be, in a dry run). `literal`: bytes of its contents that were transferred.
    case item(path: [UInt8], entry: Entry, changes: Changes, literal: UInt64)
    /// An entry became (or would become) another name of a file; that one's path, empty where it is not known.
    case linked(path: [UInt8], entry: Entry, changes: Changes, to: [UInt8])
    /// An entry of a directory that is only listed.
    case listed(path: [UInt8], entry: Entry)
    case deleted(path: [UInt8], isDirectory: Bool)
    case failed(path: [UInt8], FileProblem, atSource: Bool)
    /// Something the user should know that fails nothing.
    case warning(String)
}

/// Where a session stands; numbers only grow, but for a second pass.
package struct Progress: Hashable, Sendable {
    package var entries: UInt64 = 0
    /// Sizes of the regular files among them; only the sender sees all of them.
    package var scannedBytes: UInt64?
    package var filesToSend: UInt64 = 0
    package var filesDone: UInt64 = 0
    package var bytesToSend: UInt64 = 0
    /// What is done of a file that is under way counts, too.
    package var bytesDone: UInt64 = 0
    /// Everything is listed and compared: the totals are final.
    package var isScanned = false
    /// All contents are settled, and what is not at the source is being deleted.
    package var isDeleting = false
    package init() {}

    /// Bytes of a file under way; `counted` is what was counted of it before. A file that is sent twice counts once.
    mutating func moved(_ bytes: UInt64, of size: UInt64, counted: inout UInt64) {
        let fresh = min(bytes, size - min(size, counted))
        counted &+= fresh
        bytesDone &+= fresh
    }
}
