"""Every road to a server, each as a context manager that yields a `Link`, and cleans up whatever happens.

`TRANSPORTS` maps names to factories taking (tool, scratch): the conformance suite runs unchanged over each of them.
The servers are started by the real programs: socat, systemd-socket-activate, inetd, and an sshd of our own with its
own keys and configuration on a free loopback port. `SshLab` also makes the odd cases that test_ssh.py tries.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

try:
    from . import trees
    from .tools import Link
except ImportError:
    import trees
    from tools import Link

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Missing(Exception):
    """A program that a transport needs is not installed."""


def need(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":" + SYSTEM_PATH)
    if path is None:
        raise Missing(program)
    return path


@contextlib.contextmanager
def scratch_directory():
    """A short, world-searchable directory without spaces, for trees, sockets and configuration."""
    path = tempfile.mkdtemp(prefix="lifter-")
    os.chmod(path, 0o755)
    try:
        yield path
    finally:
        trees.remove(path)


def far_base(scratch):
    base = os.path.join(scratch, "far")
    os.makedirs(base, exist_ok=True)
    return base


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(address):
    kind = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(kind) as probe:
        probe.settimeout(1)
        try:
            probe.connect(address)
            return True
        except OSError:
            return False


@contextlib.contextmanager
def background(argv, ready, log):
    """Runs a server until the block ends. `ready()` is asked until it says yes; one that ends early is an error."""
    with open(log, "ab") as output:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
    try:
        deadline = time.monotonic() + 10
        while not ready():
            if child.poll() is not None or time.monotonic() > deadline:
                with open(log, "rb") as file:
                    raise RuntimeError(f"{argv[0]} did not start: {file.read()[-2000:]!r}")
            time.sleep(0.02)
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, 15)
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, 9)
            child.wait()


# Local, and a program as the stream.

@contextlib.contextmanager
def local(tool, scratch):
    yield Link(far_base(scratch))


@contextlib.contextmanager
def command(tool, scratch):
    options, prefix, env = tool.by_stream(tool.serve(scratch))
    yield Link(far_base(scratch), options, prefix, env)


@contextlib.contextmanager
def remote_shell(tool, scratch):
    """Something other than ssh after -e: a script that drops the host and runs the rest in a shell, as sshd does."""
    script = os.path.join(scratch, "rsh")
    with open(script, "w") as file:
        file.write('#!/bin/sh\nwhile [ "$1" != there ]; do shift; done\nshift\nexec /bin/sh -c "$*"\n')
    os.chmod(script, 0o755)
    options, prefix, env = tool.by_shell([script], "there")
    yield Link(far_base(scratch), options, prefix, env)


# Started by a super-server: stdin and stdout are the connection.

@contextlib.contextmanager
def socat(tool, scratch, pipes=False):
    program = need("socat")
    path = os.path.join(scratch, "socat.sock")
    server = " ".join(tool.serve(scratch)) + (",pipes" if pipes else "")
    # With pipes it cannot see that the program is gone, and waits so long (half a second, if not told) for its input.
    argv = [program, "-t", "0.1", f"UNIX-LISTEN:{path},fork", f"EXEC:{server}"]
    with background(argv, lambda: os.path.exists(path), os.path.join(scratch, "socat.log")):
        options, prefix, env = tool.by_stream([program, "-", f"UNIX-CONNECT:{path}"])
        yield Link(far_base(scratch), options, prefix, env)


def socat_pipes(tool, scratch):
    return socat(tool, scratch, pipes=True)


@contextlib.contextmanager
def systemd_socket(tool, scratch):
    program, client = need("systemd-socket-activate"), need("socat")
    path = os.path.join(scratch, "systemd.sock")
    argv = [program, "--listen", path, "--accept", "--inetd", *tool.serve(scratch)]
    with background(argv, lambda: os.path.exists(path), os.path.join(scratch, "systemd.log")):
        options, prefix, env = tool.by_stream([client, "-", f"UNIX-CONNECT:{path}"])
        yield Link(far_base(scratch), options, prefix, env)


@contextlib.contextmanager
def inetd(tool, scratch):
    program, client = need("inetd"), need("socat")
    user = pwd.getpwuid(os.geteuid()).pw_name
    words = tool.serve(scratch)
    for _ in range(5):
        port = free_port()
        config = os.path.join(scratch, "inetd.conf")
        with open(config, "w") as file:
            name = os.path.basename(words[0])
            file.write(f"127.0.0.1:{port} stream tcp nowait.10000 {user} {words[0]} {name} {' '.join(words[1:])}\n")
        # -i: stay in the foreground, -R 0: no limit on connections per minute.
        argv = [program, "-i", "-R", "0", config]
        with background(argv, lambda: _answers(("127.0.0.1", port)), os.path.join(scratch, "inetd.log")):
            options, prefix, env = tool.by_stream([client, "-", f"TCP:127.0.0.1:{port}"])
            yield Link(far_base(scratch), options, prefix, env)
        return


# Our own listener.

def bound(log):
    """What a listener's first line says: the addresses it is bound to."""
    with contextlib.suppress(OSError), open(log, errors="replace") as file:
        for line in file:
            if "ready: listening on " in line:
                return line.strip().split("ready: listening on ")[1].split(", ")
    return []


