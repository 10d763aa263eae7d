"""Whether a server could listen on an address now."""

import socket
from contextlib import closing


def why_not_listen(host: str, port: int) -> OSError | None:
    """Return why nothing more can listen on a TCP port of `host`; None if something can.

    Another program may take the port before the caller does.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with closing(socket.socket(family, kind)) as listener:
            # As servers do: a port whose last connections are in TIME_WAIT is free.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            # Without this, Linux lets two sockets with SO_REUSEADDR share a port until one listens.
            listener.listen(1)
    except OSError as error:
        return error
    return None
