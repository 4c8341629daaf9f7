"""Memory does not grow with the number of files: what both sides take at their peak for 1,000,000 files is at most
8 MiB more than for 100,000, in a first copy and in a run that finds nothing to do; nor with the number of files that
have two names. Only with --long; needs about 4 GiB where the trees are made, nearly all of
it for names and inodes, and 8 GiB of memory for the names of the latter.

The peak is the kernel's own high-water mark (VmHWM), read every few milliseconds while the process lives: what rusage
says also holds the peaks of a process's children, and of the process that started it.
"""

import os
import socket
import subprocess
import threading

try:
    from . import trees, walker
    from .support import SystemTest
except ImportError:
    import trees
    import walker
    from support import SystemTest

FEW, MANY = 100_000, 1_000_000
PER_DIRECTORY = 1_000
MOST_GROWTH = 8 << 10  # KiB
# Where all first names are held before the first of the second names comes; both more than stay in memory.
FEW_GROUPS, MANY_GROUPS = 200_000, 800_000
MOST_GROWTH_FOR_LINKS = 8 << 10


class Watched:
    """A process and the highest resident memory it has had, in KiB."""

    def __init__(self, argv, stream=None):
        ends = {} if stream is None else {"stdin": stream, "stdout": stream}
        self.process = subprocess.Popen(argv, **{"stdin": subprocess.DEVNULL, **ends})
        self.peak = 0
        self.ended = threading.Event()
        self.watcher = threading.Thread(target=self._watch)
        self.watcher.start()

    def _watch(self):
        while not self.ended.is_set():
            try:
                with open(f"/proc/{self.process.pid}/status") as file:
                    for line in file:
                        if line.startswith("VmHWM"):
                            self.peak = max(self.peak, int(line.split()[1]))
            except OSError:
                return
            self.ended.wait(0.005)

    def wait(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        finally:
            self.ended.set()
            self.watcher.join()


class Memory(SystemTest):
    takes_minutes = True

    def setUp(self):
        self.only_for("superlifter")
        room = os.statvfs(self.scratch)
        if room.f_bavail * room.f_frsize < 4 << 30:
            self.skipTest(f"less than 4 GiB free in {self.scratch}")

    def plant(self, count):
        """Empty files, every tenth of five bytes."""
        place = self.fresh("many")
        self.addCleanup(trees.remove, place)
        source = os.path.join(place, "source")
        for first in range(0, count, PER_DIRECTORY):
            directory = os.path.join(source, f"directory{first // PER_DIRECTORY:04d}")
            os.makedirs(directory)
            handle = os.open(directory, os.O_RDONLY)
            for index in range(PER_DIRECTORY):
                file = os.open(f"a file with the number {index:06d}", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=handle)
                if index % 10 == 0:
                    os.write(file, b"tiny\n")
                os.close(file)
            os.close(handle)
        return source, os.path.join(place, "destination")

    def run_once(self, source, destination):
        """Pushes to a server on a socket of our own, so that neither side is the other's child; both peaks in KiB."""
        with socket.socket(socket.AF_UNIX) as listener:
            path = os.path.join(os.path.dirname(source), "socket")
            listener.bind(path)
            listener.listen()
            listener.settimeout(30)
            client = Watched([self.tool.binary, "push", "--via", "unix:" + path, source + "/", "there:" + destination])
            connection, _ = listener.accept()
            with connection:
                server = Watched([self.tool.binary, "serve", "--inetd", "--unconfined"], connection)
        os.unlink(path)
        self.assertEqual((client.wait(3600), server.wait(20)), (0, 0))
        return client.peak, server.peak

    def assert_linked(self, destination, count):
        """Every file has its two names, and no others. The walker would need more memory than there may be."""
        for first in range(0, count, PER_DIRECTORY):
            found = []
            for side in "ab":
                with os.scandir(os.path.join(destination, side, f"directory{first // PER_DIRECTORY:04d}")) as entries:
                    found.append({entry.name: (entry.inode(), entry.stat().st_nlink) for entry in entries})
            self.assertEqual(found[0], found[1])
            self.assertEqual(len(found[0]), PER_DIRECTORY)
            self.assertEqual({links for _, links in found[0].values()}, {2})

    def test_memory_does_not_grow_with_the_number_of_links(self):
        """Each file has its second name in a directory that is told when all first names have been."""
        with open("/proc/meminfo") as file:
            facts = dict(line.split(":") for line in file)
        if int(facts["MemAvailable"].split()[0]) < 8 << 20:
            self.skipTest("less than 8 GiB of memory are free")
        # Most places hold no three million names.
        scratch = os.path.join(self.scratch, "names")
        os.mkdir(scratch)
        mount = ["mount", "-t", "tmpfs", "-o", "size=1g,nr_inodes=0", "none", scratch]
        if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
            self.skipTest("no file system for so many names can be mounted here")
        self.addCleanup(subprocess.run, ["umount", scratch], check=True)
        peaks = {}
        for count in [FEW_GROUPS, MANY_GROUPS]:
            place = os.path.join(scratch, str(count))
            os.mkdir(place)
            source, destination = (os.path.join(place, name) for name in ["source", "destination"])
            for first in range(0, count, PER_DIRECTORY):
                one, other = (os.path.join(source, side, f"directory{first // PER_DIRECTORY:04d}") for side in "ab")
                os.makedirs(one)
                os.makedirs(other)
                for index in range(PER_DIRECTORY):
                    name = f"file{index:04d}"
                    os.close(os.open(os.path.join(one, name), os.O_WRONLY | os.O_CREAT, 0o644))
                    os.link(os.path.join(one, name), os.path.join(other, name))
            for kind in ["first copy", "no change"]:
                peaks[kind, count] = self.run_once(source, destination)
            self.assert_linked(destination, count)
            trees.remove(place)
        for kind in ["first copy", "no change"]:
            for side, few, many in zip(["client", "server"], peaks[kind, FEW_GROUPS], peaks[kind, MANY_GROUPS]):
                print(f"Memory: links, {kind}, {side}: {few / 1024:.1f} MiB for {FEW_GROUPS:,} groups, "
                      f"{many / 1024:.1f} MiB for {MANY_GROUPS:,}", flush=True)
                with self.subTest(kind=kind, side=side):
                    self.assertLessEqual(many - few, MOST_GROWTH_FOR_LINKS)

    def test_memory_does_not_grow_with_the_number_of_files(self):
        peaks = {}
        for count in [FEW, MANY]:
            source, destination = self.plant(count)
            for kind in ["first copy", "no change"]:
                peaks[kind, count] = self.run_once(source, destination)
            self.assertEqual(walker.compare(source, destination), [])
            trees.remove(os.path.dirname(source))
        for kind in ["first copy", "no change"]:
            for side, few, many in zip(["client", "server"], peaks[kind, FEW], peaks[kind, MANY]):
                print(f"Memory: {kind}, {side}: {few / 1024:.1f} MiB for {FEW:,} files, "
                      f"{many / 1024:.1f} MiB for {MANY:,}", flush=True)
                with self.subTest(kind=kind, side=side):
                    self.assertLessEqual(many - few, MOST_GROWTH)
