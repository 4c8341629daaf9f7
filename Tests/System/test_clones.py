"""On a file system whose files can share blocks, what a delta takes from the old version is shared with it and not
copied, and what cannot be shared because it lies otherwise in a block is right all the same. The file system is made in a
file and mounted by a loop device, which takes root.
"""

import fcntl
import os
import random
import shutil
import struct
import subprocess
import sys

try:
    from . import tools, trees
    from .support import UNDER_CI, SystemTest, skip_or_fail
except ImportError:
    import tools
    import trees
    from support import UNDER_CI, SystemTest, skip_or_fail

MIB = 1 << 20
SIZE = 32 * MIB + 123  # bytes of the old version; its end fills no block
FIEMAP, SHARED, LAST = 0xC020660B, 0x2000, 0x1  # linux/fiemap.h


def shared_bytes(path):
    """Bytes of a file that lie in blocks which other files have, too."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        found, start, is_last = 0, 0, False
        while not is_last:
            # start, length, flags (1: sync first), extents filled in, room for so many, unused; then the extents
            asked = bytearray(struct.pack("=QQIIII", start, 1 << 62, 1, 0, 256, 0) + bytes(56 * 256))
            fcntl.ioctl(descriptor, FIEMAP, asked)
            count = struct.unpack_from("=I", asked, 20)[0]
            for index in range(count):
                logical, _, length, _, _, flags = struct.unpack_from("=QQQQQI", asked, 32 + 56 * index)
                start = logical + length
                is_last = bool(flags & LAST)
                found += length if flags & SHARED else 0
            is_last = is_last or count == 0
        return found
    finally:
        os.close(descriptor)


class Clones(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mounted = None
        if cls.tool.name != "superlifter":
            return
        if shutil.which("mkfs.btrfs") is None:
            skip_or_fail("btrfs-progs is not installed")
        cls.why = cls.mount()

    @classmethod
    def mount(cls):
        """Mounts a btrfs of 512 MiB, most of it a hole; otherwise why that cannot be."""
        if os.geteuid() != 0:
            return "only root can mount a file system"
        image, place = os.path.join(cls.scratch, "image"), os.path.join(cls.scratch, "btrfs")
        with open(image, "wb") as file:
            file.truncate(512 * MIB)
        subprocess.run(["mkfs.btrfs", "-q", "-m", "single", image], check=True, stdout=subprocess.DEVNULL)
        loop = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, check=False)
        if loop.returncode != 0:
            return "there are no loop devices here"
        device = loop.stdout.decode().strip()
        cls.stack.callback(subprocess.run, ["losetup", "--detach", device], check=False)
        os.mkdir(place)
        mounted = subprocess.run(["mount", "-t", "btrfs", "-o", "noatime", device, place], capture_output=True, check=False)
        if mounted.returncode != 0:
            with open("/proc/filesystems") as known:
                if UNDER_CI and "btrfs" in known.read():
                    raise RuntimeError(f"btrfs cannot be mounted: {mounted.stderr.decode().strip()}")
            return "btrfs cannot be mounted here"
        cls.stack.callback(subprocess.run, ["umount", place], check=False)
        cls.mounted = place
        return None

    def places(self, name):
        """A source elsewhere and a destination on the file system; None where there is none, which is said."""
        self.only_for("superlifter")
        if self.mounted is None:
            if not UNDER_CI:
                self.skipTest(self.why)
            # Not to be had on every machine that must try everything.
            print(f"Clones: not tried, {self.why}", file=sys.stderr)
            return None
        destination = os.path.join(self.mounted, name)
        os.mkdir(destination)
        return self.fresh(name), destination

    def push(self, source, destination, *options):
        """Through a stream, as from another machine."""
        server = self.tool.serve(self.scratch)
        far_options, prefix, env = self.tool.by_stream(server)
        command = self.tool.command("push", [*far_options, *options], [source + "/"], prefix + destination)
        result = tools.execute(command, env)
        self.assertEqual(result.code, 0, str(result))

    def updated(self, name, change, *options):
        """Pushes a changed version over an old one. The bytes that it shares with the old one, which keeps another
        name, and the room that it took."""
        places = self.places(name)
        if places is None:
            return None
        source, destination = places
        old = random.Random(23).randbytes(SIZE)
        new = change(old)
        trees.write(os.path.join(source, "file"), new)
        trees.write(os.path.join(destination, "file"), old, mtime=trees.BASE)
        os.link(os.path.join(destination, "file"), os.path.join(self.mounted, f"{name}-old"))
        room = self.room()
        self.push(source, destination, *options)
        with open(os.path.join(destination, "file"), "rb") as file:
            self.assertTrue(file.read() == new, "the file is not what was sent")
        with open(os.path.join(self.mounted, f"{name}-old"), "rb") as file:
            self.assertTrue(file.read() == old, "the old version was written to")
        return shared_bytes(os.path.join(destination, "file")), room - self.room()

    def room(self):
        subprocess.run(["sync", "-f", self.mounted], check=True)
        facts = os.statvfs(self.mounted)
        return facts.f_bfree * facts.f_frsize

    def test_scattered_changes(self):
        """Nearly all is shared, and costs nearly no room."""
        def change(old):
            new = bytearray(old)
            for place in range(MIB, SIZE, 4 * MIB):
                new[place:place + 100] = bytes(100)
            return bytes(new)

        for refine in ["never", "always"]:
            found = self.updated(f"scattered-{refine}", change, "--refine", refine)
            if found is None:
                return
            self.assertGreater(found[0], SIZE - 2 * MIB)
            self.assertLess(found[1], 4 * MIB)

    def test_what_lies_otherwise_in_its_block(self):
        """Ten bytes in the middle: what is in front of them is shared, what is behind them cannot be."""
        found = self.updated("shifted", lambda old: old[:16 * MIB] + b"ten bytes." + old[16 * MIB:])
        if found is not None:
            self.assertGreater(found[0], 15 * MIB)
            self.assertLess(found[0], 17 * MIB)

    def test_what_was_shifted_by_blocks(self):
        """Blocks that were put in front, and some that are gone, leave the rest to be shared, up to its ragged end."""
        def change(old):
            return bytes(3 * 4096) + old[:8 * MIB] + old[8 * MIB + 5 * 4096:]

        found = self.updated("blocks", change)
        if found is not None:
            self.assertGreater(found[0], SIZE - 2 * MIB)

    def test_ranges_of_any_alignment(self):
        """Pieces of all lengths in another order, none of them at home in a block."""
        def change(old):
            chance = random.Random(5)
            cuts = sorted(chance.sample(range(SIZE), 40))
            pieces = [old[start:end] for start, end in zip([0, *cuts], [*cuts, SIZE])]
            chance.shuffle(pieces)
            return b"".join(piece + chance.randbytes(chance.randrange(0, 9000)) for piece in pieces)

        self.updated("any", change)

    def test_a_copy_between_two_places(self):
        """Without a stream all of a file is shared, and a change of one block costs one."""
        places = self.places("local")
        if places is None:
            return
        source, destination = os.path.join(self.mounted, "local-source"), places[1]
        os.mkdir(source)
        contents = random.Random(7).randbytes(SIZE)
        trees.write(os.path.join(source, "file"), contents)
        room = self.room()
        result = tools.execute([self.tool.binary, "push", source + "/", destination], {})
        self.assertEqual(result.code, 0, str(result))
        with open(os.path.join(destination, "file"), "rb") as file:
            self.assertTrue(file.read() == contents)
        self.assertGreater(shared_bytes(os.path.join(destination, "file")), SIZE - MIB)
        self.assertLess(room - self.room(), 2 * MIB)
