#!/usr/bin/env python3
"""A relay between a client and the server it starts, that counts, cuts or damages the stream.

    proxy.py LOG MODE DIRECTION OFFSET -- SERVER ARGS...

MODE is `count` (only measure), `cut` (both ends see the stream end after OFFSET bytes of DIRECTION), `flip` (one bit
of byte OFFSET of DIRECTION is inverted) or `hold` (nothing passes any more after OFFSET bytes of DIRECTION, until one
end goes; LOG.held then holds the server's number). DIRECTION is `up` (client to server) or `down`. Its stdin and stdout
are the stream. LOG receives one JSON object at the end: bytes relayed each way, whether the fault fired, how the server
ended, and how long it took to end once the stream was gone.
"""

import json
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import time

PATIENCE = 10  # seconds a server may live on without its stream
CHUNK = 1 << 18


def main():
    log, mode, direction, offset = sys.argv[1:5]
    offset = int(offset)
    server_argv = sys.argv[sys.argv.index("--") + 1:]
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the log must be written whatever the client does
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    ours, theirs = socket.socketpair()
    server = subprocess.Popen(server_argv, stdin=theirs, stdout=theirs, preexec_fn=default_signals)
    theirs.close()
    counts = {"up": 0, "down": 0}
    fired = relay(ours, counts, mode, direction, offset)
    if fired and mode == "hold":
        hold(server, log)
    # The stream is gone for both; each must notice by itself.
    for fd in (0, 1):
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, fd)
        os.close(nothing)
    ours.close()
    gone = time.monotonic()
    try:
        code = server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
        code = None
    with open(log + ".new", "w") as file:
        json.dump({"up": counts["up"], "down": counts["down"], "fired": fired, "server": code,
                   "lingered": round(time.monotonic() - gone, 3)}, file)
    os.rename(log + ".new", log)
    sys.exit(0 if code == 0 and not fired else 1)


def default_signals():
    """The server shall not inherit what the proxy ignores."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)


def relay(ours, counts, mode, direction, offset):
    """Moves bytes both ways until both directions have ended, or the cut. Returns whether the fault fired."""
    fired = False
    roads = {0: ("up", ours.fileno()), ours.fileno(): ("down", 1)}
    selector = selectors.DefaultSelector()
    for source in roads:
        selector.register(source, selectors.EVENT_READ)
    while selector.get_map():
        for key, _ in selector.select():
            name, target = roads[key.fd]
            try:
                data = os.read(key.fd, CHUNK)
            except OSError:
                data = b""
            if not data:
                selector.unregister(key.fd)
                if name == "down":  # the server has ended: nothing more can come
                    return fired
                ours.shutdown(socket.SHUT_WR)
                continue
            start = counts[name]
            if name == direction and start <= offset < start + len(data) and mode != "count":
                fired = True
                if mode in ("cut", "hold"):
                    data = data[:offset - start]
                else:
                    data = bytearray(data)
                    data[offset - start] ^= 1 << (offset % 8)
            counts[name] += len(data)
            if not send(target, data) and name == "down":
                return fired  # the client has ended
            if fired and mode in ("cut", "hold"):
                return True
    return fired


def hold(server, log):
    """Waits until the client has closed its end or the server has ended."""
    with open(log + ".new", "w") as file:
        file.write(str(server.pid))
    os.rename(log + ".new", log + ".held")
    client = select.poll()
    client.register(0, select.POLLRDHUP)
    while server.poll() is None and not client.poll(20):
        pass


def send(target, data):
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(target, view):]
        except OSError:
            return False
    return True


if __name__ == "__main__":
    main()
