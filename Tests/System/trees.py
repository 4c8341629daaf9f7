"""Seeded generators of the trees that the tests copy. The same seed gives the same tree, byte for byte."""

import os
import random
import shutil
import stat
import subprocess

ROOT = os.geteuid() == 0
SECOND = 1_000_000_000
BASE = 1_700_000_000 * SECOND  # November 2023: a quiet place for modification times


def remove(path):
    """Removes a tree of any depth (rm walks by descriptors; shutil.rmtree recurses and gives up at about 1,000)."""
    if os.path.lexists(path):
        subprocess.run(["rm", "-rf", "--", path], check=True)


def made(path):
    """Makes a directory and returns its path."""
    os.makedirs(path, exist_ok=True)
    return path


def copy(source, destination):
    """A faithful copy made by somebody else: the stand-in that prepares destinations."""
    subprocess.run(["cp", "-a", "--", source, destination], check=True)


def write(path, content=b"", mode=0o644, mtime=None, uid=None, gid=None):
    """Makes or replaces a file with exactly these attributes."""
    path = os.fsencode(path)
    with open(path, "wb") as file:
        file.write(content)
    settle(path, mode, mtime, uid, gid)


def settle(path, mode=None, mtime=None, uid=None, gid=None):
    """Sets owner, then mode (chown clears set-id bits), then the modification time."""
    if uid is not None or gid is not None:
        os.chown(path, -1 if uid is None else uid, -1 if gid is None else gid, follow_symlinks=False)
    if mode is not None:
        os.chmod(path, mode)
    if mtime is not None:
        os.utime(path, ns=(mtime, mtime), follow_symlinks=False)


def settle_directories(root, start=BASE):
    """Gives every directory its own modification time, deepest first, since filling it has disturbed it."""
    count = 0
    for path, _, _ in os.walk(os.fsencode(root), topdown=False):
        count += 1
        settle(path, mtime=start + count * SECOND + count)


def odd_names():
    """Names that have broken copying programs: all legal, none friendly."""
    names = [bytes([value]) for value in range(1, 256) if value not in b"/."]
    names += [b"x" * 255, "é".encode() * 127 + b"y", b"\xff" * 255, b"new\nline", b"\n", b"trail ", b" lead", b"-rf",
              b"--delete", b"...", b".hidden", b"..x", b"a:b", b"~", b"~root", b"$HOME", b"`id`", b"*", b"[a]", b"\\",
              b"back\\slash",
              b"\xc3\x28", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", "e\u0301".encode(), "é".encode(), b"con", b"a\tb",
              b"\x1b[31mred", b"%s%n", b"'quote'", b'"double"', b"semi;colon", b"amp&", b"\r", b"host:path", b"#.part#"]
    return sorted(set(names))


def odd(root):
    """A directory of odd names: files, then directories and symlinks that bear some of them too."""
    root = os.fsencode(root)
    os.makedirs(root, exist_ok=True)
    for index, name in enumerate(odd_names()):
        write(os.path.join(root, name), b"content of " + repr(name).encode(), mtime=BASE + index * SECOND + index)
    below = os.path.join(root, b"dir\n\xfe \x01")
    os.mkdir(below)
    write(os.path.join(below, b"-\xff"), b"inside", mtime=BASE + 7)
    os.symlink(b"tar\nget\xff \x02", os.path.join(root, b"link \xfd"))
    settle(os.path.join(root, b"link \xfd"), mtime=BASE + 5)
    settle_directories(root)


def mixed(root, seed=1, privileged=ROOT):
    """A small tree with every kind of entry and every field that is kept.

    `privileged` adds what only root can make or keep: foreign owners, set-id bits, devices.
    """
    chance = random.Random(seed)
    root = os.fsencode(root)
    os.makedirs(root, exist_ok=True)
    for directory in [b"plain", b"plain/sub", b"empty", b"modes", b"kinds", b"times", b"sizes"]:
        os.mkdir(os.path.join(root, directory))

    def at(name):
        return os.path.join(root, name)

    for index in range(8):
        write(at(b"plain/file%d" % index), chance.randbytes(chance.randrange(1, 5000)),
              mtime=BASE + chance.randrange(10 ** 15))
        write(at(b"plain/sub/text%d.txt" % index), b"line %d\n" % index * chance.randrange(1, 400),
              mtime=BASE + chance.randrange(10 ** 15))
    for mode in [0o400, 0o600, 0o444, 0o755, 0o777, 0o640, 0o604]:
        write(at(b"modes/%o" % mode), b"mode %o" % mode, mode=mode, mtime=BASE + mode)
    for mtime in [0, 1, -1_500_000_001, BASE + 999_999_999, 4_102_444_800 * SECOND + 5, 1_000_000_000 * SECOND]:
        write(at(b"times/%d" % mtime), b"time", mtime=mtime)
    for size in [0, 1, 255, 4095, 4096, 4097, 16383, 16384, 65536, 1_048_576, 1_048_577]:
        write(at(b"sizes/%d" % size), chance.randbytes(size), mtime=BASE + size)
    os.symlink(b"../plain/file0", at(b"kinds/relative"))
    os.symlink(b"/no/such/place", at(b"kinds/dangling"))
    os.symlink(b"../plain", at(b"kinds/to-directory"))
    os.symlink(b"loop", at(b"kinds/loop"))
    os.symlink(b"t" * 4000, at(b"kinds/long-target"))
    os.mkfifo(at(b"kinds/fifo"), 0o640)
    os.mknod(at(b"kinds/socket"), stat.S_IFSOCK | 0o600)
    for index, name in enumerate(sorted(os.listdir(at(b"kinds")))):
        settle(at(b"kinds/" + name), mtime=BASE + index * SECOND + 123_456_789 + index)
    os.chmod(at(b"empty"), 0o700)
    os.chmod(at(b"modes"), 0o711)
    if privileged:
        _mixed_for_root(at)
    settle_directories(root)
    os.chmod(root, 0o751)


