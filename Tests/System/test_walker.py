"""The judge is tried first: each kept field, changed alone, must be reported, and an equal pair must not be."""

import os
import stat
import tempfile
import unittest

try:
    from . import trees, walker
except ImportError:
    import trees
    import walker


class Walker(unittest.TestCase):
    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="lifter-walker-")
        self.addCleanup(trees.remove, self.base)
        self.left = os.path.join(self.base, "left")
        self.right = os.path.join(self.base, "right")

    def pair(self):
        trees.mixed(self.left)
        trees.copy(self.left, self.right)
        self.assertEqual(walker.compare(self.left, self.right), [])

    def only(self, path, field):
        """Exactly one field of one entry differs. The touched entry's directory keeps its times."""
        found = walker.compare(self.left, self.right)
        self.assertEqual([(d.path, d.field) for d in found], [(path, field)], found)
        self.assertNotEqual(walker.snapshot(self.left), walker.snapshot(self.right))

    def changed(self, path, action):
        """Runs `action` on an entry of the right tree and puts back the times it disturbed."""
        full = os.path.join(os.fsencode(self.right), path)
        parent = os.path.dirname(full)
        times = os.lstat(parent).st_mtime_ns
        own = os.lstat(full).st_mtime_ns if os.path.lexists(full) else None
        action(full)
        if own is not None and os.path.lexists(full):
            trees.settle(full, mtime=own)
        trees.settle(parent, mtime=times)

    def test_equal_pair_reports_nothing(self):
        self.pair()
        self.assertEqual(walker.snapshot(self.left), walker.snapshot(self.right))

    def test_content_same_size(self):
        self.pair()

        def flip(full):
            with open(full, "r+b") as file:
                file.seek(1_048_576)
                byte = file.read(1)
                file.seek(-1, 1)
                file.write(bytes([byte[0] ^ 1]))
        self.changed(b"sizes/1048577", flip)
        self.only(b"sizes/1048577", "content")

    def test_content_size(self):
        self.pair()
        self.changed(b"sizes/4096", lambda full: os.truncate(full, 4095))
        self.only(b"sizes/4096", "content")

    def test_links(self):
        trees.linked(self.left)
        trees.copy(self.left, self.right)
        self.assertEqual(walker.compare(self.left, self.right), [])
        one, other = (os.path.join(self.right, name) for name in ["pair/one", "pair/two"])
        # A name that is a file of its own.
        self.changed(b"pair/two", lambda full: (os.unlink(full), trees.copy(one, full)))
        found = walker.compare(self.left, self.right)
        self.assertEqual([(d.path, d.field) for d in found], [(b"pair/two", "links")], found)
        # A name more in a group; both files have the same contents and attributes.
        self.changed(b"single", lambda full: (os.unlink(full), os.link(one, full)))
        found = walker.compare(self.left, self.right)
        self.assertEqual([(d.path, d.field) for d in found], [(b"pair/two", "links"), (b"single", "links")], found)
        # Across directories.
        os.unlink(other)
        os.link(one, other)
        self.changed(b"single", lambda full: (os.unlink(full), trees.copy(os.path.join(self.left, "single"), full)))
        self.changed(b"deep/er/c", lambda full: (os.unlink(full), trees.copy(os.path.join(self.right, "a"), full)))
        found = [d for d in walker.compare(self.left, self.right) if d.field != "mtime"]
        self.assertEqual([(d.path, d.field) for d in found], [(b"deep/er/c", "links")], found)

    def test_mode(self):
        self.pair()
        os.chmod(os.path.join(self.right, "plain/file1"), 0o645)
        self.only(b"plain/file1", "mode")

    def test_set_id_bits(self):
        self.pair()
        os.chmod(os.path.join(self.right, "plain/file1"), 0o4644)
        self.only(b"plain/file1", "mode")

    def test_directory_mode(self):
        self.pair()
        os.chmod(os.path.join(self.right, "empty"), 0o1700)
        self.only(b"empty", "mode")

    def test_mode_of_a_fifo(self):
        self.pair()
        os.chmod(os.path.join(self.right, "kinds/fifo"), 0o641)
        self.only(b"kinds/fifo", "mode")

    def test_mtime_by_one_nanosecond(self):
        for path in [b"plain/file0", b"plain", b"kinds/relative", b"kinds/fifo", b"kinds/socket", b"."]:
            with self.subTest(path=path):
                trees.remove(self.left)
                trees.remove(self.right)
                self.pair()
                full = os.path.join(os.fsencode(self.right), path)
                trees.settle(full, mtime=os.lstat(full).st_mtime_ns + 1)
                self.only(path, "mtime")

    @unittest.skipUnless(trees.ROOT, "only root can give files away")
    def test_owner_and_group(self):
        for path in [b"plain/file0", b"plain", b"kinds/relative", b"kinds/fifo"]:
            for field, ids in [("uid", (4711, -1)), ("gid", (-1, 4711))]:
                with self.subTest(path=path, field=field):
                    trees.remove(self.left)
                    trees.remove(self.right)
                    self.pair()
                    os.chown(os.path.join(os.fsencode(self.right), path), *ids, follow_symlinks=False)
                    self.only(path, field)

    def test_symlink_target(self):
        self.pair()

        def turn(full):
            os.unlink(full)
            os.symlink(b"../plain/file1", full)
        self.changed(b"kinds/relative", turn)
        self.only(b"kinds/relative", "target")

    @unittest.skipUnless(trees.ROOT, "only root can make devices")
    def test_device_number(self):
        self.pair()

        def turn(full):
            os.unlink(full)
            os.mknod(full, stat.S_IFCHR | 0o620, os.makedev(1, 5))
            os.chmod(full, 0o620)
        self.changed(b"kinds/null", turn)
        self.only(b"kinds/null", "rdev")

    def test_kind(self):
        self.pair()

        def turn(full):
            os.unlink(full)
            os.mkfifo(full, 0o644)
        self.changed(b"plain/file0", turn)
        self.only(b"plain/file0", "kind")

    def test_names(self):
        self.pair()
        self.changed(b"plain/extra\xff", lambda full: trees.write(full))
        self.only(b"plain/extra\xff", "existence")
        self.changed(b"plain/extra\xff", os.unlink)
        self.changed(b"plain/file0", os.unlink)
        self.only(b"plain/file0", "existence")

    def test_missing_tree(self):
        self.pair()
        found = walker.compare(self.left, self.right + "-not-there")
        self.assertEqual([d.field for d in found], ["existence"])

    def test_odd_names(self):
        trees.odd(self.left)
        trees.copy(self.left, self.right)
        self.assertEqual(walker.compare(self.left, self.right), [])
        for name in trees.odd_names():
            full = os.path.join(os.fsencode(self.right), name)
            trees.settle(full, mtime=1)
        found = walker.compare(self.left, self.right, limit=10_000)
        self.assertEqual({d.path for d in found}, set(trees.odd_names()))

    def test_five_thousand_levels(self):
        trees.deep(self.left)
        trees.deep(self.right)  # not copied: cp itself gives up at PATH_MAX
        self.assertEqual(walker.compare(self.left, self.right), [])
        # One leaf at the very bottom is changed; it must be found there.
        fd = os.open(self.right, os.O_RDONLY)
        for level in range(4999):
            below = os.open(b"d%d" % (level % 10), os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd = below
        leaf = os.open(b"leaf", os.O_WRONLY | os.O_APPEND, dir_fd=fd)
        os.write(leaf, b"!")
        os.utime(leaf, ns=(trees.BASE + 4999, trees.BASE + 4999))
        os.close(leaf)
        os.close(fd)
        found = walker.compare(self.left, self.right)
        self.assertEqual([(d.path[-5:], d.field) for d in found], [(b"/leaf", "content")])

    def test_identity_sees_a_touch(self):
        self.pair()
        before = walker.snapshot(self.right, identity=True)
        self.assertEqual(before, walker.snapshot(self.right, identity=True))
        os.chmod(os.path.join(self.right, "plain/file1"), 0o644)
        self.assertNotEqual(before, walker.snapshot(self.right, identity=True))


class Trees(unittest.TestCase):
    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="lifter-trees-")
        self.addCleanup(trees.remove, self.base)

    def twice(self, make):
        one, two = os.path.join(self.base, "one"), os.path.join(self.base, "two")
        make(one)
        make(two)
        self.assertEqual(walker.compare(one, two), [])
        return one, two

    def test_generators_repeat_themselves(self):
        for make in [trees.mixed, trees.odd, trees.small_files, trees.source_project, lambda p: trees.deep(p, 50)]:
            self.twice(make)
            trees.remove(os.path.join(self.base, "one"))
            trees.remove(os.path.join(self.base, "two"))

    def test_next_release(self):
        one, two = self.twice(trees.source_project)
        files = sum(len(names) for _, _, names in os.walk(one))
        directories = sum(len(names) for _, names, _ in os.walk(one))
        self.assertEqual((files, directories), (3000, 299))
        trees.next_release(one)
        changes = walker.compare(one, two, limit=10 ** 6)
        self.assertGreater(sum(d.field == "content" for d in changes), 300)
        self.assertGreater(sum(d.field == "existence" and d.left for d in changes), 50)
        self.assertGreater(sum(d.field == "existence" and d.right for d in changes), 50)
        trees.next_release(two)
        self.assertEqual(walker.compare(one, two), [])

    def test_type_changes(self):
        one, two = os.path.join(self.base, "one"), os.path.join(self.base, "two")
        trees.type_changes(one, two)
        found = walker.compare(one, two)
        self.assertEqual(sum(d.field == "kind" for d in found), 12)
