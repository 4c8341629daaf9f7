"""Conformance: hard links. The walker compares which names stand for one file, wherever trees are compared."""

import os

try:
    from . import trees, walker
except ImportError:
    import trees
    import walker


class Links:
    """Cases for every transport. The names of test methods say what is promised."""

    def setUp(self):
        super().setUp()
        if "_hard_links_" in self._testMethodName:
            self.only_for("superlifter")

    def test_hard_links_within_and_across_directories(self):
        for pair in self.pairs():
            trees.linked(pair.source)
            pair.copy()
            pair.assert_same()
            self.assert_silent_and_untouched(pair)

    def test_hard_links_come_apart_and_together(self):
        for pair in self.pairs():
            trees.linked(pair.source)
            trees.copy(pair.source, pair.destination)
            at = lambda name: os.path.join(pair.source, name)
            for name, first in [("single", "pair/one"), ("deep/b", None), ("pair/two", "a")]:
                os.unlink(at(name))
                if first:
                    os.link(at(first), at(name))
                else:
                    trees.copy(at("a"), at(name))
            trees.settle_directories(pair.source)
            pair.copy("--delete")
            pair.assert_same()
            self.assert_silent_and_untouched(pair, "--delete")

    def test_hard_links_without_their_first_name(self):
        for pair in self.pairs():
            trees.linked(pair.source)
            pair.copy("--exclude", "/a", "--exclude", "/pair/one")
            self.assertFalse(os.path.exists(os.path.join(pair.destination, "a")))
            for name in ["deep/b", "deep/er/c", "pair/two"]:
                with open(os.path.join(pair.source, name), "rb") as left, \
                        open(os.path.join(pair.destination, name), "rb") as right:
                    self.assertEqual(left.read(), right.read())
            self.assertTrue(os.path.samefile(*(os.path.join(pair.destination, n) for n in ["deep/b", "deep/er/c"])))

    def test_hard_links_in_the_way_are_replaced(self):
        for pair in self.pairs():
            trees.linked(pair.source)
            for name in ["deep/b/full", "pair/two", "kinds/fifo2"]:
                trees.made(os.path.dirname(os.path.join(pair.destination, name)))
                trees.write(os.path.join(pair.destination, name), b"in the way")
            outside = os.path.join(pair.destination_in, "outside")
            os.link(os.path.join(pair.destination, "pair/two"), outside)
            pair.copy("--delete")
            pair.assert_same()
            with open(outside, "rb") as file:
                self.assertEqual(file.read(), b"in the way")

    def test_hard_links_are_files_of_their_own_if_told_so(self):
        for pair in self.pairs():
            trees.linked(pair.source)
            pair.copy("--no-hard-links")
            self.assert_same(pair.source, pair.destination, walker.FIELDS - {"links"})
            self.assertEqual(os.lstat(os.path.join(pair.destination, "a")).st_nlink, 1)
