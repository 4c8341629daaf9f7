"""Signals in the middle of a transfer: the program ends as it promised, on both sides; nothing half-done bears a final
name, and what was in work is swept by a rerun at the latest.

The far side is a script that notes the server's number and becomes it. The source is one large file full of holes, so
that there is time for a signal as soon as the part file shows itself.
"""

import os
import signal
import subprocess
import time

try:
    from . import trees, walker
    from .support import SystemTest
except ImportError:
    import trees
    import walker
    from support import SystemTest

LARGE = 4 << 30  # bytes; written only as far as the signal lets it come
PROMPT = 5  # seconds for a clean end
AT_ONCE = 1  # seconds for a second signal


def wait_for(question, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.002)
    return None


def is_alive(pid):
    """Whether a process still runs; one that only waits to be reaped does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Interrupted:
    """A push or pull under way: the client's process, the server's number, and both trees."""

    def __init__(self, test, verb="push", is_local=False, options=None, size=LARGE):
        self.test, self.verb = test, verb
        self.place = test.fresh("signal")
        self.source, self.destination = os.path.join(self.place, "source"), os.path.join(self.place, "destination")
        os.mkdir(self.source)
        trees.write(os.path.join(self.source, "first"), b"first")
        self.large = os.path.join(self.source, "large")
        with open(self.large, "wb") as file:
            file.truncate(size)
        os.mkdir(self.destination)
        trees.write(os.path.join(self.destination, "large"), b"the old one")
        note, script = os.path.join(self.place, "number"), os.path.join(self.place, "far")
        with open(script, "w") as file:
            file.write(f"#!/bin/sh\necho $$ >{note}\nexec {test.tool.binary} serve --inetd --unconfined\n")
        os.chmod(script, 0o755)
        self.options = options or ([] if is_local else ["--via", "command:" + script])
        # A file, not a pipe: a stopped server would hold that open.
        self.errors = os.path.join(self.place, "errors")
        with open(self.errors, "wb") as errors:
            self.client = subprocess.Popen(self.argv(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                           stderr=errors, start_new_session=True)
        test.addCleanup(self.clean_up)
        test.assertTrue(wait_for(self.leftovers), "no part file has appeared")
        self.server = None
        if not is_local and not options:
            with open(note) as file:
                self.server = int(file.read())

    def argv(self):
        ends = [self.source + "/", self.destination]
        if self.options:
            far = 1 if self.verb == "push" else 0
            ends[far] = "there:" + ends[far]
        return [self.test.tool.binary, self.verb, *self.options, *ends]

    def leftovers(self):
        return [name for name in os.listdir(os.fsencode(self.destination)) if self.test.tool.is_leftover(name)]

    def ended(self, seconds):
        """The client's exit code (negative: the signal that ended it) once it has ended, and what it said."""
        started = time.monotonic()
        try:
            self.client.wait(20)
        except subprocess.TimeoutExpired:
            self.test.fail("the client lives on")
        self.test.assertLess(time.monotonic() - started, seconds)
        with open(self.errors, "rb") as errors:
            self.said = errors.read()
        return self.client.returncode

    def check_afterwards(self):
        """The server has gone too; the old file stands; a plain rerun leaves nothing of ours."""
        test = self.test
        if self.server is not None:
            test.assertTrue(wait_for(lambda: not is_alive(self.server), PROMPT), "the server lives on")
        with open(os.path.join(self.destination, "large"), "rb") as file:
            test.assertEqual(file.read(100), b"the old one")
        with open(self.large, "wb") as file:
            file.write(b"smaller now")
        again = subprocess.run(self.argv(), capture_output=True, timeout=30, check=False)
        test.assertEqual((again.returncode, again.stderr), (0, b""))
        test.assertEqual(walker.compare(self.source, self.destination), [])
        test.assertEqual(self.leftovers(), [])

    def clean_up(self):
        for pid in filter(None, [self.client.pid, self.server]):
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        self.client.wait()
        trees.remove(self.place)


