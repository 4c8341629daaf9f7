"""How many bytes travel for a directory that was renamed, counted on the stream itself."""

import json
import os
import random
import sys

try:
    from . import tools, trees, walker
    from .support import SystemTest
except ImportError:
    import tools
    import trees
    import walker
    from support import SystemTest

PROXY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "proxy.py")


class Renames(SystemTest):
    """Pushes and pulls through a relay that counts."""

    def setUp(self):
        self.only_for("superlifter")

    def plant(self, verb):
        """A source with a directory of 60 files, 18 MB in all, and a destination that has it under another name."""
        scratch = self.fresh(verb)
        source, destination = os.path.join(scratch, "source"), os.path.join(scratch, "destination")
        chance = random.Random(17)
        os.makedirs(os.path.join(source, "new/below"))
        trees.made(destination)
        for number in range(60):
            name = os.path.join(source, "new", "below" if number % 2 else "", f"file{number}")
            trees.write(name, chance.randbytes(40_000 + 8_900 * number), mtime=trees.BASE + number)
        trees.settle_directories(source)
        trees.copy(os.path.join(source, "new"), os.path.join(destination, "old"))
        return scratch, source, destination

    def transfer(self, verb, *options):
        """The bytes that went both ways, and the size of the tree."""
        scratch, source, destination = self.plant(verb)
        log = os.path.join(scratch, "log")
        server = [sys.executable, PROXY, log, "count", "up", "0", "--", *self.tool.serve(scratch)]
        far_options, prefix, env = self.tool.by_stream(server)
        near, far = (source + "/", destination) if verb == "push" else (destination, source + "/")
        places = [near, prefix + far] if verb == "push" else [prefix + far, near]
        result = tools.execute(self.tool.command(verb, [*far_options, *options], places[:1], places[1]), env)
        self.assertEqual(result.code, 0, str(result))
        self.assertEqual(walker.compare(os.path.join(source, "new"), os.path.join(destination, "new")), [])
        self.assertEqual(os.path.exists(os.path.join(destination, "old")), "--delete" not in options)
        with open(log) as file:
            counts = json.load(file)
        size = sum(os.path.getsize(os.path.join(place, name))
                   for place, _, names in os.walk(source) for name in names)
        return counts["up"] + counts["down"], size

    def test_a_renamed_directory(self):
        for verb in ["push", "pull"]:
            for options in [[], ["--delete"]]:
                with self.subTest(verb=verb, options=options):
                    carried, size = self.transfer(verb, *options)
                    self.assertLess(carried, size * 0.001)
            carried, size = self.transfer(verb, "--no-detect-renames")
            self.assertGreater(carried, size)
