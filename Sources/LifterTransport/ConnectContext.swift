// What this machine's command line and configuration add to a hint: never part of the hint itself.

package import LifterSystem

package struct ConnectContext: Sendable {
    package enum AddressFamily: Sendable {
        case any, ipv4, ipv6
    }

    /// The words of `-e/--rsh`; plain ssh where it is not given.
    package var rshCommand: [[UInt8]]
    /// `--remote-path`: the program started on the far side.
    package var remotePath: [UInt8]
    /// Log in as this user, and to this port, where the location or hint names none.
    package var user: UserName?
    package var port: UInt16?
    /// `--ssh-pipes`: two pipes even where one socket would do.
    package var usesPipes: Bool
    /// Words added behind `serve --inetd`.
    package var extraServerArguments: [[UInt8]]
    /// Seconds until a connection must stand; nil leaves it to the program or the system.
    package var connectTimeout: Int?
    package var addressFamily: AddressFamily
    /// `--address`: the address of this machine to connect from.
    package var localAddress: HostName?
    /// When a connection must stand, on the monotonic clock in nanoseconds; nil: 30 s from the call.
    package var deadline: UInt64?
    /// Readable once the user wants to stop; -1 for never.
    package var interrupt: RawDescriptor = -1
    /// Numeric addresses where the handshake has failed already.
    package var avoidedAddresses: [[UInt8]] = []

    package init(
        rshCommand: [[UInt8]] = [Array("ssh".utf8)], remotePath: [UInt8] = Array("superlifter".utf8),
        user: UserName? = nil, port: UInt16? = nil, usesPipes: Bool = false,
        extraServerArguments: [[UInt8]] = [], connectTimeout: Int? = nil, addressFamily: AddressFamily = .any
    ) {
        self.rshCommand = rshCommand
        self.remotePath = remotePath
        self.user = user
        self.port = port
        self.usesPipes = usesPipes
        self.extraServerArguments = extraServerArguments
        self.connectTimeout = connectTimeout
        self.addressFamily = addressFamily
    }
}

/// Why one way to a peer did not lead there.
package struct ConnectFailure: Error, Hashable, Sendable {
    /// What kind of trouble, for the exit code.
    package enum Kind: Hashable, Sendable {
        /// The command line or the hint is wrong: exit 1.
        case usage
        /// This release cannot do it: exit 4.
        case unsupported
        /// The peer does not want to: exit 5.
        case refused
        /// The network or a socket: exit 10.
        case socket
        /// The peer spoke something else or went away: exit 12.
        case stream
        /// No connection within the time given: exit 35.
        case timeout
        /// The user asked to stop: exit 20.
        case interrupted
        /// A program that should be started is not there: exit 127.
        case programNotFound
    }

    package let kind: Kind
    /// One line, fit for a terminal.
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    init(_ error: LocationError) { self.init(.usage, error.message) }

    /// The exit code of the program that fails for this reason.
    package var exitCode: Int32 {
        switch kind {
        case .usage: 1
        case .unsupported: 4
        case .refused: 5
        case .socket: 10
        case .stream: 12
        case .timeout: 35
        case .interrupted: 20
        case .programNotFound: 127
        }
    }
}
