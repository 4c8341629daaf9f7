"""The live line in a real terminal, which is tmux here: at several widths, with one large file and with many small
ones, while the terminal changes its size, and when the user presses Ctrl-C.

Two views are taken of each run. The raw one is every byte that reached the terminal: each line drawn must be narrower
than the terminal. The other is what tmux shows: never more than that one line, and nothing of it at the end.
"""

import os
import re
import shlex
import shutil
import subprocess
import time

try:
    from . import trees
    from .support import LONG, SystemTest, skip_or_fail
except ImportError:
    import trees
    from support import LONG, SystemTest, skip_or_fail

DRAWN = re.compile(rb"\r(?:\x1b\[J)?([^\r\n\x1b]*)\x1b\[K\r")
MANY = 1_000_000 if LONG else 20_000
PATIENCE = 600 if LONG else 60


def put(path, content=b"1"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    trees.write(path, content)


class Terminal:
    """A tmux server of its own with one window, in which a command runs once it is told to."""

    def __init__(self, test, command, width, height=12, environment=""):
        self.place = test.fresh("terminal")
        self.raw_path, self.go = os.path.join(self.place, "raw"), os.path.join(self.place, "go")
        open(self.raw_path, "wb").close()
        os.mkfifo(self.go)
        script = os.path.join(self.place, "script")
        with open(script, "w") as file:
            # Ctrl-C is for the command, not for the shell around it.
            file.write(f"read line <{self.go}\ntrap : INT\n{environment} {command}\necho \"code $?\"\nexec sleep 600\n")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), f"sh {script}")
        test.addCleanup(self.close)
        self.tmux("pipe-pane", "-O", f"exec cat >{self.raw_path}")

    def tmux(self, *words):
        done = subprocess.run(["tmux", "-S", os.path.join(self.place, "tmux"), *words], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=20, check=False)
        return done.stdout

    def start(self):
        with open(self.go, "w") as file:
            file.write("go\n")

    def rows(self):
        """The rows of the screen that hold something."""
        text = self.tmux("capture-pane", "-p").decode()
        return [row.rstrip() for row in text.split("\n") if row.strip()]

    def raw(self):
        with open(self.raw_path, "rb") as file:
            return file.read()

    def drawn(self, since=0):
        return [line.decode("ascii") for line in DRAWN.findall(self.raw()[since:])]

    def resize(self, width, height=12):
        self.tmux("resize-window", "-x", str(width), "-y", str(height))

    def wait_for_end(self, watch=None):
        """The program's exit code and the rows before it; `watch` sees the rows meanwhile."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            rows = self.rows()
            if rows and re.fullmatch(r"code \d+", rows[-1]):
                return int(rows[-1].split()[1]), rows[:-1]
            if watch:
                watch(rows)
            time.sleep(0.03)
        raise AssertionError(f"no end in {PATIENCE} s: {self.rows()}")

    def close(self):
        self.tmux("kill-server")


class LiveLine(SystemTest):
    def setUp(self):
        self.only_for("superlifter")
        if not shutil.which("tmux"):
            skip_or_fail("tmux is not installed")
        self.place = self.fresh("live")

    def large(self, size=60 << 20):
        source = os.path.join(self.place, "large")
        if not os.path.exists(source):
            os.mkdir(source)
            with open(os.path.join(source, "file"), "wb") as file:
                file.truncate(size)
        return source

    def command(self, source, *options, far=True):
        """A push that takes about three seconds where the source is `large`."""
        type(self).number += 1
        target = os.path.join(self.place, f"copy{self.number}")
        via = ["--via", f"command:{self.tool.binary} serve --inetd --unconfined"] if far else []
        words = [self.tool.binary, "push", *options, *via, source + "/", ("far:" if far else "") + target]
        return " ".join(shlex.quote(word) for word in words)

    SLOW = ["--bwlimit=20M", "--compress=none"]

    def check_lines(self, lines, width):
        for line in lines:
            self.assertLess(len(line), width)
        percent = [int(found) for line in lines for found in re.findall(r"(\d+)%", line)]
        self.assertEqual(percent, sorted(percent), "a percentage never runs backwards")
        self.assertLessEqual(max(percent, default=0), 100)

    def one_line_at_most(self, rows):
        if rows and rows[0].startswith("Sent "):
            return  # the summary, which a narrow terminal wraps
        self.assertLessEqual(len(rows), 1, f"the line has wrapped or left something: {rows}")

    def test_one_large_file_at_several_widths(self):
        source = self.large()
        for width in [20, 40, 80, 200]:
            with self.subTest(width=width):
                terminal = Terminal(self, self.command(source, *self.SLOW), width)
                terminal.start()
                code, rows = terminal.wait_for_end(self.one_line_at_most)
                lines = terminal.drawn()
                self.assertEqual(code, 0, rows)
                self.check_lines(lines, width)
                self.assertGreater(len(lines), 10, "ten times a second")
                percent = {found for line in lines for found in re.findall(r"(\d+)%", line)}
                self.assertGreater(len(percent), 5, f"what is done of the one file is seen growing: {lines}")
                if width >= 80:
                    self.assertTrue(any(re.search(r"of 62\.9 MB  \d.* MB/s  0:0\d left  0 of 1 files", line)
                                        for line in lines), lines)
                # Of the line nothing is left; the summary stands alone.
                self.assertRegex("".join(rows), r"^Sent 1 file, 62\.9 MB ?in \d")
                terminal.close()

    def test_many_files(self):
        source = os.path.join(self.place, "many")
        trees.small_files(source, MANY, 10, directories=max(1, MANY // 1000))
        for width in [40, 120]:
            with self.subTest(width=width):
                terminal = Terminal(self, self.command(source), width)
                terminal.start()
                code, rows = terminal.wait_for_end(self.one_line_at_most)
                lines = terminal.drawn()
                self.assertEqual(code, 0, rows)
                self.assertGreater(len(lines), 1)
                self.check_lines(lines, width)
                if width == 120:
                    done = [int(found.replace(",", "")) for line in lines
                            for found in re.findall(r"([\d,]+) of [\d,]+\+? files", line)]
                    self.assertEqual(done, sorted(done))
                    self.assertGreater(len(set(done)), 1, lines)
                    self.assertLessEqual(max(done), MANY)
                self.assertRegex("".join(rows), f"^Sent {MANY:,} files")
                terminal.close()

    def test_a_new_size_counts_at_once(self):
        terminal = Terminal(self, self.command(self.large(90 << 20), *self.SLOW), 100)
        terminal.start()
        self.until(lambda: len(terminal.drawn()) > 3 and len(terminal.drawn()[-1]) > 50)
        for width in [30, 20, 150]:
            terminal.resize(width)
            time.sleep(0.4)
            mark = len(terminal.raw())
            self.until(lambda: len(terminal.drawn(mark)) > 3)
            self.check_lines(terminal.drawn(mark), width)
            self.one_line_at_most(terminal.rows())
        self.assertTrue(any(len(line) > 60 for line in terminal.drawn(mark)), terminal.drawn(mark))
        terminal.resize(60)
        code, rows = terminal.wait_for_end()
        self.assertEqual(code, 0)
        self.assertRegex(rows[0], r"^Sent 1 file, ")
        self.assertLessEqual(len(rows), 2, rows)

    def until(self, question):
        deadline = time.monotonic() + 20
        while not question():
            self.assertLess(time.monotonic(), deadline, "it does not happen")
            time.sleep(0.03)

    def test_control_c(self):
        terminal = Terminal(self, self.command(self.large(), *self.SLOW), 80)
        terminal.start()
        self.until(lambda: len(terminal.drawn()) > 3)
        terminal.tmux("send-keys", "C-c")
        code, rows = terminal.wait_for_end()
        self.assertEqual(code, 20)
        # The far side has heard the same Ctrl-C: it may be the first to tell, and may say a word of its own, of two rows.
        ended = "superlifter: the other side ended the session: interrupted at the other end"
        self.assertIn(rows[-1], ["superlifter: interrupted", ended])
        self.assertLessEqual(len(rows), 3, rows)
        self.assertFalse([row for row in rows if "Sending" in row], rows)

    def test_other_lines_and_the_live_one(self):
        """Items and errors stand in lines of their own, whole, and the live line comes again below them."""
        source = os.path.join(self.place, "some")
        for index in range(6):
            put(os.path.join(source, f"file{index}"), bytes(4 << 20))
        put(os.path.join(source, "stuck"))
        command = self.command(source, "-i", *self.SLOW)
        put(os.path.join(command.split("far:")[1], "stuck", "full"))
        terminal = Terminal(self, command, 80, height=30)
        terminal.start()
        code, rows = terminal.wait_for_end()
        self.assertEqual(code, 23, rows)
        items = [row for row in rows if row.startswith("<f+++")]
        self.assertEqual(sorted(items), [f"<f+++++++++ file{index}" for index in range(6)], rows)
        self.assertEqual(len([row for row in rows if row.startswith("superlifter: stuck: ")]), 1, rows)
        self.assertEqual(rows[-1], "superlifter: 1 entry failed; all others are done (exit code 23)")
        self.assertFalse([row for row in rows if "Sending" in row or "Finishing" in row], rows)

    def test_where_there_is_none(self):
        """Not where standard error goes elsewhere, the terminal is dumb, or somebody asked for quiet."""
        elsewhere = os.path.join(self.place, "errors")
        source = self.large()
        fast = ["--bwlimit=60M", "--compress=none"]
        for command, environment in [(self.command(source, *fast) + f" 2>{elsewhere}", ""),
                                     (self.command(source, *fast, "--no-progress"), ""),
                                     (self.command(source, *fast, "-q"), ""),
                                     (self.command(source, *fast), "TERM=dumb")]:
            with self.subTest(command=command):
                terminal = Terminal(self, command, 80, environment=environment)
                terminal.start()
                code, rows = terminal.wait_for_end()
                self.assertEqual(code, 0)
                self.assertNotIn(b"\x1b[K", terminal.raw())
                self.assertEqual(rows, [] if " -q " in command else rows[:1])
                terminal.close()
        self.assertEqual(os.path.getsize(elsewhere), 0)

    def test_in_the_background_nothing_is_drawn(self):
        """As long as the shell has the terminal, and once the program is in front it draws."""
        command = self.command(self.large(), *self.SLOW)
        script = os.path.join(self.place, "jobs")
        with open(script, "w") as file:
            file.write(f"set -m\n{command} &\nsleep 1\necho mark\nfg >/dev/null\n")
        terminal = Terminal(self, f"bash {script}", 80)
        terminal.start()
        code, rows = terminal.wait_for_end()
        self.assertEqual(code, 0, rows)
        before, after = terminal.raw().split(b"mark", 1)
        self.assertEqual(DRAWN.findall(before), [])
        self.assertGreater(len(DRAWN.findall(after)), 3)
        self.assertEqual(rows[0], "mark")
