"""What the tests of tracing share: a tracer whose chance is given, and ids."""

from order_service.infra.tracing.otlp import Tracer
from tests.collector import Collector

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
UNSAMPLED = f"00-{TRACE}-{SPAN}-00"

NEVER, ALWAYS = 0.5, 0.49


def tracer_to(collector: Collector, drawn: float = 0.5) -> Tracer:
    """A tracer that records half of what begins here; `drawn` is what chance says."""
    return Tracer(collector.url, 0.5, "tested", lambda: drawn)
