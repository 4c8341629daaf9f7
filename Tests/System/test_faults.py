"""Whole or old, honest, prompt, repairable: at 100 points of each kind of fault, or with --long at every system call, and
at thousands of places of the stream: all that come first and last, and some between, which are much the same.
"""

import collections
import os

try:
    from . import faults, transports
    from .support import LONG, SystemTest, skip_or_fail
except ImportError:
    import faults
    import transports
    from support import LONG, SystemTest, skip_or_fail

WANTED = None if LONG else 100
# With --long: so many bytes at either end of each direction, and one in so many between.
ALL_AT_ENDS, STRIDE_BETWEEN = 600, 97


class Faults(SystemTest):
    """What the kinds of faults have in common; each kind is a suite, so that they can run side by side."""

    def scene(self):
        place = os.path.join(self.scratch, f"scene-{self._testMethodName}")
        os.makedirs(place)
        return faults.Scene(self.tool, place)

    def examine(self, name, points, attempt):
        verdicts = [attempt(point) for point in points]
        fired = [verdict for verdict in verdicts if verdict.fired]
        bad = [verdict for verdict in verdicts if verdict.faults]
        kinds = collections.Counter(fault.split(":")[0] for verdict in bad for fault in verdict.faults[:-1])
        print(f"{name}: {len(fired)} fired of {len(verdicts)} asked; {len(bad)} did not hold {dict(kinds) or ''}; "
              f"{sum(verdict.leftovers > 0 for verdict in verdicts)} left files of ours until the rerun, "
              f"{sum(verdict.displaced > 0 for verdict in verdicts)} displaced ones", flush=True)
        self.assertGreaterEqual(len(fired) * 100, len(verdicts) * 75, "too few faults happened to mean anything")
        told = "\n".join(f"{verdict.point}: " + "\n    ".join(verdict.faults) for verdict in bad[:5])
        self.assertFalse(bad, f"{len(bad)} of {len(verdicts)} points did not hold:\n{told}")

    def stream(self, mode, name):
        scene = self.scene()
        points = faults.stream_points(scene)
        if WANTED:
            chosen = faults.spread_by(points, lambda point: point[:2], WANTED)
        else:
            chosen = faults.ends_and_some(points, lambda point: point[:2], ALL_AT_ENDS, STRIDE_BETWEEN)
        self.examine(name, chosen, lambda point: faults.disturb(scene, mode, point))


class FaultsKill(Faults):
    def test_kill(self):
        try:
            transports.need("strace")
        except transports.Missing as missing:
            skip_or_fail(f"{missing} is not installed")
        scene = self.scene()
        points = faults.spread_by(faults.kill_points(scene), lambda point: point[0], WANTED)
        self.examine("kill -9", points, lambda point: faults.kill(scene, point))


class FaultsCut(Faults):
    def test_cut(self):
        self.stream("cut", "stream cut")


class FaultsFlip(Faults):
    def test_flip(self):
        self.stream("flip", "bit flipped")
