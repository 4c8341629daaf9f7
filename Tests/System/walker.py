"""An independent judge of two trees.

It shares no code and no language with the program under test. `compare` walks two trees in lockstep and returns
every difference in what a copy must keep; `snapshot` describes one tree completely, for "nothing was changed".

The walk holds two descriptors per tree whatever the depth: it goes down by opening one name relative to the held
directory and up by opening "..", and then checks that it came back to the directory it left (device and inode).
So trees far deeper than PATH_MAX, and than the limit of open files, can be judged. Names are bytes throughout.
"""

import hashlib
import os
import stat

# What a copy keeps. The size of a directory, ctime and atime are not kept by anybody. "links": which names stand for
# one file, among those within the tree.
FIELDS = frozenset(["kind", "content", "mode", "mtime", "uid", "gid", "target", "rdev", "links"])

KINDS = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket", stat.S_IFCHR: "character device", stat.S_IFBLK: "block device",
}

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
CHUNK = 1 << 20


class Difference:
    """One thing that is not the same: `path` (bytes, relative to the roots), the field, and both values."""

    def __init__(self, path, field, left, right):
        self.path, self.field, self.left, self.right = path, field, left, right

    def __repr__(self):
        return f"{self.path!r}: {self.field}: {self.left!r} | {self.right!r}"


def kind(status):
    return KINDS.get(stat.S_IFMT(status.st_mode), "unknown")


def compare(left, right, fields=FIELDS, ignore=lambda name: False, limit=100):
    """Returns the differences between the trees at `left` and `right`, roots included, at most `limit` of them.

    `ignore(name)` hides entries by their last component, on both sides. An entry that exists on one side only is a
    difference of the field "existence"; what lies below it is not listed.
    """
    found = []
    links = _Links()
    left, right = os.fsencode(left), os.fsencode(right)
    try:
        statuses = os.lstat(left), os.lstat(right)
    except FileNotFoundError:
        return [Difference(b".", "existence", os.path.lexists(left), os.path.lexists(right))]
    both = _compare_entry(found, b".", (None, left), (None, right), statuses, fields)
    if not both:
        return found
    with _Walk(left) as a, _Walk(right) as b:
        stack = [_pair(found, a, b, b"", ignore)]
        while stack and len(found) < limit:
            path, names = stack[-1]
            if not names:
                stack.pop()
                if stack:
                    a.up()
                    b.up()
                continue
            name = names.pop()
            child = path + name
            statuses = a.status(name), b.status(name)
            links.note(child, *statuses)
            if _compare_entry(found, child, (a.fd, name), (b.fd, name), statuses, fields):
                a.down(name)
                b.down(name)
                stack.append(_pair(found, a, b, child + b"/", ignore))
    if "links" in fields:
        found += links.differences()
    return found[:limit]


class _Links:
    """Which names of both trees stand for one file: every name with others, under the first name of its file."""

    def __init__(self):
        self.first = ({}, {})
        self.groups = []

    def note(self, path, one, two):
        if stat.S_ISDIR(one.st_mode) or stat.S_ISDIR(two.st_mode):
            return
        if one.st_nlink > 1 or two.st_nlink > 1:
            self.groups.append((path, *(first.setdefault((status.st_dev, status.st_ino), path)
                                        for first, status in zip(self.first, (one, two)))))

    def differences(self):
        return [Difference(path, "links", one, two) for path, one, two in self.groups if one != two]


def _pair(found, a, b, path, ignore):
    """The names both directories have, last first; names only one has are reported at once."""
    left = {name for name in a.names() if not ignore(name)}
    right = {name for name in b.names() if not ignore(name)}
    for name in sorted(left ^ right):
        found.append(Difference(path + name, "existence", name in left, name in right))
    return path, sorted(left & right, reverse=True)