@contextlib.contextmanager
def listener(tool, scratch, address, *options):
    """A server that listens on `address` and serves what is far; yields its process and the address as bound."""
    log = os.path.join(scratch, f"listener-{time.monotonic_ns()}.log")
    with background(tool.listen(address, far_base(scratch), *options), lambda: bound(log), log) as child:
        child.log = log
        yield child, bound(log)[0]


@contextlib.contextmanager
def tcp(tool, scratch, address="tcp:127.0.0.1:0"):
    if tool.name != "superlifter":
        raise unittest.SkipTest("a listener of ours")
    with listener(tool, scratch, address) as (_, place):
        base = far_base(scratch)
        yield Link(base, [], place.replace("tcp:", "tcp://"), root=base)


def tcp6(tool, scratch):
    return tcp(tool, scratch, address="tcp:[::1]:0")


@contextlib.contextmanager
def unix(tool, scratch):
    if tool.name != "superlifter":
        raise unittest.SkipTest("a listener of ours")
    with listener(tool, scratch, "unix:" + os.path.join(scratch, "listener.sock")) as (_, place):
        base = far_base(scratch)
        yield Link(base, ["--via", place], "there:", root=base)


# Over a real sshd.

def remove_user(name):
    """Removes a user that we made; userdel refuses while a last process of the user is ending, so it is asked again."""
    for attempt in range(50):
        flags = ["-r"] if attempt < 49 else ["-r", "-f"]
        removed = subprocess.run([need("userdel"), *flags, name], capture_output=True, check=False)
        if removed.returncode in (0, 6):  # 6: there is no such user
            return
        time.sleep(0.1)


