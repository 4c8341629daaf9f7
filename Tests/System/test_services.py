"""The files in contrib/services, as they are shipped: only paths and ports are replaced, then each is started by what it
is for, and has to serve, and refuse, what it says."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time

try:
    from . import tools, transports, trees
    from .support import SystemTest, skip_or_fail
    from .test_listener import children, soon
except ImportError:
    import tools
    import transports
    import trees
    from support import SystemTest, skip_or_fail
    from test_listener import children, soon

SHIPPED = os.path.join(tools.REPOSITORY, "contrib/services")
PROGRAM, CONFIGURATION, ADDRESS = "/usr/local/bin/superlifter", "/etc/superlifter.toml", "127.0.0.1:8730"
UNPACKED = os.path.join(tools.REPOSITORY, ".build/test/packages")


def read_unit(path):
    """A unit file as {section: {key: [values]}}."""
    sections, section = {}, None
    with open(path) as file:
        for line in file.read().replace("\\\n", " ").splitlines():
            line = line.strip()
            if not line or line[0] in "#;":
                continue
            if line[0] == "[":
                section = sections.setdefault(line[1:-1], {})
            else:
                key, value = line.split("=", 1)
                section.setdefault(key.strip(), []).append(value.strip())
    return sections


LOCKS = "/run/superlifter"


def counts():
    """The files by which root's sessions in modules are counted."""
    return set(os.listdir(LOCKS)) if os.path.isdir(LOCKS) else set()


def forget_counts(before):
    for name in counts() - before:
        os.unlink(os.path.join(LOCKS, name))


