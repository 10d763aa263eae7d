"""What all connections of a worker share."""

import asyncio
from collections.abc import Callable
from threading import get_ident
from typing import TYPE_CHECKING, Any, Protocol
from wsgiref.types import WSGIApplication

import structlog

from .answering import DateField
from .familiar import FamiliarRequests
from .gateway import Gateway
from .mailbox import Mailbox
from .request import Request, common_environ
from .settings import ServerSettings
from .vigil import Vigil

if TYPE_CHECKING:
    from .connection import Connection

_log = structlog.get_logger(__name__)

Whole = tuple[bytes, bytes]
"""An answer: its head without the empty line at the end, and its body."""

Reply = Callable[[Callable[[], Whole | None]], None]
"""Takes what makes an answer, in the event loop, or None if the application shall give it; called
in any thread."""


class Ask(Protocol):
    """Answers requests of the same bytes, in the event loop: it never blocks."""

    def at_once(self) -> Whole | None:
        """Return the answer if it is known already."""

    def soon(self, reply: Reply) -> None:
        """Have `reply` called once, now or later, in any thread."""


Quick = Callable[[Request], Ask | None]
"""Returns what answers a request and others of the same bytes, None if it must be answered
otherwise. Does not block."""


class Site:
    """What all connections of a worker share.

    Args:
        app: The application.
        quick: What answers in front of it.
        loop: The event loop.
        settings: How the server runs.
        most_connections: One more is refused.

    Attributes:
        closing: Whether every answer ends its connection.
        connections: Those that are open.
        common: What is the same in the environments of all requests.
        familiar: Requests that came before.
        thread: The event loop's, which makes the site.
        post: Has the event loop call something; for other threads.
        answered: Called when an answer was given at once.
    """

    def __init__(
        self,
        app: WSGIApplication,
        quick: Quick | None,
        loop: asyncio.AbstractEventLoop,
        settings: ServerSettings,
        most_connections: int,
    ) -> None:
        self._gateway = Gateway(app, settings.threads)
        self._quick = quick
        self.post = Mailbox(loop).post
        self.answered = Vigil(loop).answered
        self.settings = settings
        self.most_connections = most_connections
        self.connections: set[Connection] = set()
        self.familiar = FamiliarRequests()
        self.closing = False
        self.thread = get_ident()
        self.date = DateField()
        self.common: dict[str, Any] = common_environ(multiprocess=settings.workers > 1)

    def answer(self, request: Request, connection: "Connection") -> Ask | None:
        """Have a request answered; called in the event loop, does not block.

        Returns:
            What answers others of the same bytes, too; None if the application must.
        """
        ask = self._quick(request) if self._quick is not None else None
        if ask is None:
            self.hand_on(request, connection)
            return None
        answer = self.ask(request, ask, connection)
        if answer is not None:
            connection.finish_now(*answer)
        return ask

    def ask(self, request: Request, ask: Ask, connection: "Connection") -> Whole | None:
        """Return the answer to a request if it is known; have it given soon otherwise."""
        try:
            answer = ask.at_once()
            if answer is None:
                ask.soon(connection.reply)
        except Exception:  # noqa: BLE001 - it is logged
            # The application meets the same error, and knows what to do.
            _log.exception("a request could not be answered in the event loop")
            self.hand_on(request, connection)
            return None
        return answer

    def hand_on(self, request: Request, connection: "Connection") -> None:
        """Have a request answered by the application itself."""
        self._gateway.submit(request, connection.common, connection)
