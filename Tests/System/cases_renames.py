"""Conformance: what was renamed, moved or copied since the last run. Whatever travels, the trees end the same."""

import os

try:
    from . import trees
except ImportError:
    import trees


class Renames:
    """Cases for every transport. The names of test methods say what is promised."""

    def test_renamed_moved_copied_and_only_alike(self):
        for pair in self.pairs():
            at = lambda name: os.path.join(pair.source, name)
            os.makedirs(at("album/below"))
            for name, size in [("album/one", 40_000), ("album/below/two", 200_000), ("file", 70_000), ("alike", 50_000)]:
                trees.write(at(name), os.urandom(size), mtime=trees.BASE)
            trees.settle_directories(pair.source)
            pair.copy()
            os.rename(at("album"), at("photographs"))
            trees.copy(at("file"), at("photographs/copy"))
            os.rename(at("file"), at("photographs/file"))
            # Of the same size and time as another, and something else.
            trees.write(at("photographs/not alike"), os.urandom(50_000), mtime=trees.BASE)
            trees.settle_directories(pair.source)
            pair.copy("--delete")
            pair.assert_same()
            self.assert_silent_and_untouched(pair)
