"""Interrupted files: whatever ended a run in the middle of one, the next run sends little more than what was missing.

A relay between the ends holds the stream at a certain byte; then one end is killed, interrupted, or loses its stream.
The relay of the next run counts.
"""

import json
import os
import random
import signal
import subprocess
import time

try:
    from . import faults, trees, walker
    from .support import SystemTest
except ImportError:
    import faults
    import trees
    import walker
    from support import SystemTest

SIZE = 40 << 20  # bytes of the file
HELD = 30 << 20  # bytes of the stream that pass before it is held
WINDOW = 8 << 20  # bytes of contents that may be under way
SLACK = 1 << 20  # bytes for all else that travels


def wait_for(question, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.01)
    return None


class Scene:
    """A source with one large file, a destination, and runs between them through the relay."""

    def __init__(self, test, verb, options=(), size=SIZE):
        self.test, self.verb, self.options = test, verb, list(options)
        self.place = test.fresh(f"resume-{verb}")
        self.source, self.destination = os.path.join(self.place, "source"), os.path.join(self.place, "destination")
        os.mkdir(self.source)
        os.mkdir(self.destination)
        self.large = os.path.join(self.source, "large")
        trees.write(self.large, os.urandom(size))
        trees.write(os.path.join(self.source, "small"), b"small")
        self.runs = 0
        self.serving = ["--unconfined"]
        test.addCleanup(trees.remove, self.place)

    def start(self, mode, offset=0, options=()):
        """A run through the relay; DIRECTION is the one that contents take."""
        self.runs += 1
        self.log = os.path.join(self.place, f"log{self.runs}")
        direction = "up" if self.verb == "push" else "down"
        words = ["python3", faults.PROXY, self.log, mode, direction, str(offset), "--", self.test.tool.binary, "serve",
                 "--inetd", *self.serving]
        script = os.path.join(self.place, "far")
        with open(script, "w") as file:
            file.write("#!/bin/sh\nexec " + " ".join(words) + "\n")
        os.chmod(script, 0o755)
        ends = [self.source + "/", self.destination]
        ends[1 if self.verb == "push" else 0] = "there:" + ends[1 if self.verb == "push" else 0]
        argv = [self.test.tool.binary, self.verb, *self.options, *options, "--via", "command:" + script, *ends]
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def server(self):
        """The server's number, once the stream is held."""
        note = self.log + ".held"
        self.test.assertTrue(wait_for(lambda: os.path.exists(note)), "the stream was never held")
        with open(note) as file:
            return int(file.read())

    def finish(self, process):
        """The exit code, what was said, and the bytes that passed in the direction of contents."""
        said, _ = process.communicate(timeout=60)
        self.test.assertTrue(wait_for(lambda: os.path.exists(self.log)), said)
        with open(self.log) as file:
            figures = json.load(file)
        return process.returncode, said, figures["up" if self.verb == "push" else "down"]

    def parts(self, where=None):
        names = os.listdir(os.fsencode(where or self.destination))
        return [name for name in names if self.test.tool.is_leftover(name)]

    def rerun(self, most, options=()):
        """A plain run: it succeeds, sends no more than that, and leaves nothing of ours."""
        code, said, sent = self.finish(self.start("count", options=options))
        test = self.test
        test.assertEqual(code, 0, said)
        test.assertEqual(walker.compare(self.source, self.destination), [])
        test.assertEqual(self.parts(), [])
        test.assertLess(sent, most)
        return sent


