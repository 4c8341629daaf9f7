"""The itemised list beside rsync's: for a table of changes, -i prints the strings that rsync prints.

Both tools change a copy of the same old tree, over the same stand-in for a remote shell, and print their lists. Lists
are compared without regard to order, which is nobody's promise. What may differ is what the manual names under
"Itemised changes", and is written down in `DOCUMENTED`.
"""

import os
import shutil

try:
    from . import tools, transports, trees, walker
    from .support import SystemTest, skip_or_fail
except ImportError:
    import tools
    import transports
    import trees
    import walker
    from support import SystemTest, skip_or_fail

OLD = 1_000_000_000 * 10 ** 9  # nanoseconds


def settled(root):
    """Gives everything below `root` one and the same modification time."""
    for directory, _, names in os.walk(root, topdown=False):
        for name in names:
            trees.settle(os.path.join(directory, name), mtime=OLD)
        for name in os.listdir(directory):
            trees.settle(os.path.join(directory, name), mtime=OLD)
    trees.settle(root, mtime=OLD)


def base(root):
    """What both tools find in their destinations, and what the sources are made from."""
    os.makedirs(os.path.join(root, "directory"))
    for name in ["same", "file", "gone"]:
        trees.write(os.path.join(root, name), b"as it was\n", mtime=OLD)
    trees.write(os.path.join(root, "directory/below"), b"below\n", mtime=OLD)
    os.symlink("target", os.path.join(root, "link"))
    os.mkfifo(os.path.join(root, "fifo"))
    settled(root)


def at(name, act):
    """A change: `act` with the path of `name`. The time of the top stays out of the game."""
    def change(root):
        act(os.path.join(root, name))
        trees.settle(root, mtime=OLD)
    return change


def relink(path, target="other"):
    os.unlink(path)
    os.symlink(target, path)
    trees.settle(path, mtime=OLD)


def replace(make):
    def act(path):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
        make(path)
        trees.settle(path, mtime=OLD)
    return act


def new_directory(path):
    os.makedirs(os.path.join(path, "inner"))
    trees.write(os.path.join(path, "inner/file"), b"new\n")
    os.symlink("x", os.path.join(path, "link"))


# What is done to the source, and the options of both tools.
CHANGES = {
    "nothing": (lambda root: None, []),
    "new file": (at("new", lambda path: trees.write(path, b"new\n")), []),
    "new empty file": (at("new", lambda path: trees.write(path, b"")), []),
    "new directory": (at("new", new_directory), []),
    "new link": (at("new", lambda path: os.symlink("there", path)), []),
    "new fifo": (at("new", os.mkfifo), []),
    "longer": (at("file", lambda path: trees.write(path, b"longer than it was\n", mtime=OLD)), []),
    "longer and later": (at("file", lambda path: trees.write(path, b"longer than it was\n")), []),
    "later": (at("file", lambda path: trees.settle(path, mtime=OLD + 10 ** 12)), []),
    "a nanosecond later": (at("file", lambda path: trees.settle(path, mtime=OLD + 1)), []),
    "mode": (at("file", lambda path: os.chmod(path, 0o600)), []),
    "mode and time": (at("file", lambda path: trees.settle(path, mode=0o640, mtime=OLD + 10 ** 12)), []),
    "mode of a directory": (at("directory", lambda path: os.chmod(path, 0o711)), []),
    "time of a directory": (at("directory", lambda path: trees.settle(path, mtime=OLD + 10 ** 12)), []),
    "time of a link": (at("link", lambda path: trees.settle(path, mtime=OLD + 10 ** 12)), []),
    "target": (at("link", relink), []),
    "target of another length": (at("link", lambda path: relink(path, "a longer one")), []),
    "mode of a fifo": (at("fifo", lambda path: os.chmod(path, 0o600)), []),
    "contents, by checksum": (at("file", lambda path: trees.write(path, b"AS IT WAS\n", mtime=OLD)), ["-c"]),
    "time, by checksum": (at("file", lambda path: trees.settle(path, mtime=OLD + 10 ** 12)), ["-c"]),
    "everything again": (lambda root: None, ["-I"]),
    "by size only": (at("file", lambda path: trees.settle(path, mtime=OLD + 10 ** 12)), ["--size-only"]),
    "dry": (at("file", lambda path: trees.write(path, b"longer than it was\n")), ["-n"]),
    "new directory, dry": (at("new", new_directory), ["-n"]),
    "only what exists": (at("new", lambda path: trees.write(path, b"new\n")), ["--existing"]),
    "without times": (at("file", lambda path: trees.write(path, b"longer than it was\n")), ["--no-times"]),
    "without modes": (at("file", lambda path: trees.settle(path, mode=0o600, mtime=OLD + 10 ** 10)), ["--no-perms"]),
    "another name": (at("name", lambda path: os.link(os.path.join(os.path.dirname(path), "file"), path)), ["-H"]),
    "joined": (at("gone", lambda path: (os.unlink(path), os.link(path[:-4] + "file", path))), ["-H"]),
    "a name elsewhere": (at("directory/z", lambda path: (os.link(path[:-len("directory/z")] + "file", path),
                                                         trees.settle(os.path.dirname(path), mtime=OLD))), ["-H"]),
    "another name, dry": (at("name", lambda path: os.link(os.path.join(os.path.dirname(path), "file"), path)),
                          ["-H", "-n"]),
    "file gone": (at("gone", os.unlink), ["--delete"]),
    "directory gone": (at("directory", shutil.rmtree), ["--delete"]),
    "file to directory": (at("file", replace(new_directory)), ["--delete"]),
    "directory to file": (at("directory", replace(lambda path: trees.write(path, b"a file now\n"))), ["--delete"]),
    "file to link": (at("file", replace(lambda path: os.symlink("same", path))), ["--delete"]),
    "link to file": (at("link", replace(lambda path: trees.write(path, b"a file now\n"))), ["--delete"]),
}
if trees.ROOT:
    CHANGES |= {
        "owner": (at("file", lambda path: os.chown(path, 7, -1)), []),
        "group": (at("file", lambda path: os.chown(path, -1, 7)), []),
        "owner of a directory": (at("directory", lambda path: os.chown(path, 7, 7)), []),
        "owner of a link": (at("link", lambda path: os.chown(path, 7, 7, follow_symlinks=False)), []),
        "new device": (at("new", lambda path: os.mknod(path, 0o20600, os.makedev(1, 3))), []),
    }


