"""How many bytes travel for a large file that was changed, counted on the stream itself, and that what arrives is right
whichever way it is told.
"""

import json
import os
import random
import sys

try:
    from . import test_memory, tools, trees
    from .support import SystemTest
except ImportError:
    import test_memory
    import tools
    import trees
    from support import SystemTest

MIB = 1 << 20
PROXY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "proxy.py")


class Delta(SystemTest):
    """Pushes and pulls through a relay that counts."""

    def scattered(self, size, edits):
        """An old version, and a new one with so many edits of 1 KiB and ten bytes in front."""
        chance = random.Random(11)
        old = chance.randbytes(size)
        new = bytearray(old)
        for _ in range(edits):
            place = chance.randrange(size - 1024)
            new[place:place + 1024] = chance.randbytes(1024)
        return old, b"ten bytes." + bytes(new)

    def transfer(self, verb, old, new, *options):
        """The bytes that went up and down."""
        scratch = self.fresh(verb)
        source, destination = os.path.join(scratch, "source"), os.path.join(scratch, "destination")
        trees.made(source)
        trees.made(destination)
        trees.write(os.path.join(source, "file"), new, mtime=trees.BASE)
        trees.write(os.path.join(destination, "file"), old, mtime=trees.BASE - 10 ** 12)
        inode = os.stat(os.path.join(destination, "file")).st_ino
        log = os.path.join(scratch, "log")
        server = [sys.executable, PROXY, log, "count", "up", "0", "--", *self.tool.serve(scratch)]
        far_options, prefix, env = self.tool.by_stream(server)
        near, far = (source + "/", destination) if verb == "push" else (destination, source + "/")
        places = [near, prefix + far] if verb == "push" else [prefix + far, near]
        result = tools.execute(self.tool.command(verb, [*far_options, *options], places[:1], places[1]), env)
        self.assertEqual(result.code, 0, str(result))
        with open(os.path.join(destination, "file"), "rb") as file:
            self.assertTrue(file.read() == new, "the file is not what was sent")
        if "--inplace" in options:
            self.assertEqual(os.stat(os.path.join(destination, "file")).st_ino, inode)
            self.assertEqual(os.listdir(destination), ["file"])
        with open(log) as file:
            counts = json.load(file)
        return counts["up"] + counts["down"]

    def test_scattered_edits(self):
        self.only_for("superlifter")
        old, new = self.scattered(32 * MIB, 20)
        for verb in ["push", "pull"]:
            whole = self.transfer(verb, old, new, "-W")
            self.assertGreater(whole, 32 * MIB)
            coarse = self.transfer(verb, old, new, "--refine", "never")
            self.assertLess(coarse, 600 << 10)
            fine = self.transfer(verb, old, new, "--refine", "always")
            self.assertLess(fine, 160 << 10)

    def test_in_place(self):
        """Where everything has moved, too, only what differs travels."""
        self.only_for("superlifter")
        old, new = self.scattered(32 * MIB, 20)
        for verb in ["push", "pull"]:
            self.assertLess(self.transfer(verb, old, new, "--inplace", "--refine", "always"), 160 << 10)
        third = len(old) // 3
        turned = old[third:2 * third] + old[:third] + new[2 * third:] + old[:5000]
        for verb in ["push", "pull"]:
            self.assertLess(self.transfer(verb, old, turned, "--inplace"), 700 << 10)

    def test_memory_in_place(self):
        """What is to be moved, and what is set aside meanwhile, does not gather in memory: many short pieces."""
        self.only_for("superlifter")
        chance = random.Random(13)
        size, piece = 64 * MIB, 700
        old = chance.randbytes(size)
        pieces = [old[start:start + piece] for start in range(0, size, piece)]
        chance.shuffle(pieces)
        scratch = self.fresh("memory")
        source, destination = os.path.join(scratch, "source"), os.path.join(scratch, "destination")
        trees.made(source)
        trees.made(destination)
        trees.write(os.path.join(source, "file"), b"".join(pieces), mtime=trees.BASE)
        trees.write(os.path.join(destination, "file"), old, mtime=trees.BASE - 10 ** 12)
        options, prefix, _ = self.tool.by_stream(self.tool.serve(scratch))
        command = self.tool.command(
            "pull", [*options, "--inplace", "--block-size", str(piece)], [prefix + source + "/"], destination)
        client = test_memory.Watched(command)
        self.assertEqual(client.wait(120), 0)
        with open(os.path.join(destination, "file"), "rb") as file:
            self.assertTrue(file.read() == b"".join(pieces), "the file is not what was sent")
        print(f"Delta: {len(pieces):,} pieces moved in place, client: {client.peak / 1024:.1f} MiB", flush=True)
        self.assertLess(client.peak, 48 << 10)

    def test_unrelated_versions(self):
        self.only_for("superlifter")
        chance = random.Random(12)
        old, new = chance.randbytes(4 * MIB), chance.randbytes(4 * MIB)
        self.assertLess(self.transfer("push", old, new), 4.2 * MIB)
