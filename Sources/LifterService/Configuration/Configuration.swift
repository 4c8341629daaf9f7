// What a server serves, as a file says it: where it listens, and modules, each a directory under a name with its own
// rules. Values that have been checked; `ConfigurationReader` makes them.

import LifterSystem
package import LifterTransport

package struct Configuration: Sendable {
    /// The file it came from, as it was named.
    package var path: [UInt8]
    package var listen: [ListenAddress] = []
    /// Sessions of the listener at once; nil: the usual number.
    package var maxConnections: Int?
    /// Where sessions are counted; nil: the user's own place for such files.
    package var lockDirectory: [UInt8]?
    /// In the order of their names.
    package var modules: [Module] = []

    package init(path: [UInt8]) { self.path = path }

    package func module(named name: [UInt8]) -> Module? { modules.first { $0.name == name } }
}

package struct Module: Sendable {
    package enum Access: String, Sendable {
        case read, write
        /// Read, and make new names, but change nothing that is there.
        case append
    }

    package var name: [UInt8]
    /// The line of its heading.
    package var line: Int
    package var path: [UInt8] = []
    package var access = Access.read
    /// For people who list the modules.
    package var comment = ""
    /// Whether they see it there.
    package var isListed = true
    /// As whom its files are touched; nil: as whoever runs the server.
    package var identity: Identity?
    /// Whoever connects by TCP may do what `access` says.
    package var isInsecure = false
    package var maxConnections: Int?
    /// nil: everybody.
    package var allow: [HostRule]?
    package var deny: [HostRule] = []
    /// Patterns of names that are not there for clients.
    package var exclude: [[UInt8]] = []
    /// Seconds without a byte after which a session ends.
    package var timeout: UInt32?

    package init(name: [UInt8], line: Int) {
        self.name = name
        self.line = line
    }
}