# What the manual names as different, by change: lines of rsync's that we do not print, and lines of ours that it does
# not. The rest of what the manual names shows itself in other runs: local copies, and single files that are renamed.
DOCUMENTED = {
    "a nanosecond later": (set(), {b"f..t...... file"}),  # rsync compares whole seconds
    "without times": ({b"f.sT...... file"}, {b"f.s....... file"}),
    "directory to file": ({b"*deleting   directory/below"}, set()),  # what goes with a directory that is replaced
}


class Itemise(SystemTest):
    make_transport = staticmethod(transports.remote_shell)

    def setUp(self):
        self.only_for("superlifter")
        self.rsync = tools.Rsync()
        if not os.access(self.rsync.binary, os.X_OK):
            skip_or_fail("rsync is not installed")

    def itemised(self, tool, verb, options, source, destination):
        shell = [word for word in self.link.options if word.endswith("/rsh")]
        ours, prefix, _ = tool.by_shell(shell, "there")
        ends = [source + "/", destination]
        far = 1 if verb == "push" else 0
        ends[far] = prefix + ends[far]
        result = tools.execute(tool.command(verb, [*ours, "-i", *options], ends[:1], ends[1]))
        self.assertEqual(result.code, 0, result)
        # A dry run of ours begins with what becomes of what.
        lines = result.out.splitlines()
        return lines[1:] if tool is self.tool and "-n" in options else lines

    def test_a_table_of_changes(self):
        for verb in ["push", "pull"]:
            for name, (change, options) in CHANGES.items():
                with self.subTest(change=name, verb=verb):
                    place = self.fresh_far("itemise")
                    source, here, there = (os.path.join(place, part) for part in ["source", "ours", "rsyncs"])
                    base(source)
                    for copy in [here, there]:
                        trees.copy(source, copy)
                    change(source)
                    expected = self.itemised(self.rsync, verb, options, source, there)
                    found = self.itemised(self.tool, verb, options, source, here)
                    theirs, ours = DOCUMENTED.get(name, (set(), set()))
                    arrow = b"<" if verb == "push" else b">"
                    for sides, lines in [(theirs, expected), (ours, found)]:
                        for side in sides:
                            lines.remove(side if side.startswith(b"*") else arrow + side)
                    self.assertEqual(sorted(found), sorted(expected))
                    self.assertEqual(walker.compare(there, here, walker.FIELDS - {"mtime"}), [])

    def test_a_new_destination(self):
        for verb in ["push", "pull"]:
            with self.subTest(verb=verb):
                place = self.fresh_far("itemise")
                source, here, there = (os.path.join(place, part) for part in ["source", "ours", "rsyncs"])
                base(source)
                expected = [line for line in self.itemised(self.rsync, verb, [], source, there)
                            if not line.startswith(b"created directory")]
                self.assertEqual(sorted(self.itemised(self.tool, verb, [], source, here)), sorted(expected))

    def test_a_dry_run_lists_the_same(self):
        for name, (change, options) in CHANGES.items():
            if "-n" in options:
                continue
            with self.subTest(change=name):
                place = self.fresh_far("itemise")
                source, destination = os.path.join(place, "source"), os.path.join(place, "ours")
                base(source)
                trees.copy(source, destination)
                change(source)
                dry = self.itemised(self.tool, "push", [*options, "-n"], source, destination)
                self.assertEqual(sorted(dry), sorted(self.itemised(self.tool, "push", options, source, destination)))
