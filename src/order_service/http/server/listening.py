"""The sockets that workers listen on, and how their doors are closed."""

import ctypes
import socket
from contextlib import ExitStack, suppress

from order_service.infra.listening import why_not_listen

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h; the module socket does not have it


class _Instruction(ctypes.Structure):
    """One instruction of the classic packet filter: sock_filter in linux/filter.h."""

    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jt", ctypes.c_uint8),
        ("jf", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    """A filter: sock_fprog in linux/filter.h."""

    _fields_ = (("length", ctypes.c_uint16), ("code", ctypes.POINTER(_Instruction)))


_RETURN = 0x06
_DROP_ALL = _Program(1, ctypes.pointer(_Instruction(_RETURN, 0, 0, 0)))  # keep no byte


def listen(host: str, port: int, backlog: int, sockets: int = 1) -> list[socket.socket]:
    """Return sockets that listen; they do not share their port with another program's.

    With several the system spreads the clients among them (on Linux).

    Raises:
        OSError: The address is in use or not ours.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    if sockets > 1 and (reason := why_not_listen(host, port)):
        raise reason
    with ExitStack() as opened:
        listeners = []
        for _ in range(sockets):
            listener = opened.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if sockets > 1:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(address)
            listener.listen(backlog)
            listeners.append(listener)
        opened.pop_all()
    return listeners


def let_nobody_in(listener: socket.socket) -> None:
    """Let no more connections reach a socket that listens.

    Closing it resets the connections in its queue, whose clients may have sent a request already. A
    packet filter that drops everything closes the door and leaves the queue: what is in it can be
    accepted, and nothing comes after. Only Linux has this; elsewhere nothing happens.
    """
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, bytes(_DROP_ALL))
