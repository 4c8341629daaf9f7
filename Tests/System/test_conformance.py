"""One suite, every transport: whatever carries the bytes, the same command does the same thing.

`load_tests` makes one class per transport from `Conformance`. Each case copies in both directions (push and pull)
where the transport lets it, and has its outcome judged by the walker.
"""

import json
import os
import re
import shutil
import unittest

try:
    from . import transports, trees, walker
    from .support import SystemTest
except ImportError:
    import transports
    import trees
    import walker
    from support import SystemTest

WITHOUT_TIMES = walker.FIELDS - {"mtime"}
CONTENT = frozenset(["kind", "content", "target"])


class Conformance:
    """The cases. The names of test methods say what is promised."""

    def assert_silent_and_untouched(self, pair, *options):
        before = walker.snapshot(pair.destination, identity=True)
        result = pair.copy("-i", *options)
        self.assertEqual(result.out, b"", f"the second run found something to do\n{result}")
        self.assertEqual(walker.snapshot(pair.destination, identity=True), before, "the second run touched something")

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

    def test_project_and_its_next_release(self):
        for pair in self.pairs():
            shutil.copytree(project_template(self), pair.source, symlinks=True)
            pair.copy("--no-times")
            self.assert_same(pair.source, pair.destination, WITHOUT_TIMES)
            pair.copy()
            pair.assert_same()
            trees.next_release(pair.source)
            pair.copy("--delete")
            pair.assert_same()
            self.assert_silent_and_untouched(pair, "--delete")

    def test_five_thousand_levels(self):
        self.only_for("superlifter")
        for pair in self.pairs():
            trees.deep(pair.source)
            pair.copy(timeout=120)
            pair.assert_same()
            pair.copy("--delete", timeout=120)
            pair.assert_same()

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
                    kinds = [walker.kind(os.lstat(os.path.join(root, name))) for root in (pair.source, pair.destination)]
                    self.assertEqual(kinds[0], kinds[1], name)

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
        for option in ["-c", "-I"]:
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
                pair.copy(option)
                pair.assert_same()
                if option == "-c":
                    self.assert_silent_and_untouched(pair, "-c")

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

    # Guards

    def test_max_delete(self):
        self.only_for("superlifter")
        for pair in self.pairs():
            trees.small_files(pair.source, 3)
            trees.small_files(os.path.join(pair.destination, "extra"), 10)
            for index in range(5):
                trees.write(os.path.join(pair.destination, f"extra{index}"))
            pair.copy("--delete", "--max-delete", "4", expect=25)
            self.assertEqual(len(os.listdir(pair.destination)), 3 + 6, "a refusal deletes nothing")
            self.assert_same(os.path.join(pair.source, "f000001"), os.path.join(pair.destination, "f000001"))
            pair.copy("--delete", "--max-delete", "100")
            pair.assert_same()

    def test_empty_source_never_deletes(self):
        self.only_for("superlifter")
        for pair in self.pairs():
            os.mkdir(pair.source)
            trees.small_files(pair.destination, 3)
            pair.copy("--delete", expect=range(0, 128))
            self.assertEqual(len(os.listdir(pair.destination)), 3)

    def test_read_only_server_refuses_writes(self):
        if not self.link.read_only:
            return
        source, far = self.fresh("refused"), self.fresh_far("refused")
        trees.small_files(source, 3)
        trees.write(os.path.join(far, "old"), b"old")
        before = walker.snapshot(self.link.base, identity=True)
        for options in [[], ["--delete"], ["-n"]]:
            may_pass = options == ["-n"]  # a dry run writes nothing anyway
            result = self.run_tool("push", options, [source + "/"], self.link.at(far), expect=range(1 - may_pass, 128))
            if not may_pass:
                self.assertRegex(result.err.lower(), rb"read.?only")
            self.assertEqual(walker.snapshot(self.link.base, identity=True), before, result)

    # Other verbs

    def test_compare(self):
        self.only_for("superlifter")
        near, far = self.fresh("compare") + "/tree", self.fresh_far("compare") + "/tree"
        trees.mixed(near)
        trees.mixed(far)
        both = [self.link.at(far) + b"/", os.fsencode(near) + b"/"]
        for first, second in [both, both[::-1]]:
            with self.subTest(first=first):
                before = walker.snapshot(near, identity=True), walker.snapshot(far, identity=True)
                result = self.run_tool("compare", [], [first], second, expect=0)
                self.assertEqual(result.out, b"", result)
                trees.write(os.path.join(near, "plain/new"), b"new")
                result = self.run_tool("compare", [], [first], second, expect=1)
                self.assertIn(b"plain/new", result.out, result)
                self.run_tool("compare", [], [first[:-1] + b"-missing/"], second, expect=2)
                os.unlink(os.path.join(near, "plain/new"))
                trees.remove(near)
                trees.mixed(near)
                self.assertEqual(walker.snapshot(far, identity=True), before[1], "compare changed something")

    def test_compare_sees_every_field(self):
        self.only_for("superlifter")
        near, far = self.fresh("compare") + "/tree", self.fresh_far("compare") + "/tree"
        trees.mixed(near)
        trees.mixed(far)
        changes = [("plain/file0", lambda path: os.chmod(path, 0o611)),
                   ("plain/file0", lambda path: trees.settle(path, mtime=7)),
                   ("plain", lambda path: os.chmod(path, 0o711)),
                   ("plain/file0", lambda path: trees.write(path, b"other", mtime=os.lstat(path).st_mtime_ns))]
        if trees.ROOT:
            changes += [("plain/file0", lambda path: os.chown(path, 7, -1)),
                        ("plain/file0", lambda path: os.chown(path, -1, 7))]
        for index, (name, change) in enumerate(changes):
            with self.subTest(index=index):
                change(os.path.join(near, name))
                result = self.run_tool("compare", [], [near + "/"], self.link.at(far) + b"/", expect=1)
                self.assertIn(name.encode(), result.out)
                trees.remove(near)
                trees.mixed(near)

    def test_list(self):
        self.only_for("superlifter")
        far = self.fresh_far("list")
        trees.small_files(far, 3)
        argv = [self.tool.binary, "list", *self.link.options, self.link.at(far) + b"/"]
        result = self.run_plain(argv, 0)
        for name in [b"f000000", b"f000001", b"f000002"]:
            self.assertIn(name, result.out)
        argv[-1] = self.link.at(far + "/missing")
        self.assertIn(b"missing", self.run_plain(argv, range(1, 128)).err)

    # The command line

    def run_plain(self, argv, expect):
        try:
            from .tools import execute
        except ImportError:
            from tools import execute
        result = execute(argv, self.link.env)
        allowed = [expect] if isinstance(expect, int) else expect
        self.assertIn(result.code, allowed, str(result))
        return result

    def test_wrong_options(self):
        self.only_for("superlifter")
        for pair in self.pairs():
            trees.small_files(pair.source, 1)
            for options, code in [(["--no-such-option"], 1), (["--max-delete"], 1), (["--timeout", "soon"], 1),
                                  (["-X"], 4), (["-A"], 4), (["-S"], 4), (["--compress", "lzma"], 1)]:
                with self.subTest(options=options):
                    if options == ["--max-delete"]:
                        argv = [self.tool.binary, pair.verb, *self.link.options, pair.source + "/", "--max-delete"]
                        result = self.run_plain(argv, 1)
                    else:
                        result = pair.copy(*options, expect=code)
                    self.assertTrue(result.err.startswith(b"superlifter: "), result)
                    self.assertFalse(os.path.exists(pair.destination), result)

    def test_accepted_options_change_nothing_for_the_worse(self):
        for options in [["-a", "-r", "-P"], ["-avz", "--numeric-ids"], ["--timeout", "30", "--stats", "-q"]]:
            for pair in self.pairs():
                with self.subTest(options=options):
                    trees.mixed(pair.source)
                    pair.copy(*options)
                    pair.assert_same()

    def test_compression(self):
        self.only_for("superlifter")
        for options in [["--compress", kind] for kind in ["none", "zstd", "zlib"]] + [["--connect-timeout", "10"]]:
            for pair in self.pairs():
                with self.subTest(options=options):
                    trees.mixed(pair.source)
                    trees.write(os.path.join(pair.source, "compressible"), b"again and again " * 200_000, mtime=trees.BASE)
                    trees.settle(pair.source, mtime=trees.BASE)
                    pair.copy(*options)
                    pair.assert_same()

    def test_itemised_lines(self):
        for pair in self.pairs():
            os.mkdir(pair.source)
            trees.write(os.path.join(pair.source, "file"), b"1", mtime=trees.BASE)
            os.symlink("file", os.path.join(pair.source, "link"))
            trees.settle(pair.source, mtime=trees.BASE)
            os.mkdir(pair.destination)
            trees.settle(pair.destination, mtime=trees.BASE)
            trees.write(os.path.join(pair.destination, "extra"), b"1")
            lines = pair.copy("-i", "--delete").out.splitlines()
            self.assertTrue(any(re.fullmatch(rb"[<>]f\+{9} file", line) for line in lines), lines)
            self.assertTrue(any(re.fullmatch(rb"cL\+{9} link -> file", line) for line in lines), lines)
            self.assertIn(b"*deleting   extra", lines)
            os.chmod(os.path.join(pair.source, "file"), 0o600)
            self.assertEqual(pair.copy("-i").out.splitlines(), [b".f...p..... file"])
            trees.write(os.path.join(pair.source, "file"), b"22", mode=0o600, mtime=trees.BASE + 10 ** 10)
            lines = pair.copy("-i").out.splitlines()
            self.assertEqual([line[1:] for line in lines], [b"f.st...... file"])

    def test_json(self):
        self.only_for("superlifter")
        for pair in self.pairs():
            trees.odd(pair.source)
            result = pair.copy("--json")
            objects = [json.loads(line) for line in result.out.splitlines()]
            self.assertTrue(all(isinstance(one, dict) for one in objects))
            text = result.out.decode()
            self.assertIn('"start"', text.splitlines()[0])
            self.assertIn('"summary"', text.splitlines()[-1])
            self.assertIn("path_base64", text)

    def test_verbose_begins_with_the_mapping(self):
        self.only_for("superlifter")
        for pair in self.pairs():
            trees.small_files(pair.source, 1)
            for option in ["-v", "-n"]:
                first = (pair.copy(option).out.splitlines() or [b""])[0]
                self.assertIn(b" -> ", first)

    def test_nothing_of_ours_is_left(self):
        for pair in self.pairs():
            trees.mixed(pair.source)
            pair.copy()
            names = [path.rsplit(b"/", 1)[-1] for path in walker.snapshot(pair.destination_in)]
            self.assertFalse([name for name in names if name.startswith((b".sl-part-", b".sl-displaced-"))])


_templates = {}


def project_template(test):
    """The project is generated once per process; each case copies it."""
    if "project" not in _templates:
        import atexit
        import tempfile
        place = tempfile.mkdtemp(prefix="lifter-project-")
        atexit.register(trees.remove, place)
        trees.source_project(os.path.join(place, "project"))
        _templates["project"] = os.path.join(place, "project")
    return _templates["project"]


SUITES = []
for _name, _factory in transports.TRANSPORTS.items():
    _class = type("Conformance_" + _name.replace("-", "_"), (Conformance, SystemTest),
                  {"make_transport": staticmethod(_factory), "__module__": __name__,
                   "__doc__": f"The conformance suite over {_name}."})
    globals()[_class.__name__] = _class
    SUITES.append(_class)
del _class

if __name__ == "__main__":
    unittest.main()
