// The parts of the manual that no table holds, in the order of the page.

enum ManualProse {
    static let opening: [ManualBlock] = [
        .section("Name"),
        .paragraph("superlifter - make one directory tree become another, sending only what differs"),
    ]

    static let locations: [ManualBlock] = [
        .section("Description"),
        .paragraph(
            """
            superlifter makes DESTINATION become SOURCE, on one machine or across any two-way stream of bytes. Client \
            and server are the same program: over ssh, push and pull start "superlifter serve --inetd" on the far \
            side, always with these same words. What is to be done travels in the stream.
            """),
        .section("Locations"),
        .item("PATH", "Local: no colon, or a slash before the first colon. Write ./a:b for a file named a:b."),
        .item("[USER@]HOST:PATH", "Over ssh. PATH is absolute, or relative to the login directory."),
        .item(
            "ssh://[USER@]HOST[:PORT]/PATH",
            "The same with a port. /~/PATH is relative to the login directory. An IPv6 address stands in brackets."),
        .item(
            "tcp://HOST[:PORT]/[MODULE/]PATH",
            """
            A listening server, over plain TCP, which is neither encrypted nor authenticated; port 8730 if none is \
            given. PATH begins at the directory that the server shows, or with one of its modules, which \
            superlifter list tcp://HOST/ names. If HOST has several addresses, they are tried \
            a quarter of a second apart, and the first that connects is used; if no Superlifter answers there, the \
            next.
            """),
        .item(
            "NAME:PATH with --via HINT",
            "As HINT says: tcp:HOST:PORT, ssh:[USER@]HOST[:PORT], unix:PATH or command:WORDS. -v tells each step."),
        .paragraph(
            """
            A user or host that begins with a dash, or holds characters that no host name has, is refused before \
            anything is started.
            """),
        .subsection("What becomes of what: the slash rule"),
        .paragraph(
            "The rule is rsync's. It does not depend on what exists, and its mistakes nest instead of deleting."),
        .lines([
            "push Docs/  host:copy    the contents of Docs go into copy",
            "push Docs   host:copy    Docs itself goes into copy: copy/Docs",
            "push a.txt  host:copy/   a file goes inside: copy/a.txt",
            "push a.txt  host:b.txt   if b.txt is no directory, it is the file's new name",
            "push a b c  host:copy    several all go inside: copy/a copy/b copy/c",
        ]),
        .paragraph(
            """
            SOURCE/. is the same as SOURCE/. Two sources with the same resulting name are an error before anything \
            moves. The last component of DESTINATION is created if it is missing, deeper ones only with --mkpath. -v \
            and -n begin with each SOURCE -> path.
            """),
        .section("What is kept"),
        .paragraph(
            """
            Everything below SOURCE; symbolic links as links; hard links among what is sent; permissions; modification times to the nanosecond; \
            owner, group, devices and special files if the receiver runs as root. Nothing is deleted unless --delete \
            is given. A file appears under its name only when it is whole: at every moment a name stands for the old \
            file or the new one. A file is passed over if size and mtime agree, or with -c if a digest of the contents \
            does.
            """),
    ]

