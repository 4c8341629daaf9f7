"""`serve --listen`: many clients at once, crowds that say nothing, and peers that behave badly. Whatever some do, the
others are served, and the listener stays as small as it was."""

import contextlib
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import threading
import time

try:
    from . import tools, transports, trees, walker
    from .support import SystemTest
except ImportError:
    import tools
    import transports
    import trees
    import walker
    from support import SystemTest

PREAMBLE = bytes.fromhex("d3534c460d0a1a0a")
CROWD = 1000


def children(process):
    with open(f"/proc/{process}/task/{process}/children") as file:
        return [int(word) for word in file.read().split()]


def descriptors(process):
    return len(os.listdir(f"/proc/{process}/fd"))


def resident(process):
    """KiB."""
    with open(f"/proc/{process}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def soon(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def hear(connection, seconds=10):
    """All that comes until the other side ends the connection; None when it does not."""
    connection.settimeout(seconds)
    heard = b""
    try:
        while True:
            piece = connection.recv(65536)
            if not piece:
                return heard
            heard += piece
    except ConnectionResetError:
        return heard
    except TimeoutError:
        return None


class Listener(SystemTest):
    def setUp(self):
        self.only_for("superlifter")

    @contextlib.contextmanager
    def server(self, *options, address="tcp:127.0.0.1:0"):
        """A listener; knows its process, its port, and what it was like before anybody came."""
        with transports.listener(self.tool, self.scratch, address, *options) as (child, place):
            child.place = place
            child.port = int(place.rsplit(":", 1)[1]) if place.startswith("tcp:") else None
            child.url = place.replace("tcp:", "tcp://")
            child.open_at_rest = descriptors(child.pid)
            yield child

    def connect(self, server):
        connection = socket.create_connection(("127.0.0.1", server.port), 10)
        self.addCleanup(connection.close)
        return connection

    def assert_at_rest(self, server):
        """No worker, no descriptor more than at the start."""
        self.assertTrue(soon(lambda: not children(server.pid)), children(server.pid))
        self.assertTrue(soon(lambda: descriptors(server.pid) == server.open_at_rest),
                        os.listdir(f"/proc/{server.pid}/fd"))

    def log(self, server):
        with open(server.log, errors="replace") as file:
            return file.read()

    def list_once(self, server, *options, expect=0):
        return self.run_tool("list", list(options), [server.url + "/"], "", expect, link=transports.Link("/"))

    def run_tool(self, verb, options, sources, destination, expect=0, timeout=60, link=None):
        argv = [self.tool.binary, verb, *options, *sources, *([destination] if destination else [])]
        result = tools.execute(argv, timeout=timeout)
        self.assertEqual(result.code, expect, result)
        return result

    # Many at once.

    def test_many_clients_of_which_half_are_killed(self):
        seed = int.from_bytes(os.urandom(4), "little")
        choice = random.Random(seed)
        place = self.fresh("many")
        far = transports.far_base(self.scratch)
        source = os.path.join(far, "many-source")
        trees.small_files(source, 60, 20_000, 20)
        trees.write(os.path.join(source, "large"), os.urandom(8 << 20))
        with self.server() as server:
            before = None
            for _ in range(2):
                running = []
                for index in range(64):
                    if index % 2:
                        words = ["pull", f"{server.url}/many-source/", os.path.join(place, f"pulled{index}")]
                        ends = source, os.path.join(place, f"pulled{index}")
                    else:
                        words = ["push", source + "/", f"{server.url}/pushed{index}"]
                        ends = source, os.path.join(far, f"pushed{index}")
                    trees.remove(ends[1])
                    child = subprocess.Popen([self.tool.binary, *words], stdin=subprocess.DEVNULL,
                                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                    running.append((child, ends))
                victims = set(choice.sample(range(64), 32))
                for index in sorted(victims, key=lambda _: choice.random()):
                    time.sleep(choice.random() * 0.08)
                    running[index][0].send_signal(choice.choice([signal.SIGKILL, signal.SIGTERM]))
                for index, (child, ends) in enumerate(running):
                    _, told = child.communicate(timeout=120)
                    if index not in victims:
                        self.assertEqual(child.returncode, 0, f"seed {seed}: {told}")
                    if child.returncode == 0:
                        self.assert_same(*ends, context=f"seed {seed}")
                self.assert_at_rest(server)
                # The first round pays for what is made once.
                grown = resident(server.pid) - (before or resident(server.pid))
                before = before or resident(server.pid)
            self.assertLess(grown, 512, f"KiB more after another 64 clients; seed {seed}")

    def test_memory_stays_flat(self):
        with self.server() as server:
            def come_and_go(times):
                for _ in range(times):
                    connection = socket.create_connection(("127.0.0.1", server.port), 10)
                    # Gone with a reset, so that no port stays in TIME_WAIT.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    connection.close()
            come_and_go(2000)
            before = resident(server.pid)
            come_and_go(8000)
            self.assert_at_rest(server)
            self.assertLess(resident(server.pid) - before, 256)

    # Crowds.

    def crowd(self, server, count):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(limit[0], min(limit[1], count + 200)), limit[1]))
        return [self.connect(server) for _ in range(count)]

    def test_a_thousand_idle_connections(self):
        with self.server() as server:
            before = resident(server.pid)
            crowd = self.crowd(server, CROWD)
            result = self.list_once(server)
            self.assertLess(result.seconds, 1.0)
            self.assertLess(resident(server.pid) - before, 40 * CROWD)
            for connection in crowd:
                connection.close()
            self.assert_at_rest(server)
            self.assertLess(self.list_once(server).seconds, 1.0)

    def test_idle_connections_go_in_time_and_are_told(self):
        with self.server("--handshake-timeout", "1") as server:
            started = time.monotonic()
            connections = [self.connect(server) for _ in range(5)]
            for connection in connections:
                heard = hear(connection, 5)
                self.assertTrue(heard and heard.startswith(PREAMBLE) and b"too long" in heard, heard)
            self.assertGreater(time.monotonic() - started, 0.9)
            self.assertLess(time.monotonic() - started, 4)
            self.assert_at_rest(server)

    def test_few_descriptors(self):
        """Where no descriptor is left, the silent ones go and the others are served; one line tells of it."""
        with self.server("--max-connections", "4") as server:
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (server.open_at_rest + 20,) * 2)
            crowd = [self.connect(server) for _ in range(60)]
            for _ in range(5):
                self.list_once(server)
            for connection in crowd:
                connection.close()
            self.assert_at_rest(server)
            self.assertLessEqual(self.log(server).count("no room for another connection"), 1, self.log(server))

    # Bad company.

    def test_slow_loris(self):
        """A byte now and then, and a handshake that stops half-way: gone when the one deadline is over."""
        with self.server("--handshake-timeout", "2") as server:
            started = time.monotonic()
            slow, half = self.connect(server), self.connect(server)
            half.sendall(PREAMBLE + b"\x01\x01\x00\x00")
            with contextlib.suppress(OSError):
                for byte in PREAMBLE + bytes(1000):
                    if byte == 0:
                        break
                    slow.sendall(bytes([byte]))
                    time.sleep(0.1)
            for connection in [slow, half]:
                heard = hear(connection, 8)
                self.assertTrue(heard and heard.startswith(PREAMBLE), heard)
            self.assertLess(time.monotonic() - started, 6)
            self.assert_at_rest(server)

    def test_peers_that_stop_or_never_read(self):
        """A client frozen in the middle of a pull neither reads nor speaks: gone after the time without a byte."""
        far = transports.far_base(self.scratch)
        os.makedirs(os.path.join(far, "frozen"))
        trees.write(os.path.join(far, "frozen/file"), os.urandom(64 << 20))
        with self.server("--timeout", "2") as server:
            client = subprocess.Popen([self.tool.binary, "pull", f"{server.url}/frozen/", self.fresh("frozen")],
                                      stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.assertTrue(soon(lambda: children(server.pid)))
            client.send_signal(signal.SIGSTOP)
            started = time.monotonic()
            try:
                self.assertTrue(soon(lambda: not children(server.pid), 12))
                self.assertLess(time.monotonic() - started, 10)
            finally:
                client.kill()
                client.wait()
            self.assert_at_rest(server)

    def test_wrong_protocols_are_named(self):
        openings = {b"GET / HTTP/1.1\r\nHost: x\r\n\r\n": b"HTTP", b"SSH-2.0-OpenSSH_9.2\r\n": b"SSH",
                    b"@RSYNCD: 31.0\n": b"rsync", bytes.fromhex("1603010200"): b"TLS",
                    os.urandom(200).replace(b"\xd3", b"x"): b"another protocol"}
        with self.server() as server:
            for opening, name in openings.items():
                with self.subTest(name=name):
                    connection = self.connect(server)
                    connection.sendall(opening)
                    connection.shutdown(socket.SHUT_WR)
                    heard = hear(connection)
                    self.assertTrue(heard and heard.startswith(PREAMBLE) and name in heard, heard)
            self.assert_at_rest(server)

    def test_wrong_servers_are_named(self):
        greetings = {b"HTTP/1.1 400 Bad Request\r\n\r\n": b"HTTP", b"SSH-2.0-OpenSSH_9.2\r\n": b"SSH server",
                     b"@RSYNCD: 31.0\n": b"rsync server", b"": b"closed the stream",
                     b"\x00\x01\x02 what is this": b"not a Superlifter server"}
        for greeting, name in greetings.items():
            with self.subTest(name=name), socket.create_server(("127.0.0.1", 0)) as listener:
                def answer():
                    connection, _ = listener.accept()
                    with connection:
                        connection.sendall(greeting)
                        connection.settimeout(5)
                        with contextlib.suppress(OSError):
                            connection.shutdown(socket.SHUT_WR)
                            while connection.recv(65536):
                                pass
                thread = threading.Thread(target=answer)
                thread.start()
                result = self.run_tool("list", [], [f"tcp://127.0.0.1:{listener.getsockname()[1]}/x"], "", 12)
                self.assertIn(name, result.err)
                self.assertLess(result.seconds, 5)
                thread.join()

    # No room, and the end.

    def test_busy(self):
        far = transports.far_base(self.scratch)
        os.makedirs(os.path.join(far, "busy"), exist_ok=True)
        with self.server("--max-connections", "1") as server:
            first = self.connect(server)
            first.sendall(PREAMBLE)
            self.assertTrue(soon(lambda: children(server.pid)))
            result = self.list_once(server, expect=5)
            self.assertIn(b"busy", result.err)
            self.assertIn(b"try again later", result.err)
            self.assertLess(result.seconds, 3)
            first.close()
            self.assertTrue(soon(lambda: not children(server.pid)))
            self.list_once(server)

    def test_stopping(self):
        """Sessions end and tell their clients; silent ones are told, too; the socket file goes."""
        far = transports.far_base(self.scratch)
        os.makedirs(os.path.join(far, "stopping"))
        trees.write(os.path.join(far, "stopping/file"), os.urandom(64 << 20))
        path = os.path.join(self.scratch, "stopping.sock")
        for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]:
            with self.subTest(signal=number), self.server("--listen", "unix:" + path) as server:
                self.assertTrue(os.path.exists(path))
                silent = self.connect(server)
                client = subprocess.Popen([self.tool.binary, "pull", f"{server.url}/stopping/", self.fresh("stop")],
                                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
                self.assertTrue(soon(lambda: children(server.pid)))
                client.send_signal(signal.SIGSTOP)
                server.send_signal(number)
                time.sleep(0.2)
                client.send_signal(signal.SIGCONT)
                _, told = client.communicate(timeout=20)
                self.assertIn(client.returncode, (5, 12, 20), told)
                self.assertIn(b"stopping", hear(silent) or b"")
                self.assertEqual(server.wait(15), 0)
                self.assertFalse(os.path.exists(path))

    def test_stopping_among_silent_clients(self):
        """They are all told, and the listener ends as it should, when nobody else is there."""
        for count in [1, 20]:
            with self.subTest(count=count), self.server() as server:
                silent = [self.connect(server) for _ in range(count)]
                self.list_once(server)
                self.assertTrue(soon(lambda: not children(server.pid)))
                server.send_signal(signal.SIGTERM)
                for connection in silent:
                    self.assertIn(b"stopping", hear(connection, 5) or b"")
                self.assertEqual(server.wait(15), 0)

    def test_a_crash_stays_in_one_connection(self):
        with self.server() as server:
            first = self.connect(server)
            first.sendall(PREAMBLE)
            self.assertTrue(soon(lambda: children(server.pid)))
            os.kill(children(server.pid)[0], signal.SIGKILL)
            self.list_once(server)
            self.assertTrue(soon(lambda: "ended by signal 9" in self.log(server)), self.log(server))
            self.assert_at_rest(server)

    def test_what_is_refused_at_the_start(self):
        far = transports.far_base(self.scratch)
        uid = ["--uid", str(os.geteuid()), "--gid", str(os.getegid())]
        refusals = {
            ("--listen", "tcp:0", "--unconfined"): (5, b"--root"),
            ("--listen", "tcp:0"): (5, b"--root"),
            ("--listen", "tcp:0", "--root", far, *uid): (5, b"--insecure"),
            ("--listen", "tcp:0", "--root", far + "/nothing", "--read-only", *uid): (11, b"No such file"),
            ("--listen", "tcp:192.0.2.1:0", "--root", far, "--read-only", *uid): (10, b"does not have that address"),
            ("--listen", "udp:1", "--root", far): (1, b"tcp:HOST:PORT"),
            ("--listen", "tcp:0", "--inetd"): (1, b"choose one"),
        }
        if os.geteuid() == 0:
            refusals["--listen", "tcp:0", "--root", far, "--read-only"] = (5, b"--uid")
        for options, (code, text) in refusals.items():
            with self.subTest(options=options):
                result = tools.execute([self.tool.binary, "serve", *options], timeout=10)
                self.assertEqual(result.code, code, result)
                self.assertIn(text, result.err)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            result = tools.execute([self.tool.binary, "serve", "--listen", f"tcp:127.0.0.1:{taken.getsockname()[1]}",
                                    "--root", far, "--read-only", *uid], timeout=10)
            self.assertEqual(result.code, 10, result)
            self.assertIn(b"another program listens there", result.err)

    def test_rights_are_given_up(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        far = transports.far_base(self.scratch)
        place = os.path.join(far, "given-up")
        os.makedirs(place, exist_ok=True)
        os.chown(place, 65534, 65534)
        os.makedirs(os.path.join(far, "secret"))
        trees.write(os.path.join(far, "secret/file"), b"for root alone")
        os.chmod(os.path.join(far, "secret"), 0o700)
        source = self.fresh("given-up")
        trees.write(os.path.join(source, "file"), b"text")
        with self.server("--uid", "65534", "--gid", "65534") as server:
            self.run_tool("push", [], [source + "/"], f"{server.url}/given-up")
            status = os.stat(os.path.join(place, "file"))
            self.assertEqual((status.st_uid, status.st_gid), (65534, 65534))
            self.run_tool("list", [], [f"{server.url}/secret/"], "", expect=11)
            held = self.connect(server)
            held.sendall(PREAMBLE)
            self.assertTrue(soon(lambda: children(server.pid)))
            worker = children(server.pid)[0]

            def identity():
                with open(f"/proc/{worker}/status") as file:
                    return {line.split(":")[0]: line.split()[1:] for line in file}
            self.assertTrue(soon(lambda: identity()["Uid"] == ["65534"] * 4), identity()["Uid"])
            self.assertEqual(identity()["Gid"], ["65534"] * 4)
            self.assertEqual(identity()["Groups"], ["65534"])
            self.assertEqual(int(identity()["CapEff"][0], 16), 0)
