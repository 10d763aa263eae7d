"""Several server processes of one API."""

import pytest

from order_service.embedded.valkey import ValkeyServer
from tests.backends import Environ
from tests.e2e.api_process import serving
from tests.waiting import eventually

_LOOKUPS = 40


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_scrape_counts_what_all_of_them_answered(
    workers: str, migrated_database: Environ, valkey_server: ValkeyServer
) -> None:
    environ = {**migrated_database, **valkey_server.environment(), "HTTP_WORKERS": workers}
    with serving(environ) as api:
        for number in range(_LOOKUPS):  # each on a connection of its own, in the event loop
            assert api.get(f"/order/unknown-{number}").status == 404
        name = "order_service_cache_requests_total"
        eventually(lambda: api.sample(name) == _LOOKUPS, 10, "all lookups are counted")
        # Any of the workers may show them.
        assert {api.sample(name) for _ in range(20)} == {_LOOKUPS}
