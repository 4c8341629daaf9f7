"""Fault points over a small tree: kill -9 at a system call, the stream cut after a byte, one bit turned over.

At each point the tool copies a small "new" tree over a small "old" one while the fault happens. Afterwards:
  whole       every path is as in the old tree or as in the new one (kind, content; for files also mode and mtime)
  honest      the exit code is not 0 while the trees differ
  prompt      nothing took over 10 s, neither the client nor the server that lost its stream
  repairable  a plain rerun succeeds, makes the trees equal, and leaves none of the tool's own files behind
A point whose fault did not happen is not counted as passed but as "not fired".
"""

import json
import os
import re
import sys

try:
    from . import tools, trees, walker
except ImportError:
    import tools
    import trees
    import walker

HERE = os.path.dirname(os.path.abspath(__file__))
PROXY = os.path.join(HERE, "proxy.py")
LIMIT = 10  # seconds

# System calls by which a copying program touches its trees and its streams; strace counts them per thread.
CALLS = """
    openat openat2 read pread64 write pwrite64 writev close rename renameat renameat2 link linkat symlink symlinkat
    mkdir mkdirat mknodat unlink unlinkat rmdir fchmod chmod fchmodat fchmodat2 chown fchown lchown fchownat utimensat
    ftruncate fallocate getdents64 newfstatat fstat statx readlink readlinkat fcntl flock poll ppoll pselect6 ioctl
    copy_file_range sendto recvfrom sendmsg recvmsg
    """.split()


