// What a machine tells its user. Events are data; the faces (lines, JSON, progress) are made from them elsewhere.

package typealias EffectID = UInt64

/// An effect to run, under a number that its result comes back with.
package struct NumberedEffect: Sendable {
    package let id: EffectID
    package let effect: FileEffect
}

package enum MachineEvent: Sendable {
    /// An entry was settled (or would be, in a dry run).
    case item(path: [UInt8], entry: Entry, changes: Changes)
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
    package var phase = "scanning"
    package var entries: UInt64 = 0
    package var filesToSend: UInt64 = 0
    package var filesDone: UInt64 = 0
    package var bytesToSend: UInt64 = 0
    package var bytesDone: UInt64 = 0
    /// Everything is listed: the totals are final.
    package var isScanned = false
    package init() {}
}
