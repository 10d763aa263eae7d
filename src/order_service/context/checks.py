"""Readiness checks: how each part is, asked through what the process itself uses."""

from collections.abc import Callable, Sequence

from order_service.http.health import PartState
from order_service.infra.kafka.progress import ConsumerProgress
from order_service.infra.retry import Retry


class CallCheck:
    """A part that is well if a call to it succeeds.

    Args:
        name: Name of the part.
        call: Raises if the part is not well; has a deadline of its own.
        required: Whether the process can do nothing useful without it.
    """

    def __init__(self, name: str, call: Callable[[], object], *, required: bool) -> None:
        self.name = name
        self.required = required
        self._call = call

    def state(self) -> PartState:
        """Return whether the call succeeds."""
        try:
            self._call()
        except Exception as error:  # noqa: BLE001 - any failure is the answer
            return PartState(ok=False, detail={"error": type(error).__name__})
        return PartState(ok=True)


class RetryCheck:
    """A backend that is well unless a call to it has used up its attempts."""

    required = True

    def __init__(self, retry: Retry) -> None:
        self.name = retry.backend
        self._retry = retry

    def state(self) -> PartState:
        """Return whether the configured attempts suffice."""
        detail = {"failing_for_seconds": round(self._retry.failing_for, 1)}
        return PartState(ok=not self._retry.exhausted, detail=detail)


class ConsumerCheck:
    """The consumption of the topic.

    Args:
        progress: What the consumer has reached.
        fetch_age_limit: Seconds without an answer of a broker that count as trouble.
    """

    name = "consumer"
    required = True

    def __init__(self, progress: ConsumerProgress, fetch_age_limit: float) -> None:
        self._progress = progress
        self._fetch_age_limit = fetch_age_limit

    def state(self) -> PartState:
        """Return partitions, lag, ages and whether it is paused."""
        now = self._progress.snapshot()
        detail = {
            "partitions": now.partitions,
            "lag": now.lag,
            "last_fetch_age_seconds": round(now.fetch_age, 1),
            "last_progress_age_seconds": round(now.progress_age, 1),
            "paused": now.paused,
        }
        ok = now.paused is None and now.lag is not None and now.fetch_age < self._fetch_age_limit
        return PartState(ok=ok, detail=detail)


def any_failing(retries: Sequence[Retry]) -> bool:
    """Return whether some backend is being waited for."""
    return any(retry.failing_for > 0 for retry in retries)
