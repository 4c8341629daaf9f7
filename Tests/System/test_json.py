"""`--json`: every line that the program prints is as Docs/json-lines.schema.json says, whatever happens; and everything
that the schema describes is really printed by something here."""

import json
import os
import signal
import socket
import subprocess
import time

try:
    from . import schema, tools, trees
    from .support import SystemTest
except ImportError:
    import schema
    import tools
    import trees
    from support import SystemTest


def put(path, content=b"1"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    trees.write(path, content)


class JSONLines(SystemTest):
    def setUp(self):
        self.only_for("superlifter")
        self.place = self.fresh("json")
        self.lines = schema.Lines()
        self.far = ["--via", f"command:{self.tool.binary} serve --inetd --unconfined"]

    def path(self, *names):
        return os.path.join(self.place, *names)

    def check(self, output, code):
        """The objects of a whole run: valid, begun by start, ended by the one summary with the exit code."""
        objects, problems = self.lines.problems(output)
        self.assertEqual(problems, [])
        kinds = [one["type"] for one in objects]
        self.assertEqual((kinds[0], kinds.count("start")), ("start", 1))
        self.assertEqual((kinds[-1], kinds.count("summary")), ("summary", 1))
        self.assertEqual(objects[-1]["exit_code"], code)
        return objects

    def run_json(self, *words, expect=0):
        result = tools.execute([self.tool.binary, words[0], "--json", *words[1:]])
        self.assertEqual(result.code, expect, str(result))
        return self.check(result.out, expect)

    @staticmethod
    def of(kind, objects):
        return [one for one in objects if one["type"] == kind]

    def everyday(self):
        """Runs that between them print nearly everything; gives all their objects."""
        source, here, there = self.path("source"), self.path("here"), self.path("there")
        trees.mixed(source)
        trees.odd(os.path.join(source, "odd"))
        trees.write(os.path.join(source, "linked"), b"one file")
        os.link(os.path.join(source, "linked"), os.path.join(source, "linked-too"))
        put(os.fsencode(source) + b"/odd-linked/\xfa")
        os.link(os.fsencode(source) + b"/odd-linked/\xfa", os.fsencode(source) + b"/odd-linked/\xfb")
        os.symlink(b"\xff", os.path.join(os.fsencode(source), b"to nowhere"))
        os.mkfifo(os.path.join(source, "fifo"))
        all_objects = []

        def run(*words, expect=0):
            objects = self.run_json(*words, expect=expect)
            all_objects.extend(objects)
            return objects

        dry = run("push", "-n", source + "/", here)
        self.assertFalse(os.path.exists(here))
        wet = run("push", source + "/", here)
        self.assertTrue(dry[0]["dry_run"] and dry[-1]["dry_run"] and not wet[0]["dry_run"])
        items = [{(one["path"], one.get("path_base64"), one["change"]) for one in self.of("item", run)}
                 for run in [dry, wet]]
        self.assertEqual(items[0], items[1], "a dry run tells what the real one does")
        self.assertEqual(self.of("item", run("push", source + "/", here)), [])
        run("push", *self.far, source + "/", "far:" + there)
        trees.write(self.path("there", "extra"), b"extra")
        os.mkdir(self.path("there", "extra-directory"))
        deleting = run("push", "--delete", *self.far, source + "/", "far:" + there)
        self.assertEqual({one["path"] for one in self.of("item", deleting) if one["action"] == "delete"},
                         {"extra", "extra-directory"})
        self.assertEqual(deleting[-1]["deleted"], 2)
        run("pull", *self.far, "far:" + source, self.path("pulled"))
        os.chmod(self.path("pulled", "source", "linked"), 0o600)
        trees.write(self.path("pulled", "source", "new"), b"new")
        different = run("compare", *self.far, "far:" + source + "/", self.path("pulled", "source"), expect=1)
        self.assertEqual({one["change"][:2] for one in self.of("item", different)} - {".d"}, {"*d", ".f"})
        run("compare", source + "/", here)
        listed = run("list", *self.far, "far:" + source + "/")
        self.assertEqual(self.of("entry", listed)[0]["type"], "entry")
        names = {one["path"] for one in self.of("entry", listed)}
        self.assertTrue({"linked", "linked-too", "to nowhere", "fifo", "odd"} <= names, names)
        run("list", source + "/odd/")
        return all_objects

    def modules(self):
        os.makedirs(self.path("pub"), exist_ok=True)
        config = self.path("conf.toml")
        with open(config, "w") as file:
            file.write(f'[modules.pub]\npath = "{self.path("pub")}"\ncomment = "for äll"\n'
                       f'uid = {os.geteuid()}\ngid = {os.getegid()}\n')
        hint = f"command:{self.tool.binary} serve --inetd --config {config}"
        objects = self.run_json("list", "--via", hint, "far:")
        self.assertEqual([(one["path"], one["comment"]) for one in self.of("module", objects)], [("pub", "for äll")])
        return objects

    def failing(self):
        """Entries that fail for two reasons, on the way to a directory that must stand and past a name that is odd."""
        source, destination = self.path("failing"), self.path("stands")
        for number in range(3):
            put(os.path.join(source, f"file{number}"))
            put(os.path.join(destination, f"file{number}", "full"))
        name = b"\xff-in the way"
        put(os.path.join(os.fsencode(source), b"sub", name))
        put(os.path.join(os.fsencode(destination), b"sub", name, b"full"))
        objects = self.run_json("push", *self.far, source + "/", "far:" + destination, expect=23)
        errors = self.of("error", objects)
        self.assertEqual(len(errors), 4)
        self.assertEqual({one["side"] for one in errors}, {"destination"})
        failures = objects[-1]["failures"]
        self.assertEqual(sum(one["count"] for one in failures), 4)
        self.assertEqual(objects[-1]["failed"], 4)
        self.assertIn(failures[0]["first"], [one["path"] for one in errors])
        return objects

    def failing_first(self):
        """As `failing`, with the odd name alone: the first of its reason."""
        source, destination = os.fsencode(self.path("odd")), os.fsencode(self.path("odd-stands"))
        put(os.path.join(source, b"\xfe"))
        put(os.path.join(destination, b"\xfe", b"full"))
        os.link(os.path.join(source, b"\xfe"), os.path.join(source, b"\xfd"))
        return self.run_json("push", source + b"/", destination, expect=23)

    def interrupted(self):
        """A run that a signal ends, and one whose server is killed."""
        source = self.path("large")
        os.mkdir(source)
        with open(os.path.join(source, "file"), "wb") as file:
            file.truncate(8 << 30)
        argv = [self.tool.binary, "push", "--json", "--bwlimit=20M", "--compress=none", *self.far, source + "/",
                "far:" + self.path("large-copy")]
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(child.kill)
        output, done = b"", []
        while len(done) < 3:
            line = child.stdout.readline()
            self.assertTrue(line, "the run has ended before it was interrupted")
            output += line
            value = json.loads(line)
            if value["type"] == "progress" and value["bytes_done"] > 0:
                done.append(value["bytes_done"])
        self.assertEqual(done, sorted(set(done)), "what is done of one large file is seen growing")
        child.send_signal(signal.SIGINT)
        output += child.stdout.read()
        error = child.stderr.read()
        self.assertEqual(child.wait(20), 20)
        objects = self.check(output, 20)
        self.assertEqual(self.of("error", objects)[-1]["action"], "interrupted")
        self.assertIn(b"interrupted", error)
        return objects

    def retried(self):
        """A warning: the first server dies, and the second is not there."""
        listener = socket.socket(socket.AF_UNIX)
        path = self.path("sock")
        listener.bind(path)
        listener.listen()
        put(self.path("little", "file"))
        argv = [self.tool.binary, "push", "--json", "--retry=1", "--via", "unix:" + path, self.path("little") + "/",
                "far:" + self.path("never")]
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(child.kill)
        connection, _ = listener.accept()
        server = subprocess.Popen([self.tool.binary, "serve", "--inetd", "--unconfined"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        # The greeting passes; then the line is cut.
        server.stdin.write(connection.recv(1 << 16))
        server.stdin.flush()
        connection.sendall(os.read(server.stdout.fileno(), 1 << 16))
        time.sleep(0.2)
        server.kill()
        server.communicate()
        listener.close()
        os.unlink(path)
        connection.close()
        output, error = child.communicate(timeout=30)
        self.assertNotIn(child.returncode, [0, None], error)
        objects = self.check(output, child.returncode)
        self.assertEqual(len(self.of("warning", objects)), 1, objects)
        return objects

    def test_lines_are_as_the_schema_says_and_the_schema_describes_nothing_else(self):
        seen, phases = {}, set()
        parts = [self.everyday, self.modules, self.failing, self.failing_first, self.interrupted, self.retried]
        for part in parts:
            for one in part():
                seen.setdefault(one["type"], set()).update(one)
                phases.add(one.get("phase"))
                for row in one.get("sources", []):
                    seen.setdefault("sources", set()).update(row)
                for row in one.get("failures", []):
                    seen.setdefault("failures", set()).update(row)
        described = {kind: set(body["properties"]) for kind, body in self.lines.schema["$defs"].items()}
        # Warnings are not yet about single paths; the names of modules and of what was typed here are UTF-8.
        described["warning"] -= {"path", "path_base64"}
        described["module"] -= {"path_base64"}
        for kind, properties in described.items():
            self.assertEqual(properties - seen.get(kind, set()), set(), f"{kind}: described, but never printed")
        failures = self.lines.schema["$defs"]["summary"]["properties"]["failures"]["items"]["properties"]
        self.assertEqual(set(failures) - seen["failures"], set())
        self.assertTrue({"scanning", "sending", "finishing"} <= phases, phases)

    def test_what_cannot_start(self):
        """A summary follows also where nothing could be done; a wrong command line prints nothing."""
        missing = self.run_json("push", self.path("missing"), self.path("nowhere"), expect=23)
        self.assertIn("No such file or directory", self.of("error", missing)[0]["action"])
        self.run_json("compare", self.path("missing"), self.path("nowhere"), expect=2)
        result = tools.execute([self.tool.binary, "push", "--json", "--frobnicate", "a", "b"])
        self.assertEqual((result.code, result.out), (1, b""))

    def test_names_that_were_typed_survive(self):
        name = os.fsencode(self.path("")) + b"\xffsource"
        put(name + b"/file")
        start = self.run_json("push", name + b"/", name + b"-copy")[0]
        row = start["sources"][0]
        self.assertEqual(set(row), {"source", "source_base64", "path", "path_base64"})
        self.assertIn("\N{REPLACEMENT CHARACTER}source", row["source"])

    def test_the_validator_sees_what_is_wrong(self):
        line = self.run_json("push", "-n", self.fresh("empty") + "/", self.path("nowhere"))[-1]
        for change in [{"version": 2}, {"type": "other"}, {"exit_code": "0"}, {"exit_code": True}, {"failed": -1},
                       {"new": 1}, {"failures": [{}]}, {"failures": [{"count": 1}] * 17}, {"dry_run": 1}]:
            with self.subTest(change=change):
                _, problems = self.lines.problems(json.dumps({**line, **change}).encode() + b"\n")
                self.assertNotEqual(problems, [])
        for missing in line:
            rest = {key: value for key, value in line.items() if key != missing}
            self.assertNotEqual(self.lines.problems(json.dumps(rest).encode() + b"\n")[1], [], missing)
        with self.assertRaises(ValueError):
            schema.check({"anyOf": []})
