"""Loads what the programs of this package are made of once, and becomes each of them by a fork.

Run as `python -m order_service.embedded.fork_server <folder>`, with a socket for stdin, of which
`forking.py` is the other end; the folder is there for who looks at the process. A message is a JSON
object. Its `modules` are loaded; if it has a `command` (a module and its arguments), a process
begins with it, whose stdout and stderr are the two descriptors beside the message, and the answer
is the process's id. The server ends with the socket.

That process is no child of ours: its parent is one in between that ends at once, so that it falls
to the stack, which takes orphans meanwhile. So the stack hears of its end, and takes it along with
its own, as with any child. Nothing here opens a connection or starts a thread: a fork would not
copy them whole. Linux only.
"""

import gc
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from setproctitle import setproctitle

from order_service.embedded.die_with_parent import end_with
from order_service.embedded.loaded_ahead import become
from order_service.infra.loading import modules_loading

LARGEST = 1 << 20
"""Bytes that a message may have."""


def main() -> None:
    """Serve until the socket ends; in a process that was forked, be the program."""
    channel = socket.socket(fileno=os.dup(0))
    _redirect(os.open(os.devnull, os.O_RDONLY), 0)
    while True:
        message, streams, _, _ = socket.recv_fds(channel, LARGEST, 2)
        if not message:
            return
        request = json.loads(message)
        _load(request["modules"])
        if "command" not in request:
            continue
        pid = _fork()
        if pid == 0:
            break
        channel.send(str(pid).encode())
        for stream in streams:
            os.close(stream)
    channel.close()
    _become(request, streams)


def _load(modules: Sequence[str]) -> None:
    with modules_loading():
        for module in modules:
            # The program that needs it will fail with it, and say so in its own output.
            with suppress(Exception):
                import_module(module)
    # All of it stays, and a collector that looks through it would copy its pages in each fork.
    gc.freeze()


def _fork() -> int:
    """Fork a process that is no child of ours; return its id, or 0 in the process itself.

    Raises:
        OSError: There is no room for a process.
    """
    told, tell = os.pipe()
    parted, between = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(told)
        return _fork_and_part(tell, parted, between)
    os.close(tell)
    os.waitpid(child, 0)
    os.close(between)  # the last one to hold it: the process goes on
    pid = os.read(told, 32)
    os.close(told)
    os.close(parted)
    if not pid:
        raise OSError("the process could not be forked")
    return int(pid)


def _fork_and_part(tell: int, parted: int, between: int) -> int:
    """Be the process in between; return 0 in the one that it forks, once that is an orphan."""
    try:
        pid = os.fork()
        if pid:
            os.write(tell, str(pid).encode())
    except OSError:
        os._exit(1)
    if pid:
        os._exit(0)
    os.close(tell)
    os.close(between)
    os.read(parted, 1)
    os.close(parted)
    return 0


def _become(request: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Run the program of the request, as a process that the stack had started would."""
    os.setsid()
    for stream, place in zip(streams, (1, 2), strict=True):
        _redirect(stream, place)
    end_with(request["owner"], request["orphan_signal"])
    command: list[str] = request["command"]
    # First of all: it looks for its place in memory beside the environment as it was.
    setproctitle(" ".join([sys.executable, "-m", *command]))
    become(command, request["environment"])


def _redirect(descriptor: int, place: int) -> None:
    os.dup2(descriptor, place)
    os.close(descriptor)


if __name__ == "__main__":
    main()
