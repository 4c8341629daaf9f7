"""What the program is made of: which libraries it needs, how fast it starts, and that it runs away from its sources."""

import os
import re
import shutil
import statistics
import subprocess
import time

try:
    from . import tools, trees
    from .support import SystemTest, skip_or_fail
except ImportError:
    import tools
    import trees
    from support import SystemTest, skip_or_fail

# What a Debian system has in any case, and the three libraries named in Package.swift.
EXPECTED = re.compile(r"(libzstd|libxxhash|libz|libc|libm|libstdc\+\+|libgcc_s|ld-linux[-\w]*)\.so(\.\d+)*")
# Measured: 1.3 ms for an empty Swift program of this kind. A busy machine may need many times that; a runtime or a
# library that does its own setting up costs more still.
LONGEST_START = 0.025


class Binary(SystemTest):
    def setUp(self):
        self.only_for("superlifter")

    def inspect(self, *command):
        if shutil.which(command[0]) is None:
            skip_or_fail(f"{command[0]} is not installed")
        return subprocess.run([*command, self.tool.binary], capture_output=True, check=True, text=True).stdout

    def test_needs_only_what_is_expected(self):
        dynamic = self.inspect("readelf", "-dW")
        needed = re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)
        self.assertTrue(needed, dynamic)
        self.assertEqual([name for name in needed if not EXPECTED.fullmatch(name)], [])
        for places in re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", dynamic):
            self.assertIn(places, ["", "$ORIGIN"], "libraries would be looked for where the program was built")

    def test_holds_no_foundation(self):
        # Swift's own library mentions Foundation in names of its own; a linked Foundation has thousands of symbols
        # whose mangled names begin with its module.
        symbols = self.inspect("nm", "--defined-only")
        self.assertIn("main", symbols)
        found = re.findall(r"\S*(?:\$s10Foundation|\$s20FoundationEssentials|CFRunLoop|_CFRuntime)\S*", symbols)
        self.assertEqual(found[:5], [])

    def test_starts_fast(self):
        seconds = []
        for _ in range(41):
            started = time.monotonic()
            subprocess.run([self.tool.binary, "--version"], check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.monotonic() - started)
        self.assertLess(statistics.median(seconds), LONGEST_START, seconds)

    def test_runs_away_from_its_sources(self):
        """A copy of the program alone, without environment or terminal, opens nothing below the place it was built."""
        if shutil.which("strace") is None:
            skip_or_fail("strace is not installed")
        place = self.fresh("elsewhere")
        program, trace = os.path.join(place, "superlifter"), os.path.join(place, "trace")
        shutil.copy(self.tool.binary, program)
        source, destination = os.path.join(place, "source"), os.path.join(place, "destination")
        trees.mixed(source)
        server = f"command:{program} serve --inetd --unconfined"
        watched = ["strace", "-f", "-qq", "-o", trace, "-s", "4096", "-e", "trace=%file", "env", "-i"]
        subprocess.run([*watched, program, "push", "--via", server, source + "/", "there:" + destination],
                       check=True, cwd="/", stdin=subprocess.DEVNULL, timeout=60)
        self.assert_same(source, destination)
        with open(trace, errors="surrogateescape") as file:
            lines = [line for line in file if f'"{tools.REPOSITORY}/' in line]
        self.assertEqual(lines, [])