class Services(SystemTest):
    def setUp(self):
        self.only_for("superlifter")
        if os.geteuid() != 0:
            skip_or_fail("the shipped files are for root")
        self.place = self.fresh("services")
        self.addCleanup(forget_counts, counts())
        self.srv = os.path.join(self.place, "srv")
        os.makedirs(os.path.join(self.srv, "pub"))
        trees.write(os.path.join(self.srv, "pub/file"), b"for all")
        trees.write(os.path.join(self.srv, "pub/my.key"), b"for nobody")
        os.makedirs(os.path.join(self.srv, "inbox"))
        os.chown(os.path.join(self.srv, "inbox"), 65534, 65534)
        self.port = transports.free_port()
        self.configuration = self.ship("superlifter.toml", "/srv", ADDRESS)

    def ship(self, name, *places):
        """A shipped file with these of its places replaced, each of which it must name."""
        ours = {"/srv": self.srv, PROGRAM: self.tool.binary, CONFIGURATION: self.place + "/superlifter.toml",
                ADDRESS: f"127.0.0.1:{self.port}"}
        with open(os.path.join(SHIPPED, name)) as file:
            text = file.read()
        for old in places:
            self.assertIn(old, text, name)
            text = text.replace(old, ours[old])
        path = os.path.join(self.place, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def need(self, program):
        try:
            return transports.need(program)
        except transports.Missing as missing:
            return skip_or_fail(f"{missing} is not installed")

    def run_tool(self, verb, *words, expect=0):
        result = tools.execute([self.tool.binary, verb, *words], timeout=60)
        self.assertEqual(result.code, expect, result)
        return result

    def judge(self, url=None, options=()):
        """That the shipped configuration is served, and its rules are kept."""
        url = url or f"tcp://127.0.0.1:{self.port}/"
        listed = self.run_tool("list", *options, url).out
        self.assertEqual([line.split()[0] for line in listed.splitlines()], [b"inbox", b"pub"])
        self.assertIn(b"to be read by everybody", listed)
        self.assertIn(b"file", self.run_tool("list", *options, url + "pub/").out)
        copy = self.fresh("copy")
        self.run_tool("pull", *options, url + "pub/", copy)
        self.assertEqual(os.listdir(copy), ["file"], "and no key")
        new = os.path.join(self.fresh("new"), "new")
        trees.write(new, b"first")
        self.assertIn(b"read-only", self.run_tool("push", *options, new, url + "pub/", expect=5).err)
        self.run_tool("push", *options, new, url + "inbox/")
        there = os.path.join(self.srv, "inbox/new")
        status = os.stat(there)
        self.assertEqual((status.st_uid, status.st_gid), (65534, 65534))
        trees.write(new, b"second")
        self.assertIn(b"only adds", self.run_tool("push", *options, new, url + "inbox/", expect=23).err)
        self.run_tool("push", *options, "--delete", os.path.dirname(new) + "/", url + "inbox/", expect=5)
        with open(there, "rb") as file:
            self.assertEqual(file.read(), b"first")
        trees.remove(there)

    # systemd

    def units(self):
        self.need("systemd-analyze")
        paths = [self.ship("superlifter.service", PROGRAM, CONFIGURATION),
                 self.ship("superlifter@.service", PROGRAM, CONFIGURATION), self.ship("superlifter.socket", ADDRESS)]
        return [read_unit(path) for path in paths]

    def test_units_are_right(self):
        self.units()
        for name in ["superlifter.service", "superlifter@.service", "superlifter.socket"]:
            path = os.path.join(self.place, name)
            result = tools.execute(["systemd-analyze", "verify", "--man=no", path])
            self.assertEqual((result.code, result.err), (0, b""), result)
            if not name.endswith(".service"):
                continue
            result = tools.execute(["systemd-analyze", "security", "--offline=yes", "--no-pager", path])
            found = re.search(rb"Overall exposure level for \S+: ([0-9.]+)", result.out)
            self.assertIsNotNone(found, result)
            # From 0, shut in, to 10, which is what a unit is that says nothing.
            self.assertLess(float(found[1]), 3.5, name)

    def confined(self, service):
        """Words in front of a command that give it the rights, and the sight of the disk, that a unit would."""
        bounding = [word.removeprefix("CAP_").lower() for word in service["CapabilityBoundingSet"][0].split()]
        self.assertEqual(service["NoNewPrivileges"], ["yes"])
        setpriv = [self.need("setpriv"), "--no-new-privs",
                   "--bounding-set=-all," + ",".join("+" + name for name in bounding)]
        if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
            return setpriv
        self.assertEqual(service["ProtectSystem"], ["strict"])
        self.assertEqual(service["ReadWritePaths"], ["-/srv"])
        self.assertEqual(service["RuntimeDirectory"], ["superlifter"])
        os.makedirs("/run/superlifter", mode=0o755, exist_ok=True)
        script = os.path.join(self.place, "confined")
        lines = ["#!/bin/sh -e", "mount --make-rprivate /",
                 f"for path in {self.srv} /run/superlifter; do mount --bind $path $path; done"]
        # PrivateTmp, unless what is tried is there itself: then it can at least be written to, as that can.
        is_here = self.place.startswith("/tmp/") or self.tool.binary.startswith("/tmp/")
        lines.append("mount --bind /tmp /tmp" if is_here else "mount -t tmpfs none /tmp")
        with open(script, "w") as file:
            file.write("\n".join([*lines, "mount -o remount,bind,ro /", 'exec "$@"']) + "\n")
        os.chmod(script, 0o755)
        return ["unshare", "--mount", script, *setpriv]

    def test_listener_unit(self):
        unit = self.units()[0]["Service"]
        confined = self.confined(unit)
        checked = tools.execute([*confined, *unit["ExecStartPre"][0].split()])
        self.assertEqual(checked.code, 0, checked)
        log = os.path.join(self.place, "log")
        with transports.background([*confined, *unit["ExecStart"][0].split()], lambda: transports.bound(log), log) as child:
            self.assertEqual(transports.bound(log), [f"tcp:127.0.0.1:{self.port}"])
            self.judge()
            # It may end the processes that serve, though they are somebody else by then.
            trees.write(os.path.join(self.srv, "pub/large"), os.urandom(1 << 20))
            client = subprocess.Popen([self.tool.binary, "pull", "--bwlimit=10", f"tcp://127.0.0.1:{self.port}/pub/",
                                       self.fresh("slow")], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                self.assertTrue(soon(lambda: children(child.pid)))
                time.sleep(0.3)
                child.send_signal(signal.SIGTERM)
                self.assertEqual(child.wait(10), 0)
                self.assertNotEqual(client.wait(10), 0)
            finally:
                client.kill()
                client.wait()

    def test_socket_unit(self):
        _, instance, listening = self.units()
        service, words = instance["Service"], listening["Socket"]
        self.assertEqual((words["Accept"], service["StandardInput"]), (["yes"], ["socket"]))
        activate, address = self.need("systemd-socket-activate"), words["ListenStream"][0]
        # systemd gives a service the unit's streams; this one gives it those of inetd, which are the same.
        argv = [activate, "--listen", address, "--accept", "--inetd", *self.confined(service),
                *service["ExecStart"][0].split()]
        log = os.path.join(self.place, "log")
        with transports.background(argv, lambda: transports._answers(("127.0.0.1", self.port)), log):
            self.judge()

    def test_system_calls(self):
        """The filter of the units lets through everything that a session does."""
        self.units()
        strace = self.need("strace")
        allowed = self.system_calls("@system-service")
        trace = os.path.join(self.place, "trace")
        command = f"command:{strace} -f -qq -o {trace} {self.tool.binary} serve --inetd --config {self.configuration}"
        source = self.fresh("source")
        trees.mixed(os.path.join(source, "tree"))
        self.run_tool("pull", "--via", command, "there:pub/", self.fresh("pulled"))
        self.called(trace, allowed)
        tools.execute([self.tool.binary, "push", "-rltpH", "--via", command, source + "/", "there:inbox/"])
        self.assertTrue(os.listdir(os.path.join(self.srv, "inbox")))
        self.called(trace, allowed)

    def called(self, trace, allowed):
        with open(trace, errors="replace") as file:
            called = {found[1] for found in re.finditer(r"^\d+ +(\w+)\(", file.read(), re.M)}
        self.assertGreater(len(called), 20)
        # fchmodat2, by its name or its number: younger than many a systemd, whose filter then refuses it; the program
        # does without.
        self.assertEqual(called - allowed - {"fchmodat2", "syscall_0x1c4"}, set())

    def system_calls(self, group):
        listed = tools.execute(["systemd-analyze", "syscall-filter", "--no-pager", group]).out.decode()
        found = set()
        for word in listed.split("\n")[1:]:
            word = word.strip()
            if word.startswith("@"):
                found |= self.system_calls(word)
            elif word and not word.startswith("#"):
                found.add(word)
        return found

    # inetd and xinetd

    def test_inetd_line(self):
        program = self.need("inetd")
        path = self.ship("inetd.conf", PROGRAM, CONFIGURATION, ADDRESS)
        log = os.path.join(self.place, "log")
        with transports.background([program, "-i", path], lambda: transports._answers(("127.0.0.1", self.port)), log):
            self.judge()

    def test_xinetd(self):
        # It cannot be installed beside another inetd, so it may have been unpacked only.
        program = shutil.which("xinetd", path=f"{UNPACKED}/usr/sbin:" + transports.SYSTEM_PATH)
        if program is None:
            skip_or_fail("xinetd is not there")
        path = self.ship("xinetd.conf", PROGRAM, CONFIGURATION)
        with open(path) as file:
            text = file.read()
        self.assertRegex(text, r"port += 8730\n")
        with open(path, "w") as file:
            file.write(re.sub(r"(port +=) 8730\n", rf"\1 {self.port}\n", text))
        log = os.path.join(self.place, "log")
        argv = [program, "-dontfork", "-stayalive", "-f", path, "-pidfile", os.path.join(self.place, "pid")]
        with transports.background(argv, lambda: transports._answers(("127.0.0.1", self.port)), log):
            self.judge()

    # ssh

    @contextlib.contextmanager
    def keys(self):
        """Hosts by the name that each shipped line has for its key; and the directory that they all name."""
        base = os.path.join(self.place, "dir")
        os.makedirs(os.path.join(base, "there"))
        trees.write(os.path.join(base, "there/file"), b"old")
        os.symlink("/etc", os.path.join(base, "there/out"))
        try:
            lab = self.enterContext(transports.SshLab(self.fresh("ssh")))
        except transports.Missing as missing:
            skip_or_fail(f"{missing} is not installed")
        programs = os.path.join(lab.directory, "home/bin")
        os.makedirs(programs)
        os.symlink(self.tool.binary, os.path.join(programs, "superlifter"))
        names = []
        with open(os.path.join(SHIPPED, "authorized_keys")) as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    found = re.fullmatch(r"(\S.*) ssh-ed25519 AAAA\.\.\. (\w+)\n", line)
                    self.assertIsNotNone(found, line)
                    self.assertIn("DIR", found[1])
                    lab.authorize_key(found[2], found[1].replace("DIR", base))
                    names.append(found[2])
        self.assertEqual(names, ["reader", "keeper", "owner", "guest"])
        yield lab, base

    def forwards(self, lab, name):
        """Whether a key can have the host connect to a port."""
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            door.listen()
            door.setblocking(False)
            tools.execute([*lab.shell(), "-W", f"127.0.0.1:{door.getsockname()[1]}", name], timeout=5)
            try:
                door.accept()[0].close()
                return True
            except BlockingIOError:
                return False

    def test_authorized_keys(self):
        with self.keys() as (lab, base):
            shell = ["-e", " ".join(lab.shell())]
            with open(base + ".toml", "w") as file:
                file.write(f'[modules.pub]\npath = "{base}/there"\n')
            new = os.path.join(self.fresh("new"), "new")
            trees.write(new, b"first")
            there = os.path.join(base, "there/new")

            def push(name, *options, expect=0, to=":there/"):
                return self.run_tool("push", *shell, *options, new, name + to, expect=expect)

            for name in ["reader", "keeper", "owner", "guest"]:
                with self.subTest(key=name):
                    place = ":pub/" if name == "guest" else ":there/"
                    self.assertIn(b"file", self.run_tool("list", *shell, name + place).out)
                    # No other words, no way out, and nothing else that ssh could do.
                    other = tools.execute([*lab.shell(), name, "id; superlifter serve --inetd --unconfined"])
                    self.assertNotIn(b"uid=", other.out, other)
                    for path in [":/etc/passwd", ":../../../../../../etc/passwd", place + "out/passwd"]:
                        result = tools.execute([self.tool.binary, "pull", *shell, name + path, self.fresh("out")])
                        self.assertNotEqual(result.code, 0, result)
                    self.assertFalse(self.forwards(lab, name))

            self.assertTrue(self.forwards(lab, "plain"), "an unrestricted key may")
            self.assertIn(b"read-only", push("reader", expect=5).err)
            self.assertIn(b"read-only", push("guest", expect=5, to=":pub/").err)
            self.run_tool("list", *shell, "guest:there/", expect=5)
            self.assertFalse(os.path.exists(there))

            push("keeper")
            before = os.stat(there)
            trees.write(new, b"second")
            for options, code in [([], 23), (["--ignore-existing"], 0), (["--delete"], 5), (["--inplace"], 5),
                                  (["--append-verify"], 5), (["--force"], 5), (["-c"], 23), (["-I"], 23)]:
                push("keeper", *options, expect=code)
            self.assertEqual(os.stat(there), before)

            push("owner")
            with open(there, "rb") as file:
                self.assertEqual(file.read(), b"second")
            self.run_tool("push", *shell, "--delete", os.path.dirname(new) + "/", "owner:there/")
            self.assertEqual(os.listdir(os.path.join(base, "there")), ["new"])
