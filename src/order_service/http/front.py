"""What stands in front of all routes: traces, CORS, rate limit, keys, each if it is on.

What is off is not there at all and costs a request nothing.
"""

from dataclasses import dataclass

from order_service.infra.tracing.spans import Tracer

from .authentication import Authentication, Keys
from .cors import Cors
from .guard import Wsgi
from .metering import HttpMeter
from .rate_limit import ClientAddress, RateLimit, TokenBuckets
from .tracing import Tracing


@dataclass(frozen=True)
class Front:
    """Who may read, from where and how often.

    Attributes:
        keys: Knows the keys of those who may read; None lets everybody.
        origins: Origins whose web pages may read, or ``*`` for all.
        rate_limit: Most requests a second of one client; 0.0 for no limit.
        trusted_proxies: Addresses or networks whose X-Forwarded-For is believed.
        tracer: Records requests; None records none.
    """

    keys: Keys | None = None
    origins: tuple[str, ...] = ()
    rate_limit: float = 0.0
    trusted_proxies: tuple[str, ...] = ()
    tracer: Tracer | None = None

    def before(self, app: Wsgi, meter: HttpMeter) -> Wsgi:
        """Return `app` with all that is on in front of it.

        Traces are outermost, so that refusals are recorded too. CORS comes next, so that pages
        can read refusals and ask without a key whether they may; the limit precedes the key, so
        that nobody can try keys at full speed.

        Raises:
            ValueError: A trusted proxy is neither an address nor a network.
        """
        if self.keys is not None:
            app = Authentication(app, self.keys, meter)
        if self.rate_limit:
            address = ClientAddress(self.trusted_proxies)
            app = RateLimit(app, TokenBuckets(self.rate_limit), address, meter)
        if self.origins:
            app = Cors(app, self.origins, meter)
        return Tracing(app, self.tracer) if self.tracer else app
