"""`serve --config`: modules behave alike whatever carries the session (TCP, a Unix socket, ssh, a program), and what a
configuration must not do is refused with the file and the line."""

import os
import signal
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


class Configured(tools.Superlifter):
    """The same program, started with a configuration whatever starts it."""

    def __init__(self, binary, config):
        super().__init__(binary)
        self.config = config

    def serve(self, scratch, root=None, read_only=False, ssh=False):
        return [self.binary, "serve", "--inetd", "--config", self.config]


class Modules(SystemTest):
    def setUp(self):
        self.only_for("superlifter")
        self.place = self.fresh("modules")
        self.public = os.path.join(self.place, "public")
        self.incoming = os.path.join(self.place, "incoming")
        self.vault = os.path.join(self.place, "vault")
        for path in [self.public, self.incoming, self.vault]:
            os.makedirs(path)
        trees.write(os.path.join(self.public, "file"), b"for all")
        trees.write(os.path.join(self.public, "private.key"), b"for nobody")
        os.makedirs(os.path.join(self.public, "secret"))
        trees.write(os.path.join(self.public, "secret/file"), b"for nobody")
        self.rights = f"uid = {os.geteuid()}\ngid = {os.getegid()}\n"

    def write(self, text, name="conf.toml"):
        path = os.path.join(self.place, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def usual(self, more=""):
        return self.write(f"""
listen = ["tcp:127.0.0.1:0", "unix:{self.place}/sock"]
lock-directory = "{self.place}"
[modules.pub]
path = "{self.public}"
comment = "for everybody"
exclude = ["*.key", "secret"]
{self.rights}
[modules.in]
path = "{self.incoming}"
access = "write"
insecure = true
exclude = ["*.key"]
{self.rights}
[modules.hidden]
path = "{self.incoming}"
list = false
{self.rights}
[modules.vault]
path = "{self.vault}"
access = "append"
insecure = true
{self.rights}
[modules.elsewhere]
path = "{self.incoming}"
hosts-allow = ["192.0.2.0/24"]
{self.rights}
{more}
""")

    def listening(self, config, *options):
        """A listener that serves a configuration; its process, log and bound addresses."""
        log = os.path.join(self.place, f"log{time.monotonic_ns()}")
        argv = [self.tool.binary, "serve", "--config", config, *options]
        child = self.enterContext(transports.background(argv, lambda: transports.bound(log), log))
        child.log, child.places = log, transports.bound(log)
        child.url = child.places[0].replace("tcp:", "tcp://")
        return child

    def run_tool(self, verb, *words, expect=0):
        result = tools.execute([self.tool.binary, verb, *words], timeout=60)
        self.assertEqual(result.code, expect, result)
        return result

    def roads(self, config):
        """Options and what a location begins with, for each way to the same configuration."""
        server = self.listening(config)
        yield "tcp", [], server.url + "/"
        yield "unix", ["--via", f"unix:{self.place}/sock"], "there:"
        tool = Configured(self.tool.binary, config)
        for name in ["command", "socat", "socat-pipes", "systemd-socket", "inetd", "ssh-root"]:
            try:
                link = self.enterContext(transports.TRANSPORTS[name](tool, self.fresh(name)))
            except transports.Missing as missing:
                skip_or_fail(f"{missing} is not installed")
            yield name, link.options, link.prefix

    def test_the_same_everywhere(self):
        for name, options, at in self.roads(self.usual()):
            with self.subTest(road=name):
                listed = self.run_tool("list", *options, at)
                self.assertEqual(listed.out.split(b"\n")[:2], [b"in", b"pub            \tfor everybody"])
                self.assertNotIn(b"hidden", listed.out)
                self.assertNotIn(b"elsewhere", listed.out)
                self.assertIn(b"file", self.run_tool("list", *options, at + "pub").out)
                self.assertEqual(self.run_tool("list", *options, at + "hidden/").out, b"")

                # Read, without what is excluded.
                target = os.path.join(self.fresh(name), "pulled")
                self.run_tool("pull", *options, at + "pub/", target)
                self.assertEqual(sorted(os.listdir(target)), ["file"])
                # The slash rule knows nothing of modules.
                self.run_tool("pull", *options, at + "pub", target)
                self.assertEqual(sorted(os.listdir(target)), ["file", "pub"])
                self.assertEqual(sorted(os.listdir(target + "/pub")), ["file"])
                self.run_tool("compare", *options, at + "pub", target)
                trees.remove(target + "/pub")
                for path in ["pub/private.key", "pub/secret/file", "pub/secret/", "pub/../incoming/"]:
                    self.assertNotEqual(tools.execute([self.tool.binary, "pull", *options, at + path, target]).code, 0)
                self.assertEqual(sorted(os.listdir(target)), ["file"])

                # Written only where that is said.
                source = self.fresh("source")
                trees.write(os.path.join(source, "new"), b"text")
                trees.write(os.path.join(source, "my.key"), b"text")
                told = self.run_tool("push", *options, source + "/", at + "pub/", expect=5)
                self.assertIn(b"read-only", told.err)
                self.run_tool("push", *options, "-n", source + "/new", at + "pub/")
                trees.write(os.path.join(self.incoming, "their.key"), b"theirs")
                self.run_tool("push", *options, "--delete", source + "/", at + "in/", expect=23)
                self.assertEqual(sorted(os.listdir(self.incoming)), ["new", "their.key"])
                for left in ["new", "their.key"]:
                    trees.remove(os.path.join(self.incoming, left))

                # Added to, and nothing more.
                kept = os.path.join(self.vault, "new")
                self.run_tool("push", *options, source + "/", at + "vault/")
                before = os.stat(kept)
                self.run_tool("push", *options, source + "/", at + "vault/")
                self.assertIn(b"only takes new names",
                              self.run_tool("push", *options, "--delete", source + "/", at + "vault/", expect=5).err)
                trees.write(os.path.join(source, "new"), b"other")
                told = self.run_tool("push", *options, source + "/", at + "vault/", expect=23)
                self.assertIn(b"new: changing what is there", told.err)
                self.assertEqual(os.stat(kept), before)
                for left in os.listdir(self.vault):
                    trees.remove(os.path.join(self.vault, left))

                # What is not there, and what is not for us, in the same words.
                words = {self.run_tool("list", *options, at + path, expect=5).err.replace(path.encode(), b"X")
                         for path in ["nothing", "elsewhere"]}
                self.assertEqual(len(words), 1, words)
                self.run_tool("pull", *options, at + "pub/file", at + "in/", target, expect=5)
                self.run_tool("pull", *options, at, target, expect=5)

    def test_connections_are_counted_over_all_roads(self):
        config = self.usual(f"""
[modules.one]
path = "{self.public}"
max-connections = 1
{self.rights}""")
        server = self.listening(config)
        trees.write(os.path.join(self.public, "large"), os.urandom(64 << 20))
        copy = self.fresh("holder")
        holder = subprocess.Popen([self.tool.binary, "pull", "--bwlimit=1M", server.url + "/one/", copy],
                                  stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.assertTrue(soon(lambda: os.listdir(copy)))
            holder.send_signal(signal.SIGSTOP)
            inetd = ["--via", f"command:{self.tool.binary} serve --inetd --config {config}"]
            self.assertIn(b"busy", self.run_tool("list", *inetd, "there:one", expect=5).err)
            self.assertIn(b"busy", self.run_tool("list", server.url + "/one", expect=5).err)
            self.run_tool("list", server.url + "/pub")
        finally:
            holder.kill()
            holder.wait()
        self.assertTrue(soon(lambda: not children(server.pid)))
        self.run_tool("list", *inetd, "there:one")

    def test_rights_of_a_module(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        os.chown(self.incoming, 65534, 65534)
        os.chmod(os.path.join(self.public, "file"), 0o600)
        config = self.write(f"""
listen = ["tcp:127.0.0.1:0"]
[modules.in]
path = "{self.incoming}"
access = "write"
insecure = true
uid = 65534
gid = 65534
[modules.pub]
path = "{self.public}"
uid = 65534
gid = 65534
""")
        server = self.listening(config)
        self.run_tool("push", os.path.join(self.public, "file"), server.url + "/in/")
        status = os.stat(os.path.join(self.incoming, "file"))
        self.assertEqual((status.st_uid, status.st_gid), (65534, 65534))
        self.run_tool("pull", server.url + "/pub/file", self.fresh("refused") + "/", expect=23)

    def test_the_file_is_read_for_each_session(self):
        config = self.usual()
        server = self.listening(config)
        self.run_tool("list", server.url + "/later", expect=5)
        self.usual(f'[modules.later]\npath = "{self.public}"\n{self.rights}')
        self.run_tool("list", server.url + "/later")
        self.write("nonsense")
        told = self.run_tool("list", server.url + "/later", expect=5)
        self.assertIn(b"configuration has errors", told.err)
        self.assertNotIn(b"nonsense", told.err)
        with open(server.log) as file:
            self.assertIn("conf.toml:1: ", file.read())
        # What became unsafe is not served either, whoever started the server.
        self.usual(f'[modules.later]\npath = "{self.public}"\naccess = "write"\n{self.rights}')
        self.run_tool("list", server.url + "/later", expect=5)

    def test_listening_without_a_flag(self):
        """Listeners in a configuration, and nothing on standard input that could be a client."""
        child = self.listening(self.usual())
        self.assertEqual(len(child.places), 2)
        other = self.listening(self.usual(), "--listen", "tcp:127.0.0.1:0")
        self.assertEqual(len(other.places), 1)

    def test_what_is_refused(self):
        path = f'[modules.a]\npath = "{self.public}"\n'
        listen = 'listen = ["tcp:127.0.0.1:0"]\n'
        refusals = [
            (listen + path + 'access = "write"\n' + self.rights, ":2:", "insecure = true", 5),
            (listen + f'[modules.a]\npath = "{self.public}/none"\n' + self.rights, ":2:", "No such file", 5),
            (listen + path + "pth = 1\n", ":4:", "unknown key 'pth'", 1),
            (path + self.rights, "", "--listen", 1),
        ]
        if os.geteuid() == 0:
            refusals.append((listen + path, ":2:", "uid =", 5))
        for text, line, word, code in refusals:
            with self.subTest(text=text):
                config = self.write(text, "bad.toml")
                result = tools.execute([self.tool.binary, "serve", "--config", config], timeout=10)
                self.assertIn(result.code, (code, 1) if line == "" else (code,), result)
                self.assertIn(word.encode(), result.err)
                self.assertIn(f"bad.toml{line}".encode() if line else b"", result.err)
        self.run_tool("serve", "--config", self.place + "/none.toml", expect=11)
        self.run_tool("serve", "--check-config", expect=1)
        checked = self.run_tool("serve", "--check-config", "--config", self.usual())
        self.assertIn(f"module pub: {self.public}, read".encode(), checked.out)
        self.assertEqual(checked.err, b"")
        config = self.write(listen + path + 'access = "write"\n', "bad.toml")
        self.assertIn(b"bad.toml:2:", self.run_tool("serve", "--check-config", "--config", config, expect=1).err)

    def test_silence(self):
        """A module's own patience: a client that has begun and then says nothing is let go."""
        server = self.listening(self.usual(
            f'[modules.hasty]\npath = "{self.public}"\ntimeout = 1\n{self.rights}'))
        trees.write(os.path.join(self.public, "large"), os.urandom(64 << 20))
        client = subprocess.Popen([self.tool.binary, "pull", server.url + "/hasty/", self.fresh("hasty")],
                                  stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.assertTrue(soon(lambda: children(server.pid)))
            client.send_signal(signal.SIGSTOP)
            self.assertTrue(soon(lambda: not children(server.pid), 10))
        finally:
            client.kill()
            client.wait()
