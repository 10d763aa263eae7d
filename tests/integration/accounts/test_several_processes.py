"""Three API processes on one database: a session belongs to all of them. Redis is away."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from order_service.contexts.accounts.api.authenticator import TokenAuthenticator
from order_service.contexts.accounts.errors import AccountsUnavailableError
from order_service.contexts.orders.postgres import PostgresOrders
from order_service.http.authentication import CredentialsUnavailableError
from tests.backends import Environ
from tests.builders import record
from tests.integration.accounts.bench import AccountsBench, wipe
from tests.integration.accounts.site import Site, json_of, site
from tests.waiting import eventually

NO_REDIS = {"REDIS_URL": "redis://127.0.0.1:1/0", "ORDERS_CACHE_WARM_UP": "0"}


@pytest.fixture
def shops(shared_database: Environ, admin: psycopg.Connection[object]) -> Iterator[list[Site]]:
    wipe(admin)
    with ExitStack() as stack:
        environ = shared_database | NO_REDIS
        yield [stack.enter_context(site(environ, HTTP_AUTH="token")) for _ in range(3)]


def test_one_signs_in_another_renews_the_third_revokes(shops: list[Site]) -> None:
    first, second, third = shops
    first.register()
    tokens = json_of(first.login())
    renewed = json_of(second.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]}))
    for shop in shops:
        assert shop.get("/auth/info", renewed["access_token"]).status_code == 200
    gone = third.ask("DELETE", "/auth/sessions", token=renewed["access_token"])
    assert json_of(gone)["ended"] == 2

    def refused_by_all() -> bool:
        answers = [shop.get("/auth/info", renewed["access_token"]) for shop in shops]
        return all(answer.status_code == 401 for answer in answers)

    # Every process reads once a second; the rest is the patience of a test on a busy machine.
    eventually(refused_by_all, 10, "all refuse the token of a session that one has ended")
    for shop in shops:
        again = shop.post("/auth/refresh", {"refresh_token": renewed["refresh_token"]})
        assert again.status_code == 401


def test_a_fresh_look_sees_the_end_at_once_and_fails_if_it_cannot_look(
    bench: AccountsBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = TokenAuthenticator(bench.verification, bench.store, bench.clock)
    bench.revocations.refresh()
    tokens = bench.register()
    before = door.principal(tokens.access_token, fresh=True)
    assert before
    assert (before.subject, before.kind) == (str(tokens.person_id), "token")

    def away(*_: object) -> None:
        raise AccountsUnavailableError

    with monkeypatch.context() as patch:
        patch.setattr(bench.store, "standing", away)
        assert door.principal(tokens.access_token, fresh=False) == before
        with pytest.raises(CredentialsUnavailableError):
            door.principal(tokens.access_token, fresh=True)
    bench.sessions.logout(tokens.refresh_token)
    assert door.principal(tokens.access_token, fresh=False) == before
    assert door.principal(tokens.access_token, fresh=True) is None
    assert door.principal("osk_of-a-program", fresh=True) is None


def test_customers_read_their_own_orders_and_no_others(
    shops: list[Site], postgres_orders: PostgresOrders
) -> None:
    shop = shops[0]
    ann, bob = shop.register("ann"), shop.register("bob")
    postgres_orders.save(
        [
            record("order-ann", 0, customer_id=ann["user_id"]),
            record("order-bob", 1, customer_id=bob["user_id"]),
        ]
    )
    assert shop.get("/order/order-ann").status_code == 401
    assert shop.get("/order/order-ann", ann["access_token"]).status_code == 200
    assert shop.get("/order/order-bob", ann["access_token"]).status_code == 404
    listed = json_of(shop.get("/orders", ann["access_token"]))["orders"]
    assert [each["order_uid"] for each in listed] == ["order-ann"]
