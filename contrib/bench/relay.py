#!/usr/bin/env python3
"""Relays a stream and counts it: relay.py LOG [--rate BYTES] -- PROGRAM ARGS... (its stdin and stdout are the stream).

Appends "UP DOWN" to LOG when the program has ended: the bytes that went to it, and those that came from it.
The program gets one end of a socket pair as stdin and stdout, as from inetd. With --rate each direction carries no more
than so many bytes a second, evenly: 1250000 is 10 Mbit/s.
"""

import os
import socket
import subprocess
import sys
import threading
import time

CHUNK = 1 << 18


def move(source, target, total, ended, rate):
    """Moves bytes until the source ends or the target is gone, then says so to the target."""
    chunk = max(1, min(CHUNK, rate // 100)) if rate else CHUNK
    free = time.monotonic()
    try:
        while data := os.read(source, chunk):
            total[0] += len(data)
            view = memoryview(data)
            while view:
                view = view[os.write(target, view):]
            if rate:
                # A line that was idle gains nothing by it.
                free = max(free, time.monotonic() - 0.02) + len(data) / rate
                time.sleep(max(0, free - time.monotonic()))
        ended()
    except OSError:
        pass


def main():
    log, options = sys.argv[1], sys.argv[2:sys.argv.index("--")]
    program = sys.argv[sys.argv.index("--") + 1:]
    rate = int(options[options.index("--rate") + 1]) if "--rate" in options else 0
    ours, theirs = socket.socketpair()
    child = subprocess.Popen(program, stdin=theirs, stdout=theirs)
    theirs.close()
    up, down = [0], [0]
    upwards = (0, ours.fileno(), up, lambda: ours.shutdown(socket.SHUT_WR), rate)
    threading.Thread(target=move, args=upwards, daemon=True).start()
    move(ours.fileno(), 1, down, lambda: os.close(1), rate)
    code = child.wait()
    with open(log, "a") as file:
        file.write(f"{up[0]} {down[0]}\n")
    # The other thread may still wait for a client that says no more; it is not needed.
    os._exit(code if 0 <= code < 128 else 1)


if __name__ == "__main__":
    main()