class Resume(SystemTest):
    def setUp(self):
        self.only_for("superlifter")

    def each(self, *options):
        for verb in ["push", "pull"]:
            self.direction = verb  # the runner prints it with a failure
            yield Scene(self, verb, options)

    def held(self, scene):
        process = scene.start("hold", HELD)
        return process, scene.server()

    def killed(self, choose):
        for scene in self.each():
            process, server = self.held(scene)
            os.kill(choose(process.pid, server), signal.SIGKILL)
            scene.finish(process)
            self.assertTrue(scene.parts())
            scene.rerun(SIZE - HELD + WINDOW + SLACK)

    def test_the_client_is_killed(self):
        self.killed(lambda client, server: client)

    def test_the_server_is_killed(self):
        self.killed(lambda client, server: server)

    def test_the_stream_is_cut(self):
        for scene in self.each():
            code, said, _ = scene.finish(scene.start("cut", HELD))
            self.assertEqual(code, 12, said)
            scene.rerun(SIZE - HELD + WINDOW + SLACK)

    def test_an_interrupt(self):
        for scene in self.each():
            process, _ = self.held(scene)
            process.send_signal(signal.SIGINT)
            self.assertEqual(scene.finish(process)[0], 20)
            self.assertEqual(len(scene.parts()), 1)
            scene.rerun(SIZE - HELD + WINDOW + SLACK)

    def test_where_nothing_may_be_changed(self):
        """What was left of a file is no name of anybody's yet, so a server that only adds continues it, too."""
        scene = Scene(self, "push")
        scene.serving = ["--root", "/", "--append-only"]
        process, server = self.held(scene)
        os.kill(server, signal.SIGKILL)
        scene.finish(process)
        self.assertEqual(len(scene.parts()), 1)
        code, said, sent = scene.finish(scene.start("count"))
        self.assertEqual((code, scene.parts()), (0, []), said)
        self.assertLess(sent, SIZE - HELD + WINDOW + SLACK)
        # The directory was there, so its own time is nobody's to set.
        for name in ["large", "small"]:
            paths = [os.path.join(place, name) for place in [scene.source, scene.destination]]
            self.assertEqual(walker.compare(*paths), [])

    def test_again_and_again(self):
        """Each run gets a little further, and none begins anew."""
        for scene in self.each():
            total = 0
            for _ in range(3):
                process = scene.start("hold", 12 << 20)
                server = scene.server()
                # Time for what has passed to be written.
                time.sleep(0.3)
                os.kill(server, signal.SIGKILL)
                total += scene.finish(process)[2]
            sent = scene.rerun(SIZE)
            self.assertLess(total + sent, SIZE + 3 * WINDOW + SLACK)

    def change(self, path, place, what):
        with open(path, "r+b") as file:
            file.seek(place)
            file.write(what)

    def test_what_was_left_cannot_be_continued(self):
        """The source has changed, or what was left has: it is a basis, and only the rest and what differs is sent. With
        --whole-file everything is. Right it is in any case."""
        for scene in self.each():
            for which in ["source", "part"]:
                for options in [[], ["--whole-file"]]:
                    process, server = self.held(scene)
                    os.kill(server, signal.SIGKILL)
                    scene.finish(process)
                    if which == "part":
                        part = os.path.join(os.fsencode(scene.destination), scene.parts()[0])
                        self.change(part, 5 << 20, b"something else")
                    else:
                        self.change(scene.large, 100, os.urandom(20))
                        os.utime(scene.large)
                    if options:
                        self.assertGreater(scene.rerun(SIZE + SLACK, options), SIZE)
                    else:
                        scene.rerun(SIZE - HELD + WINDOW + SLACK)
                    os.truncate(scene.large, SIZE - 1)
                    os.truncate(scene.large, SIZE)
                    os.unlink(os.path.join(scene.destination, "large"))

    def test_what_was_left_is_longer_than_the_source_is_now(self):
        for scene in self.each():
            process, server = self.held(scene)
            os.kill(server, signal.SIGKILL)
            scene.finish(process)
            os.truncate(scene.large, 12 << 20)
            self.change(scene.large, 3 << 20, b"changed")
            scene.rerun(SLACK)

    def test_an_older_version_and_what_was_left(self):
        """The first half is new and the second as it was: the one is taken from what was left, the other from what is
        there."""
        for scene in self.each():
            with open(scene.large, "rb") as file:
                new = file.read()
            trees.write(os.path.join(scene.destination, "large"), os.urandom(SIZE // 2) + new[SIZE // 2:])
            process = scene.start("hold", 16 << 20)
            os.kill(scene.server(), signal.SIGKILL)
            scene.finish(process)
            self.assertEqual(len(scene.parts()), 1)
            scene.rerun(SIZE // 2 - (16 << 20) + WINDOW + SLACK)

    def test_interrupted_while_it_is_a_basis(self):
        """Nothing of what came in the first run, or in the second, is sent a third time."""
        for scene in self.each():
            process, server = self.held(scene)
            os.kill(server, signal.SIGKILL)
            scene.finish(process)
            self.change(scene.large, 100, b"another beginning")
            os.utime(scene.large)
            process = scene.start("hold", 9 << 20)
            server = scene.server()
            time.sleep(0.3)
            os.kill(server, signal.SIGKILL)
            scene.finish(process)
            self.assertEqual(len(scene.parts()), 2)
            scene.rerun(SIZE - HELD - (9 << 20) + 2 * WINDOW + SLACK)

    def test_a_directory_of_their_own(self):
        """Parts lie where the user wants them: below each directory, or in one for all."""
        for scene in self.each():
            os.mkdir(os.path.join(scene.source, "sub"))
            os.rename(scene.large, os.path.join(scene.source, "sub", "large"))
            os.mkdir(os.path.join(scene.destination, "sub"))
            for name in [".parts", os.path.join(scene.place, "parts")]:
                where = os.path.join(scene.destination, "sub", name)
                scene.options = ["--partial-dir", name, "--delete"]
                process, server = self.held(scene)
                os.kill(server, signal.SIGKILL)
                scene.finish(process)
                self.assertEqual([len(scene.parts(where)), scene.parts(os.path.dirname(where))], [1, []])
                self.assertEqual(scene.parts(os.path.join(scene.destination, "sub")), [])
                # In a run that changes nothing it is neither met nor touched.
                code, said, _ = scene.finish(scene.start("count", options=["-n", "-i"]))
                self.assertEqual(code, 0, said)
                self.assertNotIn(b"parts", said)
                scene.rerun(SIZE - HELD + WINDOW + SLACK)
                self.assertEqual(os.path.exists(where), name != ".parts")
                self.assertEqual(scene.parts(where) if name != ".parts" else [], [])
                os.unlink(os.path.join(scene.destination, "sub", "large"))

    def test_a_directory_of_their_own_is_not_sent(self):
        for scene in self.each("--partial-dir=.parts", "--delete"):
            for place in [scene.source, scene.destination]:
                os.mkdir(os.path.join(place, ".parts"))
                trees.write(os.path.join(place, ".parts", "mine"), place.encode())
            code, said, _ = scene.finish(scene.start("count"))
            self.assertEqual(code, 0, said)
            with open(os.path.join(scene.destination, ".parts", "mine"), "rb") as file:
                self.assertEqual(file.read(), scene.destination.encode())

    def test_a_directory_that_is_not_fit(self):
        """A link, somebody else's, or one that others may write to: the part stays beside its file."""
        for scene in self.each("--partial-dir=.parts"):
            outside, parts = os.path.join(scene.place, "outside"), os.path.join(scene.destination, ".parts")
            os.mkdir(outside)

            def link():
                os.symlink(outside, parts)

            def open_to_all():
                os.mkdir(parts)
                os.chmod(parts, 0o777)

            def of_others():
                os.mkdir(parts)
                os.chown(parts, 65534, 65534)

            for unfit in [link, open_to_all] + ([of_others] if os.geteuid() == 0 else []):
                unfit()
                process, server = self.held(scene)
                os.kill(server, signal.SIGKILL)
                scene.finish(process)
                self.assertEqual([len(scene.parts()), os.listdir(outside), os.listdir(parts)], [1, [], []])
                if os.path.islink(parts):
                    os.unlink(parts)
                else:
                    os.rmdir(parts)
                scene.rerun(SIZE - HELD + WINDOW + SLACK)
                os.unlink(os.path.join(scene.destination, "large"))

    def test_a_directory_beneath_the_root(self):
        """A confined server reads the path beneath its root, and follows no link there."""
        scene = Scene(self, "push", ["--partial-dir=/parts"])
        scene.serving = ["--root", scene.place]
        # What the server calls its destination.
        near, scene.destination = scene.destination, "/destination"
        for is_link in [False, True]:
            if is_link:
                os.rename(os.path.join(scene.place, "parts"), os.path.join(scene.place, "elsewhere"))
                os.symlink("elsewhere", os.path.join(scene.place, "parts"))
            process, server = self.held(scene)
            os.kill(server, signal.SIGKILL)
            scene.finish(process)
            expected = [1, 0] if is_link else [0, 1]
            self.assertEqual([len(scene.parts(near)), len(scene.parts(os.path.join(scene.place, "parts")))], expected)
            code, said, sent = scene.finish(scene.start("count"))
            self.assertEqual(code, 0, said)
            self.assertLess(sent, SIZE - HELD + WINDOW + SLACK)
            self.assertEqual(walker.compare(scene.source, near), [])
            os.unlink(os.path.join(near, "large"))

    def test_an_old_file_is_replaced(self):
        """A file that was there before stays as it was until the new one is whole."""
        for scene in self.each():
            old = os.path.join(scene.destination, "large")
            trees.write(old, b"the old one")
            process, server = self.held(scene)
            os.kill(server, signal.SIGKILL)
            scene.finish(process)
            with open(old, "rb") as file:
                self.assertEqual(file.read(), b"the old one")
            scene.rerun(SIZE - HELD + WINDOW + SLACK)

    def test_a_first_copy_of_a_tree(self):
        """In a new directory the small files come first, so what is large is found again where it was."""
        for scene in self.each():
            os.mkdir(os.path.join(scene.source, "new"))
            os.rename(scene.large, os.path.join(scene.source, "new", "large"))
            trees.write(os.path.join(scene.source, "new", "z-last"), b"z")
            process, server = self.held(scene)
            os.kill(server, signal.SIGKILL)
            scene.finish(process)
            self.assertEqual(len(scene.parts(os.path.join(scene.destination, "new"))), 1)
            scene.rerun(SIZE - HELD + WINDOW + SLACK)

    def test_small_ones_go(self):
        """Too little came to be worth keeping."""
        for scene in self.each():
            process = scene.start("hold", 500_000)
            scene.server()
            process.send_signal(signal.SIGINT)
            scene.finish(process)
            self.assertEqual(scene.parts(), [])

    def test_in_place(self):
        """What was being overwritten can be told from what is whole: its time is 1970, and --update replaces it."""
        for scene in self.each("--inplace", "--whole-file"):
            old = os.path.join(scene.destination, "large")
            trees.write(old, os.urandom(SIZE))
            process, server = self.held(scene)
            os.kill(server if scene.verb == "push" else process.pid, signal.SIGKILL)
            scene.finish(process)
            self.assertEqual(os.stat(old).st_mtime_ns, 0)
            scene.rerun(SIZE + SLACK, ["--update"])

    def test_in_place_before_all_is_told(self):
        """Where only what differs is told nothing is overwritten before all of it has come."""
        for scene in self.each("--inplace"):
            old = os.path.join(scene.destination, "large")
            content = os.urandom(SIZE)
            trees.write(old, content, mtime=trees.BASE)
            process, server = self.held(scene)
            os.kill(server if scene.verb == "push" else process.pid, signal.SIGKILL)
            scene.finish(process)
            self.assertEqual(os.stat(old).st_mtime_ns, trees.BASE)
            with open(old, "rb") as file:
                self.assertTrue(file.read() == content, "the old version was changed")
            scene.rerun(SIZE + SLACK)

    def test_in_place_while_it_is_rearranged(self):
        """Everything moves. Killed in the middle of that, the file bears the time 0, and the next run makes it whole of
        what is there, in the same file."""
        size = 128 << 20
        scene = Scene(self, "pull", ["--inplace"], size)
        with open(scene.large, "rb") as file:
            content = file.read()
        old = os.path.join(scene.destination, "large")
        for _ in range(10):
            trees.write(old, content[size // 3:] + content[:size // 3], mtime=trees.BASE)
            inode = os.stat(old).st_ino
            process = scene.start("count")
            caught = self.stopped_with_time_zero(process, old)
            process.kill()
            scene.finish(process)
            if caught:
                break
        self.assertEqual(os.stat(old).st_mtime_ns, 0)
        scene.rerun(8 << 20, ["--update"])
        self.assertEqual(os.stat(old).st_ino, inode)

    def stopped_with_time_zero(self, process, path):
        """Stops the process while PATH bears the time 0; false where it ended before. During a write, and until the time
        is set back behind it, the file bears the write's own: then the process goes on for a moment and is stopped again."""
        while process.poll() is None and os.stat(path).st_mtime_ns == trees.BASE:
            pass
        while process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            while process.poll() is None and not self.is_stopped(process.pid):
                pass
            if process.poll() is None and os.stat(path).st_mtime_ns == 0:
                return True
            process.send_signal(signal.SIGCONT)
            time.sleep(random.uniform(0, 0.001))
        return False

    @staticmethod
    def is_stopped(pid):
        """Whether no thread of it runs any more, in the kernel either."""
        for task in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{task}/stat") as file:
                    if file.read().rpartition(")")[2].split()[0] not in "TZX":
                        return False
            except OSError:  # the thread has ended
                continue
        return True

    def test_append_verify(self):
        """Only what a file has grown by travels; also after an interruption."""
        for scene in self.each("--append-verify"):
            with open(scene.large, "rb") as file:
                trees.write(os.path.join(scene.destination, "large"), file.read(30 << 20))
            process = scene.start("hold", 6 << 20)
            os.kill(scene.server(), signal.SIGKILL)
            scene.finish(process)
            scene.rerun(SIZE - (30 << 20) + SLACK)

    def test_a_full_disk(self):
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small disk")
        for scene in self.each():
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", scene.destination], check=False)
            if mounted.returncode != 0:
                self.skipTest("nothing can be mounted here")
            try:
                trees.write(os.path.join(scene.destination, "large"), b"the old one")
                code, said, sent = scene.finish(scene.start("count"))
                self.assertEqual(code, 23, said)
                with open(os.path.join(scene.destination, "large"), "rb") as file:
                    self.assertEqual(file.read(), b"the old one")
                subprocess.run(["mount", "-o", "remount,size=100m", scene.destination], check=True)
                self.assertLess(sent + scene.rerun(SIZE + SLACK), SIZE + 2 * WINDOW + SLACK)
            finally:
                subprocess.run(["umount", scene.destination], check=True)
