"""What stands in front of all routes: traces, CORS, rate limit, authentication, each if it is on.

What is off is not there at all and costs a request nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from wsgiref.types import WSGIApplication

from .access import RouteAccess
from .authentication import Authentication, Authenticator
from .cors import Cors
from .metering import HttpMeter
from .rate_limit import ClientAddress, RateLimit, TokenBuckets
from .tracing import Tracing

if TYPE_CHECKING:
    from order_service.infra.tracing.otlp import Tracer


class Door(NamedTuple):
    """What the routes say of those who ask.

    Attributes:
        authenticators: Know who asks.
        access: Who may ask for what.
        methods: Those that some route takes.
    """

    authenticators: Sequence[Authenticator]
    access: RouteAccess
    methods: Collection[str]


@dataclass(frozen=True)
class Front:
    """From where, how often and with what may be asked, as operators want it.

    Attributes:
        origins: Origins whose web pages may ask, or ``*`` for all.
        rate_limit: Most requests a second of one client; 0.0 for no limit.
        trusted_proxies: Addresses or networks whose X-Forwarded-For is believed.
        tracer: Records requests; None records none.
        credentials: Kinds of credentials that open what is not personal; with none it is open.
    """

    origins: tuple[str, ...] = ()
    rate_limit: float = 0.0
    trusted_proxies: tuple[str, ...] = ()
    tracer: "Tracer | None" = None
    credentials: frozenset[str] = frozenset()

    @property
    def lets_all_through(self) -> bool:
        """Whether nothing is in front of what is open."""
        return not (self.origins or self.rate_limit or self.tracer or self.credentials)

    def before(self, app: WSGIApplication, door: Door, meter: HttpMeter) -> WSGIApplication:
        """Return `app` with all that is on in front of it.

        Traces are outermost, so that refusals are recorded too. CORS comes next, so that pages
        can read refusals and ask without a key whether they may; the limit precedes the key, so
        that nobody can try keys at full speed.

        Args:
            app: Answers what gets through.
            door: What the routes say of those who ask.
            meter: Counts what is answered here.

        Raises:
            ValueError: A trusted proxy is neither an address nor a network.
        """
        if self.credentials or door.authenticators:
            kinds = self.credentials
            app = Authentication(app, door.authenticators, kinds, door.access, meter)
        if self.rate_limit:
            address = ClientAddress(self.trusted_proxies)
            app = RateLimit(app, TokenBuckets(self.rate_limit), address, meter)
        if self.origins:
            app = Cors(app, self.origins, door.methods, meter)
        return Tracing(app, self.tracer) if self.tracer else app
