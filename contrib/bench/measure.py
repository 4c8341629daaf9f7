"""What both benchmarks share: the two tools over one kind of stream, and what a run cost.

A run's cost is the wall time of the whole client process, the CPU of both sides, the peak memory of each side, and
the bytes on the stream. Bytes are counted in runs of their own, through a relay, so that it disturbs no timing.
"""

import ctypes
import os
import resource
import shlex
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "Tests", "System"))

import tools  # noqa: E402
import trees  # noqa: E402
import walker  # noqa: E402

RELAY = os.path.join(HERE, "relay.py")


class Run:
    """One run: seconds, CPU seconds of client and server, peak KiB of each side, exit code."""

    def __init__(self, code, wall, client_cpu, server_cpu, client_peak, server_peak, err):
        self.code, self.wall, self.client_cpu, self.server_cpu = code, wall, client_cpu, server_cpu
        self.client_peak, self.server_peak, self.err = client_peak, server_peak, err

    @property
    def cpu(self):
        return self.client_cpu + self.server_cpu


def adopt_orphans():
    """Makes this process the one that orphaned descendants are handed to, so that their CPU time is counted here."""
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap():
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            time.sleep(0.002)


class Shell:
    """A stand-in for a remote shell: runs the far command on this machine, over the pipes or sockets it was given.

    Written anew for each use, into `scratch`: `timed` notes the server's CPU and memory, `relayed` counts the bytes.
    """

    def __init__(self, scratch):
        self.scratch = scratch
        self.notes = os.path.join(scratch, "server-notes")
        self.bytes = os.path.join(scratch, "stream-bytes")
        self.timed = self._script("rsh-timed", f"/usr/bin/time -q -a -o {self.notes} -f '%U %S %M'")
        self.relayed = self._script("rsh-relayed", f"{sys.executable} {RELAY} {self.bytes} --")

    def _script(self, name, before):
        path = os.path.join(self.scratch, name)
        with open(path, "w") as file:
            file.write('#!/bin/sh\nwhile [ "$1" != there ]; do shift; done\nshift\n'
                       f'exec {before} /bin/sh -c "exec $*"\n')
        os.chmod(path, 0o755)
        return path


def superlifter_command(shell, source, destination, options=()):
    tool = tools.Superlifter()
    return [tool.binary, "push", "-e", shell, "--remote-path", tool.binary, *options, source, "there:" + destination]


def rsync_command(shell, source, destination, options=()):
    return ["/usr/bin/rsync", "-aHW", "-e", shell, *options, source, "there:" + destination]


def _watch_peak(pid, peak, ended):
    """Notes the client's own peak memory while it lives: rusage would mix it with that of its children."""
    while not ended.is_set():
        try:
            with open(f"/proc/{pid}/status") as file:
                for line in file:
                    if line.startswith("VmHWM"):
                        peak[0] = max(peak[0], int(line.split()[1]))
        except OSError:
            return
        ended.wait(0.02)


def timed_run(argv, shell):
    """Runs a client whose server goes through `shell.timed`."""
    if os.path.exists(shell.notes):
        os.unlink(shell.notes)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    with open(os.path.join(shell.scratch, "stderr"), "w+b") as err:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)
        peak, ended = [0], threading.Event()
        watcher = threading.Thread(target=_watch_peak, args=(child.pid, peak, ended))
        watcher.start()
        code = child.wait()
        wall = time.monotonic() - started
        ended.set()
        watcher.join()
        reap()
        err.seek(0)
        said = err.read().decode(errors="replace")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    server_cpu, server_peak = 0.0, 0
    with open(shell.notes) as file:
        for line in file:
            user, system, memory = line.split()
            server_cpu += float(user) + float(system)
            server_peak = max(server_peak, int(memory))
    return Run(code, wall, total - server_cpu, server_cpu, peak[0], server_peak, said)


def counted_bytes(argv, log, env=None):
    """Runs a client through a relay that notes in `log`; returns (bytes up, bytes down), and the exit code."""
    if os.path.exists(log):
        os.unlink(log)
    code = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False,
                          env={**os.environ, **(env or {})}).returncode
    deadline = time.monotonic() + 10
    while not os.path.exists(log) and time.monotonic() < deadline:
        time.sleep(0.01)
    reap()
    with open(log) as file:
        up, down = map(int, file.read().split()[:2])
    return up, down, code


def must(run, argv):
    if run.code != 0:
        sys.exit(f"{shlex.join(argv)}: exit {run.code}\n{run.err}")
    return run


def middle(values):
    return statistics.median(values)


def check(source, destination):
    found = walker.compare(source, destination)
    if found:
        sys.exit(f"{destination} is not a copy: {found[:5]}")


def report(title, runs, counts):
    print(f"\n{title}\n{'':8}{'wall s':>9}{'CPU s':>9}{'client':>9}{'server':>9}{'client MiB':>12}{'server MiB':>12}"
          f"{'bytes up':>14}{'bytes down':>14}")
    for name, some in runs.items():
        def of(field):
            return middle([getattr(run, field) for run in some])
        print(f"{name:8}{of('wall'):9.3f}{of('cpu'):9.3f}{of('client_cpu'):9.3f}{of('server_cpu'):9.3f}"
              f"{of('client_peak') / 1024:12.1f}{of('server_peak') / 1024:12.1f}"
              f"{counts[name][0]:14}{counts[name][1]:14}")
    ours, theirs = runs["ours"], runs["rsync"]
    for field in ["wall", "cpu"]:
        ratios = sorted(getattr(a, field) / max(getattr(b, field), 1e-9) for a, b in zip(ours, theirs))
        print(f"ours / rsync, {field}: median {middle(ratios):.2f}, from {ratios[0]:.2f} to {ratios[-1]:.2f}")
    both_ways = {name: up + down for name, (up, down, _) in counts.items()}
    print(f"ours / rsync, bytes both ways: {both_ways['ours'] / max(1, both_ways['rsync']):.3f}", flush=True)
