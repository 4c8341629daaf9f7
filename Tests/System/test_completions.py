"""The completions in contrib/completions, tried in the shells themselves."""

import os
import shutil
import subprocess
import unittest

try:
    from .support import SystemTest
except ImportError:
    from support import SystemTest

HERE = os.path.dirname(os.path.abspath(__file__))
PLACE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "contrib", "completions")


class Completions(SystemTest):
    def setUp(self):
        self.only_for("superlifter")

    def offered(self, *words):
        """What bash offers for the last of the words."""
        script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _superlifter; printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(
            ["bash", "--norc", "-c", script, "bash", os.path.join(PLACE, "superlifter.bash"), "superlifter", *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_offers_commands_and_options(self):
        self.assertEqual(self.offered("pu"), ["push", "pull"])
        self.assertEqual(self.offered("push", "--dry"), ["--dry-run"])
        self.assertIn("--no-perms", self.offered("pull", "--no-"))
        self.assertEqual(self.offered("serve", "--exclude"), [])
        self.assertEqual(self.offered("help", "comp"), ["compare"])
        self.assertEqual(self.offered("push", "./some"), [])

    def test_every_offered_option_exists(self):
        for option in self.offered("push", "--"):
            done = subprocess.run(
                [self.tool.binary, "help", "push"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
            self.assertIn(option, done.stdout)

    def test_the_other_shells_can_read_theirs(self):
        for shell, name in [("zsh", "_superlifter"), ("fish", "superlifter.fish")]:
            if shutil.which(shell):
                subprocess.run([shell, "-n", os.path.join(PLACE, name)], stdin=subprocess.DEVNULL, timeout=10, check=True)


if __name__ == "__main__":
    unittest.main()
