"""Whole or old, honest, prompt, repairable: at 100 points of each kind of fault, or at all of them with --long."""

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
# Of the offsets asked for, these are left out even with --long: neighbours in a frame's payload tell nothing new.
STRIDE = 7


class Faults(SystemTest):
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

    def test_kill(self):
        try:
            transports.need("strace")
        except transports.Missing as missing:
            skip_or_fail(f"{missing} is not installed")
        scene = self.scene()
        points = faults.spread_by(faults.kill_points(scene), lambda point: point[0], WANTED)
        self.examine("kill -9", points, lambda point: faults.kill(scene, point))

    def stream(self, mode, name):
        scene = self.scene()
        points = faults.stream_points(scene)
        chosen = faults.spread_by(points, lambda point: point[:2], WANTED) if WANTED else points[::STRIDE]
        self.examine(name, chosen, lambda point: faults.disturb(scene, mode, point))

    def test_cut(self):
        self.stream("cut", "stream cut")

    def test_flip(self):
        self.stream("flip", "bit flipped")
