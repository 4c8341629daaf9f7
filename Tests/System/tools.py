"""The program under test, as a parameter.

Everything a test knows about a command line stands in one class here, so that the same suites, fault points and
benchmarks run with rsync in its place: that proves the tests before the program exists, and measures it later.
`SYSTEM_TEST_TOOL` chooses (superlifter, rsync, cp); `SUPERLIFTER` names the binary.
"""

import os
import select
import shlex
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))


class Result:
    """One finished run: exit code (None when it had to be killed), output as bytes, wall seconds."""

    def __init__(self, argv, code, out, err, seconds):
        self.argv, self.code, self.out, self.err, self.seconds = argv, code, out, err, seconds

    def __str__(self):
        words = " ".join(shlex.quote(os.fsdecode(word)) for word in self.argv)
        ending = "was killed: over its time" if self.code is None else f"exit {self.code}"
        return f"{words!r}\n{ending}, {self.seconds:.2f} s\nstdout: {self.out[-1500:]!r}\nstderr: {self.err[-1500:]!r}"


def wait_for_end(child, timeout):
    """Whether a child has ended within so many seconds; told at once, where Popen.wait looks every 50 ms."""
    end = os.pidfd_open(child.pid)
    try:
        if not select.select([end], [], [], timeout)[0]:
            return False
    finally:
        os.close(end)
    child.wait()
    return True


def execute(argv, env=None, timeout=60, cwd=None):
    """Runs a command and collects its output through files, not pipes.

    A background ssh master (ControlPersist) inherits the command's stderr and would hold a pipe open long after the
    command has ended. A command over its time is killed with its whole group, and its code is None.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.monotonic()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd,
                                 env={**os.environ, **(env or {})}, start_new_session=True)
        if not wait_for_end(child, timeout):
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            child.returncode = None
        code = child.returncode
        seconds = time.monotonic() - started
        out.seek(0)
        err.seek(0)
        return Result(argv, code, out.read(), err.read(), seconds)


class Link:
    """How one transport reaches the far side: client options, environment, and the location of a path there.

    base        a directory of this machine below which the far side's trees must lie
    root        the directory that the server serves as "/" (None: it serves the user's own paths)
    prefix      what a location begins with; empty for a local copy
    read_only   the server must refuse to write
    owner       (uid, gid) of the far side's user when that is not ours; it then cannot keep owners and devices
    """

    def __init__(self, base, options=(), prefix="", env=None, root=None, read_only=False, owner=None):
        self.base, self.options, self.prefix, self.env = base, list(options), prefix, env or {}
        self.root, self.read_only, self.owner = root, read_only, owner

    def at(self, path):
        """The location (bytes) of a far path, trailing slashes kept."""
        path = os.fsencode(path)
        if self.root is not None:
            root = os.fsencode(self.root)
            assert path == root or path.startswith(root + b"/"), path
            path = path[len(root):] or b"/"
        if self.prefix.startswith("rsync:") or self.prefix.endswith("::all/"):
            path = path.lstrip(b"/")
        return os.fsencode(self.prefix) + path


class Superlifter:
    name = "superlifter"

    def __init__(self, binary=None):
        default = os.path.join(REPOSITORY, ".build/static/release/superlifter")
        self.binary = os.path.abspath(binary or os.environ.get("SUPERLIFTER") or default)

    def serve(self, scratch, root=None, read_only=False, ssh=False):
        """The server's argv, for anything that connects its stdin and stdout. Over ssh it needs no leave."""
        words = [self.binary, "serve", "--inetd"]
        if root is not None:
            words += ["--root", root]
        elif not ssh:
            words += ["--unconfined"]
        return words + (["--read-only"] if read_only else [])

    def listen(self, address, root, *options):
        """The argv of a server that listens at `address` and serves `root` to whoever comes, as whoever starts it."""
        words = [self.binary, "serve", "--listen", address, "--root", root, "--uid", str(os.geteuid())]
        return [*words, "--gid", str(os.getegid()), *(["--insecure"] if address.startswith("tcp:") else []), *options]

    def by_stream(self, program):
        """Options, prefix and environment for a client that talks to `program` by its stdin and stdout."""
        return ["--via", "command:" + " ".join(program)], "there:", {}

    def by_shell(self, shell, host, remote_path=None, pipes=False):
        """The same for a client that starts the server through a remote shell."""
        options = ["-e", " ".join(shell), "--remote-path", remote_path or self.binary]
        return options + (["--ssh-pipes"] if pipes else []), host + ":", {}

    def by_forced_shell(self, shell, host):
        """The same where the far side runs one fixed command, whatever was asked for."""
        return ["-e", " ".join(shell)], host + ":", {}

    def command(self, verb, options, sources, destination):
        return [self.binary, verb, *options, *sources, destination]

    @staticmethod
    def is_leftover(name):
        return name.startswith((b".sl-part-", b".sl-displaced-"))

    @staticmethod
    def is_displaced(name):
        return name.startswith(b".sl-displaced-")


class Rsync:
    """rsync 3.2 or later as a stand-in: its daemon plays the confined server."""
    name = "rsync"

    def __init__(self, binary=None):
        self.binary = binary or "/usr/bin/rsync"

    def serve(self, scratch, root=None, read_only=False, ssh=False):
        handle, config = tempfile.mkstemp(prefix="rsyncd-", suffix=".conf", dir=scratch)
        with os.fdopen(handle, "w") as file:
            # Without a chroot the daemon rewrites absolute link targets below a module that is not "/".
            chroot = "yes" if root and os.geteuid() == 0 else "no"
            file.write(f"use chroot = {chroot}\nmunge symlinks = no\nlog file = /dev/null\n")
            if os.geteuid() == 0:
                file.write("uid = 0\ngid = 0\n")
            file.write(f"[all]\npath = {root or '/'}\nread only = {'yes' if read_only else 'no'}\n")
        # On a socket the daemon serves it; on sshd's pipes it must be told, or it would go and listen.
        return [self.binary, *(["--server"] if ssh else []), "--daemon", f"--config={config}", *(["."] if ssh else [])]

    def by_stream(self, program):
        return [], "rsync://there/all/", {"RSYNC_CONNECT_PROG": " ".join(program)}

    def by_shell(self, shell, host, remote_path=None, pipes=False):
        return ["-e", " ".join(shell), "--rsync-path", remote_path or self.binary], host + ":", {}

    def by_forced_shell(self, shell, host):
        return ["-e", " ".join(shell)], host + "::all/", {}

    def command(self, verb, options, sources, destination):
        ours = {"--no-devices": "--no-D"}
        kept = [ours.get(os.fsdecode(word), word) for word in options]
        return [self.binary, "-a", *kept, *sources, destination]

    @staticmethod
    def is_leftover(name):
        return name.startswith(b".") and name.count(b".") >= 2 and len(name.rsplit(b".", 1)[1]) == 6

    @staticmethod
    def is_displaced(name):
        return False


class Cp:
    """`cp -a`: local copies without options, to prove the walker with a third opinion."""
    name = "cp"
    binary = "/bin/cp"

    def command(self, verb, options, sources, destination):
        meant = [source + b"." if source.endswith(b"/") else source for source in map(os.fsencode, sources)]
        return [self.binary, "-aT" if len(meant) == 1 and meant[0].endswith(b"/.") else "-a", *meant, destination]

    @staticmethod
    def is_leftover(name):
        return False

    is_displaced = is_leftover


def chosen():
    return {"superlifter": Superlifter, "rsync": Rsync, "cp": Cp}[os.environ.get("SYSTEM_TEST_TOOL", "superlifter")]()
