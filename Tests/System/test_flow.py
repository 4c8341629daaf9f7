"""The flow of bytes: sessions that are lost and made anew (--retry), kept to a rate (--bwlimit), compressed as it pays, and
held up by nobody who reads our output slowly.

The far side is a script that notes each of its starts, and for the first few of them puts a relay that cuts the stream
in front of the server.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

try:
    from . import tools, trees
    from .support import SystemTest
except ImportError:
    import tools
    import trees
    from support import SystemTest

PROXY = os.path.join(tools.HERE, "proxy.py")
PROMPT = 5  # seconds for a clean end


def noise(count, seed=1):
    return random.Random(seed).randbytes(count)


def text(count):
    return b"".join(b"line %d of a file that has something to say\n" % number for number in range(count // 40))[:count]


class Flow(SystemTest):
    def setUp(self):
        self.only_for("superlifter")
        self.place = self.fresh("flow")
        self.addCleanup(trees.remove, self.place)
        self.source, self.destination = os.path.join(self.place, "source"), os.path.join(self.place, "destination")
        os.mkdir(self.source)

    def far(self, cuts=0, direction="up", offset=0, before=""):
        """A script that starts the server; the first `cuts` times the stream ends after so many bytes."""
        script, self.count, log = (os.path.join(self.place, name) for name in ("far", "count", "log"))
        serve = f"{self.tool.binary} serve --inetd --unconfined"
        proxy = f"{sys.executable} {PROXY} {log}"
        with open(script, "w") as file:
            file.write(f"#!/bin/sh\nn=$(cat {self.count} 2>/dev/null || echo 0)\necho $((n + 1)) >{self.count}\n{before}\n"
                       f"if [ $n -lt {cuts} ]; then exec {proxy} cut {direction} {offset} -- {serve}; fi\n"
                       f"exec {proxy} count up 0 -- {serve}\n")
        os.chmod(script, 0o755)
        self.log = log
        return script

    def starts(self):
        with open(self.count) as file:
            return int(file.read())

    def counted(self):
        """Bytes to and from the server in its last session; the relay may need a moment to note them."""
        deadline = time.monotonic() + 10
        while not os.path.exists(self.log) and time.monotonic() < deadline:
            time.sleep(0.01)
        with open(self.log) as file:
            return json.load(file)

    def argv(self, verb, *options, far=None, shell=None):
        ends = [self.source + "/", self.destination]
        ends[1 if verb == "push" else 0] = "there:" + ends[1 if verb == "push" else 0]
        reach = ["-e", shell] if shell else ["--via", "command:" + far]
        return [self.tool.binary, verb, *reach, *options, *ends]

    def run_it(self, *words, expect=0, timeout=60, **named):
        result = tools.execute(self.argv(*words, **named), timeout=timeout)
        self.assertEqual(result.code, expect, result)
        return result


class FirstBytes(Flow):
    """What a shell's start-up file prints in front of the stream: so much is passed over, and told."""

    def print_first(self, count, expect):
        trees.write(os.path.join(self.source, "file"), b"contents")
        far = self.far(before=f"head -c {count} /dev/zero | tr '\\0' x")
        return self.run_it("push", far=far, expect=expect)

    def test_some_is_passed_over(self):
        result = self.print_first(4096, 0)
        self.assertIn(b"printed something before the stream began", result.err)
        self.assert_same(self.source, self.destination)

    def test_more_is_not(self):
        result = self.print_first(4097, 12)
        self.assertIn(b"xxx", result.err)
        self.assertFalse(os.path.exists(os.path.join(self.destination, "file")))


