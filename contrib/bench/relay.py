#!/usr/bin/env python3
"""Relays a stream and counts it: relay.py LOG -- PROGRAM ARGS... (its stdin and stdout are the stream).

Appends "UP DOWN" to LOG when the program has ended: the bytes that went to it, and those that came from it.
The program gets one end of a socket pair as stdin and stdout, as from inetd.
"""

import os
import socket
import subprocess
import sys
import threading

CHUNK = 1 << 18


def move(source, target, total, ended):
    """Moves bytes until the source ends or the target is gone, then says so to the target."""
    try:
        while data := os.read(source, CHUNK):
            total[0] += len(data)
            view = memoryview(data)
            while view:
                view = view[os.write(target, view):]
        ended()
    except OSError:
        pass


def main():
    log, program = sys.argv[1], sys.argv[sys.argv.index("--") + 1:]
    ours, theirs = socket.socketpair()
    child = subprocess.Popen(program, stdin=theirs, stdout=theirs)
    theirs.close()
    up, down = [0], [0]
    upwards = (0, ours.fileno(), up, lambda: ours.shutdown(socket.SHUT_WR))
    threading.Thread(target=move, args=upwards, daemon=True).start()
    move(ours.fileno(), 1, down, lambda: os.close(1))
    code = child.wait()
    with open(log, "a") as file:
        file.write(f"{up[0]} {down[0]}\n")
    # The other thread may still wait for a client that says no more; it is not needed.
    os._exit(code if 0 <= code < 128 else 1)


if __name__ == "__main__":
    main()
