// What a command line means: plain values, checked, with every default filled in that does not depend on the
// machine. Nothing here knows how an option is spelled.

/// What the program is asked to do.
package enum Request: Equatable, Sendable {
    case transfer(TransferRequest)
    case serve(ServeRequest)
    case explain(ExplainRequest)
    case help(HelpTopic)
    case version
}

package enum HelpTopic: Equatable, Sendable {
    /// One screen: of the program, or of one command.
    case screen(Command?)
    /// Every option of one command.
    case full(Command)
    /// The manual page, in roff.
    case manual
    case completion(Shell)
}

/// push, pull, compare and list: one job for one peer.
package struct TransferRequest: Equatable, Sendable {
    package enum Action: Equatable, Sendable {
        case push, pull, compare, list
    }

    package var action: Action
    /// As written, at least one; for `list` exactly one.
    package var sources: [[UInt8]]
    /// As written; empty for `list`.
    package var destination: [UInt8]
    package var selection = Selection()
    package var keep = Keeping()
    package var deletion = Deletion()
    package var writing = Writing()
    package var wire = Wire()
    package var connection = Connecting()
    package var output = OutputChoices()

    package init(action: Action, sources: [[UInt8]], destination: [UInt8]) {
        self.action = action
        self.sources = sources
        self.destination = destination
    }
}

/// Which entries are looked at, and what makes two files differ.
package struct Selection: Equatable, Sendable {
    package enum Comparison: Equatable, Sendable {
        /// Size and mtime.
        case quick
        case sizeOnly
        /// Size, then a digest of the contents.
        case checksum
        /// Every file differs.
        case always
    }

    package var comparison = Comparison.quick
    package var dryRun = false
    /// Leave files alone that are newer in the destination.
    package var updateOnly = false
    package var existingOnly = false
    package var ignoreExisting = false
    /// In the order of the command line; the first that matches decides.
    package var rules: [FilterRule] = []

    package init() {}
}

package struct FilterRule: Equatable, Sendable {
    package enum Verdict: Equatable, Sendable {
        case include, exclude
    }

    package var verdict: Verdict
    /// rsync's pattern syntax, never empty, without NUL.
    package var pattern: [UInt8]

    package init(_ verdict: Verdict, _ pattern: [UInt8]) {
        self.verdict = verdict
        self.pattern = pattern
    }
}

/// What is kept of an entry besides its contents.
package struct Keeping: Equatable, Sendable {
    package var perms = true
    package var times = true
    package var directoryTimes = true
    /// As far as the receiver may change owners.
    package var owner = true
    package var group = true
    package var links = true
    /// Devices, sockets and FIFOs, as far as the receiver may make them.
    package var devices = true
    package var hardLinks = true
    package var numericIDs = false

    package init() {}
}

package struct Deletion: Equatable, Sendable {
    package enum Moment: Equatable, Sendable {
        case afterContents, beforeContents
    }

    package enum Limit: Equatable, Sendable {
        case entries(UInt64)
        /// Of the entries in the destination, 0 to 100.
        case percent(UInt8)
    }

    package var isOn = false
    package var moment = Moment.afterContents
    package var includesExcluded = false
    package var fromEmptySource = false
    package var limit: Limit?
    /// A file may replace a directory that is not empty.
    package var force = false

    package init() {}
}

/// How files come into being at the destination.
package struct Writing: Equatable, Sendable {
    /// Create missing parents of the destination.
    package var makesPath = false
    package var keepsPartials = true
    /// A name or a path from the root; nil: beside each file.
    package var partialDirectory: [UInt8]?
    package var sparse = false
    /// New files are looked for under other names at the destination.
    package var detectsRenames = true
    /// And under similar ones beside them.
    package var fuzzy = false
    package var mode = Mode.aside

    package enum Mode: Equatable, Sendable {
        case aside, inPlace, append
    }

    package init() {}
}

package struct Wire: Equatable, Sendable {
    package enum Compression: Equatable, Sendable {
        /// As the stream and the processor make worthwhile.
        case auto
        case off
        case standard
        case zstd(level: Int)
        case zlib(level: Int)
    }

    package enum Digest: Equatable, Sendable {
        case xxh3, sha256
    }

    package enum Refinement: Equatable, Sendable {
        case auto, always, never
    }

    /// nil where the command line says nothing.
    package var compression: Compression?
    /// Whether changed files go whole; nil where the command line says nothing.
    package var wholeFile: Bool?
    /// Bytes; nil where the command line says nothing.
    package var blockSize: UInt32?
    package var digest = Digest.xxh3
    package var refinement = Refinement.auto
    /// Bytes a second; nil for none.
    package var rateLimit: UInt64?
    /// Seconds; 0 is never; nil where the command line says nothing.
    package var timeout: UInt32?
    /// Seconds; nil where the command line says nothing.
    package var connectTimeout: UInt32?

    package init() {}
}

package struct Connecting: Equatable, Sendable {
    /// The command that reaches a host, as written, with at least one word; nil for our own call of ssh. It is cut
    /// into words where connections are made.
    package var remoteShell: [UInt8]?
    /// The program on the far side; nil for `superlifter` as its PATH finds it.
    package var remotePath: [UInt8]?
    package var usesPipes = false
    /// How often a lost session is made anew.
    package var retries: UInt32 = 0
    /// As written, in order.
    package var hints: [[UInt8]] = []
    package enum AddressFamily: Equatable, Sendable {
        case any, ipv4, ipv6
    }

    package var addressFamily = AddressFamily.any
    /// The address of this machine to connect from, as written.
    package var address: [UInt8]?

    package init() {}
}

package struct OutputChoices: Equatable, Sendable {
    package enum Progress: Equatable, Sendable {
        case onTerminal, always, never
    }

    /// 0 is the default; each -v adds one.
    package var verbosity = 0
    package var isQuiet = false
    package var itemizes = false
    package var progress = Progress.onTerminal
    package var stats = false
    package var json = false
    /// What each changed entry is shown as, where that was said.
    package var format: LineFormat?
    package var logFile: [UInt8]?
    package var logFormat: LineFormat?
}

package struct ServeRequest: Equatable, Sendable {
    /// Serve standard input and output; otherwise what they are decides.
    package var inetd = false
    package var root: [UInt8]?
    package var readOnly = false
    package var appendOnly = false
    package var name: [UInt8]?
    package var unconfined = false
    package var verbosity = 0
    /// Where to listen, as written.
    package var listen: [[UInt8]] = []
    /// Sessions at once; nil where the command line says nothing.
    package var maxConnections: Int?
    /// Milliseconds; nil where the command line says nothing.
    package var handshakeTimeout: UInt64?
    /// Seconds; nil where the command line says nothing.
    package var timeout: UInt32?
    /// As whom files are touched, as written.
    package var user: [UInt8]?
    package var group: [UInt8]?
    /// Whoever connects by TCP may write.
    package var isInsecure = false
    package var configuration: [UInt8]?
    package var checksConfiguration = false
    package var logFile: [UInt8]?

    package init() {}
}

package struct ExplainRequest: Equatable, Sendable {
    /// As written.
    package var location: [UInt8]
    package var connection: Connecting
    /// Seconds; nil where the command line says nothing.
    package var connectTimeout: UInt32?
}
