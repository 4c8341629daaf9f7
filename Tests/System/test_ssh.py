"""What only ssh can do to us: missing programs, closed ports, noisy and unusual login shells, forced terminals,
shared masters, and a forced command that must hold."""

import os
import subprocess
import time
import unittest

try:
    from . import tools, transports, trees, walker
    from .support import Pair, SystemTest, skip_or_fail
    from .tools import Link
except ImportError:
    import tools
    import transports
    import trees
    import walker
    from support import Pair, SystemTest, skip_or_fail
    from tools import Link

NOT_ROOT = "only root can make throw-away users"
# What somebody who is not root keeps of a tree of ordinary entries.
UNPRIVILEGED = walker.FIELDS - {"uid", "gid", "rdev"}


class Ssh(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.lab = cls.stack.enter_context(transports.SshLab(cls.scratch))
        except transports.Missing as missing:
            skip_or_fail(f"{missing} is not installed")
        cls.far = transports.far_base(cls.scratch)

    def reach(self, alias, **more):
        owner = more.pop("owner", None)
        base = more.pop("base", self.far)
        options, prefix, env = self.tool.by_shell(self.lab.shell(), alias, **more)
        self.link = Link(base, options, prefix, env, owner=owner)
        return self.link

    def attempt(self, alias, expect, **more):
        """Pushes a small tree through `alias`, expecting a failure; returns the result."""
        self.reach(alias, **more)
        source = self.fresh("source")
        trees.small_files(source, 2)
        destination = os.path.join(self.fresh_far("destination"), "new")
        result = self.run_tool("push", [], [source + "/"], self.link.at(destination), expect=expect)
        self.assertFalse(os.path.exists(destination), result)
        self.assertLess(result.seconds, 15, result)
        return result

    def round_trip(self):
        for pair in self.pairs():
            trees.mixed(pair.source, privileged=False)
            pair.give_away()
            pair.copy()
            pair.assert_same(UNPRIVILEGED)
            self.assertEqual(pair.copy("-i").out, b"")

    def user(self, alias, shell="/bin/bash"):
        if os.geteuid() != 0:
            skip_or_fail(NOT_ROOT)
        entry = self.lab.add_user(alias, shell)
        # The program must be readable for that user, wherever it was built.
        public = os.path.join(self.scratch, os.path.basename(self.tool.binary))
        if not os.path.exists(public):
            subprocess.run(["cp", self.tool.binary, public], check=True)
            os.chmod(public, 0o755)
        base = os.path.join(self.far, alias)
        os.makedirs(base, exist_ok=True)
        os.chown(base, entry.pw_uid, entry.pw_gid)
        self.reach(alias, remote_path=public, base=base, owner=(entry.pw_uid, entry.pw_gid))
        return entry

    def test_missing_program_names_remote_path(self):
        code = 127 if self.tool.name == "superlifter" else [12, 127]
        result = self.attempt("plain", code, remote_path="/no/such/program")
        if self.tool.name == "superlifter":
            self.assertIn(b"--remote-path", result.err)

    def test_closed_port(self):
        result = self.attempt("dead", range(1, 256))
        self.assertRegex(result.err.lower(), rb"refused|ssh")

    def test_unknown_host(self):
        self.attempt("no-such-host.invalid", range(1, 256))

    def test_hosts_that_look_like_options_start_nothing(self):
        self.only_for("superlifter")
        witness = os.path.join(self.scratch, "witness")
        for host in [f"-oProxyCommand=touch${{IFS}}{witness}", "a;b", "a b", "user@-x", "-x@host", "a`b`"]:
            with self.subTest(host=host):
                argv = [self.tool.binary, "push", "-e", " ".join(self.lab.shell()), "--", self.scratch, f"{host}:x"]
                result = tools.execute(argv)
                # A slash before the colon makes it a local path, which is not there (3).
                self.assertIn(result.code, [1, 3, 5], result)
                self.assertFalse(os.path.exists(witness))

    def test_forced_terminal_is_refused_clearly(self):
        self.only_for("superlifter")
        result = self.attempt("tty", range(1, 128))
        self.assertRegex(result.err.lower(), rb"tty|terminal", str(result))

    def test_shared_master_does_not_hold_us(self):
        self.reach("mux")
        for pair in self.pairs():
            trees.small_files(pair.source, 2)
            started = time.monotonic()
            pair.copy()
            self.assertLess(time.monotonic() - started, 10)
            pair.assert_same()

    def test_other_user(self):
        self.user("plainuser")
        self.round_trip()

    def test_slightly_noisy_login_shell(self):
        entry = self.user("noisy")
        self.make_noisy(entry, "echo Welcome to this machine, have a lot of fun")
        if self.tool.name == "rsync":
            self.attempt_as_is()
        else:
            self.round_trip()

    def test_very_noisy_login_shell_is_shown(self):
        entry = self.user("loud")
        self.make_noisy(entry, "for i in 1 2 3 4 5 6 7 8 9; do printf 'Lorem%01000d\\n' 0; done")
        result = self.attempt_as_is()
        if self.tool.name == "superlifter":
            self.assertIn(b"Lorem", result.err)

    def make_noisy(self, entry, line):
        path = os.path.join(entry.pw_dir, ".bashrc")
        with open(path, "w") as file:
            file.write(line + "\n")
        os.chown(path, entry.pw_uid, entry.pw_gid)

    def attempt_as_is(self):
        source = self.fresh("source")
        trees.small_files(source, 2)
        where = self.link.at(os.path.join(self.link.base, "noise"))
        return self.run_tool("push", [], [source + "/"], where, expect=range(1, 128))

    def test_csh_as_login_shell(self):
        try:
            shell = transports.need("tcsh")
        except transports.Missing as missing:
            skip_or_fail(f"{missing} is not installed")
        self.user("csh", shell)
        self.round_trip()

    def test_login_directory_is_the_base_of_relative_paths(self):
        entry = self.user("homely")
        source = self.fresh("source")
        trees.small_files(source, 2)
        trees.settle(source, uid=0)
        self.run_tool("push", [], [source + "/"], (self.link.prefix + "below").encode())
        self.assert_same(source, os.path.join(entry.pw_dir, "below"), UNPRIVILEGED)


class ForcedCommand(SystemTest):
    """The forced command decides the root and what may be done; nothing the client says can change that."""

    make_transport = staticmethod(transports.ssh_root)

    def test_no_way_out_by_name(self):
        outside = os.path.join(self.scratch, "outside")
        os.makedirs(outside)
        trees.write(os.path.join(outside, "secret"), b"secret")
        source = self.fresh("source")
        trees.small_files(source, 2)
        before = walker.snapshot(outside, identity=True)
        for path in ["../outside/", "/../outside/", "x/../../outside/", outside + "/"]:
            where = os.fsencode(self.link.prefix + path)
            with self.subTest(path=path):
                self.run_tool("push", ["--delete"], [source + "/"], where, expect=range(0, 128))
                self.assertEqual(walker.snapshot(outside, identity=True), before)
                got = self.fresh("got")
                self.run_tool("pull", [], [where], got, expect=range(0, 128))
                self.assertNotIn("secret", os.listdir(got))

    def test_no_way_out_by_symlink(self):
        outside = trees.made(os.path.join(self.scratch, "outside-links"))
        trees.write(os.path.join(outside, "secret"), b"secret")
        base = self.fresh_far("links")
        os.symlink(outside, os.path.join(base, "absolute"))
        os.symlink("../../outside-links", os.path.join(base, "relative"))
        source = self.fresh("source")
        trees.small_files(source, 2)
        before = walker.snapshot(outside, identity=True)
        for name in ["absolute", "relative"]:
            with self.subTest(name=name):
                where = self.link.at(os.path.join(base, name)) + b"/"
                self.run_tool("push", ["--delete"], [source + "/"], where, expect=range(0, 128))
                self.assertEqual(walker.snapshot(outside, identity=True), before)
                if self.tool.name == "rsync":
                    continue  # its daemon follows links when it reads, unless it runs chrooted
                got = self.fresh("got")
                self.run_tool("pull", [], [where], got, expect=range(0, 128))
                self.assertNotIn("secret", os.listdir(got))

    def test_another_command_is_not_run(self):
        witness = os.path.join(self.scratch, "witness")
        shell = self.link.options[self.link.options.index("-e") + 1].split()
        tools.execute([*shell, "forced", f"touch {witness}"], timeout=10)
        self.assertFalse(os.path.exists(witness))
