"""What all methods share: deadlines, errors and metrics, in front of each call."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import grpc
import structlog

from order_service.contexts.accounts.errors import AccountsError
from order_service.contexts.accounts.metrics import RpcMetrics

from .statuses import Status, end, status_of

_log = structlog.get_logger(__name__)

_TOO_LATE = Status(grpc.StatusCode.DEADLINE_EXCEEDED, "The deadline has passed: nothing was done.")
_BROKEN = Status(grpc.StatusCode.INTERNAL, "It failed for a reason that the log knows.")

Call = Callable[[Any, grpc.ServicerContext], Any]


class Guarding(grpc.ServerInterceptor):
    """Does no work for who no longer waits, says in gRPC's words what went wrong, and counts.

    Args:
        service: Full name of the service that it is for; others are let through.
        metrics: Told of every call.
    """

    def __init__(self, service: str, metrics: RpcMetrics) -> None:
        self._prefix = f"/{service}/"
        self._metrics = metrics

    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:  # noqa: ANN401 - as gRPC has it
        """See :class:`grpc.ServerInterceptor`."""
        handler = continuation(handler_call_details)
        name = handler_call_details.method
        if handler is None or not name.startswith(self._prefix):
            return handler
        return grpc.unary_unary_rpc_method_handler(
            self._guarded(name.removeprefix(self._prefix), handler.unary_unary),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _guarded(self, method: str, call: Call) -> Call:
        def guarded(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
            began = perf_counter()
            status: Status | None = None
            try:
                if _is_late(context):
                    status = _TOO_LATE
                else:
                    return call(request, context)
            except AccountsError as error:
                status = status_of(error)
            except Exception:  # noqa: BLE001 - whatever it is, the caller must be answered
                _log.exception("a call failed", method=method)
                status = _BROKEN
            finally:
                code = status.code if status else grpc.StatusCode.OK
                self._metrics.called(method, code.name, perf_counter() - began)
            return end(context, status)

        return guarded


def _is_late(context: grpc.ServicerContext) -> bool:
    """Whether the caller has given up while the call waited for its turn."""
    return not context.is_active() or context.time_remaining() <= 0