def _compare_entry(found, path, left, right, statuses, fields):
    """Compares one entry present on both sides; True when both are directories and should be entered."""
    one, two = statuses

    def check(field, a, b):
        if field in fields and a != b:
            found.append(Difference(path, field, a, b))

    if kind(one) != kind(two):
        check("kind", kind(one), kind(two))
        return False
    if not stat.S_ISLNK(one.st_mode):
        check("mode", oct(stat.S_IMODE(one.st_mode)), oct(stat.S_IMODE(two.st_mode)))
    check("mtime", one.st_mtime_ns, two.st_mtime_ns)
    check("uid", one.st_uid, two.st_uid)
    check("gid", one.st_gid, two.st_gid)
    if stat.S_ISLNK(one.st_mode):
        check("target", _target(left), _target(right))
    elif stat.S_ISREG(one.st_mode) and "content" in fields:
        if one.st_size != two.st_size:
            check("content", f"{one.st_size} bytes", f"{two.st_size} bytes")
        else:
            place = _first_difference(left, right)
            if place is not None:
                found.append(Difference(path, "content", f"differs at byte {place}", f"of {one.st_size}"))
    elif stat.S_ISCHR(one.st_mode) or stat.S_ISBLK(one.st_mode):
        check("rdev", (os.major(one.st_rdev), os.minor(one.st_rdev)), (os.major(two.st_rdev), os.minor(two.st_rdev)))
    return stat.S_ISDIR(one.st_mode)


def _target(place):
    fd, name = place
    return os.readlink(name, dir_fd=fd)


def _open(place):
    fd, name = place
    return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd)


def _first_difference(left, right):
    a = _open(left)
    try:
        b = _open(right)
        try:
            offset = 0
            while True:
                one, two = _full_read(a), _full_read(b)
                if one != two:
                    shorter = min(len(one), len(two))
                    return offset + next((i for i in range(shorter) if one[i] != two[i]), shorter)
                if not one:
                    return None
                offset += len(one)
        finally:
            os.close(b)
    finally:
        os.close(a)


def _full_read(fd):
    parts, missing = [], CHUNK
    while missing:
        part = os.read(fd, missing)
        if not part:
            break
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


class _Walk:
    """A held place in one tree: down by name, up by "..", never by a path."""

    def __init__(self, root):
        self.fd = os.open(root, DIRECTORY)
        self.passed = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def names(self):
        with os.scandir(self.fd) as entries:
            return [os.fsencode(entry.name) for entry in entries]

    def status(self, name):
        return os.lstat(name, dir_fd=self.fd)

    def down(self, name):
        here = os.fstat(self.fd)
        below = os.open(name, DIRECTORY, dir_fd=self.fd)
        os.close(self.fd)
        self.fd = below
        self.passed.append((here.st_dev, here.st_ino))

    def up(self):
        above = os.open(b"..", DIRECTORY, dir_fd=self.fd)
        os.close(self.fd)
        self.fd = above
        here = os.fstat(above)
        if (here.st_dev, here.st_ino) != self.passed.pop():
            raise RuntimeError("the tree was moved while it was being walked")


def snapshot(root, fields=FIELDS, identity=False, ignore=lambda name: False):
    """Returns {path: (value of each field in sorted order)} of a tree; {} if there is none.

    With `identity`, inode and ctime are included: two equal snapshots then mean that nothing was even touched.
    """
    root = os.fsencode(root)
    if not os.path.lexists(root):
        return {}
    status = os.lstat(root)
    result = {b".": _record((None, root), status, fields, identity)}
    if not stat.S_ISDIR(status.st_mode):
        return result
    with _Walk(root) as walk:
        stack = [(b"", sorted((n for n in walk.names() if not ignore(n)), reverse=True))]
        while stack:
            path, names = stack[-1]
            if not names:
                stack.pop()
                if stack:
                    walk.up()
                continue
            name = names.pop()
            status = walk.status(name)
            result[path + name] = _record((walk.fd, name), status, fields, identity)
            if stat.S_ISDIR(status.st_mode):
                walk.down(name)
                stack.append((path + name + b"/", sorted((n for n in walk.names() if not ignore(n)), reverse=True)))
    return result


def _record(place, status, fields, identity):
    values = {"kind": kind(status), "mode": stat.S_IMODE(status.st_mode), "mtime": status.st_mtime_ns,
              "uid": status.st_uid, "gid": status.st_gid}
    if stat.S_ISLNK(status.st_mode):
        values["target"] = _target(place)
    elif stat.S_ISREG(status.st_mode) and "content" in fields:
        values["content"] = _digest(place)
    elif stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        values["rdev"] = status.st_rdev
    kept = [(field, values[field]) for field in sorted(values) if field in fields]
    if identity:
        kept += [("inode", status.st_ino), ("ctime", status.st_ctime_ns)]
    return tuple(kept)


def _digest(place):
    fd = _open(place)
    try:
        digest = hashlib.sha256()
        while part := os.read(fd, CHUNK):
            digest.update(part)
        return digest.hexdigest()
    finally:
        os.close(fd)
