"""What people and scripts see of a run beside JSON and the live line: formats, logs, the closing lines, `explain`."""

import os
import re
import shutil
import signal
import subprocess
import time

try:
    from . import tools, trees
    from .support import SystemTest, skip_or_fail
except ImportError:
    import tools
    import trees
    from support import SystemTest, skip_or_fail

DATED = re.compile(rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(\d+)\] (.*)")


def put(path, content=b"1"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    trees.write(path, content)


class Faces(SystemTest):
    def setUp(self):
        self.only_for("superlifter")
        self.place = self.fresh("faces")
        self.far = ["--via", f"command:{self.tool.binary} serve --inetd --unconfined"]

    def path(self, *names):
        return os.path.join(self.place, *names)

    def run_ours(self, *words, expect=0, env=None):
        result = tools.execute([self.tool.binary, *words], env)
        self.assertEqual(result.code, expect, str(result))
        return result

    def stuck(self, source, destination, *names):
        """Files that cannot be placed, whoever we are: directories that are not empty stand in their way."""
        for name in names:
            put(os.path.join(source, name))
            put(os.path.join(destination, name, "full"))

    # Formats

    def tree(self, name):
        source = self.path(name)
        put(os.path.join(source, "sub", "file"), b"x" * 12_345)
        put(os.path.join(source, "tool"), b"#!/bin/sh")
        os.chmod(os.path.join(source, "tool"), 0o4711)
        os.symlink("sub/file", os.path.join(source, "link"))
        os.mkdir(os.path.join(source, "empty"), 0o1777)
        for path in ["sub/file", "tool", "link"]:
            os.utime(os.path.join(source, path), ns=(trees.BASE, trees.BASE), follow_symlinks=False)
        os.utime(source, ns=(trees.BASE, trees.BASE))
        return source

    def test_formats_are_rsyncs(self):
        if not shutil.which("rsync"):
            skip_or_fail("rsync is not installed")
        source = self.tree("source")
        # Sizes of directories are the file system's business, and a time there is was not set.
        formats = ["%i %n%L", "%o|%n|%f|%U|%G", "%n", "%-12n|%8i|%%", "%o %n %M", "%n %B"]
        files = ["%n %l %'l %b", "%12l|%-12'l|%n"]
        for slash in ["/", ""]:
            for format in formats + files:
                with self.subTest(format=format, slash=slash):
                    said = []
                    for program in [["/usr/bin/rsync", "-aH", "--checksum-choice=none", "-W"],
                                    [self.tool.binary, "push"]]:
                        target = self.path("target")
                        put(os.path.join(target, "gone"))
                        os.makedirs(os.path.join(target, "source"), exist_ok=True)
                        put(os.path.join(target, "source", "gone too"))
                        done = tools.execute([*program, "--delete", "--out-format", format, source + slash, target],
                                             {"LC_ALL": "C"})
                        self.assertEqual(done.code, 0, str(done))
                        lines = done.out.replace(b">f", b"<f").splitlines()
                        if format in files:
                            lines = [line for line in lines if b"file" in line or b"tool" in line]
                        if "%M" in format:
                            lines = [line for line in lines if b"./" not in line and b"/ " not in line
                                     and not line.startswith(b"del.")]
                        said.append(sorted(lines))
                        trees.remove(target)
                    if "%b" in format:  # rsync counts what surrounds the contents, too
                        said = [[line.rsplit(b" ", 1)[0] for line in lines] for lines in said]
                    self.assertEqual(said[1], said[0])
                    self.assertNotEqual(said[0], [])

    def test_what_only_changes_in_attributes(self):
        source, target = self.tree("source"), self.path("target")
        self.run_ours("push", source + "/", target)
        os.chmod(os.path.join(source, "tool"), 0o600)
        for options, expected in [(["--out-format=%n"], b""), (["--out-format=%i %n"], b".f...p..... tool\n"),
                                  (["-i", "--out-format=%n"], b"tool\n"), (["--out-format="], b"")]:
            with self.subTest(options=options):
                self.assertEqual(self.run_ours("push", "-n", *options, source + "/", target).out.split(b"\n", 1)[1],
                                 expected)
        self.assertEqual(self.run_ours("compare", "--out-format=<%n>", source + "/", target, expect=1).out, b"<tool>\n")

    def test_transferred_bytes_are_what_travelled(self):
        source, target = self.path("source", "file"), self.path("target", "file")
        content = os.urandom(1 << 20)
        put(source, content)
        put(target, content[:-1000] + b"other" * 200)
        for direction in ["push", "pull"]:
            ends = [[source, "far:" + target], ["far:" + source, target]][direction == "pull"]
            lines = self.run_ours(direction, *self.far, "--out-format=%o %n %l %b", *ends).out.decode().split()
            self.assertEqual(lines[:3], ["send" if direction == "push" else "recv", "file", str(1 << 20)])
            self.assertLess(int(lines[3]), 100_000)
            self.assertGreaterEqual(int(lines[3]), 1000)
            put(target, content[:-1000] + b"again" * 200)

    def test_formats_that_cannot_be(self):
        for format in ["%Q", "%h", "%", "%99999n", "%''l"]:
            error = self.run_ours("push", "--out-format", format, self.place, self.path("never"), expect=1).err
            self.assertTrue(error.startswith(b"superlifter: --out-format: "), error)
        self.assertFalse(os.path.exists(self.path("never")))

    # Logs

    def log(self, path):
        """The lines of a log without date and process; each has both."""
        with open(path, "rb") as file:
            found = [DATED.fullmatch(line) for line in file.read().splitlines()]
        self.assertNotIn(None, found)
        return [match[2] for match in found]

    def test_a_log_tells_what_happened_and_grows(self):
        source, target, log = self.tree("source"), self.path("target"), self.path("log")
        self.stuck(source, target, "stuck")
        os.umask(0o027)
        try:
            result = self.run_ours("push", "--log-file", log, *self.far, source + "/", "far:" + target, expect=23)
        finally:
            os.umask(0o022)
        self.assertEqual(result.out, b"", "a log changes nothing of what is said")
        self.assertEqual(os.stat(log).st_mode & 0o777, 0o640)
        lines = self.log(log)
        self.assertEqual(lines[0], f"push {source}/ -> far:{target}".encode())
        self.assertIn(b"<f+++++++++ sub/file", lines)
        self.assertIn(b"cL+++++++++ link -> sub/file", lines)
        self.assertEqual(len([line for line in lines if line.startswith(b"stuck: ")]), 1)
        self.assertEqual(lines[-1], b"1 entry failed; all others are done (exit code 23)")
        self.assertRegex(lines[-2], rb"^Sent 2 files, 12\.3 kB in .* Exit code 23\.$")
        put(os.path.join(target, "gone"))
        self.run_ours("pull", "--delete", "--log-file", log, "--log-file-format=%o %n", *self.far,
                      "far:" + source + "/", target)
        more = self.log(log)
        self.assertEqual(more[:len(lines)], lines)
        self.assertIn(b"del. gone", more[len(lines):])
        before = len(more)
        self.run_ours("push", "--log-file", log, "--log-file-format=", source + "/missing", target, expect=23)
        tail = self.log(log)[before:]
        self.assertEqual(len(tail), 2)
        self.assertIn(b"No such file or directory (exit code 23)", tail[1])
        with open(log, "rb") as file:
            self.assertEqual(len({DATED.fullmatch(line)[1] for line in file.read().splitlines()}), 3, "three processes")

    def test_a_log_that_cannot_be_written(self):
        source = self.tree("source")
        for verb, code in [("push", 11), ("compare", 2)]:
            result = self.run_ours(verb, "--log-file", self.path("none", "log"), source, self.path("never"),
                                   expect=code)
            self.assertIn(b"--log-file", result.err)
        self.assertFalse(os.path.exists(self.path("never")), "an error before anything starts")
        result = self.run_ours("push", "--log-file=/dev/full", source + "/", self.path("copied"), expect=11)
        self.assertIn(b"No space left on device", result.err)
        self.assert_same(source, self.path("copied"))
        self.run_ours("serve", "--inetd", "--unconfined", "--log-file", self.path("none", "log"), expect=11)

    def test_children_do_not_get_the_log(self):
        script, seen = self.path("far"), self.path("seen")
        with open(script, "w") as file:
            file.write(f"#!/bin/sh\nls -l /proc/self/fd >{seen}\nexec {self.tool.binary} serve --inetd --unconfined\n")
        os.chmod(script, 0o755)
        self.run_ours("push", "--log-file", self.path("the-log"), "--via", f"command:{script}",
                      self.tree("source") + "/", "far:" + self.path("target"))
        with open(seen) as file:
            text = file.read()
        self.assertIn("socket:", text)
        self.assertNotIn("the-log", text)

    def test_runs_share_a_log(self):
        source, log = self.path("source"), self.path("log")
        trees.small_files(source, 300, 10)
        runs = [subprocess.Popen([self.tool.binary, "push", "--log-file", log, source + "/", self.path(f"t{number}")])
                for number in range(4)]
        self.assertEqual([run.wait(60) for run in runs], [0] * 4)
        lines = self.log(log)
        self.assertEqual(sum(line.startswith(b"<f+++++++++ f0") for line in lines), 1200)

    def test_a_server_has_a_log(self):
        source, log = self.tree("source"), self.path("log")
        serve = f"command:{self.tool.binary} serve --inetd --log-file {log} --as anna"
        self.run_ours("push", "--via", f"{serve} --unconfined", source + "/", "far:" + self.path("target"))
        self.run_ours("push", "--via", f"{serve} --root {self.place} --read-only", source + "/", "far:/x", expect=5)
        self.run_ours("list", "--via", f"{serve} --unconfined", "far:" + self.path("missing"), expect=23)
        lines = self.log(log)
        self.assertEqual(len([line for line in lines if line.startswith(b"serve: anna: ") and
                              line.endswith(b": connected")]), 3, lines)
        self.assertEqual(len([line for line in lines if line.endswith(b": done")]), 1, lines)
        self.assertTrue(any(re.search(rb"read.?only", line.lower()) for line in lines), lines)

    def test_a_listener_and_its_workers_share_a_log(self):
        log, place = self.path("log"), self.path("sock")
        source = self.tree("source")
        server = subprocess.Popen([self.tool.binary, "serve", "--listen", "unix:" + place, "--unconfined",
                                   "--log-file", log], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(server.kill)
        self.assertIn(b"ready", server.stderr.readline())
        self.run_ours("push", "--via", "unix:" + place, source + "/", "far:" + self.path("target"))
        deadline = time.monotonic() + 10
        while not any(line.endswith(b": done") for line in self.log(log)) and time.monotonic() < deadline:
            time.sleep(0.02)
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(10), 0)
        server.stderr.close()
        lines = self.log(log)
        self.assertTrue(lines[0].startswith(b"ready: listening on unix:"), lines)
        self.assertTrue(any(line.endswith(b": done") for line in lines), lines)
        self.assertTrue(lines[-1].startswith(b"stopping (SIGTERM)"), lines)

    # The closing lines

    def test_the_last_lines_say_what_failed_and_name_the_first(self):
        source, target = self.path("source"), self.path("target")
        self.stuck(source, target, "a", "b", "c")
        os.mkdir(os.path.join(source, "kind"))
        put(os.path.join(source, "kind", "below"))
        put(os.path.join(target, "kind"))
        for ends in [[source + "/", target], [*self.far, source + "/", "far:" + target]]:
            with self.subTest(ends=ends):
                lines = self.run_ours("push", "--existing", *ends, expect=23).err.decode().splitlines()
                closing = [index for index, line in enumerate(lines) if "all others are done" in line]
                self.assertEqual(len(closing), 1, lines)
                head, reasons = lines[closing[0]], lines[closing[0] + 1:]
                self.assertRegex(head, r"^superlifter: \d+ entries failed; all others are done \(exit code 23\)$")
                counts = []
                for reason in reasons:
                    match = re.fullmatch(r"superlifter:   ([\d,]+) (.+); first: (.+)", reason)
                    self.assertTrue(match, reason)
                    counts.append(int(match[1]))
                    self.assertIn(f"superlifter: {match[3]}: {match[2]}", lines, "it was told when it happened, too")
                self.assertEqual(counts, sorted(counts, reverse=True))
                self.assertEqual(sum(counts), int(head.split()[1]))
                self.assertIn(3, counts)

    def test_one_failure_is_told_once(self):
        source, target = self.path("source"), self.path("target")
        self.stuck(source, target, "only")
        lines = self.run_ours("push", source + "/", target, expect=23).err.decode().splitlines()
        self.assertEqual(len(lines), 2, lines)
        self.assertRegex(lines[0], "^superlifter: only: ")
        self.assertEqual(lines[1], "superlifter: 1 entry failed; all others are done (exit code 23)")

    # explain, help

    def test_explain_says_what_would_be_run(self):
        """And it is what is run: a stand-in for ssh notes its words."""
        script, noted = self.path("ssh"), self.path("noted")
        with open(script, "w") as file:
            file.write(f"#!/bin/sh\necho \"$0 $*\" >{noted}\nexit 255\n")
        os.chmod(script, 0o755)
        for options, place in [([], "host:docs"), (["-4", "--connect-timeout", "7"], "me@host:/abs/x"),
                               (["--remote-path", "/opt/sl"], "ssh://me@host:2200/~/x"),
                               (["-e", f"{script} -v -x", "--address", "127.0.0.1"], "[::1]:x")]:
            with self.subTest(place=place):
                rsh = options if "-e" in options else ["-e", script, *options]
                text = self.run_ours("explain", *rsh, place).out.decode()
                starts = re.search(r"^starts +(.*)$", text, re.M)[1]
                self.run_ours("list", *rsh, place, expect=10)
                with open(noted) as file:
                    self.assertEqual(file.read().strip(), starts.replace("'", ""))
                self.assertTrue(text.startswith("means     on "), text)

    def test_explain_everything_else(self):
        for words, expected in [
                (["docs/x"], ["means     a path on this machine, from the current directory: docs/x"]),
                (["/abs"], ["means     a path on this machine: /abs"]),
                (["host:"], ["the login directory", "by        ssh:host"]),
                (["-6", "tcp://host:99/music/x"], ["in its module music", "to host, port 99, IPv6 only",
                                                   "neither encrypted nor authenticated", "30 s"]),
                (["--via", "unix:/run/s", "--via", "tor:x", "there:pub/x"],
                 ["called there here: pub/x", "by        unix:/run/s", "to the socket /run/s", "no handler for hints"]),
                (["--via", "command:nc h 1", "there:"], ["starts    nc h 1\n", "300 s"]),
                (["-e", "docker exec -i", "box:/x"],
                 ["by the command of -e: /x", "starts    docker exec -i box superlifter serve --inetd --unconfined"])]:
            with self.subTest(words=words):
                text = self.run_ours("explain", *words).out.decode()
                for part in expected:
                    self.assertIn(part, text)
        for wrong in ["-x:y", "rsync://a/b", "a::b", "ho st:x"]:
            error = self.run_ours("explain", "--", wrong, expect=1).err
            self.assertEqual(error.count(b"\n"), 1, error)

    def test_help_fits_and_is_whole(self):
        for words in [["-h"], ["help"], *[[verb, "-h"] for verb in ["push", "pull", "compare", "list", "serve"]]]:
            rows = self.run_ours(*words).out.decode().splitlines()
            self.assertLess(len(rows), 24, words)
            self.assertLessEqual(max(map(len, rows)), 80, words)
        whole = self.run_ours("help", "push").out.decode()
        for option in ["--out-format FORMAT", "--log-file FILE", "--log-file-format FORMAT", "--json", "--delete"]:
            self.assertIn(option, whole)
        self.assertLessEqual(max(map(len, whole.splitlines())), 80)
