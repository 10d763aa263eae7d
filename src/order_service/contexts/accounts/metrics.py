"""Who signs in and who is refused, how busy hashing is, how old what is known of sessions is."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from order_service.metrics import PREFIX, starting_at_zero

_TRIED = ("failed", "throttled", "busy")
_CALL_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class AccountsMetrics:
    """Implements the observers of :mod:`signing_in`, :mod:`sessions` and :mod:`hashing`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Refusals in bulk are guesses at passwords, throttled ones that they are held back.
        self._sign_ins = starting_at_zero(
            Counter(
                f"{PREFIX}_accounts_sign_ins_total",
                "Attempts to sign in, by how they ended",
                ["result"],
                registry=registry,
            ),
            ["signed_in", "refused", "disabled", *_TRIED],
        )
        self._registrations = starting_at_zero(
            Counter(
                f"{PREFIX}_accounts_registrations_total",
                "Registrations, by how they ended",
                ["result"],
                registry=registry,
            ),
            ["registered", "taken", "invalid", *_TRIED],
        )
        # A token that was used again was copied by somebody.
        self._renewals = starting_at_zero(
            Counter(
                f"{PREFIX}_accounts_renewals_total",
                "Uses of refresh tokens, by how they ended",
                ["result"],
                registry=registry,
            ),
            ["renewed", "reused", "ended", "failed"],
        )
        # At its bound, people get 429: there are too few cores for the logins.
        self._hashing = Gauge(
            f"{PREFIX}_accounts_hashing",
            "Passwords that are hashed or wait for it",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._hashing_refused = Counter(
            f"{PREFIX}_accounts_hashing_refused_total",
            "Passwords that were not hashed because too many waited",
            registry=registry,
        )
        # So old may the news of a revoked session be: it should be a second or two.
        self.revocations_age = Gauge(
            f"{PREFIX}_accounts_revocations_age_seconds",
            "Time since the ended sessions were last read",
            multiprocess_mode="livemax",
            registry=registry,
        )

    def signed_in(self, result: str) -> None:
        """An attempt to sign in ended."""
        self._sign_ins.labels(result).inc()

    def registered(self, result: str) -> None:
        """A registration ended."""
        self._registrations.labels(result).inc()

    def renewed(self, result: str) -> None:
        """A renewal ended."""
        self._renewals.labels(result).inc()

    def hashing(self, count: int) -> None:
        """`count` logins and registrations now hash or wait for it."""
        self._hashing.set(count)

    def hashing_refused(self) -> None:
        """One was refused, because too many wait."""
        self._hashing_refused.inc()


class RpcMetrics:
    """The calls of other services."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            f"{PREFIX}_accounts_rpc_calls_total",
            "Calls over gRPC, by method and by the status that they ended with",
            ["method", "code"],
            registry=registry,
        )
        # Login and Register take a hash each; whatever else is slow is not the processor.
        self._seconds = Histogram(
            f"{PREFIX}_accounts_rpc_duration_seconds",
            "Time of one call, without the wait for a thread",
            ["method"],
            buckets=_CALL_SECONDS,
            registry=registry,
        )

    def called(self, method: str, code: str, seconds: float) -> None:
        """A call ended with a status after so many seconds."""
        self._calls.labels(method, code).inc()
        self._seconds.labels(method).observe(seconds)
