"""Conformance, third part: guards, the other verbs, options, exit codes and output."""

import json
import os
import re

try:
    from . import trees, walker
    from .tools import execute
except ImportError:
    import trees
    import walker
    from tools import execute


class CommandLine:
    """Cases for every transport."""

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
            # 16 of the 19 that are there now.
            pair.copy("--delete", "--max-delete", "84%", expect=25)
            self.assertEqual(len(os.listdir(pair.destination)), 3 + 6, "a refusal deletes nothing")
            pair.copy("--delete", "--max-delete", "85%")
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
            if not may_pass and self.tool.name == "superlifter":
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
        argv[-1] = self.link.at(far + "/f000001")
        self.assertRegex(self.run_plain(argv, 0).out, rb"^\S+ .*f000001\n$")
        if self.link.root is not None:
            # A server that shows one directory shows it where no path is named, too.
            argv[-1] = os.fsencode(self.link.prefix)
            self.assertIn(os.fsencode(os.path.basename(far)), self.run_plain(argv, 0).out)
        argv[-1] = self.link.at(far + "/missing")
        self.assertIn(b"missing", self.run_plain(argv, range(1, 128)).err)

    # The command line

    def run_plain(self, argv, expect):
        result = execute(argv, self.link.env)
        allowed = [expect] if isinstance(expect, int) else expect
        self.assertIn(result.code, allowed, str(result))
        return result

    def test_wrong_options(self):
        self.only_for("superlifter")
        for pair in self.pairs():
            trees.small_files(pair.source, 1)
            for options, code in [(["--no-such-option"], 1), (["--max-delete"], 1), (["--timeout", "soon"], 1),
                                  (["-X"], 4), (["-A"], 4), (["-U"], 4), (["--compress", "lzma"], 1)]:
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
                    text = os.path.join(pair.source, "compressible")
                    trees.write(text, b"again and again " * 200_000, mtime=trees.BASE)
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
