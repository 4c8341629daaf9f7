/// How a remote location is reached; from the command line and local configuration only.
public struct ConnectOptions: Hashable, Sendable {
    /// The command that reaches a host, as written (`-e`); nil: ssh.
    public var remoteShell: [UInt8]?
    /// The program started on the far side; nil: `superlifter`.
    public var remotePath: [UInt8]?
    /// Two pipes to the child even where one socket would do.
    public var usesPipes = false
    /// Ways to reach the server, tried in order (`--via`); empty: as the location says.
    public var hints: [[UInt8]] = []
    /// Which addresses of a name count (`-4`, `-6`).
    public enum AddressFamily: Hashable, Sendable {
        /// Both.
        case any
        /// IPv4 alone.
        case ipv4
        /// IPv6 alone.
        case ipv6
    }

    /// Which addresses of a name count.
    public var addressFamily = AddressFamily.any
    /// The address of this machine to connect from (`--address`).
    public var localAddress: [UInt8]?
    /// Seconds until the handshake must be done; nil: 300 where ssh may be asking for a password, else 30.
    public var timeout: UInt32?

    /// How often a session that was lost is made anew.
    public var retries: UInt32 = 0

    /// Plain ssh, and the program where the far side's PATH finds it.
    public init() {}
}