class Signals(SystemTest):
    def setUp(self):
        self.only_for("superlifter")

    def test_each_signal_ends_a_push_cleanly(self):
        for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
            with self.subTest(signal=number.name):
                run = Interrupted(self)
                os.kill(run.client.pid, number)
                self.assertEqual(run.ended(PROMPT), 20, run.said)
                run.check_afterwards()

    def test_control_c_reaches_both_ends(self):
        """A terminal sends the signal to the whole process group: client, and the server that it has started."""
        run = Interrupted(self)
        os.killpg(run.client.pid, signal.SIGINT)
        self.assertEqual(run.ended(PROMPT), 20, run.said)
        run.check_afterwards()

    def test_a_pull(self):
        run = Interrupted(self, "pull")
        os.kill(run.client.pid, signal.SIGINT)
        self.assertEqual(run.ended(PROMPT), 20, run.said)
        run.check_afterwards()

    def test_a_local_copy(self):
        run = Interrupted(self, is_local=True)
        os.kill(run.client.pid, signal.SIGTERM)
        self.assertEqual(run.ended(PROMPT), 20, run.said)
        run.check_afterwards()

    def test_a_signal_for_the_server_is_told_to_the_client(self):
        run = Interrupted(self)
        os.kill(run.server, signal.SIGTERM)
        self.assertEqual(run.ended(PROMPT), 20, run.said)
        run.check_afterwards()

    def test_the_peer_is_told_past_all_contents_that_wait(self):
        """On a slow stream, where a full line of contents stands before the last words."""
        for verb, name in [("push", signal.SIGINT), ("push", signal.SIGHUP), ("pull", signal.SIGTERM)]:
            with self.subTest(verb=verb, signal=name.name):
                place = self.fresh("told")
                script, said, code = [os.path.join(place, name) for name in ["far", "said", "code"]]
                with open(script, "w") as file:
                    file.write(f"#!/bin/sh\n{self.tool.binary} serve --inetd --unconfined 2>{said}\necho $? >{code}\n")
                os.chmod(script, 0o755)
                run = Interrupted(self, verb, size=64 << 20,
                                  options=["--bwlimit=2M", "--compress=none", "--via", "command:" + script])
                os.kill(run.client.pid, name)
                self.assertEqual(run.ended(PROMPT), 20, run.said)
                self.assertEqual(run.said, b"superlifter: interrupted\n")
                self.assertTrue(wait_for(lambda: os.path.exists(code) and os.path.getsize(code), PROMPT))
                with open(said) as file:
                    self.assertIn("the other side ended the session: interrupted at the other end", file.read())
                with open(code) as file:
                    self.assertEqual(int(file.read()), 20)

    def test_compare_and_a_wait_for_the_next_attempt_end_cleanly(self):
        run = Interrupted(self)
        os.kill(run.client.pid, signal.SIGINT)
        self.assertEqual(run.ended(PROMPT), 20)
        # compare has codes of its own, and reads the large file for its digest: for much longer than it may take to end.
        for place in [run.source, run.destination]:
            with open(os.path.join(place, "large"), "wb") as file:
                file.truncate(64 << 30)
        argv = [self.tool.binary, "compare", "-c", run.source + "/", run.destination]
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(child.kill)
        time.sleep(0.25)
        child.send_signal(signal.SIGTERM)
        self.assertEqual((child.communicate(timeout=PROMPT)[1], child.returncode), (b"superlifter: interrupted\n", 2))

    def test_a_silent_server_does_not_hold_us(self):
        run = Interrupted(self)
        os.kill(run.server, signal.SIGSTOP)
        os.kill(run.client.pid, signal.SIGINT)
        self.assertEqual(run.ended(10), 20, run.said)
        self.assertFalse(is_alive(run.server), "a child that does not go is made to go")
        run.check_afterwards()

    def test_a_second_signal_ends_at_once(self):
        run = Interrupted(self)
        os.kill(run.server, signal.SIGSTOP)
        os.kill(run.client.pid, signal.SIGINT)
        time.sleep(0.1)
        self.assertTrue(is_alive(run.client.pid), "the first signal asks for a clean end, which a silent server delays")
        os.kill(run.client.pid, signal.SIGINT)
        self.assertEqual(run.ended(AT_ONCE), -signal.SIGINT)
        os.kill(run.server, signal.SIGCONT)
        run.check_afterwards()
