"""Few descriptors: a whole transfer under `ulimit -n 16` on each side, however wide and deep the tree is. A local
transfer is both sides in one process, and gets half as many again."""

import os

try:
    from . import tools, transports, trees
    from .support import SystemTest
except ImportError:
    import tools
    import transports
    import trees
    from support import SystemTest

FEW = 16
FEW_FOR_BOTH = 24


class Descriptors(SystemTest):
    """Over a program whose stdin and stdout are the stream; the server inherits the client's limit."""
    make_transport = staticmethod(transports.command)

    def setUp(self):
        self.only_for("superlifter")

    def copy(self, verb, options, source, destination, limit=None):
        limit = limit or (FEW if options else FEW_FOR_BOTH)
        ends = [source + "/", destination]
        if options:
            far = 1 if verb == "push" else 0
            ends[far] = self.link.at(ends[far])
        argv = ["/bin/sh", "-c", f'ulimit -n {limit} && exec "$@"', "sh", self.tool.binary, verb, *options, *ends]
        result = tools.execute(argv, timeout=120)
        self.assertEqual((result.code, result.err), (0, b""), result)
        return result

    def roads(self):
        return [("push", self.link.options), ("pull", self.link.options), ("push", [])]

    def tree(self, name, make):
        place = self.fresh_far(name)
        source, destination = os.path.join(place, "source"), os.path.join(place, "destination")
        make(source)
        return source, destination

    def test_wide(self):
        for verb, options in self.roads():
            with self.subTest(verb=verb, options=options):
                source, destination = self.tree("wide", lambda at: trees.small_files(at, 600, 3000, 200))
                trees.write(os.path.join(source, "large"), os.urandom(5 << 20))
                self.copy(verb, options, source, destination)
                self.assert_same(source, destination)
                for index in range(0, 600, 7):
                    os.makedirs(os.path.join(destination, f"extra{index}"), exist_ok=True)
                    trees.write(os.path.join(destination, f"extra{index}/file"))
                self.copy(verb, ["--delete", *options] if options else options, source, destination)
                if options:
                    self.assert_same(source, destination)

    def test_many_new_directories(self):
        """The limit that most systems give, and far more directories that are made at once than that."""
        for verb, options in self.roads():
            with self.subTest(verb=verb, options=options):
                source, destination = self.tree("many", lambda at: trees.small_files(at, 20_000, 30, 10_000))
                self.copy(verb, options, source, destination, limit=1024)
                self.assert_same(source, destination)
                trees.remove(os.path.dirname(source))

    def test_every_kind(self):
        for verb, options in self.roads():
            with self.subTest(verb=verb, options=options):
                source, destination = self.tree("kinds", trees.mixed)
                self.copy(verb, options, source, destination)
                self.assert_same(source, destination)

    def test_deep(self):
        for verb, options in self.roads():
            with self.subTest(verb=verb, options=options):
                source, destination = self.tree("deep", lambda at: trees.deep(at, 300))
                self.copy(verb, options, source, destination)
                self.assert_same(source, destination)
