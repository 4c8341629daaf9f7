// The library: one directory tree becomes another over any two-way byte stream.
//
//     Client    push, pull, compare and list, to a location or over descriptors of your own
//     Server    serves one connection
//
// Calls block until the session ends and run on threads of their own making; from async code use the `async`
// variants, which never occupy Swift's cooperative pool.

import LifterSystem

/// What concerns the whole library.
public enum Superlifter {
    /// The release; the protocol has a version of its own.
    public static let version = "0.1.0"

    /// For a program that does nothing else: what suits sessions is set for the whole process. Call it first.
    public static func prepareProgram() { Memory.keepBuffers() }
}
