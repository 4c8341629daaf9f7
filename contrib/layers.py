#!/usr/bin/env python3
"""Holds the sources to the staircase at the head of Package.swift: a target imports only those below it that
Package.swift names for it, no target imports Foundation, and only those that touch the system import the C library.
Also holds the documents to the sources: every file that one of them names exists."""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent

# The order of the staircase, top first; an arrow may only go down.
STAIRS = [
    "SuperlifterCLI", "LifterService", "Superlifter", "LifterTransport", "LifterFiles", "LifterProtocol",
    "LifterDelta", "LifterCodec", "LifterSystem",
]
# Pure targets: no operating system, so that they run under a fake clock and a model file system.
PURE = {"LifterProtocol", "LifterDelta"}
SYSTEM = {"Glibc", "Musl", "Synchronization"}
IMPORT = re.compile(r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:package|public|internal|private|fileprivate)\s+)?import\s+"
                    r"(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)", re.M)
TARGET = re.compile(r"\.(?:executableTarget|target)\(\s*name: \"(\w+)\",?\s*(?:dependencies: \[([^\]]*)\])?", re.S)
# A file or directory of this repository, as the documents name them: in backticks, or as the target of a link.
NAMED = re.compile(r"`((?:[\w+.-]+/)*[\w+-]+\.(?:swift|py|c|h|md|sh|1)|(?:Sources|Tests|Docs|contrib)/[\w+./-]+)`")
LINKED = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def unknown_files() -> list[str]:
    """Files that README.md or Docs name and that do not exist. A path may begin at the top, in Sources, or beside the
    document; a bare name may be that of any source."""
    bare = {path.name for place in ["Sources", "Tests", "contrib", "Docs"] for path in (TOP / place).rglob("*.*")}
    problems = []
    for document in [TOP / "README.md", *sorted((TOP / "Docs").rglob("*.md"))]:
        text = document.read_text()
        places = [TOP, TOP / "Sources", document.parent]
        for name in sorted(set(NAMED.findall(text)) | set(LINKED.findall(text))):
            if not (name in bare or any((place / name).exists() for place in places)):
                problems.append(f"{document.relative_to(TOP)}: names {name}, which does not exist")
    return problems


def main() -> int:
    problems = unknown_files()
    manifest = (TOP / "Package.swift").read_text()
    allowed = {name: set(re.findall(r'"(\w+)"', listed or "")) for name, listed in TARGET.findall(manifest)}
    for name, below in allowed.items():
        if name not in STAIRS:
            continue
        for other in below & set(STAIRS):
            if STAIRS.index(other) <= STAIRS.index(name):
                problems.append(f"Package.swift: {name} depends on {other}, which is not below it")
    for directory in sorted((TOP / "Sources").iterdir()):
        name = directory.name
        for path in sorted(directory.rglob("*.swift")):
            if name not in STAIRS:
                problems.append(f"{path.relative_to(TOP)}: target {name} is not on the staircase")
                continue
            for module in IMPORT.findall(path.read_text()):
                permitted = allowed[name] | (set() if name in PURE else SYSTEM)
                if module.startswith("Foundation"):
                    problems.append(f"{path.relative_to(TOP)}: imports {module}; no target does")
                elif module not in permitted:
                    problems.append(f"{path.relative_to(TOP)}: {name} may not import {module}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