class SshLab:
    """An sshd on loopback with keys, configuration and authorized_keys of its own; nothing of the system is used.

    `client_config` defines hosts by alias: `plain`, `mux` (a shared ControlMaster), `tty` (RequestTTY force),
    `dead` (a port nobody listens on), and one per forced command and throw-away user added later.
    """

    def __init__(self, scratch):
        self.scratch = scratch
        self.ssh, self.sshd, self.keygen = need("ssh"), need("sshd"), need("ssh-keygen")
        self.directory = os.path.join(scratch, "ssh")
        self.port = free_port()
        self.hosts = []
        self.users = []
        self.stack = contextlib.ExitStack()
        self.client_config = os.path.join(self.directory, "client_config")

    def __enter__(self):
        with contextlib.ExitStack() as cleanup:
            cleanup.push(self._tidy)
            os.makedirs(self.directory)
            os.chmod(self.directory, 0o755)
            for name in ["host_key", "user_key"]:
                self._key(name)
            self._authorize("user_key")
            self._write_server_config()
            self.add_host("plain")
            self.add_host("tty", "RequestTTY force")
            self.add_host("dead", f"Port {free_port()}")
            self.add_host("mux", f"ControlMaster auto\nControlPath {self.directory}/cm-%C\nControlPersist 60")
            if os.geteuid() == 0:
                os.makedirs("/run/sshd", exist_ok=True)
            # -D: stay in the foreground, -e: log to stderr.
            argv = [self.sshd, "-D", "-e", "-f", os.path.join(self.directory, "sshd_config")]
            log = os.path.join(self.scratch, "sshd.log")
            self.stack.enter_context(background(argv, lambda: _answers(("127.0.0.1", self.port)), log))
            cleanup.pop_all()
        return self

    def __exit__(self, *_):
        self._tidy()

    def _tidy(self, *_):
        for host in ["mux"]:
            if os.path.exists(self.client_config):
                subprocess.run([*self.shell(), "-O", "exit", host], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10, check=False)
        self.stack.close()
        while self.users:
            name = self.users.pop()
            remove_user(name)

    def shell(self):
        """The remote shell command, as given to -e."""
        return [self.ssh, "-F", self.client_config]

    def _key(self, name):
        path = os.path.join(self.directory, name)
        subprocess.run([self.keygen, "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)
        return path

    def _authorize(self, name, restriction=""):
        with open(os.path.join(self.directory, name + ".pub")) as file:
            line = file.read()
        keys = os.path.join(self.directory, "authorized_keys")
        with open(keys, "a") as file:
            file.write((restriction + " " if restriction else "") + line)
        os.chmod(keys, 0o644)

    def _write_server_config(self):
        settings = [f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {self.directory}/host_key",
                    f"AuthorizedKeysFile {self.directory}/authorized_keys", "PidFile none", "StrictModes no",
                    "UsePAM no",
                    "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin yes",
                    # The quickest: there are many connections, and what ssh protects them with is not on trial.
                    "KexAlgorithms curve25519-sha256", "Ciphers aes128-gcm@openssh.com", "MaxStartups 200", "LogLevel VERBOSE", "PrintMotd no", "X11Forwarding no"]
        # What this account's own start files do (and how long they take) is nobody's business here.
        home = os.path.join(self.directory, "home")
        os.makedirs(home, exist_ok=True)
        settings += [f"Match User {pwd.getpwuid(os.geteuid()).pw_name}",
                     f"    SetEnv HOME={home} PATH={home}/bin:{SYSTEM_PATH}"]
        with open(os.path.join(self.directory, "sshd_config"), "w") as file:
            file.write("\n".join(settings) + "\n")
        with open(os.path.join(self.directory, "host_key.pub")) as file:
            key = " ".join(file.read().split()[:2])
        with open(os.path.join(self.directory, "known_hosts"), "w") as file:
            file.write(f"lifter-tests {key}\n")

    def add_host(self, alias, settings="", key="user_key", user=None):
        """Adds an alias to the client's configuration; ssh uses the first value it meets, so it precedes `Host *`."""
        user = user or pwd.getpwuid(os.geteuid()).pw_name
        lines = [f"Host {alias}", *settings.splitlines(), f"IdentityFile {self.directory}/{key}", f"User {user}"]
        self.hosts.append("\n    ".join(lines))
        common = ["Host *", "HostName 127.0.0.1", f"Port {self.port}", "HostKeyAlias lifter-tests",
                  "IdentitiesOnly yes", "IdentityAgent none", f"UserKnownHostsFile {self.directory}/known_hosts",
                  "GlobalKnownHostsFile /dev/null", "StrictHostKeyChecking yes", "BatchMode yes", "LogLevel ERROR",
                  "ConnectTimeout 10"]
        with open(self.client_config, "w") as file:
            file.write("\n".join([*self.hosts, "\n    ".join(common)]) + "\n")

    def force(self, alias, command):
        """Makes `alias` log in with a key of its own that may do nothing but run `command`."""
        self.authorize_key(alias, f'restrict,command="{command}"')

    def authorize_key(self, alias, options):
        """Makes `alias` log in with a key of its own, whose line in authorized_keys begins with these options."""
        self._key("key_" + alias)
        self._authorize("key_" + alias, options)
        self.add_host(alias, key="key_" + alias)

    def add_user(self, alias, shell="/bin/bash"):
        """A throw-away user (root only), removed at the end; returns its passwd entry and an `alias` to log in by."""
        name = f"lift{os.getpid() % 100_000}{alias}"[:30]
        subprocess.run([need("useradd"), "-m", "-s", shell, "-p", "*", name], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.users.append(name)
        self.add_host(alias, user=name)
        return pwd.getpwnam(name)


@contextlib.contextmanager
def ssh(tool, scratch, alias="plain", pipes=False):
    with SshLab(scratch) as lab:
        options, prefix, env = tool.by_shell(lab.shell(), alias, pipes=pipes)
        yield Link(far_base(scratch), options, prefix, env)


def ssh_pipes(tool, scratch):
    return ssh(tool, scratch, pipes=True)


def ssh_mux(tool, scratch):
    return ssh(tool, scratch, alias="mux")


@contextlib.contextmanager
def ssh_root(tool, scratch, read_only=False):
    base = far_base(scratch)
    with SshLab(scratch) as lab:
        lab.force("forced", " ".join(tool.serve(scratch, root=base, read_only=read_only, ssh=True)))
        options, prefix, env = tool.by_forced_shell(lab.shell(), "forced")
        yield Link(base, options, prefix, env, root=base, read_only=read_only)


def ssh_read_only(tool, scratch):
    return ssh_root(tool, scratch, read_only=True)


TRANSPORTS = {
    "local": local,
    "command": command,
    "remote-shell": remote_shell,
    "socat": socat,
    "socat-pipes": socat_pipes,
    "systemd-socket": systemd_socket,
    "inetd": inetd,
    "tcp": tcp,
    "tcp6": tcp6,
    "unix": unix,
    "ssh": ssh,
    "ssh-pipes": ssh_pipes,
    "ssh-mux": ssh_mux,
    "ssh-root": ssh_root,
    "ssh-read-only": ssh_read_only,
}
