"""Conformance, second part: which files are copied, and which of their fields."""

import os

try:
    from . import trees, walker
except ImportError:
    import trees
    import walker

CONTENT = frozenset(["kind", "content", "target"])


class Choosing:
    """Cases for every transport; `assert_silent_and_untouched` comes with the first part."""

    # Choosing

    def test_exclude_and_include(self):
        for pair in self.pairs():
            for name in ["keep.o", "drop.o", "main.c", "sub/drop.o", "sub/main.c", "skip/main.c", "sub/skip/main.c"]:
                path = os.path.join(pair.source, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                trees.write(path, name.encode(), mtime=trees.BASE)
            rules = ["--include", "keep.o", "--exclude", "*.o", "--exclude", "/skip/"]
            pair.copy(*rules)
            here = {path for path in walker.snapshot(pair.destination) if b"." in path[1:]}
            self.assertEqual(here, {b"keep.o", b"main.c", b"sub/main.c", b"sub/skip/main.c"})
            # What is hidden at the source is protected at the destination.
            trees.write(os.path.join(pair.destination, "theirs.o"), b"theirs")
            trees.write(os.path.join(pair.destination, "extra.c"), b"extra")
            pair.copy("--delete", *rules)
            self.assertEqual(sorted(os.listdir(pair.destination)), ["keep.o", "main.c", "sub", "theirs.o"])

    def test_dry_run_changes_nothing(self):
        for pair in self.pairs():
            trees.mixed(pair.source)
            result = pair.copy("-n", "-i")
            self.assertIn(b"plain/file0", result.out)
            self.assertFalse(os.path.exists(pair.destination))
            trees.type_changes(pair.destination, pair.source)
            trees.mixed(os.path.join(pair.destination, "extra"))
            before = walker.snapshot(pair.destination_in, identity=True)
            result = pair.copy("-n", "-i", "--delete")
            self.assertEqual(walker.snapshot(pair.destination_in, identity=True), before)
            self.assertIn(b"plain/file0", result.out)
            self.assertIn(b"extra", result.out)

    def test_checksum_and_ignore_times(self):
        for option, *more in [["-c"], ["-I"], ["-c", "--checksum-choice", "sha256"]]:
            if more and self.tool.name != "superlifter":
                continue
            for pair in self.pairs():
                trees.mixed(pair.source)
                pair.copy()
                path = os.path.join(pair.destination, "sizes/16384")
                before = os.lstat(path)
                with open(path, "r+b") as file:
                    file.write(b"damaged")
                os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))
                pair.copy()
                self.assertEqual(len(walker.compare(pair.source, pair.destination)), 1)
                pair.copy(option, *more)
                pair.assert_same()
                if option == "-c":
                    self.assert_silent_and_untouched(pair, "-c", *more)

    def test_where_parts_are_kept_is_no_part_of_the_tree(self):
        for pair in self.pairs():
            for side in [pair.source, pair.destination]:
                os.makedirs(os.path.join(side, ".parts"))
                trees.write(os.path.join(side, ".parts/mine"), side.encode())
            trees.write(os.path.join(pair.source, "large"), os.urandom(2 << 20))
            trees.write(os.path.join(pair.destination, "extra"), b"extra")
            pair.copy("--partial-dir=.parts", "--delete")
            self.assertEqual(sorted(os.listdir(pair.destination)), [".parts", "large"])
            with open(os.path.join(pair.destination, ".parts/mine"), "rb") as file:
                self.assertEqual(file.read(), pair.destination.encode())
            again = pair.copy("--partial-dir=.parts", "--delete", "-i")
            self.assertEqual(again.out, b"")

    def test_size_only(self):
        for pair in self.pairs():
            trees.small_files(pair.source, 3)
            pair.copy()
            trees.write(os.path.join(pair.source, "f000001"), b"x" * 1024, mtime=5)
            pair.copy("--size-only")
            found = walker.compare(pair.source, pair.destination, CONTENT)
            self.assertEqual([d.path for d in found], [b"f000001"])

    def test_update_keeps_newer_files(self):
        for pair in self.pairs():
            trees.small_files(pair.source, 4)
            os.mkdir(pair.destination)
            trees.write(os.path.join(pair.destination, "f000001"), b"newer", mtime=trees.BASE + 10 ** 15)
            trees.write(os.path.join(pair.destination, "f000002"), b"older", mtime=5)
            pair.copy("-u")
            found = walker.compare(pair.source, pair.destination, CONTENT)
            self.assertEqual([d.path for d in found], [b"f000001"])

    def test_existing_and_ignore_existing(self):
        for pair in self.pairs():
            trees.small_files(pair.source, 4)
            os.mkdir(pair.destination)
            trees.write(os.path.join(pair.destination, "f000001"), b"old", mtime=5)
            pair.copy("--ignore-existing")
            self.assertEqual(len(os.listdir(pair.destination)), 4)
            self.assertEqual([d.path for d in walker.compare(pair.source, pair.destination, CONTENT)], [b"f000001"])
        for pair in self.pairs():
            trees.small_files(pair.source, 4)
            os.mkdir(pair.destination)
            trees.write(os.path.join(pair.destination, "f000001"), b"old", mtime=5)
            pair.copy("--existing")
            self.assertEqual(os.listdir(pair.destination), ["f000001"])
            self.assert_same(os.path.join(pair.source, "f000001"), os.path.join(pair.destination, "f000001"))

    # Keeping less

    def test_kept_fields_can_be_left_out(self):
        left_out = [("--no-times", {"mtime"}), ("--no-perms", {"mode"})]
        if trees.ROOT:
            left_out += [("--no-owner", {"uid"}), ("--no-group", {"gid"})]
        for option, fields in left_out:
            for pair in self.pairs():
                trees.mixed(pair.source)
                pair.copy(option)
                # Who loses the owner may also lose set-id bits: they would speak for somebody else.
                lost = fields | ({"mode"} if fields & {"uid", "gid"} else set())
                self.assert_same(pair.source, pair.destination, walker.FIELDS - lost)
                found = walker.compare(pair.source, pair.destination, frozenset(fields))
                self.assertTrue(found, f"{option} made no difference")

    def test_links_and_devices_can_be_left_out(self):
        for option, kinds in [("--no-links", {"symlink"}),
                              ("--no-devices", {"character device", "block device"})]:
            for pair in self.pairs():
                trees.mixed(pair.source)
                pair.copy(option, expect=[0, 23])
                before, after = walker.snapshot(pair.source), walker.snapshot(pair.destination)
                missing = {dict(before[path])["kind"] for path in before.keys() - after.keys()}
                self.assertLessEqual(missing, kinds | {"fifo", "socket"} if option == "--no-devices" else kinds)
                self.assertFalse(kinds & {dict(record)["kind"] for record in after.values()}, option)