class Scene:
    """The old tree, the new tree, and a fresh destination for each point."""

    def __init__(self, tool, scratch):
        self.tool, self.scratch = tool, scratch
        self.old = os.path.join(scratch, "old")
        self.new = os.path.join(scratch, "new")
        self.number = 0
        self._make_trees()
        self.states = walker.snapshot(self.old), walker.snapshot(self.new)

    def _make_trees(self):
        """18 entries in the new tree: 8 changed, 4 new and 3 same files, 1 symlink, 2 directories; 2 to be deleted."""
        for root, is_new in ((self.old, False), (self.new, True)):
            os.makedirs(os.path.join(root, "dir"))
            for index in range(8):
                place = "dir/" if index % 2 else ""
                size = [0, 10, 700, 4096, 20_000, 70_000, 150, 33_000][index]
                content = (b"new %d\n" if is_new else b"old %d\n") % index * (size // 6 + 1 + is_new)
                trees.write(os.path.join(root, f"{place}changed{index}"), content, 0o600 if is_new else 0o644,
                            trees.BASE + (10 ** 12 if is_new else 0) + index)
            for index in range(3):
                trees.write(os.path.join(root, f"same{index}"), b"same %d" % index, mtime=trees.BASE + index)
            if is_new:
                os.makedirs(os.path.join(root, "fresh"))
                for index in range(4):
                    place = "fresh/" if index % 2 else ""
                    path = os.path.join(root, f"{place}new{index}")
                    trees.write(path, b"brand new " * (index * 900 + 1), mtime=trees.BASE + index)
                os.symlink("same1", os.path.join(root, "link"))
            else:
                os.symlink("same0", os.path.join(root, "link"))
                trees.write(os.path.join(root, "gone0"), b"to be deleted", mtime=trees.BASE)
                trees.write(os.path.join(root, "dir/gone1"), b"to be deleted", mtime=trees.BASE)
            trees.settle(os.path.join(root, "link"), mtime=trees.BASE + is_new)
            trees.settle_directories(root, trees.BASE + (10 ** 13 if is_new else 0))

    def fresh(self):
        self.number += 1
        place = os.path.join(self.scratch, f"point{self.number}")
        trees.copy(self.old, place)
        return place

    def is_ours(self, name):
        return self.tool.is_leftover(name)


class Verdict:
    """What one point showed. `faults` is empty when it held."""

    def __init__(self, point):
        self.point, self.fired, self.faults, self.leftovers, self.displaced = point, False, [], 0, 0


def judge(scene, verdict, place, result, again):
    """Checks the promises after a point; `again()` is the plain rerun."""
    old, new = scene.states
    if result.code is None or result.seconds > LIMIT:
        verdict.faults.append(f"hang: {result.seconds:.1f} s")
    everything = walker.snapshot(place)
    ours = [path for path in everything if any(scene.is_ours(part) for part in path.split(b"/"))]
    verdict.leftovers = len(ours)
    verdict.displaced = sum(scene.tool.is_displaced(path.rsplit(b"/", 1)[-1]) for path in ours)
    now = {path: record for path, record in everything.items() if path not in set(ours)}
    for path in sorted(old.keys() | new.keys() | now.keys()):
        seen = _essence(now.get(path))
        if seen != _essence(old.get(path)) and seen != _essence(new.get(path)):
            verdict.faults.append(f"neither old nor new: {path!r}: {now.get(path)}")
    if result.code == 0 and walker.compare(scene.new, place):
        verdict.faults.append(f"exit 0, but: {walker.compare(scene.new, place)[:3]}")
    rerun = again()
    if rerun.code != 0:
        verdict.faults.append(f"the rerun failed: {rerun}")
    else:
        found = walker.compare(scene.new, place)
        if found:
            verdict.faults.append(f"the rerun did not converge: {found[:3]}")
    if verdict.faults:
        verdict.faults.append(f"the run was: {result}")


def _essence(record):
    """What must be old or new as one: everything of a file and a symlink's target; of a directory that it is one."""
    if record is None:
        return None
    record = dict(record)
    if record["kind"] == "file":
        return record["kind"], record["content"], record["mode"], record["mtime"]
    return record["kind"], record.get("target")


# Roads. Each returns (argv, env) for copying scene.new to `place`.

def job(scene, place, verb, server, options=()):
    """A copy through a `server` argv whose stdin and stdout are the stream. The far side is the server's."""
    connect, prefix, env = scene.tool.by_stream(server)
    source, destination = scene.new + "/", place
    if verb == "push":
        destination = prefix + (destination.lstrip("/") if "all/" in prefix else destination)
    else:
        source = prefix + (source.lstrip("/") if "all/" in prefix else source)
    return scene.tool.command(verb, [*connect, "--delete", *options], [source], destination), env


def plain(scene, place, verb="push"):
    """The rerun: a local copy, without any fault."""
    argv = scene.tool.command(verb, ["--delete"], [scene.new + "/"], place)
    return tools.execute(argv, timeout=LIMIT + 5)


def one_worker():
    return {"SUPERLIFTER_WORKERS": "1"}


# (a) kill -9

ROLES = ["receiver", "sender", "local"]


def strace(log, call=None, count=0):
    calls = ",".join(f"?{name}" for name in CALLS) if call is None else call
    argv = ["strace", "-f", "-qq", "-o", log, "-b", "execve", "-e", f"trace={calls}"]
    return argv + (["-e", f"inject={call}:signal=KILL:when={count}"] if call else [])


def traced(scene, place, role, tracer):
    """The command with the process of that role under strace: the server as receiver or sender, or a local copy."""
    if role == "local":
        argv = scene.tool.command("push", ["--delete"], [scene.new + "/"], place)
        return [*tracer, *argv], one_worker()
    wrapped = os.path.join(scene.scratch, f"wrapped{scene.number}")
    with open(wrapped, "w") as file:  # a script, since the commands' own quoting rules differ
        words = [*tracer, *scene.tool.serve(scene.scratch)]
        file.write("#!/bin/sh\nexec " + " ".join(words) + "\n")
    os.chmod(wrapped, 0o755)
    argv, env = job(scene, place, "push" if role == "receiver" else "pull", [wrapped])
    return argv, {**env, **one_worker()}


def kill_points(scene):
    """Every (role, call, n) that an undisturbed run reaches: the largest count of any one thread, per call."""
    points = []
    for role in ROLES:
        place = scene.fresh()
        log = os.path.join(scene.scratch, f"calls-{role}")
        argv, env = traced(scene, place, role, strace(log))
        result = tools.execute(argv, env, timeout=60)
        if result.code != 0:
            raise RuntimeError(f"the undisturbed run under strace failed: {result}")
        counts = {}
        with open(log, "rb") as file:
            for line in file:
                match = re.match(rb"(\d+) +([a-z0-9_]+)\(", line)
                if match:
                    counts[match[1], match[2]] = counts.get((match[1], match[2]), 0) + 1
        most = {}
        for (_, name), count in counts.items():
            most[name.decode()] = max(count, most.get(name.decode(), 0))
        points += [(role, call, n) for call in sorted(most) for n in range(1, most[call] + 1)]
    return points


def kill(scene, point):
    role, call, count = point
    verdict = Verdict(point)
    place = scene.fresh()
    log = os.path.join(scene.scratch, f"log{scene.number}")
    argv, env = traced(scene, place, role, strace(log, call, count))
    result = tools.execute(argv, env, timeout=LIMIT + 5)
    with open(log, "rb") as file:
        verdict.fired = b"killed by SIGKILL" in file.read()
    judge(scene, verdict, place, result, lambda: plain(scene, place))
    tidy(scene, place, log)
    return verdict


# (b) and (c): through the proxy

def relayed(scene, place, verb, log, mode, direction, offset):
    server = [sys.executable, PROXY, log, mode, direction, str(offset), "--", *scene.tool.serve(scene.scratch)]
    options = ["--timeout=5"] if scene.tool.name == "rsync" else []
    return job(scene, place, verb, server, options)


def stream_points(scene):
    """Every byte of an undisturbed push and pull, in each direction: (verb, direction, offset)."""
    points = []
    for verb in ["push", "pull"]:
        place = scene.fresh()
        log = os.path.join(scene.scratch, "count-" + verb)
        argv, env = relayed(scene, place, verb, log, "count", "up", 0)
        result = tools.execute(argv, env, timeout=60)
        if result.code != 0 or walker.compare(scene.new, place):
            raise RuntimeError(f"the undisturbed run through the proxy failed: {result}")
        with open(log) as file:
            counts = json.load(file)
        points += [(verb, way, offset) for way in ["up", "down"] for offset in range(counts[way])]
    return points


def disturb(scene, mode, point):
    verb, direction, offset = point
    verdict = Verdict(point)
    place = scene.fresh()
    log = os.path.join(scene.scratch, f"log{scene.number}")
    argv, env = relayed(scene, place, verb, log, mode, direction, offset)
    result = tools.execute(argv, env, timeout=LIMIT + 5)
    report = _await_report(log)
    if report is None:
        verdict.faults.append("hang: the proxy or its server did not end")
    else:
        verdict.fired = report["fired"]
        if report["server"] is None:
            verdict.faults.append(f"hang: the server lived on for {report['lingered']} s without its stream")
    judge(scene, verdict, place, result, lambda: plain(scene, place))
    tidy(scene, place, log)
    return verdict


def _await_report(log):
    """The proxy may outlive the client while it watches the server end."""
    import time
    deadline = time.monotonic() + LIMIT + 5
    while not os.path.exists(log):
        if time.monotonic() > deadline:
            return None
        time.sleep(0.01)
    with open(log) as file:
        return json.load(file)


def tidy(scene, place, log):
    trees.remove(place)
    if os.path.exists(log):
        os.unlink(log)


def spread(points, wanted):
    """`wanted` of the points, evenly; all of them when there are fewer or `wanted` is None."""
    if wanted is None or len(points) <= wanted:
        return points
    return [points[index * len(points) // wanted] for index in range(wanted)]


def spread_by(points, key, wanted):
    """As `spread`, but every group (role, or verb and direction) gets an equal share."""
    groups = {}
    for point in points:
        groups.setdefault(key(point), []).append(point)
    if wanted is None:
        return points
    share = -(-wanted // len(groups))
    return [point for name in sorted(groups) for point in spread(groups[name], share)][:wanted]


def ends_and_some(points, key, ends, stride):
    """Of every group the first and last `ends` points, and one in `stride` of those between."""
    groups = {}
    for point in points:
        groups.setdefault(key(point), []).append(point)
    chosen = []
    for name in sorted(groups):
        group = groups[name]
        between = range(ends, max(ends, len(group) - ends), stride)
        last = range(max(ends, len(group) - ends), len(group))
        chosen += group[:ends] + [group[index] for index in [*between, *last]]
    return chosen
