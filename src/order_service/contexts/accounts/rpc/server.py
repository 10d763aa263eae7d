"""The gRPC server: the service, health and reflection, until the process stops."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from order_service.contexts.accounts.generated import accounts_pb2
from order_service.contexts.accounts.generated.accounts_pb2_grpc import (
    add_AccountsServicer_to_server,
)
from order_service.contexts.accounts.settings import GrpcSettings
from order_service.http.health import Check
from order_service.infra.listening import why_not_listen

from .service import AccountsRpc

_log = structlog.get_logger(__name__)

SERVICE = accounts_pb2.DESCRIPTOR.services_by_name["Accounts"].full_name

_MAX_MESSAGE_BYTES = 65536
_CALLS_A_THREAD = 8
"""Calls that are admitted for each thread; more are refused with RESOURCE_EXHAUSTED at once."""

_GRACE = 5.0
"""Seconds that calls in flight get to finish."""

_HEALTH_EVERY = 1.0


@dataclass(frozen=True)
class RpcListening:
    """Where and how the server listens."""

    host: str
    settings: GrpcSettings
    threads: int


class RpcServing:
    """Implements :class:`context.Work`.

    Args:
        listening: Where it listens.
        service: Answers the calls.
        guarding: Stands in front of them.
        checks: Whether it can answer: health tells it, over gRPC and HTTP.
        wait: Waits for so many seconds and returns whether the process is stopping.
    """

    def __init__(
        self,
        listening: RpcListening,
        service: AccountsRpc,
        guarding: grpc.ServerInterceptor,
        checks: Sequence[Check],
        wait: Callable[[float], bool],
    ) -> None:
        self._listening = listening
        self._service = service
        self._guarding = guarding
        self._checks = checks
        self._wait = wait
        self._health = health.HealthServicer()

    @property
    def checks(self) -> Sequence[Check]:
        """See :class:`context.Work`."""
        return self._checks

    def run(self) -> None:
        """See :meth:`context.Work.run`."""
        threads = ThreadPoolExecutor(self._listening.threads, thread_name_prefix="rpc")
        server = self._server(threads)
        self._tell_health()
        server.start()
        _log.info("gRPC is served", port=self._listening.settings.port)
        while not self._wait(_HEALTH_EVERY):
            self._tell_health()
        self._health.enter_graceful_shutdown()
        server.stop(_GRACE).wait()
        threads.shutdown()

    def _server(self, threads: ThreadPoolExecutor) -> grpc.Server:
        server = grpc.server(
            threads,
            interceptors=[self._guarding],
            options=[
                ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),
            ],
            maximum_concurrent_rpcs=self._listening.threads * _CALLS_A_THREAD,
        )
        add_AccountsServicer_to_server(self._service, server)  # type: ignore[no-untyped-call]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        self._listen(server)
        return server

    def _listen(self, server: grpc.Server) -> None:
        """Bind the port.

        Raises:
            OSError: It is in use, or a certificate cannot be read.
        """
        host, settings = self._listening.host, self._listening.settings
        if reason := why_not_listen(host, settings.port):
            raise reason
        address = f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"
        credentials = _credentials(settings)
        if credentials:
            server.add_secure_port(address, credentials)
        else:
            server.add_insecure_port(address)

    def _tell_health(self) -> None:
        well = all(check.state().ok for check in self._checks)
        serving = health_pb2.HealthCheckResponse.SERVING
        status = serving if well else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", SERVICE):
            self._health.set(name, status)


def _credentials(settings: GrpcSettings) -> grpc.ServerCredentials | None:
    """Return our certificate, and whether callers need one; None without TLS."""
    if not settings.certificate:
        return None
    pair = (Path(settings.key).read_bytes(), Path(settings.certificate).read_bytes())
    authority = Path(settings.client_authority).read_bytes() if settings.client_authority else None
    return grpc.ssl_server_credentials(
        [pair], root_certificates=authority, require_client_auth=authority is not None
    )
