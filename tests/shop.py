"""A shop for tests: its API with people who need no password, and its workers."""

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from werkzeug.test import Client, TestResponse

from order_service.bootstrap.api_process import make_services
from order_service.bootstrap.contexts import installed
from order_service.context import Worker
from order_service.http.api_part import ApiPart
from order_service.http.app import create_wsgi
from order_service.http.authentication import TOKEN, Principal
from order_service.infra.retry import StoppedError
from tests.backends import Environ, process_of
from tests.waiting import eventually

CUSTOMER = frozenset({"wallet", "purchases", "orders:read:own"})
ADMIN = CUSTOMER | {"payments:admin", "purchases:admin", "orders:read"}

WORKERS = ("checkout-relay", "checkout-settlements", "payments-relay", "payments-requests")

DELIVERY = {
    "name": "Test Testov",
    "phone": "+9720000000",
    "zip": "2639809",
    "city": "Kiryat Mozkin",
    "address": "Ploshad Mira 15",
    "region": "Kraiot",
    "email": "test@gmail.com",
}


class Trusting:
    """An Authenticator that takes the id of a person for a credential."""

    kind = TOKEN

    def principal(self, credential: str, *, fresh: bool) -> Principal | None:
        assert isinstance(fresh, bool)
        name, _, role = credential.partition(":")
        try:
            UUID(name)
        except ValueError:
            return None
        admin = role == "admin"
        return Principal(name, ADMIN if admin else CUSTOMER, TOKEN, admin=admin)


def wish(price: object = 1999, quantity: object = 1, **more: object) -> dict[str, Any]:
    """What somebody wants to buy."""
    goods = {"product_id": "2389212", "description": "Mascaras"}
    return {**goods, "quantity": quantity, "price": price, **more}


@dataclass
class Person:
    """Somebody who is signed in, and asks over HTTP."""

    client: Client
    id: UUID
    role: str = ""

    def ask(
        self,
        method: str,
        path: str,
        json: object = None,
        **options: Any,  # noqa: ANN401 - werkzeug's
    ) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.id}:{self.role}", **options.pop("headers", {})}
        if json is not None:
            options["json"] = json
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """The JSON of an answer that must be well."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.get_data()
        return answer.get_json()

    def open_wallet(self) -> str:
        answer = self.ask("POST", "/wallet")
        assert answer.status_code in {200, 201}, answer.get_data()
        return str(answer.get_json()["id"])

    def deposit(self, amount: object, **options: Any) -> TestResponse:  # noqa: ANN401
        return self.ask("POST", "/wallet/deposits", {"amount": amount}, **options)

    def balance(self) -> int:
        return int(self.get("/wallet")["balance"])

    def buy(self, *args: object, **more: object) -> str:
        """The id of a purchase that was accepted."""
        answer = self.ask("POST", "/purchases", wish(*args, **more))
        assert answer.status_code == 202, answer.get_data()
        return str(answer.get_json()["id"])

    def status(self, purchase: str) -> str:
        return str(self.get(f"/purchases/{purchase}")["status"])

    def settled(self, purchase: str, seconds: float = 60.0) -> dict[str, Any]:
        """The purchase once its payment is known."""
        eventually(lambda: self.status(purchase) != "pending", seconds, f"{purchase} is settled")
        return dict(self.get(f"/purchases/{purchase}"))

    def change(self, purchase: str, what: str) -> TestResponse:
        return self.ask("POST", f"/purchases/{purchase}/{what}")


class Shop:
    """An API in this process."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def person(self, role: str = "") -> Person:
        return Person(self._client, uuid.uuid4(), role)


@contextlib.contextmanager
def open_shop(environ: Mapping[str, str]) -> Iterator[Shop]:
    """The API of all contexts for the length of the block."""
    with process_of(environ) as process:
        services = make_services(process, installed())
        people = ApiPart(authenticators=[Trusting()])
        # Other authenticators would ask their own stores about credentials that they do not know.
        parts = [replace(part, authenticators=()) for part in services.parts]
        yield Shop(Client(create_wsgi(replace(services, parts=[*parts, people]))))


def worker_named(name: str) -> Worker:
    (found,) = (
        worker for each in installed().installed for worker in each.workers if worker.name == name
    )
    return found


@contextlib.contextmanager
def working(environ: Mapping[str, str], *names: str) -> Iterator[None]:
    """Workers in threads of this process for the length of the block."""
    with contextlib.ExitStack() as exits:
        for name in names or WORKERS:
            process = exits.enter_context(process_of(environ))
            work = worker_named(name).open(process)
            thread = threading.Thread(target=_run, args=(work.run,), name=name)
            exits.callback(thread.join)
            exits.callback(process.stopping.set)
            thread.start()
        yield


def _run(run: Callable[[], None]) -> None:
    with contextlib.suppress(StoppedError):
        run()


def topics_of_its_own(environ: Mapping[str, str]) -> Environ:
    """The environment with topics and groups that nobody else has."""
    name = uuid.uuid4().hex[:12]
    topics = {"REQUESTS_TOPIC": f"requests-{name}", "SETTLEMENTS_TOPIC": f"settlements-{name}"}
    return {
        **environ,
        **{
            f"{side}_{key}": topic
            for key, topic in topics.items()
            for side in ("CHECKOUT", "PAYMENTS")
        },
        "CHECKOUT_ORDERS_TOPIC": f"orders-{name}",
        "ORDERS_TOPIC": f"orders-{name}",
        "ORDERS_DEAD_LETTER_TOPIC": f"orders-{name}.dead-letters",
        "ORDERS_GROUP_ID": f"orders-{name}",
        "CHECKOUT_GROUP_ID": f"checkout-{name}",
        "PAYMENTS_GROUP_ID": f"payments-{name}",
        "KAFKA_PARTITIONS": "2",
    }
