"""The small HTTP server of a process that is no API: metrics and health of a worker."""

import threading
from typing import NamedTuple

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from order_service.infra.listening import why_not_listen
from order_service.metrics import Registry

from . import health
from .app import bare_app
from .health import Readiness


class _QuietHandler(WSGIRequestHandler):
    """Does not log each scrape, and lets no client hold a thread for long."""

    timeout = 10

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class OperationsServer(NamedTuple):
    """A running server. It does not keep the process alive."""

    server: BaseWSGIServer
    thread: threading.Thread

    @property
    def port(self) -> int:
        """The TCP port that it listens on."""
        return int(self.server.port)

    def close(self) -> None:
        """Stop listening; blocks for up to half a second."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def serve_operations(
    host: str, port: int, registry: Registry, readiness: Readiness
) -> OperationsServer:
    """Serve `/metrics`, `/health/live` and `/health/ready` in threads of this process.

    Args:
        host: Address to listen on.
        port: TCP port; 0 takes a free one.
        registry: What `/metrics` shows.
        readiness: What `/health/ready` tells.

    Raises:
        OSError: The address is in use or not ours.
    """
    # werkzeug would print sentences of its own and end the process.
    if port and (problem := why_not_listen(host, port)):
        raise problem
    app, _ = bare_app(registry)
    app.register_blueprint(health.create_blueprint(readiness))
    server = make_server(host, port, app, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever, name="operations", daemon=True)
    thread.start()
    return OperationsServer(server, thread)
