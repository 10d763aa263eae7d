"""How many notes were read."""

from prometheus_client import CollectorRegistry, Counter

from order_service.metrics import PREFIX


class TinyMetrics:
    """Counts what was read."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.read = Counter(f"{PREFIX}_tiny_notes_read_total", "Notes read", registry=registry)
