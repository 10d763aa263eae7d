"""Other services over gRPC: a real process, asked by a client made from the .proto file alone."""

import importlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import grpc
import psycopg
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from grpc_tools import protoc

from tests.backends import Environ, connect, free_port, process_environ
from tests.builders import ROOT
from tests.certificates import Authority
from tests.integration.accounts.bench import PASSWORD, forget_people, wipe
from tests.waiting import eventually

SERVICE = "accounts.v1.Accounts"


class Stubs(NamedTuple):
    """What protoc makes of the schema."""

    messages: Any
    services: Any


@pytest.fixture(scope="session")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stubs]:
    """The code of a client, in a package of its own and with descriptors of its own."""
    folder = tmp_path_factory.mktemp("client")
    well_known = Path(protoc.__file__).parent / "_proto"
    options = [f"-I{ROOT / 'schemas'}", f"-I{well_known}"]
    outputs = [f"--python_out={folder}", f"--grpc_python_out={folder}"]
    assert protoc.main(["protoc", *options, *outputs, "accounts/v1/accounts.proto"]) == 0
    sys.path.insert(0, str(folder))
    try:
        yield Stubs(_module("accounts.v1.accounts_pb2"), _module("accounts.v1.accounts_pb2_grpc"))
    finally:
        sys.path.remove(str(folder))


def _module(name: str) -> ModuleType:
    return importlib.import_module(name)


