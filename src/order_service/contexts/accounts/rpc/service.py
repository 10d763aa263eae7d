"""The methods of the service, each on the use case that answers over HTTP, too."""

from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote
from uuid import UUID

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from order_service.contexts.accounts.errors import InvalidFieldsError, NoSuchPersonError
from order_service.contexts.accounts.freshness import require_standing
from order_service.contexts.accounts.generated import accounts_pb2 as pb
from order_service.contexts.accounts.generated.accounts_pb2_grpc import AccountsServicer
from order_service.contexts.accounts.model import Client, Person, Profile, Tokens
from order_service.contexts.accounts.passwords import PasswordPolicy
from order_service.contexts.accounts.ports import Clock, PersonStore, SessionStore
from order_service.contexts.accounts.sessions import Sessions
from order_service.contexts.accounts.signing_in import Registration, SigningIn
from order_service.contexts.accounts.tokens.verification import TokenVerification
from order_service.http.rate_limit import told_apart_by

ADDRESS, USER_AGENT = "x-client-address", "x-client-user-agent"
"""Metadata in which a service tells whom it calls for."""


@dataclass(frozen=True)
class RpcParts:
    """What the methods call."""

    signing_in: SigningIn
    sessions: Sessions
    people: PersonStore
    store: SessionStore
    verification: TokenVerification
    policy: PasswordPolicy
    clock: Clock


class AccountsRpc(AccountsServicer):
    """Implements the service; errors are raised as the use cases do, see `statuses`."""

    def __init__(self, parts: RpcParts) -> None:
        self._parts = parts

    def Register(self, request: pb.RegisterRequest, context: grpc.ServicerContext) -> pb.Tokens:  # noqa: N802 - as the schema has it
        """Register a person and open a session."""
        profile = Profile(
            request.email if request.HasField("email") else None,
            request.name if request.HasField("name") else None,
            _birthday(request.birthday) if request.HasField("birthday") else None,
        )
        person = Registration(request.login, request.password, profile)
        client = client_of(context)
        return _tokens(self._parts.signing_in.register(person, client, self._parts.policy))

    def Login(self, request: pb.LoginRequest, context: grpc.ServicerContext) -> pb.Tokens:  # noqa: N802
        """Open a session."""
        client = client_of(context)
        return _tokens(self._parts.signing_in.login(request.login, request.password, client))

    def Refresh(self, request: pb.RefreshRequest, context: grpc.ServicerContext) -> pb.Tokens:  # noqa: N802
        """Give new tokens for a refresh token."""
        return _tokens(self._parts.sessions.renew(request.refresh_token, client_of(context)))

    def Logout(  # noqa: N802
        self,
        request: pb.LogoutRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> pb.LogoutResponse:
        """End a session."""
        self._parts.sessions.logout(request.refresh_token)
        return pb.LogoutResponse()

    def Validate(  # noqa: N802
        self,
        request: pb.ValidateRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> pb.Identity:
        """Say whose token it is."""
        identity = self._parts.verification.verify(request.access_token)
        if request.fresh:
            require_standing(identity, self._parts.store, self._parts.clock)
        return pb.Identity(
            user_id=identity.person_id,
            session_id=identity.session_id,
            scopes=sorted(identity.scopes),
            admin=identity.admin,
            expires_at=Timestamp(seconds=int(identity.expires_at)),
        )

    def IsAdmin(  # noqa: N802
        self,
        request: pb.IsAdminRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> pb.IsAdminResponse:
        """Say whether a person administers the shop; one who is disabled does not."""
        person = self._person(request.user_id)
        return pb.IsAdminResponse(admin=person.admin and person.disabled_at is None)

    def GetUser(self, request: pb.GetUserRequest, context: grpc.ServicerContext) -> pb.User:  # noqa: N802, ARG002
        """Return what a person told of themselves."""
        return _user(self._person(request.user_id))

    def _person(self, text: str) -> Person:
        person = self._parts.people.person(_id(text))
        if person is None or person.erased_at is not None:
            raise NoSuchPersonError(text)
        return person


def client_of(context: grpc.ServicerContext) -> Client:
    """Return for whom a service calls: what it tells in the metadata, else the service itself."""
    told = {str(name): str(value) for name, value in context.invocation_metadata() or ()}
    peer = _peer_address(context.peer())
    address = told_apart_by(told.get(ADDRESS, "")) or told_apart_by(peer) or peer
    return Client.of(address, told.get(USER_AGENT) or told.get("user-agent", ""))


def _peer_address(peer: str) -> str:
    """Return the address in what gRPC calls a peer: ``ipv4:127.0.0.1:50000``, ``ipv6:[::1]:1``."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidFieldsError({"user_id": ["Is no UUID."]}) from error


def _birthday(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidFieldsError({"birthday": ["Is no date such as 1990-02-28."]}) from error


def _tokens(tokens: Tokens) -> pb.Tokens:
    return pb.Tokens(
        user_id=str(tokens.person_id),
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_in=tokens.expires_in,
    )


def _user(person: Person) -> pb.User:
    created_at = Timestamp()
    created_at.FromDatetime(person.created_at)
    return pb.User(
        user_id=str(person.id),
        login=person.login or "",
        email=person.email,
        name=person.name,
        birthday=person.birthday.isoformat() if person.birthday else None,
        admin=person.admin,
        disabled=person.disabled_at is not None,
        created_at=created_at,
    )