class Retries(Flow):
    def plant(self):
        for index in range(40):
            trees.write(os.path.join(self.source, f"file{index:02d}"), noise(20_000, index))

    def test_a_lost_session_is_made_anew(self):
        self.plant()
        for verb, direction in [("push", "up"), ("pull", "down")]:
            for offset in [3_000, 400_000]:
                with self.subTest(verb=verb, offset=offset):
                    far = self.far(1, direction, offset)
                    result = self.run_it(verb, "--retry", "3", "-v", far=far)
                    self.assertEqual(self.starts(), 2)
                    self.assertIn(b"connecting again in ", result.err)
                    self.assertIn(b" s (1 of 3)", result.err)
                    self.assert_same(self.source, self.destination)
                    os.unlink(self.count)
                    trees.remove(self.destination)

    def test_what_is_done_is_not_done_again(self):
        """All but a window of content (8 MiB) of what was sent, at least."""
        for index in range(800):
            trees.write(os.path.join(self.source, f"file{index:03d}"), noise(20_000, index))
        far = self.far(1, "up", 12_000_000)
        self.run_it("push", "--retry", "1", "--no-compress", far=far)
        self.assert_same(self.source, self.destination)
        self.assertLess(self.counted()["up"], 16_000_000 - 12_000_000 + (8 << 20) + 500_000)

    def test_through_a_remote_shell(self):
        self.plant()
        self.run_it("push", "--retry", "2", shell=self.far(2, "up", 100_000), timeout=30)
        self.assertEqual(self.starts(), 3)
        self.assert_same(self.source, self.destination)

    def test_it_gives_up_with_the_last_exit_code(self):
        self.plant()
        result = self.run_it("push", "--retry", "1", far=self.far(9, "up", 50_000), expect=12)
        self.assertEqual(self.starts(), 2)
        self.assertEqual(result.err.count(b"connecting again"), 1)

    def test_without_the_option_nothing_is_repeated(self):
        self.plant()
        self.run_it("push", far=self.far(9, "up", 50_000), expect=12)
        self.assertEqual(self.starts(), 1)

    def test_refusals_and_first_failures_are_not_repeated(self):
        self.plant()
        self.destination = os.path.join(self.place, "no", "such", "place")
        self.run_it("push", "--retry", "5", far=self.far(), expect=3)
        self.assertEqual(self.starts(), 1)
        os.unlink(self.count)
        result = self.run_it("push", "--retry", "5", shell=self.far(before="exit 255"), expect=10)
        self.assertEqual(self.starts(), 1, result)

    def test_a_socket_that_nobody_answers_is_tried_again(self):
        self.plant()
        socket = os.path.join(self.place, "socket")
        argv = [self.tool.binary, "push", "--via", "unix:" + socket, "--retry", "1", self.source + "/",
                "there:" + self.destination]
        result = tools.execute(argv)
        self.assertEqual(result.code, 10, result)
        self.assertEqual(result.err.count(b"connecting again"), 1, result)

    def test_an_interrupt_ends_the_waiting(self):
        self.plant()
        client = subprocess.Popen(self.argv("push", "--retry", "50", far=self.far(99, "up", 2_000)),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(client.kill)
        while b"(2 of 50)" not in client.stderr.readline():
            self.assertIsNone(client.poll())
        client.send_signal(signal.SIGINT)
        self.assertEqual(client.wait(PROMPT), 20)
        client.stderr.close()


class Rates(Flow):
    def test_the_limit_holds_in_both_directions(self):
        """Half a MiB that does not compress, at 256 KiB a second: two seconds, whoever sends."""
        trees.write(os.path.join(self.source, "noise"), noise(512 << 10))
        for verb in ["push", "pull"]:
            with self.subTest(verb=verb):
                started = time.monotonic()
                self.run_it(verb, "--bwlimit", "256", far=self.far())
                seconds = time.monotonic() - started
                self.assertGreater(seconds, 1.8)
                self.assertLess(seconds, 10)
                self.assert_same(self.source, self.destination)
                trees.remove(self.destination)

    def test_a_slow_stream_is_compressed_by_itself(self):
        trees.write(os.path.join(self.source, "text"), text(2 << 20))
        trees.write(os.path.join(self.source, "noise"), noise(256 << 10))
        self.run_it("push", "--bwlimit", "1m", far=self.far())
        sent = self.counted()["up"]
        self.assertLess(sent, 700 << 10)
        self.assertGreater(sent, 256 << 10)
        self.assert_same(self.source, self.destination)

    def test_each_method_gives_the_same_copy(self):
        for index in range(30):
            trees.write(os.path.join(self.source, f"text{index}"), text(1000 * index + 10))
        trees.write(os.path.join(self.source, "large"), text(3 << 20) + noise(1 << 20) + text(1 << 20))
        for method in ["auto", "none", "zstd", "zstd:1", "zstd:19", "zlib", "zlib:1"]:
            for verb in ["push", "pull"]:
                with self.subTest(method=method, verb=verb):
                    self.run_it(verb, "--compress", method, far=self.far())
                    self.assert_same(self.source, self.destination)
                    trees.remove(self.destination)


class SlowReaders(Flow):
    """Our standard output is a pipe that nobody reads."""
    FILES = 20_000

    def start(self, verb, *options, far=None):
        name = "a file whose name is long enough to fill a pipe soon " + "x" * 60
        for index in range(self.FILES):
            directory = os.path.join(self.source, f"directory{index // 1000}")
            os.makedirs(directory, exist_ok=True)
            with open(os.path.join(directory, f"{name}{index:06d}"), "wb"):
                pass
        if far:
            argv = self.argv(verb, "-i", *options, far=far)
        else:
            argv = [self.tool.binary, verb, "-i", *options, self.source + "/", self.destination]
        client = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, client)
        return client

    @staticmethod
    def end(client):
        client.kill()
        client.wait()
        client.stdout.close()
        client.stderr.close()

    def test_they_hold_up_nothing_but_themselves(self):
        """The two ends go on asking each other for a sign of life, and the rest is told when it is read."""
        for verb in ["push", "pull"]:
            with self.subTest(verb=verb):
                client = self.start(verb, "--timeout", "3", far=self.far())
                time.sleep(6)
                self.assertIsNone(client.poll(), "it must wait for its reader")
                out, err = client.communicate(timeout=60)
                self.assertEqual((client.returncode, err), (0, b""))
                self.assertEqual(out.count(b"a file whose name"), self.FILES)
                trees.remove(self.destination)

    def test_an_interrupt_ends_it_all_the_same(self):
        for verb, far in [("push", self.far()), ("pull", self.far()), ("push", None)]:
            with self.subTest(verb=verb, local=far is None):
                client = self.start(verb, far=far)
                time.sleep(2)
                self.assertIsNone(client.poll(), "it must wait for its reader")
                client.send_signal(signal.SIGINT)
                self.assertEqual(client.wait(PROMPT), 20)
                trees.remove(self.destination)
