"""Conformance, first part: what a copy keeps, what a second run does, and what goes where."""

import os
import random

try:
    from . import trees, walker
except ImportError:
    import trees
    import walker

WITHOUT_TIMES = walker.FIELDS - {"mtime"}


class Copying:
    """Cases for every transport. The names of test methods say what is promised."""

    def least_time(self):
        """The smallest difference of times that must be seen, in ns. rsync compares whole seconds."""
        return 1 if self.tool.name == "superlifter" else 10 ** 9

    # Copies

    def test_first_copy_keeps_everything_and_second_run_is_silent(self):
        for pair in self.pairs():
            trees.mixed(pair.source)
            pair.copy()
            pair.assert_same()
            self.assert_silent_and_untouched(pair)

    def test_odd_names(self):
        for pair in self.pairs():
            trees.odd(pair.source)
            pair.copy()
            pair.assert_same()
            self.assert_silent_and_untouched(pair, "--delete")

    def test_odd_names_on_the_command_line(self):
        for pair in self.pairs():
            names = [b"with space", b"\xff\xfe", b"quo'te\"s", b"$dollar;semi&", b"-dash"]
            if self.tool.name == "superlifter":  # rsync's own shell and wildcard rules are in the way of these
                names += [b"new\nline", b"back\\slash", b"*", b"[a]"]
            sources = []
            for name in names:
                source = os.path.join(os.fsencode(pair.source_in), name)
                trees.write(os.path.join(trees.made(source), b"file"), name, mtime=trees.BASE)
                trees.settle(source, mtime=trees.BASE)
                sources.append(source)
            destination = os.path.join(os.fsencode(pair.destination_in), b"to \xfe'\" here")
            pair.copy(sources=sources, destination=destination)
            for source in sources:
                self.assert_same(source, os.path.join(destination, os.path.basename(source)))

    def test_thousand_small_files(self):
        for pair in self.pairs():
            trees.small_files(pair.source)
            pair.copy()
            pair.assert_same()

    def test_changed_files_by_their_difference(self):
        for pair in self.pairs():
            chance = random.Random(5)
            trees.made(pair.source)
            trees.made(pair.destination)
            for size in [0, 700, 1024, 3000, 65_536, 70_001, 1_500_000]:
                old = chance.randbytes(size)
                middle = size // 2
                versions = {"grown": old + b"more", "shrunk": old[:middle], "shifted": b"ten bytes." + old,
                            "edited": old[:middle] + b"?" + old[middle + 1:], "swapped": old[middle:] + old[:middle]}
                for name, new in versions.items():
                    trees.write(f"{pair.source}/{size}-{name}", new, mtime=trees.BASE)
                    trees.write(f"{pair.destination}/{size}-{name}", old, mtime=trees.BASE - 10 ** 12)
            pair.give_away()
            pair.copy()
            self.assert_same(pair.source, pair.destination, walker.FIELDS - {"uid", "gid", "mtime"})
            pair.copy("-c", "--no-whole-file")
            self.assert_same(pair.source, pair.destination, walker.FIELDS - {"uid", "gid", "mtime"})

    def test_changes_arrive(self):
        for pair in self.pairs():
            trees.mixed(pair.source)
            pair.copy()

            def at(name):
                return os.path.join(pair.source, name)
            trees.write(at("plain/file0"), b"other size", mtime=trees.BASE + 1)
            with open(at("plain/file1"), "r+b") as file:
                file.write(b"\0same size, other time\0")
            trees.settle(at("plain/file2"), mode=0o600)
            trees.settle(at("plain/file3"), mtime=os.lstat(at("plain/file3")).st_mtime_ns + self.least_time())
            trees.settle(at("empty"), mode=0o750)
            trees.write(at("plain/sub/new"), b"new", mtime=trees.BASE + 2)
            os.unlink(at("kinds/relative"))
            os.symlink("../plain/file7", at("kinds/relative"))
            trees.settle(at("kinds/relative"), mtime=trees.BASE + 3)
            trees.settle_directories(pair.source, trees.BASE + 10 ** 15)
            if trees.ROOT:
                os.chown(at("plain/file4"), 777, 778)
                os.chmod(at("modes/none"), 0o4755)
            pair.copy()
            pair.assert_same()
            self.assert_silent_and_untouched(pair)

    def test_file_times_in_the_destination_are_repaired(self):
        for pair in self.pairs():
            trees.mixed(pair.source)
            pair.copy()
            for name in ["plain", "plain/file0", "kinds/relative", "kinds/fifo"]:
                trees.settle(os.path.join(pair.destination, name), mtime=5)
            pair.copy()
            pair.assert_same()

    def test_without_delete_nothing_is_deleted(self):
        for pair in self.pairs():
            trees.small_files(pair.source, 5)
            os.makedirs(os.path.join(pair.destination, "extra/below"))
            trees.write(os.path.join(pair.destination, "extra/below/file"), b"stays")
            trees.write(os.path.join(pair.destination, "alone"), b"stays")
            pair.copy()
            self.assertEqual(set(os.listdir(pair.destination)), {*os.listdir(pair.source), "extra", "alone"})
            self.assertTrue(os.path.exists(os.path.join(pair.destination, "extra/below/file")))

    def test_delete(self):
        for when in ["--delete", "--delete-before"]:
            for pair in self.pairs():
                trees.mixed(pair.source)
                pair.copy()
                trees.copy(os.path.join(pair.source, "plain"), os.path.join(pair.destination, "plain/extra"))
                trees.odd(os.path.join(pair.destination, "odd"))
                os.symlink("/etc", os.path.join(pair.destination, "extra-link"))
                outside = os.path.join(pair.destination_in, "outside")
                trees.write(outside, b"outside")
                os.symlink("../../outside", os.path.join(pair.destination, "plain/extra-link"))
                pair.copy(when)
                pair.assert_same()
                self.assertTrue(os.path.exists(outside))

    def test_type_changes(self):
        for pair in self.pairs():
            trees.type_changes(pair.destination, pair.source)
            pair.copy("--delete")
            pair.assert_same()
        for pair in self.pairs():
            trees.type_changes(pair.destination, pair.source)
            pair.copy("--force")
            pair.assert_same()

    def test_full_directory_is_not_replaced_unasked(self):
        for pair in self.pairs():
            trees.type_changes(pair.destination, pair.source)
            pair.copy(expect=23)
            for name in os.listdir(pair.source):
                if name.startswith("directory-"):
                    self.assertTrue(os.path.exists(os.path.join(pair.destination, name, "below/file")), name)
                else:
                    wanted, got = (os.lstat(os.path.join(root, name)) for root in (pair.source, pair.destination))
                    self.assertEqual(walker.kind(wanted), walker.kind(got), name)

    # What goes where

    def test_slash_rule(self):
        for ending, inside in [("", "source"), ("/", ""), ("/.", "")]:
            for pair in self.pairs():
                trees.small_files(pair.source, 3)
                os.mkdir(pair.destination)
                pair.copy(source=pair.source + ending)
                self.assert_same(pair.source, os.path.join(pair.destination, inside).rstrip("/"))
                if inside:
                    self.assertEqual(os.listdir(pair.destination), [inside])

    def test_missing_last_component_is_created(self):
        for pair in self.pairs():
            trees.small_files(pair.source, 3)
            pair.copy(source=pair.source)
            self.assert_same(pair.source, os.path.join(pair.destination, "source"))

    def test_missing_parents_need_mkpath(self):
        for pair in self.pairs():
            trees.small_files(pair.source, 3)
            below = os.path.join(pair.destination_in, "a/b/c")
            result = pair.copy(destination=below, expect=range(1, 128))
            self.assertFalse(os.path.exists(os.path.join(pair.destination_in, "a")), result)
            pair.copy("--mkpath", destination=below)
            self.assert_same(pair.source, below)

    def test_single_file(self):
        for pair in self.pairs():
            os.mkdir(pair.source)
            file = os.path.join(pair.source, "file")
            trees.write(file, b"one file", mode=0o640, mtime=trees.BASE + 1)
            new = os.path.join(pair.destination_in, "new-name")
            pair.copy(source=file, destination=new)
            self.assert_same(file, new)
            os.mkdir(pair.destination)
            pair.copy(source=file, destination=pair.destination)
            self.assert_same(file, os.path.join(pair.destination, "file"))
            pair.copy(source=file, destination=os.path.join(pair.destination_in, "created/"))
            self.assert_same(file, os.path.join(pair.destination_in, "created/file"))
            trees.write(file, b"one changed file", mode=0o600, mtime=trees.BASE + 2)
            pair.copy(source=file, destination=new)
            self.assert_same(file, new)

    # How files come into being

    def test_sparse(self):
        """Holes and long runs of zeros take no room; what is between them is there."""
        self.only_for("superlifter")
        for pair in self.pairs():
            os.mkdir(pair.source)
            for name, ends_in_hole in [("hole", False), ("tail", True)]:
                with open(os.path.join(pair.source, name), "wb") as file:
                    file.write(b"begins" + bytes(300_000))
                    file.seek(2_000_000)
                    file.write(b"ends")
                    file.truncate(3_000_000 if ends_in_hole else 2_000_004)
            trees.write(os.path.join(pair.source, "small"), bytes(40_000))
            pair.copy("-S")
            pair.assert_same()
            for name, most in [("hole", 16), ("tail", 24), ("small", 8)]:  # units of 512 bytes
                status = os.stat(os.path.join(pair.destination, name))
                self.assertLessEqual(status.st_blocks, most * 2, name)
            self.assert_silent_and_untouched(pair)

    def test_inplace(self):
        """The file stays the one that it was; it gets longer, shorter, and as before."""
        self.only_for("superlifter")
        for pair in self.pairs():
            os.mkdir(pair.source)
            os.mkdir(pair.destination)
            for size, old in [(300_000, 100), (10, 70_000), (70_000, 70_000), (5, 5)]:
                trees.write(os.path.join(pair.source, f"{size}-{old}"), os.urandom(size), mtime=trees.BASE)
                trees.write(os.path.join(pair.destination, f"{size}-{old}"), os.urandom(old), mtime=trees.BASE - 1)
            moved = os.urandom(300_000)
            trees.write(os.path.join(pair.source, "moved"), moved[90_001:] + b"between" + moved[:90_001], mtime=trees.BASE)
            trees.write(os.path.join(pair.destination, "moved"), moved, mtime=trees.BASE - 1)
            trees.write(os.path.join(pair.source, "new"), b"new", mtime=trees.BASE)
            pair.give_away()
            names = os.listdir(pair.destination)
            before = {name: os.stat(os.path.join(pair.destination, name)).st_ino for name in names}
            pair.copy("--inplace")
            pair.assert_same()
            for name in names:
                self.assertEqual(os.stat(os.path.join(pair.destination, name)).st_ino, before[name], name)
            self.assert_silent_and_untouched(pair)

    def test_append_verify(self):
        """What grew is lengthened, what began otherwise is sent whole, what is not shorter is left alone."""
        self.only_for("superlifter")
        for pair in self.pairs():
            os.mkdir(pair.source)
            os.mkdir(pair.destination)
            content = os.urandom(200_000)
            trees.write(os.path.join(pair.source, "grew"), content, mtime=trees.BASE)
            trees.write(os.path.join(pair.source, "other"), content, mtime=trees.BASE)
            trees.write(os.path.join(pair.source, "shrank"), b"short", mtime=trees.BASE)
            trees.write(os.path.join(pair.destination, "grew"), content[:150_000], mtime=trees.BASE - 1)
            trees.write(os.path.join(pair.destination, "other"), b"x" + content[1:150_000], mtime=trees.BASE - 1)
            trees.write(os.path.join(pair.destination, "shrank"), b"much longer", mtime=trees.BASE - 1)
            pair.give_away()
            pair.copy("--append-verify")
            with open(os.path.join(pair.destination, "shrank"), "rb") as file:
                self.assertEqual(file.read(), b"much longer")
            grown = os.stat(os.path.join(pair.destination, "grew"))
            self.assertEqual(grown.st_mtime_ns, trees.BASE)
            os.unlink(os.path.join(pair.destination, "shrank"))
            os.unlink(os.path.join(pair.source, "shrank"))
            pair.assert_same(WITHOUT_TIMES)

    def test_several_sources(self):
        for pair in self.pairs():
            trees.small_files(os.path.join(pair.source, "a"), 3)
            trees.small_files(os.path.join(pair.source, "b"), 3)
            trees.write(os.path.join(pair.source, "c"), b"c", mtime=trees.BASE)
            names = ["a", "b", "c"]
            pair.copy(sources=[os.path.join(pair.source, name) for name in names])
            self.assertEqual(sorted(os.listdir(pair.destination)), names)
            for name in names:
                self.assert_same(os.path.join(pair.source, name), os.path.join(pair.destination, name))

    def test_two_sources_of_one_name_are_refused(self):
        self.only_for("superlifter")
        for pair in self.pairs():
            for place in ["one", "two"]:
                trees.small_files(os.path.join(pair.source, place, "same"), 3)
            sources = [os.path.join(pair.source, place, "same") for place in ["one", "two"]]
            pair.copy(sources=sources, expect=range(1, 128))
            self.assertFalse(os.path.exists(os.path.join(pair.destination, "same")))

    def test_missing_source(self):
        for pair in self.pairs():
            result = pair.copy(source=os.path.join(pair.source_in, "never-there/"), expect=[3, 10, 11, 23])
            self.assertIn(b"never-there", result.err)
            if self.tool.name == "superlifter":
                self.assertFalse(os.path.exists(pair.destination))
