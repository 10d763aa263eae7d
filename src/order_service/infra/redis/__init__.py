"""Redis: fast clients of one server, of a master under Sentinel, and of a cluster."""

import sys

_TELEMETRY = "opentelemetry"


def _load() -> None:
    """Import the library without OpenTelemetry.

    It would load that wherever it is installed, to count what nobody asks it to count: a tenth of
    the time in which a process starts.
    """
    if _TELEMETRY in sys.modules:
        return
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # as if it were not installed
    try:
        import redis  # noqa: F401, PLC0415
    finally:
        del sys.modules[_TELEMETRY]


_load()
