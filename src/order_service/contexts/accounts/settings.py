"""What operators can tell the accounts."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from order_service.config import Contradiction, Secret, Section
from order_service.config.model import CountOrOff, Name, Port, TopicName
from order_service.infra.kafka.topic import Topic

_SECRET_LENGTH = 32
"""Characters: RFC 7518 section 3.2 wants as many bytes for HS256 as its digest has."""

Days = Annotated[int, Meta(ge=1, le=3650)]


class TokenSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Access tokens."""

    issuer: Name = "order-service"
    audience: Name = "order-service"
    lifetime: Annotated[int, Meta(ge=60, le=86400)] = 900
    algorithm: Literal["ES256", "HS256"] = "ES256"
    secret: Secret = Secret()


class PasswordSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which passwords may be chosen, and how many are hashed at once."""

    min_length: Annotated[int, Meta(ge=8, le=64)] = 10
    queue: CountOrOff = 4


class SessionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How long people stay signed in."""

    idle_days: Days = 30
    longest_days: Days = 90
    secure_cookies: bool = True


class ThrottleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Who has to wait after failed attempts."""

    free_failures: Annotated[int, Meta(ge=1, le=100)] = 5
    longest_delay: Annotated[float, Meta(ge=1, le=86400)] = 900.0
    registrations_per_minute: CountOrOff = 120


class GrpcSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The accounts for other services, over gRPC."""

    port: Port = 9095
    certificate: str = ""
    key: str = ""
    client_authority: str = ""


class AccountsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """People who sign in."""

    topic: TopicName = "registration"
    key_secret: Secret = Secret()
    token: TokenSettings = TokenSettings()
    password: PasswordSettings = PasswordSettings()
    session: SessionSettings = SessionSettings()
    throttle: ThrottleSettings = ThrottleSettings()
    grpc: GrpcSettings = GrpcSettings()
    sign_ins_kept_days: Days = 90

    @property
    def topics(self) -> Sequence[Topic]:
        """The topic of the registrations, which we write."""
        return [Topic(self.topic, ("Write",))]

    @property
    def shared_secret(self) -> bytes:
        """The secret of HS256, empty for ES256."""
        return self.token.secret.reveal().encode() if self.token.algorithm == "HS256" else b""


def _rules(settings: AccountsSettings) -> Iterator[Contradiction]:
    token = settings.token
    if token.algorithm == "HS256" and len(token.secret.reveal().encode()) < _SECRET_LENGTH:
        yield "accounts.token.secret", f"needs {_SECRET_LENGTH} bytes for HS256"
    if 0 < len(settings.key_secret.reveal()) < _SECRET_LENGTH:
        yield "accounts.key_secret", f"needs {_SECRET_LENGTH} characters, or none"
    if bool(settings.grpc.certificate) != bool(settings.grpc.key):
        yield "accounts.grpc.certificate", "and accounts.grpc.key go together"
    if settings.grpc.client_authority and not settings.grpc.certificate:
        yield "accounts.grpc.client_authority", "has no effect without accounts.grpc.certificate"
    if settings.session.longest_days < settings.session.idle_days:
        yield "accounts.session.longest_days", "is shorter than accounts.session.idle_days"


SECTION = Section("accounts", AccountsSettings, _rules)