def _mixed_for_root(at):
    write(at(b"modes/setuid"), b"u", mode=0o4755, mtime=BASE + 1)
    write(at(b"modes/setgid"), b"g", mode=0o2755, mtime=BASE + 2)
    write(at(b"modes/foreign-setuid"), b"f", mode=0o6711, mtime=BASE + 3, uid=12345, gid=54321)
    write(at(b"modes/none"), b"nobody may read", mode=0, mtime=BASE + 4)
    write(at(b"plain/owned"), b"owned", mtime=BASE + 5, uid=12346, gid=54322)
    os.mkdir(at(b"sticky"))
    settle(at(b"sticky"), mode=0o1777)
    os.mkdir(at(b"setgid-directory"))
    settle(at(b"setgid-directory"), mode=0o2775, gid=54323)
    write(at(b"setgid-directory/child"), b"child", mtime=BASE + 6, gid=54324)
    os.mkdir(at(b"read-only-directory"))
    write(at(b"read-only-directory/child"), b"child", mtime=BASE + 7)
    settle(at(b"read-only-directory"), mode=0o555)
    settle(at(b"kinds/dangling"), mtime=BASE + 8, uid=12347, gid=54325)
    for name, kind, device in [(b"null", stat.S_IFCHR, (1, 3)), (b"loop0", stat.S_IFBLK, (7, 0)),
                               (b"large-minor", stat.S_IFCHR, (511, 70_000))]:
        os.mknod(at(b"kinds/" + name), kind | 0o620, os.makedev(*device))
        settle(at(b"kinds/" + name), mode=0o620, mtime=BASE + 9)


def linked(root):
    """Names of one file within a directory, across directories, and of other kinds than files."""
    root = os.fsencode(root)
    for directory in [b"pair", b"deep/er", b"kinds"]:
        os.makedirs(os.path.join(root, directory))

    def at(name):
        return os.path.join(root, name)

    for name in [b"pair/one", b"single"]:
        write(at(name), b"the same contents", mtime=BASE + 1)
    os.link(at(b"pair/one"), at(b"pair/two"))
    write(at(b"a"), b"a b c" * 40_000, mode=0o640, mtime=BASE + 2)
    for name in [b"deep/b", b"deep/er/c"]:
        os.link(at(b"a"), at(name))
    os.symlink(b"target", at(b"kinds/link"))
    os.mkfifo(at(b"kinds/fifo"))
    for name in [b"link", b"fifo"]:
        settle(at(b"kinds/" + name), mtime=BASE + 3)
        os.link(at(b"kinds/" + name), at(b"kinds/" + name + b"2"), follow_symlinks=False)
    settle_directories(root)


