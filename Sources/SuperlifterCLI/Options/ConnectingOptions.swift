// Options about how the other end is reached.

extension OptionTable {
    static let connecting: [Option] = [
        Option(
            "rsh", "e", "COMMAND", .built(.rsh), for: .connecting, in: .connecting, common: true,
            "start the far side with COMMAND instead of ssh",
            """
            COMMAND is cut into words at spaces; single and double quotes hold words together, and no shell is \
            involved. Host and remote command are added as the last words. If the program is not ssh the remote \
            command gets --unconfined as well, since whoever may run COMMAND may say so anyway. Overrides \
            SUPERLIFTER_RSH.
            """),
        Option(
            "remote-path", nil, "PATH", .built(.remotePath), for: .connecting, in: .connecting, common: true,
            "where superlifter is on the far side",
            """
            One program, not a shell line: it is quoted for the login shell. Needed when ssh says "command not found" \
            (exit code 127). Overrides SUPERLIFTER_REMOTE_PATH.
            """),
        Option(
            "ssh-pipes", nil, nil, .built(.sshPipes), for: .connecting, in: .connecting,
            "talk to ssh over two pipes instead of one socket pair"),
        Option(
            "via", nil, "HINT", .built(.via), repeatable: true, for: .connecting, in: .connecting,
            "reach the named server as HINT says; several are tried in turn",
            """
            A hint is tcp:HOST:PORT, ssh:[USER@]HOST[:PORT], unix:PATH or command:WORDS. The location is then written NAME:PATH, \
            where NAME is only a label.
            """),
        Option(
            "ipv4", "4", nil, .built(.ipv4), for: .connecting, in: .connecting, "use IPv4 only"),
        Option(
            "ipv6", "6", nil, .built(.ipv6), for: .connecting, in: .connecting, "use IPv6 only"),
        Option(
            "address", nil, "ADDRESS", .built(.address), for: .connecting, in: .connecting,
            "connect from this ADDRESS of this machine",
            "With ssh the three become its own -4, -6 and -b."),
        Option(
            "password-file", nil, "FILE", .later("not built yet"), for: .connecting, in: .connecting,
            "read the password for a server from FILE"),
    ]
}