class Remote:
    """A running `order-service work accounts-grpc`, and a client of it."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        channel: grpc.Channel,
        stubs: Stubs,
        address: str,
    ) -> None:
        self.process = process
        self.address = address
        self.channel = channel
        self.messages = stubs.messages
        self._stub = stubs.services.AccountsStub(channel)

    def call(self, method: str, timeout: float = 30.0, metadata: Any = (), **fields: Any) -> Any:  # noqa: ANN401
        request = getattr(self.messages, f"{method}Request")(**fields)
        return getattr(self._stub, method)(request, timeout=timeout, metadata=metadata)

    def register(self, login: str = "ann", **fields: Any) -> Any:  # noqa: ANN401
        return self.call("Register", login=login, password=PASSWORD, **fields)

    def health(self, service: str = SERVICE) -> int:
        request = health_pb2.HealthCheckRequest(service=service)
        answer = health_pb2_grpc.HealthStub(self.channel).Check(request, timeout=5)
        return int(answer.status)

    def is_serving(self) -> bool:
        try:
            return self.health() == int(health_pb2.HealthCheckResponse.SERVING)
        except grpc.RpcError:
            return False


def _channel(address: str, secure: grpc.ChannelCredentials | None) -> grpc.Channel:
    return grpc.secure_channel(address, secure) if secure else grpc.insecure_channel(address)


@contextmanager
def serving(
    environ: Environ, stubs: Stubs, secure: grpc.ChannelCredentials | None = None, **settings: str
) -> Iterator[Remote]:
    """Run the worker for the length of the block; it must stop cleanly."""
    port = free_port()
    own = {"ACCOUNTS_GRPC_PORT": str(port), "METRICS_WORKER_PORT": str(free_port()), **settings}
    address = f"localhost:{port}" if secure else f"127.0.0.1:{port}"
    with (
        subprocess.Popen(
            [sys.executable, "-m", "order_service", "work", "accounts-grpc"],
            cwd=ROOT,
            env=process_environ({**environ, **own}),
        ) as process,
        grpc.secure_channel(address, secure)
        if secure
        else grpc.insecure_channel(address) as channel,
    ):
        remote = Remote(process, channel, stubs, address)
        try:
            eventually(remote.is_serving, 60, "it serves")
            yield remote
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            code = process.wait(30)
    assert code in {0, -signal.SIGKILL}


@pytest.fixture(scope="module")
def remote(shared_database: Environ, stubs: Stubs) -> Iterator[Remote]:
    with connect(shared_database, admin=True) as admin:
        wipe(admin)
    with serving(shared_database, stubs, ACCOUNTS_THROTTLE_REGISTRATIONS_PER_MINUTE="0") as served:
        yield served


@pytest.fixture(autouse=True)
def _nobody(admin: psycopg.Connection[object]) -> None:
    forget_people(admin)


def refusal(remote: Remote, method: str, **fields: Any) -> grpc.RpcError:  # noqa: ANN401
    with pytest.raises(grpc.RpcError) as caught:
        remote.call(method, **fields)
    return caught.value


def trailers_of(error: grpc.RpcError) -> dict[str, str]:
    metadata: Any = error.trailing_metadata()
    return {name: str(value) for name, value in metadata}


def test_a_session_begins_goes_on_and_ends(remote: Remote) -> None:
    first = remote.register(email="ann@example.com", name="Ann", birthday="1990-02-28")
    assert first.expires_in == 900
    second = remote.call("Login", login="ANN", password=PASSWORD)
    assert second.user_id == first.user_id
    renewed = remote.call("Refresh", refresh_token=second.refresh_token)
    identity = remote.call("Validate", access_token=renewed.access_token, fresh=True)
    assert (identity.user_id, identity.admin) == (first.user_id, False)
    assert "account" in identity.scopes
    assert identity.expires_at.seconds > 0
    remote.call("Logout", refresh_token=renewed.refresh_token)
    ended = refusal(remote, "Validate", access_token=renewed.access_token, fresh=True)
    assert ended.code() == grpc.StatusCode.UNAUTHENTICATED
    assert refusal(remote, "Refresh", refresh_token=renewed.refresh_token).code() == (
        grpc.StatusCode.UNAUTHENTICATED
    )
    assert remote.call("Validate", access_token=first.access_token, fresh=True).user_id


def test_a_person_is_shown_as_they_registered(remote: Remote) -> None:
    user_id = remote.register(email="ann@example.com", name="Ann", birthday="1990-02-28").user_id
    user = remote.call("GetUser", user_id=user_id)
    assert (user.login, user.email, user.name) == ("ann", "ann@example.com", "Ann")
    assert (user.birthday, user.admin, user.disabled) == ("1990-02-28", False, False)
    assert remote.call("IsAdmin", user_id=user_id).admin is False
    bare = remote.call("GetUser", user_id=remote.register("bob").user_id)
    assert not bare.HasField("email")
    assert not bare.HasField("birthday")


@pytest.mark.parametrize(
    ("method", "fields", "code"),
    [
        ("Login", {"login": "nobody", "password": PASSWORD}, grpc.StatusCode.UNAUTHENTICATED),
        ("Login", {"login": "ann", "password": "wrong"}, grpc.StatusCode.UNAUTHENTICATED),
        ("Register", {"login": "ann", "password": PASSWORD}, grpc.StatusCode.ALREADY_EXISTS),
        ("Register", {"login": "bob", "password": "short"}, grpc.StatusCode.INVALID_ARGUMENT),
        ("Refresh", {"refresh_token": "made up"}, grpc.StatusCode.UNAUTHENTICATED),
        ("Validate", {"access_token": "made up"}, grpc.StatusCode.UNAUTHENTICATED),
        ("Validate", {}, grpc.StatusCode.UNAUTHENTICATED),
        ("GetUser", {"user_id": "nobody"}, grpc.StatusCode.INVALID_ARGUMENT),
        (
            "GetUser",
            {"user_id": "01890a5d-ac96-774b-bcce-b302099a8057"},
            grpc.StatusCode.NOT_FOUND,
        ),
        (
            "IsAdmin",
            {"user_id": "01890a5d-ac96-774b-bcce-b302099a8057"},
            grpc.StatusCode.NOT_FOUND,
        ),
    ],
)
def test_what_goes_wrong_has_its_status(
    remote: Remote, method: str, fields: dict[str, Any], code: grpc.StatusCode
) -> None:
    remote.register()
    assert refusal(remote, method, **fields).code() == code


def test_the_faults_of_fields_are_told(remote: Remote) -> None:
    error = refusal(remote, "Register", login="bob", password="short", birthday="tomorrow")
    assert list(json.loads(trailers_of(error)["faults"])) == ["birthday"]
    error = refusal(remote, "Register", login="bob", password="short")
    assert "password" in json.loads(trailers_of(error)["faults"])


def test_guesses_are_held_back_for_whom_a_service_calls(remote: Remote) -> None:
    remote.register()
    mallory = [("x-client-address", "203.0.113.7"), ("x-client-user-agent", "guesser")]
    refusals = [
        refusal(remote, "Login", login="ann", password="wrong", metadata=mallory) for _ in range(8)
    ]
    assert refusals[0].code() == grpc.StatusCode.UNAUTHENTICATED
    assert refusals[-1].code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert int(trailers_of(refusals[-1])["retry-after"]) >= 1


def test_a_call_that_nobody_waits_for_ends_with_its_deadline(remote: Remote) -> None:
    error = refusal(remote, "Login", login="ann", password=PASSWORD, timeout=0.001)
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_message_that_is_too_large_is_refused(remote: Remote) -> None:
    error = refusal(remote, "Validate", access_token="x" * 100_000)
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_reflection_tells_the_service_and_its_methods(remote: Remote) -> None:
    database = ProtoReflectionDescriptorDatabase(remote.channel)
    assert SERVICE in database.get_services()
    file = database.FindFileContainingSymbol(SERVICE)
    (service,) = file.service
    assert {method.name for method in service.method} == {
        *("Register", "Login", "Refresh", "Logout", "Validate", "IsAdmin", "GetUser")
    }


def test_health_is_told_for_the_server_and_the_service(remote: Remote) -> None:
    for name in ("", SERVICE):
        assert remote.health(name) == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as caught:
        remote.health("nothing")
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_process_that_is_killed_loses_no_session(shared_database: Environ, stubs: Stubs) -> None:
    with serving(shared_database, stubs) as first:
        tokens = first.register()
        first.process.kill()
        first.process.wait(10)
    with serving(shared_database, stubs) as second:
        assert second.call("Refresh", refresh_token=tokens.refresh_token).user_id == tokens.user_id
        assert second.call("Validate", access_token=tokens.access_token).user_id == tokens.user_id


def test_over_tls_callers_need_a_certificate(
    shared_database: Environ, stubs: Stubs, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    identity = authority.issue("localhost")
    ours = identity.certificate.read_bytes()
    trusted = grpc.ssl_channel_credentials(
        authority.certificate.read_bytes(), identity.key.read_bytes(), ours
    )
    settings = {
        "ACCOUNTS_GRPC_CERTIFICATE": str(identity.certificate),
        "ACCOUNTS_GRPC_KEY": str(identity.key),
        "ACCOUNTS_GRPC_CLIENT_AUTHORITY": str(authority.certificate),
    }
    with serving(shared_database, stubs, trusted, **settings) as remote:
        assert remote.register().user_id
        stranger = grpc.ssl_channel_credentials(authority.certificate.read_bytes())
        with grpc.secure_channel(remote.address, stranger) as channel:
            stub = stubs.services.AccountsStub(channel)
            request = stubs.messages.ValidateRequest()
            with pytest.raises(grpc.RpcError) as caught:
                stub.Validate(request, timeout=5)
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
