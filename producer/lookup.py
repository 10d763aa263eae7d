"""Whether what was sent can be looked up: asks the API for the last order of each partition.

A consumer takes the messages of a partition one after the other. Once the last good one of each is
answered, all before it have been stored.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from threading import Event
from time import monotonic
from urllib.parse import quote

from producer.message import Message
from producer.sender import Delivery

_DEFAULT_PORT = "8080"
_PAUSE = 0.1
_CALL = 5.0
_CLOSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class NotAnswered(Exception):  # noqa: N818  a condition of the world, said in words
    """An order that was sent cannot be looked up; the text says which and why."""


class NewestOrders:
    """Remembers the last good order of each partition; told of each fate by the sender."""

    def __init__(self) -> None:
        self._newest: dict[int | None, Message] = {}

    def __call__(self, message: Message, delivery: Delivery) -> None:
        """Take note of one message."""
        if message.valid and delivery.acknowledged:
            self._newest[delivery.partition] = message

    def uids(self) -> list[str]:
        """Return their ids; what a file held beside orders has none."""
        orders = [json.loads(message.value) for message in self._newest.values()]
        return [str(each["order_uid"]) for each in orders if _has_uid(each)]


def _has_uid(order: object) -> bool:
    return isinstance(order, dict) and "order_uid" in order


def api_of(variables: Mapping[str, str]) -> str:
    """Return where the API of this machine answers, from the variables of the service."""
    return f"http://localhost:{variables.get('HTTP_PORT') or _DEFAULT_PORT}"


def await_answers(api: str, uids: Iterable[str], timeout: float, stop: Event) -> None:
    """Block until the API answers all of them.

    Args:
        api: its address, without a path.
        uids: ids of orders.
        timeout: seconds for all of them together.
        stop: once set, the wait is over.

    Raises:
        NotAnswered: one is not answered in time, or must not be read by everybody.
    """
    end = monotonic() + timeout
    for uid in uids:
        url = f"{api}/order/{quote(uid, safe='')}"
        while problem := _problem(url):
            if monotonic() > end:
                raise NotAnswered(f"{url} {problem}, {timeout:.0f} s after it was sent")
            if stop.wait(_PAUSE):
                raise NotAnswered(f"{url} {problem} so far")


def _problem(url: str) -> str:
    """Return why there is no such order (yet), nothing if there is."""
    try:
        with urllib.request.urlopen(url, timeout=_CALL):  # noqa: S310  http
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in _CLOSED:
            raise NotAnswered(f"{url} answers {error.code}: reading needs a key here") from None
        return f"answers {error.code}"
    except OSError as error:
        reason = getattr(error, "reason", error)
        return f"does not answer ({getattr(reason, 'strerror', None) or reason})"
