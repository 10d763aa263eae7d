"""What benchmarks of the shop share: its workers, its requests, an API that limits nobody."""

import contextlib
import http.client
import json
from collections.abc import Iterator, Mapping

from benchmarks.stack import Stack
from order_service.embedded.ports import HOST

WISH: Mapping[str, object] = {
    "product_id": "2389212", "description": "Mascaras", "quantity": 1, "price": 199,
}  # fmt: skip
OPEN_TO_ALL = {
    "ACCOUNTS_THROTTLE_FREE_FAILURES": "100",
    "ACCOUNTS_THROTTLE_LONGEST_DELAY": "1",
    "ACCOUNTS_THROTTLE_REGISTRATIONS_PER_MINUTE": "0",
}
"""Settings of an API that holds nobody back."""

_WORKERS = ("checkout-relay", "payments-requests", "payments-relay", "checkout-settlements")


def create_topics(stack: Stack) -> None:
    """Create the topics between checkout and payments, and those of their dead letters."""
    for topic in ("checkout.payment-requested.v1", "payments.payment-settled.v1"):
        stack.create_topic(topic)
        stack.create_topic(f"{topic}.dead-letters")


@contextlib.contextmanager
def working(stack: Stack) -> Iterator[None]:
    """Run one process of each worker for the length of the block."""
    with contextlib.ExitStack() as exits:
        workers = [
            exits.enter_context(stack.process("order_service", "work", name)) for name in _WORKERS
        ]
        for worker in workers:
            worker.await_status("/health/ready")
        yield


def post(port: int, path: str, body: object, token: str = "") -> dict[str, object]:
    """Post JSON and return that of the answer.

    Raises:
        RuntimeError: The answer is no success.
    """
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    with contextlib.closing(http.client.HTTPConnection(HOST, port)) as connection:
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        found: dict[str, object] = json.loads(answer.read())
    if answer.status >= 300:  # noqa: PLR2004 - not well
        raise RuntimeError(f"{path}: {answer.status} {found}")
    return found
