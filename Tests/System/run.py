#!/usr/bin/env python3
"""Runs the system tests: python3 Tests/System/run.py [--long] [--list] [--serial] [PATTERN...]

A PATTERN selects suites or cases whose name (`Suite.test_case`) contains it, or matches it as a shell pattern.
--long runs every fault point instead of an even selection, and the suites that take minutes. Suites run side by side,
one process each and one more than there are processors (much of a test is waiting), unless --serial is given. Prints
the time of each suite and ends with exactly one line `N passed, N failed`. Exits 1 on any failure, and when a suite
was skipped although CI=true.

Environment: SUPERLIFTER names the binary (default: .build/static/release/superlifter), SYSTEM_TEST_TOOL=rsync runs
the suites against rsync instead, CI=true turns missing programs into failures, TMPDIR says where trees are made
(default: /dev/shm where that is fit, else /tmp).
"""

import fnmatch
import os
import signal
import subprocess
import sys
import time
import traceback
import unittest
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))


class Recorder(unittest.TestResult):
    """Counts cases: one with failing subtests counts once. Prints a failure as soon as it is known."""

    def __init__(self):
        super().__init__()
        self.passed, self.failed, self.left_out = 0, set(), []
        self.told = {}

    def startTest(self, test):
        super().startTest(test)
        self.skipped_now = False

    def stopTest(self, test):
        super().stopTest(test)
        if test.id() not in self.failed and not self.skipped_now:
            self.passed += 1

    def _note(self, test, error, subtest=None):
        identity = test.id()
        self.failed.add(identity)
        self.told[identity] = self.told.get(identity, 0) + 1
        if self.told[identity] > 3:  # of a case's many subtests, three tell enough
            return
        where = f" ({getattr(test, 'direction', '')})" if hasattr(test, "direction") else ""
        where += f" {subtest._subDescription()}" if subtest is not None else ""
        text = "".join(traceback.format_exception(*error, limit=-3))
        print(f"\nFAILED {short(identity)}{where}\n{text[:4000]}", flush=True)

    def addError(self, test, error):
        self._note(test, error)

    addFailure = addError

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self._note(test, error, subtest)

    def addSkip(self, test, reason):
        self.skipped_now = True
        self.left_out.append((short(test.id()), reason))


def short(identity):
    return ".".join(identity.split(".")[-2:]) if not identity.startswith(("setUp", "tearDown")) else identity


def cases(suite):
    for one in suite:
        if isinstance(one, unittest.TestSuite):
            yield from cases(one)
        else:
            yield one


def quick_place():
    """Uses memory for the trees if there is a roomy one in which programs, devices and set-id bits work."""
    place = "/dev/shm"
    try:
        room = os.statvfs(place)
    except OSError:
        return
    unfit = os.ST_NOEXEC | os.ST_NODEV | os.ST_NOSUID | os.ST_RDONLY
    if not room.f_flag & unfit and room.f_bavail * room.f_frsize > 4 << 30 and os.access(place, os.W_OK):
        os.environ["TMPDIR"] = place


def chosen(name, patterns):
    return not patterns or any(pattern in name or fnmatch.fnmatch(name, pattern) for pattern in patterns)


def side_by_side(by_suite, patterns, long):
    """Runs each suite in a process of its own, and adds up what their last lines say."""
    def run(name):
        # Cases are named one by one, so that a pattern that chose only some of a suite keeps its meaning.
        names = [short(case.id()) for case in by_suite[name]]
        command = [sys.executable, os.path.abspath(__file__), "--serial"] + (["--long"] if long else []) + names
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    passed, failed, trouble = 0, 0, False
    with ThreadPoolExecutor((os.cpu_count() or 2) + 1) as pool:
        for name, done in zip(by_suite, pool.map(run, by_suite)):
            lines = done.stdout.decode(errors="backslashreplace").rstrip("\n").split("\n")
            words = lines[-1].split()
            if len(words) == 4 and words[1] == "passed," and words[3] == "failed":
                passed, failed = passed + int(words[0]), failed + int(words[2])
                trouble = trouble or (done.returncode != 0 and words[2] == "0")
                lines.pop()
            else:
                failed += 1
                lines.append(f"FAILED {name}: its process ended with {done.returncode}")
            print("\n".join(lines), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or trouble or not passed else 0


def main(arguments):
    patterns = [word for word in arguments if not word.startswith("--")]
    flags = [word for word in arguments if word.startswith("--")]
    if set(flags) - {"--long", "--list", "--serial"}:
        print(__doc__)
        return 1
    if "--long" in flags:
        os.environ["SYSTEM_LONG"] = "1"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers and users are cleaned up
    os.umask(0o022)
    os.environ["LC_ALL"] = "C"
    if "TMPDIR" not in os.environ:
        quick_place()
    sys.path.insert(0, HERE)
    found = unittest.defaultTestLoader.discover(HERE, "test_*.py", top_level_dir=HERE)
    by_suite = {}
    for case in cases(found):
        name = short(case.id())
        if getattr(case, "takes_minutes", False) and "--long" not in flags:
            continue
        if chosen(name, patterns):
            by_suite.setdefault(name.split(".")[0], []).append(case)
    if "--list" in flags:
        for suite in by_suite.values():
            print("\n".join(short(case.id()) for case in suite))
        return 0
    if len(by_suite) > 1 and "--serial" not in flags:
        return side_by_side(by_suite, patterns, "--long" in flags)
    result = Recorder()
    for name, members in by_suite.items():
        started, passed, failed = time.monotonic(), result.passed, len(result.failed)
        skipped = len(result.left_out)
        unittest.TestSuite(members).run(result)
        line = f"{name}: {result.passed - passed} passed, {len(result.failed) - failed} failed"
        if len(result.left_out) > skipped:
            line += f", {len(result.left_out) - skipped} skipped"
        print(f"{line}, {time.monotonic() - started:.1f} s", flush=True)
    for reason in sorted({reason for _, reason in result.left_out}):
        names = [name for name, other in result.left_out if other == reason]
        print(f"skipped, {reason}: {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}")
    strict = os.environ.get("CI") == "true" and bool(result.left_out)
    if strict:
        print("with CI=true nothing may be skipped")
    failures = len(result.failed)
    print(f"{result.passed} passed, {failures} failed")
    return 1 if failures or strict or not result.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