    static let seeing: [ManualBlock] = [
        .section("Itemised changes"),
        .paragraph("-i and compare print eleven characters, YXcstpoguax, and the name:"),
        .lines([
            "Y  < sent   > received   c made in place   h hard link   . attributes only",
            "X  f file   d directory   L symbolic link   D device   S special file",
            "c  contents (for a link: the target)       s  size",
            "t  mtime",
            "p  permissions   o  owner   g  group   u  access time   a  ACL   x  xattrs",
        ]),
        .paragraph(
            """
            Something new has + in all nine places, an attribute that agrees has a dot, and an item without any \
            difference has blanks. Behind a hard link stand => and the name that it was linked to. Deletions are "*deleting" and two blanks. Control characters, and bytes that are \
            not UTF-8, are shown as \\#ooo in octal, here and in messages.
            """),
        .paragraph(
            """
            The lines are rsync's, with these exceptions. Times are compared to the nanosecond, not to the second. A \
            push shows < where both ends are on this machine, too. With --no-times nothing is said of a time, where \
            rsync has T. A single file that gets another name is listed under that. Of new hard links the first is \
            sent and the others refer to it, where rsync may take another one. What was in a directory that is \
            replaced by something else is not listed. The order of the lines is not fixed.
            """),
        .section("Formats"),
        .paragraph(
            """
            --out-format and --log-file-format are rsync's. Behind % may stand a width, with - before it for a field that \
            is flush left, and ' before or behind it for groups in numbers: "%-40n %'12l".
            """),
        .lines([
            "%i  the eleven characters of -i",
            "%n  the name, with a slash behind a directory",
            "%L  \" -> TARGET\" of a symbolic link, \" => NAME\" of a hard link",
            "%f  the name below SOURCE as it was given, without the slash",
            "%l  the size in bytes        %b  bytes of contents that travelled",
            "%o  send, recv or del.       %p  the number of this process",
            "%M  modification time, as 2026/11/21-06:07:08",
            "%t  the time now, as 2026/11/21 06:07:08",
            "%B  permissions, as rwxr-xr-x",
            "%U  the owner's number       %G  the group's number",
            "%%  a percent sign",
        ]),
        .paragraph(
            """
            As in rsync, a FORMAT without %i, unless -i is given too, does not tell what changes in attributes only, but \
            for directories; and without %i and %o, a deletion is shown as "deleting NAME". Any other escape is refused.
            """),
        .section("JSON lines"),
        .paragraph(
            """
            With --json every line on standard output is one object with "version" (1) and "type". Fields may be \
            added within a version. A name that is not UTF-8 appears as "path" with U+FFFD in place of what is not, \
            and exactly in "path_base64". Docs/json-lines.schema.json in the sources is the schema.
            """),
        .item("start", "command, program, dry_run, sources: a list of source and path."),
        .item(
            "item",
            """
            path, kind, action, new, change (the eleven characters), size of a file, transferred: bytes of it that \
            travelled, target of a link, linked_to: the path that a hard link was made to.
            """),
        .item(
            "entry, module",
            """
            What list lists: path, kind, size of a file, mode in octal, modified and modified_nanoseconds, user, group, \
            target; or path and comment of a module.
            """),
        .item(
            "progress",
            """
            phase, scan_complete, files_scanned, bytes_scanned, files_to_send, bytes_to_send, files_done, bytes_done, \
            deleted, bytes_per_second, seconds_left. Until scan_complete is true, what is to be sent is a lower bound.
            """),
        .item(
            "warning, error",
            "path and side (source or destination) where there is one, action, causes: a list, the nearest first."),
        .item(
            "summary",
            """
            exit_code, dry_run, all counts, and failures: for each reason count, action, causes, side, and the path of the \
            first. Always the last line, unless the program is killed.
            """),
        .section("Messages"),
        .paragraph(
            """
            Warnings and errors go to standard error, one line each: "superlifter: PATH: what was being done: cause: \
            cause". A problem with one file stops no other file; the exit code is then 23, or 24 if all that went \
            wrong was that files vanished. The last lines then say how many failed, and for each reason how many and the \
            first of them.
            """),
        .paragraph(
            """
            SIGINT, SIGTERM and SIGHUP end a run cleanly: the other side is told, no half-written file bears a final name, \
            and the exit code is 20. The same command goes on from there. A second signal of the same kind ends the \
            program at once.
            """),
    ]

