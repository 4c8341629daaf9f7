// The kernel's reason for a failure, as a value.

import CSuperlifter
import Glibc

/// An error number of the operating system. Thrown by everything in this module that calls the kernel.
package struct Errno: Error, Hashable, Sendable {
    package let rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// The reason of the call that has just failed on this thread.
    static var current: Errno { Errno(rawValue: errno) }
}

extension Errno {
    /// Operation not permitted: ownership or a capability is missing.
    package static let permission = Errno(rawValue: EPERM)
    package static let noEntry = Errno(rawValue: ENOENT)
    package static let noProcess = Errno(rawValue: ESRCH)
    package static let interrupted = Errno(rawValue: EINTR)
    package static let io = Errno(rawValue: EIO)
    package static let noDevice = Errno(rawValue: ENXIO)
    /// An argument list that is too long; for a file see `fileTooBig`.
    package static let tooBig = Errno(rawValue: E2BIG)
    package static let notExecutable = Errno(rawValue: ENOEXEC)
    package static let badDescriptor = Errno(rawValue: EBADF)
    package static let noChild = Errno(rawValue: ECHILD)
    /// Also EWOULDBLOCK, which is the same number on Linux.
    package static let again = Errno(rawValue: EAGAIN)
    package static let noMemory = Errno(rawValue: ENOMEM)
    package static let access = Errno(rawValue: EACCES)
    package static let fault = Errno(rawValue: EFAULT)
    package static let busy = Errno(rawValue: EBUSY)
    package static let exists = Errno(rawValue: EEXIST)
    /// Also what openat2 says of a path that leaves the directory it must stay beneath.
    package static let crossDevice = Errno(rawValue: EXDEV)
    package static let notDirectory = Errno(rawValue: ENOTDIR)
    package static let isDirectory = Errno(rawValue: EISDIR)
    package static let invalid = Errno(rawValue: EINVAL)
    package static let tooManyOpenSystem = Errno(rawValue: ENFILE)
    package static let tooManyOpen = Errno(rawValue: EMFILE)
    package static let notTerminal = Errno(rawValue: ENOTTY)
    package static let textBusy = Errno(rawValue: ETXTBSY)
    package static let fileTooBig = Errno(rawValue: EFBIG)
    package static let noSpace = Errno(rawValue: ENOSPC)
    package static let illegalSeek = Errno(rawValue: ESPIPE)
    package static let readOnly = Errno(rawValue: EROFS)
    package static let tooManyLinks = Errno(rawValue: EMLINK)
    package static let brokenPipe = Errno(rawValue: EPIPE)
    package static let range = Errno(rawValue: ERANGE)
    package static let deadlock = Errno(rawValue: EDEADLK)
    package static let nameTooLong = Errno(rawValue: ENAMETOOLONG)
    package static let noLocks = Errno(rawValue: ENOLCK)
    /// The kernel does not have this call.
    package static let noSystem = Errno(rawValue: ENOSYS)
    package static let notEmpty = Errno(rawValue: ENOTEMPTY)
    /// A symbolic link where none may be, or too many of them.
    package static let loop = Errno(rawValue: ELOOP)
    package static let noData = Errno(rawValue: ENODATA)
    package static let overflow = Errno(rawValue: EOVERFLOW)
    package static let badMessage = Errno(rawValue: EBADMSG)
    package static let notSocket = Errno(rawValue: ENOTSOCK)
    package static let notSupported = Errno(rawValue: EOPNOTSUPP)
    package static let addressInUse = Errno(rawValue: EADDRINUSE)
    package static let addressNotAvailable = Errno(rawValue: EADDRNOTAVAIL)
    package static let networkUnreachable = Errno(rawValue: ENETUNREACH)
    package static let connectionAborted = Errno(rawValue: ECONNABORTED)
    package static let connectionReset = Errno(rawValue: ECONNRESET)
    package static let noBuffers = Errno(rawValue: ENOBUFS)
    package static let notConnected = Errno(rawValue: ENOTCONN)
    package static let timedOut = Errno(rawValue: ETIMEDOUT)
    package static let connectionRefused = Errno(rawValue: ECONNREFUSED)
    package static let hostUnreachable = Errno(rawValue: EHOSTUNREACH)
    package static let protocolError = Errno(rawValue: EPROTO)
    package static let networkDown = Errno(rawValue: ENETDOWN)
    package static let hostDown = Errno(rawValue: EHOSTDOWN)
    package static let inProgress = Errno(rawValue: EINPROGRESS)
    package static let stale = Errno(rawValue: ESTALE)
    package static let quota = Errno(rawValue: EDQUOT)
}

extension Errno: CustomStringConvertible {
    /// The C library's words, for instance "No such file or directory"; never translated.
    package var description: String {
        guard let text = sl_errno_text(rawValue) else { return "Unknown error \(rawValue)" }
        return String(cString: text)
    }

    /// The name programmers know it by, for instance "ENOENT".
    package var name: String {
        guard let text = sl_errno_name(rawValue) else { return "E\(rawValue)" }
        return String(cString: text)
    }
}

/// Makes a C result an ordinary one: what was returned, or the negated errno, read before anything can change it.
@inline(__always)
func outcome<Result: SignedInteger>(_ result: Result) -> Int {
    result < 0 ? -Int(errno) : Int(result)
}

/// Throws what an `outcome` says, if it says so.
@inline(__always) @discardableResult
func check(_ outcome: Int) throws(Errno) -> Int {
    if outcome < 0 { throw Errno(rawValue: Int32(truncatingIfNeeded: -outcome)) }
    return outcome
}

/// Runs a call again for as long as a signal interrupts it.
@inline(__always) @discardableResult
func retrying(_ call: () -> Int) throws(Errno) -> Int {
    while true {
        let result = call()
        if result != -Int(EINTR) { return try check(result) }
    }
}