def small_files(root, count=1000, size=1024, directories=1, seed=2, directory_of=None):
    """`count` files of `size` bytes, spread evenly over `directories` directories (the root itself when 1)."""
    chance = random.Random(seed)
    root = os.fsencode(root)
    os.makedirs(root, exist_ok=True)
    block = chance.randbytes(size + 4096)
    for place in range(directories):
        if directories == 1:
            directory = root
        else:
            directory = os.path.join(root, b"d%04d" % place)
            os.mkdir(directory)
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        for index in range(place * count // directories, (place + 1) * count // directories):
            file = os.open(b"f%06d" % index, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=fd)
            start = index % 4096
            os.write(file, block[start:start + size])
            os.utime(file, ns=(BASE + index, BASE + index))
            os.close(file)
        os.utime(fd, ns=(BASE + place, BASE + place))
        os.close(fd)
    os.utime(root, ns=(BASE, BASE))


def deep(root, levels=5000):
    """A chain of directories with a small file now and then; from 1,400 levels on its longest path exceeds PATH_MAX."""
    root = os.fsencode(root)
    os.makedirs(root, exist_ok=True)
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for level in range(levels):
        if level % 100 == 99 or level == levels - 1:
            file = os.open(b"leaf", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=fd)
            os.write(file, b"level %d" % level)
            os.utime(file, ns=(BASE + level, BASE + level))
            os.close(file)
        name = b"d%d" % (level % 10)
        os.mkdir(name, 0o755, dir_fd=fd)
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
        os.close(fd)
        fd = below
    # On the way up every directory gets its time, after its last change.
    for level in range(levels, -1, -1):
        os.utime(fd, ns=(BASE + level, BASE + level))
        above = os.open(b"..", os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd) if level else None
        os.close(fd)
        fd = above


WORDS = b"self return import def class name value field model query request response if not None for in with".split()


LINES = [b" " * (4 * (n % 4)) + b" ".join(WORDS[(n * k + k) % len(WORDS)] for k in range(1, 2 + n % 8))
         for n in range(977)]


def _source_text(chance, size):
    """Something shaped like program text: words, indentation, short lines; compressible, and no two lines alike."""
    lines, total = [], 0
    while total < size:
        words = chance.randbytes(96).hex().encode()
        some = [b"%s %s\n" % (line, words[6 * n:6 * n + 6]) for n, line in enumerate(chance.choices(LINES, k=32))]
        lines += some
        total += sum(map(len, some))
    return b"".join(lines)[:size]


def source_project(root, seed=3, files=3000, directories=300):
    """A tree shaped like a large Python source project: nested packages, log-normal sizes (median about 3 KB)."""
    chance = random.Random(seed)
    root = os.fsencode(root)
    os.makedirs(root, exist_ok=True)
    places = [b""]
    while len(places) < directories:
        parent = chance.choice(places[-40:] + places[:20])
        if parent.count(b"/") < 7:
            place = os.path.join(parent, b"package%d" % len(places))
            os.mkdir(os.path.join(root, place))
            places.append(place)
    for index in range(files):
        place = places[index % len(places)] if index < len(places) else chance.choice(places)
        ending = chance.choice([b"py", b"py", b"py", b"txt", b"po", b"html"])
        name = b"__init__.py" if index < len(places) else b"module_%d.%s" % (index, ending)
        size = min(400_000, int(chance.lognormvariate(8.0, 1.3)))
        if name == b"__init__.py" and chance.random() < 0.6:
            size = 0
        mode = 0o755 if chance.random() < 0.02 else 0o644
        mtime = BASE + index * SECOND + chance.randrange(SECOND)
        write(os.path.join(root, place, name), _source_text(chance, size), mode, mtime)
    settle_directories(root)


def next_release(root, seed=4):
    """Turns a source project, in place, into what its next release would be: edits, adds, removes, renames."""
    chance = random.Random(seed)
    root = os.fsencode(root)
    paths = sorted(os.path.join(place, name) for place, _, names in os.walk(root) for name in names)
    later = BASE + 30_000_000 * SECOND
    for index, path in enumerate(paths):
        fate = chance.random()
        if fate < 0.30:
            with open(path, "rb") as file:
                content = bytearray(file.read())
            for _ in range(chance.randrange(1, 6)):
                at = chance.randrange(len(content) + 1)
                content[at:at + chance.randrange(60)] = _source_text(chance, chance.randrange(1, 200))
            write(path, bytes(content), stat.S_IMODE(os.lstat(path).st_mode), later + index)
        elif fate < 0.33:
            os.unlink(path)
        elif fate < 0.35:
            os.rename(path, path + b".renamed")
        elif fate < 0.40:
            write(path + b".added.py", _source_text(chance, int(chance.lognormvariate(8.0, 1.3))), 0o644, later + index)
    below = sorted(name for name in os.listdir(root) if os.path.isdir(os.path.join(root, name)))
    os.rename(os.path.join(root, below[0]), os.path.join(root, b"moved_" + below[0]))
    if len(below) > 2:
        shutil.rmtree(os.path.join(root, below[-1]))
    settle_directories(root, later)


TYPES = ["file", "directory", "symlink", "fifo"]


def make(path, type_name, salt=0):
    """One entry of the named type at `path`; a directory comes with something inside."""
    path = os.fsencode(path)
    if type_name == "file":
        write(path, b"a file was here")
    elif type_name == "directory":
        os.makedirs(os.path.join(path, b"below/deeper"))
        write(os.path.join(path, b"below/file"), b"in the way", mtime=BASE + salt)
        settle_directories(path)
    elif type_name == "symlink":
        os.symlink(b"somewhere", path)
    else:
        os.mkfifo(path)
    settle(path, mtime=BASE + salt)


def type_changes(before, after):
    """Two trees whose 12 entries `X-to-Y` are an X in the first and a Y in the second."""
    for root in (before, after):
        os.makedirs(root, exist_ok=True)
    salt = 0
    for old in TYPES:
        for new in TYPES:
            if old != new:
                salt += SECOND + 1
                make(os.path.join(before, f"{old}-to-{new}"), old, salt)
                make(os.path.join(after, f"{old}-to-{new}"), new, salt + 17)
    settle(before, mtime=BASE + 1)
    settle(after, mtime=BASE + 2)