    static let serving: [ManualBlock] = [
        .section("Serving"),
        .paragraph(
            """
            superlifter serve --inetd serves one connection on standard input and output; it is what ssh, inetd, \
            xinetd, systemd with Accept=yes and socat start. Without --root it serves the paths of the user it runs \
            as, and only when SSH_CONNECTION is set or --unconfined is given; otherwise it refuses with exit code 5.
            """),
        .paragraph(
            "Without --inetd it looks at what it was given, says on standard error what it concluded, and never listens:"
        ),
        .lines([
            "stdin \\ stdout   socket            pipe     terminal       /dev/null",
            "socket           serve if same     exit 1   usage error    exit 1",
            "pipe             exit 1            serve    usage error    exit 1",
            "terminal         exit 1            exit 1   usage error    exit 1",
            "/dev/null        exit 1            exit 1   usage error    exit 1",
        ]),
        .paragraph(
            """
            With --inetd anything that carries bytes unchanged is served, also two different sockets or a file. A \
            terminal never is. A listening socket on standard input, or LISTEN_FDS, means that the service manager \
            was not told to accept: set Accept=yes, or nowait in inetd.conf.
            """),
        .subsection("Listening"),
        .paragraph(
            """
            superlifter serve --listen ADDRESS waits for clients, and starts a process for each: what happens in one \
            connection does not touch another. On a terminal, for people in the same house:
            """),
        .lines([
            "superlifter serve --listen tcp:0.0.0.0:8730 --root /srv/pub --read-only",
            "superlifter list tcp://host/",
            "superlifter pull tcp://host/music/ ./music",
        ]),
        .paragraph(
            """
            As root it also needs --uid, and without --read-only it needs --insecure, also with --append-only, since nobody has logged in. A \
            client that has said nothing costs no process; it is sent away when the time for the handshake is over. \
            Clients beyond --max-connections are told to try again later (their exit code is 5). The server's own \
            standard error is its log.
            """),
        .subsection("Configuration"),
        .paragraph(
            """
            serve --config FILE serves modules: directories under names, each with its own rules. The first part of \
            every path is then a module's name, on every transport: tcp://host/module/path, or host:module/path where \
            a key's forced command is serve --inetd --config FILE. One run is in one module. The file is TOML, and is \
            read anew for each connection; where to listen is read once. Mistakes are told with file and line, and \
            --check-config tells them without serving.
            """),
        .lines([
            "listen = [\"tcp:127.0.0.1:8730\"]     # as --listen, which replaces it",
            "max-connections = 200               # of the listener, as the option",
            "lock-directory = \"/run/lifter\"      # where modules count, if several users serve them",
            "[modules.NAME]",
            "path = \"/srv/pub\"                  # required; no path and no link leads out of it",
            "access = \"read\"                    # or \"append\" (as --append-only), or \"write\"",
            "comment = \"for people\"             # shown by list",
            "list = true                         # false: not shown",
            "uid = \"nobody\"                     # whose rights it has, by name or number",
            "gid = \"nogroup\"                    # without it the user's own; no other groups are kept",
            "insecure = false                    # true: \"append\" or \"write\" also over TCP, without a login",
            "max-connections = 10                # counted over all transports",
            "hosts-allow = [\"192.0.2.0/24\"]     # numeric; then nobody else. \"local\": without an address",
            "hosts-deny = [\"192.0.2.7\"]         # wins over hosts-allow",
            "exclude = [\"*.key\", \".git\"]      # names, without slash, that are not there for clients",
            "timeout = 60                        # seconds without a byte, at most 300",
        ]),
        .paragraph(
            """
            A module is read-only unless it says otherwise. Over TCP it may be written to only with insecure = true, \
            and a server that runs as root serves it only if it names a uid. Rights are given up before any of its \
            files is touched. Over ssh the address for hosts-allow is the one in SSH_CONNECTION. What a client may \
            not see and what is not there are answered alike.
            """),
        .subsection("ssh and forced commands"),
        .paragraph("An ordinary login needs nothing but superlifter in the PATH of the far side, or --remote-path:"),
        .lines([
            "superlifter push -v ~/Docs/ backup@host:docs",
            "superlifter pull --remote-path /opt/superlifter/bin/superlifter host:/etc ./copies/",
            "superlifter push -e 'ssh -p 2200 -i ~/.ssh/backup' ~/Docs/ host:docs",
        ]),
        .paragraph(
            """
            Since the far side is always started with the same words, one line in its authorized_keys can pin what a \
            key may do. DIR is then both / and the login directory of whoever uses the key; no path and no link leads \
            out of it. What the client asked ssh to run is ignored.
            """),
        .lines([
            "# this key may read and write below /srv/backup/anna",
            "command=\"superlifter serve --inetd --root /srv/backup/anna --as anna\",restrict ssh-ed25519 AAAA... anna",
            "# this key may read, and add new names",
            "command=\"superlifter serve --inetd --root /srv/keep --append-only\",restrict ssh-ed25519 AAAA... keeper",
            "# this key may only read",
            "command=\"superlifter serve --inetd --root /srv/pub --read-only\",restrict ssh-ed25519 AAAA... pub",
        ]),
        .subsection("inetd, systemd, socat"),
        .lines([
            "# /etc/inetd.conf",
            "8730 stream tcp nowait nobody /usr/bin/superlifter superlifter serve --inetd --root /srv/pub --read-only",
            "# superlifter.socket: [Socket] ListenStream=127.0.0.1:8730 and Accept=yes",
            "# superlifter@.service: [Service] StandardInput=socket and",
            "#   ExecStart=/usr/bin/superlifter serve --inetd --root /srv/pub --read-only",
            "socat UNIX-LISTEN:/run/sl.sock,fork EXEC:'superlifter serve --inetd --root /srv/pub'",
        ]),
        .paragraph(
            """
            Plain TCP is neither encrypted nor authenticated: whoever can connect may do what the server allows. Bind \
            it to loopback, or serve read-only. Units for systemd, lines for inetd, xinetd and authorized_keys, and a \
            configuration to begin with are in contrib/services of the source.
            """),
    ]

    static let closing: [ManualBlock] = [
        .section("Environment"),
        .item("SUPERLIFTER_RSH", "What -e/--rsh says if it is not given."),
        .item("SUPERLIFTER_REMOTE_PATH", "What --remote-path says if it is not given."),
        .item("SSH_CONNECTION", "Set by sshd; tells serve that a login came before it."),
        .section("Files"),
        .item(
            ".sl-part-*",
            """
            A file or directory that is being made, beside its final name or where --partial-dir says. What an \
            interrupted run left is continued, copied from or removed by the next. Names of this pattern are never sent.
            """),
        .item(
            ".sl-displaced-*",
            """
            What was in the way of something new, for the moment between the two. It is yours: it is never removed \
            as rubbish, but settled or put back by the next run, or else reported.
            """),
        .section("Limits of this release"),
        .paragraph(
            """
            A file that was renamed and changed, too, is sent whole unless --fuzzy finds the old one in the same \
            directory.
            """),
        .section("See also"),
        .paragraph("ssh(1), sshd(8), rsync(1), inetd(8), systemd.socket(5), socat(1)"),
    ]
}
