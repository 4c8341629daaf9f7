// Options of `superlifter serve`.

extension OptionTable {
    static let serving: [Option] = [
        Option(
            "inetd", nil, nil, .built(.inetd), for: .serve, in: .serving, common: true,
            "serve one connection on standard input and output",
            "What ssh, inetd, xinetd, systemd with Accept=yes and socat start."),
        Option(
            "root", nil, "DIR", .built(.root), for: .serve, in: .serving, common: true,
            "serve DIR and nothing else: it is both / and the login directory",
            "Every path is resolved beneath the open descriptor of DIR; no link leads out of it."),
        Option(
            "read-only", nil, nil, .built(.readOnly), for: .serve, in: .serving, common: true,
            "let clients read below --root, and change nothing"),
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
        later("append-only", nil, "let clients create names, and change none"),
        later("config", "FILE", "listeners and modules, from a TOML file"),
        later("check-config", nil, "read the configuration, say what was understood, stop"),
        later("listen", "HINT", "listen on tcp:HOST:PORT or unix:PATH", repeatable: true),
    ]

    private static func later(
        _ long: String, _ metavar: String?, _ help: String, repeatable: Bool = false
    ) -> Option {
        Option(
            long, nil, metavar, .later("not built yet"), repeatable: repeatable, for: .serve, in: .serving, help)
    }
}
