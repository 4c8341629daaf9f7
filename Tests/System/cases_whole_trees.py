"""Whole trees: a source project with its next release, and one chain of directories. What is small enough for every
transport here is tried at full size over a few.
"""

import atexit
import os
import shutil
import tempfile

try:
    from . import trees, walker
except ImportError:
    import trees
    import walker

WITHOUT_TIMES = walker.FIELDS - {"mtime"}


class WholeTrees:
    files, directories = 1000, 100
    levels = 1500  # longer paths than the kernel takes

    def test_project_and_its_next_release(self):
        for pair in self.pairs():
            shutil.copytree(project_template(self.files, self.directories), pair.source, symlinks=True)
            pair.copy("--no-times")
            self.assert_same(pair.source, pair.destination, WITHOUT_TIMES)
            pair.copy()
            pair.assert_same()
            trees.next_release(pair.source)
            pair.copy("--delete")
            pair.assert_same()
            self.assert_silent_and_untouched(pair, "--delete")

    def test_deep(self):
        self.only_for("superlifter")
        for pair in self.pairs():
            trees.deep(pair.source, self.levels)
            pair.copy(timeout=120)
            pair.assert_same()
            pair.copy("--delete", timeout=120)
            pair.assert_same()


class LargeTrees(WholeTrees):
    files, directories = 3000, 300
    levels = 5000


_templates = {}


def project_template(files, directories):
    """A project of this size, generated once per process; each case copies it."""
    if files not in _templates:
        place = tempfile.mkdtemp(prefix="lifter-project-")
        atexit.register(trees.remove, place)
        trees.source_project(os.path.join(place, "project"), files=files, directories=directories)
        _templates[files] = os.path.join(place, "project")
    return _templates[files]
