"""What `run --demo` shows of a context: a person who uses it over its HTTP API.

A context that has something to show defines `Context.visit`, which does its part for the person and
tells the banner what there is to see. Contexts do not know of each other, so what two parts must
agree on comes from here: who the person is, their token, the number of their order.
"""

import http.client
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, NamedTuple, NoReturn

_TIMEOUT = 10.0
_MAX_BODY = 1 << 20


class DemoError(Exception):
    """A part of the demo cannot go on; the message says why, for the person at the terminal."""


class DemoPerson(NamedTuple):
    """The person that the demo is about; the same one each time.

    Attributes:
        login: Of an e-mail address's form.
        password: At least 16 characters.
        order_number: Of an order that earns points: digits, the last of which checks (Luhn).
    """

    login: str
    password: str
    order_number: str


class DemoAnswer(NamedTuple):
    """What the API said."""

    status: int
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - whatever it says
        """Return the body as JSON.

        Raises:
            DemoError: It is none.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise DemoError("the answer is no JSON") from error


class DemoVisit:
    """One visit of the person to the running API.

    Args:
        url: Base of the API: ``http://host:port``.
        person: Who visits.
        tell: Takes a line of the banner: a label of at most 9 characters, and what it says.
        stopping: Whether nothing more shall be asked.
    """

    def __init__(
        self,
        url: str,
        person: DemoPerson,
        tell: Callable[[str, str], None],
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.url = url
        self.person = person
        self.tell = tell
        self._stopping = stopping
        self._token = ""

    @property
    def signed_in(self) -> bool:
        """Whether requests are the person's: nobody is signed in where there are no accounts."""
        return bool(self._token)

    def sign_in(self, access_token: str) -> None:
        """Send `access_token` along from now on."""
        self._token = access_token

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        also: tuple[int, ...] = (),
        key: str = "",
    ) -> DemoAnswer:
        """Send a request and return the answer, within ten seconds.

        Args:
            method: As HTTP has it.
            path: Begins with a slash.
            body: Text is sent as plain text, anything else as JSON; None for no body.
            also: Statuses that will do beside those of success.
            key: The Idempotency-Key; empty for none.

        Raises:
            DemoError: The answer has another status, there is none, or the stack is stopping.
        """
        if self._stopping():
            raise DemoError("the stack is stopping")
        try:
            answer = self._send(method, path, body, self._headers(body, key))
        except (OSError, http.client.HTTPException) as error:
            raise DemoError(f"{method} {path} has no answer: {error}") from error
        if not (200 <= answer.status < 300 or answer.status in also):  # noqa: PLR2004 - success
            _refused(f"{method} {path}", answer)
        return answer

    def _headers(self, body: object, key: str) -> dict[str, str]:
        kind = "text/plain" if isinstance(body, str) else "application/json"
        headers = {"Content-Type": kind} if body is not None else {}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers | ({"Idempotency-Key": key} if key else {})

    def _send(self, method: str, path: str, body: object, headers: Mapping[str, str]) -> DemoAnswer:
        data = body if isinstance(body, str) or body is None else json.dumps(body)
        host = self.url.removeprefix("http://")
        with closing(http.client.HTTPConnection(host, timeout=_TIMEOUT)) as connection:
            connection.request(method, path, data and data.encode(), dict(headers))
            response = connection.getresponse()
            return DemoAnswer(response.status, response.read(_MAX_BODY))


def _refused(request: str, answer: DemoAnswer) -> NoReturn:
    try:
        problem = json.loads(answer.body)
        reason = f": {problem['detail']}"
    except (ValueError, TypeError, KeyError):
        reason = ""
    raise DemoError(f"{request} was answered with {answer.status}{reason}")
