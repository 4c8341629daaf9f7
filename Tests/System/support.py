"""What the suites share: a transport per class, fresh trees per case, and both directions of every copy."""

import atexit
import contextlib
import os
import unittest

try:
    from . import tools, transports, trees, walker
except ImportError:
    import tools
    import transports
    import trees
    import walker

LONG = os.environ.get("SYSTEM_LONG") == "1"
UNDER_CI = os.environ.get("CI") == "true"


def skip_or_fail(reason):
    """A missing program skips a suite at a desk, and fails it where everything must be tried."""
    if UNDER_CI:
        raise RuntimeError(f"{reason} (with CI=true this is a failure)")
    raise unittest.SkipTest(reason)


class SystemTest(unittest.TestCase):
    """Brings up one transport for a class. Cases call `pairs()` and get every direction the transport allows."""

    make_transport = None

    @classmethod
    def setUpClass(cls):
        cls.tool = tools.chosen()
        if not os.access(cls.tool.binary, os.X_OK):
            raise RuntimeError(f"{cls.tool.binary} is not there: build it first, or name it in SUPERLIFTER")
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        atexit.register(cls.stack.close)  # also when the runner is interrupted; closing twice is harmless
        cls.scratch = cls.stack.enter_context(transports.scratch_directory())
        cls.link = None
        if cls.make_transport is transports.socat_pipes and cls.tool.name == "rsync":
            raise unittest.SkipTest("rsync's daemon serves sockets only; on pipes it would start to listen")
        if cls.make_transport is not None:
            try:
                cls.link = cls.stack.enter_context(cls.make_transport(cls.tool, cls.scratch))
            except transports.Missing as missing:
                skip_or_fail(f"{missing} is not installed")
        cls.number = 0

    def only_for(self, *names):
        if self.tool.name not in names:
            self.skipTest(f"a promise of {' and '.join(names)} alone")

    def fresh(self, name):
        """A new near directory."""
        type(self).number += 1
        path = os.path.join(self.scratch, "near", f"{self.number:04d}-{name}")
        os.makedirs(path)
        return path

    def fresh_far(self, name):
        """A new directory of this machine that the far side can reach."""
        type(self).number += 1
        path = os.path.join(self.link.base, f"{self.number:04d}-{name}")
        os.makedirs(path)
        return path

    def pairs(self):
        """One `Pair` per direction. Only a pull is possible from a read-only server."""
        for verb in ["push", "pull"]:
            if verb == "push" and self.link.read_only:
                continue
            self.direction = verb  # the runner prints it with a failure
            yield Pair(self, verb)

    def assert_same(self, left, right, fields=None, context=""):
        fields = walker.FIELDS if fields is None else fields
        found = walker.compare(left, right, fields)
        self.assertEqual(found, [], f"{len(found)} differences between {left} and {right}\n{context}")

    def assert_silent_and_untouched(self, pair, *options):
        before = walker.snapshot(pair.destination, identity=True)
        result = pair.copy("-i", *options)
        self.assertEqual(result.out, b"", f"the second run found something to do\n{result}")
        self.assertEqual(walker.snapshot(pair.destination, identity=True), before, "the second run touched something")

    def run_tool(self, verb, options, sources, destination, expect=0, timeout=60, link=None):
        """Runs the tool with locations as given. `expect`: an exit code, or a container of them."""
        link = link or self.link
        argv = self.tool.command(verb, [*link.options, *options], sources, destination)
        result = tools.execute(argv, link.env, timeout)
        allowed = [expect] if isinstance(expect, int) else expect
        if result.code not in allowed:
            self.fail(f"expected exit {expect}:\n{result}")
        return result


class Pair:
    """A source and a destination on their proper sides for one direction, below fresh directories.

    `source` and `destination` are local paths of both ends (neither exists yet); `copy` runs the tool.
    """

    def __init__(self, test, verb):
        self.test, self.verb = test, verb
        near, far = test.fresh(verb), test.fresh_far(verb)
        source_in, destination_in = (near, far) if verb == "push" else (far, near)
        self.source_in, self.destination_in = source_in, destination_in
        self.source = os.path.join(source_in, "source")
        self.destination = os.path.join(destination_in, "destination")
        if test.link.owner:
            os.chown(far, *test.link.owner)

    def give_away(self):
        """Makes the far side's user the owner of what the test has prepared there."""
        owner = self.test.link.owner
        if owner:
            far = self.destination_in if self.verb == "push" else self.source_in
            for path, _, names in os.walk(os.fsencode(far)):
                for one in [path, *(os.path.join(path, os.fsencode(name)) for name in names)]:
                    os.chown(one, *owner, follow_symlinks=False)
                for name in os.listdir(path):
                    os.chown(os.path.join(path, name), *owner, follow_symlinks=False)

    def locate(self, path, is_source):
        path = os.fsencode(path)
        far = is_source == (self.verb == "pull")
        return self.test.link.at(path) if far else path

    def copy(self, *options, source=None, sources=None, destination=None, expect=0, timeout=60):
        """Copies; by default the contents of `source` into `destination`. Paths given are local ones."""
        if sources is None:
            sources = [source if source is not None else self.source + "/"]
        where = destination if destination is not None else self.destination
        return self.test.run_tool(self.verb, list(options), [self.locate(one, True) for one in sources],
                                  self.locate(where, False), expect, timeout)

    def assert_same(self, fields=None, context=""):
        self.test.assert_same(self.source, self.destination, fields, context)
