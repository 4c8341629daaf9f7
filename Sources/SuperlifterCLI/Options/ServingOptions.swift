// Options of `superlifter serve`.

extension OptionTable {
    static let serving: [Option] = [
        Option(
            "inetd", nil, nil, .built(.inetd), for: .serve, in: .serving, common: true,
            "serve one connection on standard input and output",
            "What ssh, inetd, xinetd, systemd with Accept=yes and socat start."),
        Option(
            "listen", nil, "ADDRESS", .built(.listen), repeatable: true, for: .serve, in: .serving, common: true,
            "listen on tcp:HOST:PORT or unix:PATH; each client gets a process",
            """
            tcp:PORT listens on the loopback addresses, tcp:HOST on port 8730; an IPv6 address stands in brackets, and \
            port 0 has the system choose one. The line "ready: listening on ..." on standard error tells every address \
            as bound. TCP is neither encrypted nor authenticated, so it needs --root, and --read-only or --insecure, \
            and as root --uid. A Unix socket is for whom its permissions admit: those that the umask leaves. SIGTERM, \
            SIGINT and SIGHUP stop the server: sessions end and tell their clients, and the exit code is 0.
            """),
        Option(
            "root", nil, "DIR", .built(.root), for: .serve, in: .serving, common: true,
            "serve DIR and nothing else: it is both / and the login directory",
            "Every path is resolved beneath the open descriptor of DIR; no link leads out of it."),
        Option(
            "read-only", nil, nil, .built(.readOnly), for: .serve, in: .serving, common: true,
            "let clients read below --root, and change nothing"),
        Option(
            "append-only", nil, nil, .built(.appendOnly), for: .serve, in: .serving, common: true,
            "let clients read and make new names below --root, and change none",
            """
            What is there is never replaced, shortened, renamed, removed or given other attributes, whatever a client \
            asks; entries that differ from it fail one by one, and what is equal counts as done. Of a directory that \
            is there only what is new in it is added: its time is not compared, since adding changes it, and nothing \
            is compared of the destination itself. Interrupted files are continued. --delete, --force, --inplace and \
            --append-verify are refused.
            """),
        Option(
            "as", nil, "NAME", .built(.asName), for: .serve, in: .serving, common: true,
            "call the client NAME in messages",
            "For forced commands: one line of authorized_keys per key, each with its own NAME."),
        Option(
            "unconfined", nil, nil, .built(.unconfined), for: .serve, in: .serving, common: true,
            "serve the user's own paths, although not started by ssh",
            """
            Without --root the server serves the paths of the user it runs as, and only when SSH_CONNECTION is set \
            or this option is given; otherwise it refuses with exit code 5. Never give it to a listening socket.
            """),
        Option(
            "config", nil, "FILE", .built(.config), for: .serve, in: .serving, common: true,
            "serve the modules that FILE describes",
            "With --inetd, or to listen where FILE or --listen says. See CONFIGURATION."),
        Option(
            "check-config", nil, nil, .built(.checkConfig), for: .serve, in: .serving,
            "say what --config FILE means, or what is wrong with it; stop"),
        Option(
            "uid", nil, "USER", .built(.uid), for: .serve, in: .serving,
            "touch files as USER, a name or a number",
            "Taken on for good, with --gid and no other groups, before anything is opened. Only root can."),
        Option(
            "gid", nil, "GROUP", .built(.gid), for: .serve, in: .serving,
            "with --uid: and as GROUP (USER's own)"),
        Option(
            "insecure", nil, nil, .built(.insecure), for: .serve, in: .serving,
            "let whoever connects by TCP write below --root"),
        Option(
            "max-connections", nil, "N", .built(.maxConnections), for: .serve, in: .serving,
            "with --listen: serve at most N clients at once (200)",
            "Further ones are told to try again later. Clients that have said nothing yet do not count."),
        Option(
            "handshake-timeout", nil, "SECONDS", .built(.handshakeTimeout), for: .serve, in: .serving,
            "end a connection whose handshake is not done in time",
            "Counted from when it was accepted. The default is 30, or 300 with --inetd unless it is TCP."),
    ]
}
