"""What the programs that run alone make of the address of their database."""

import pytest

from order_service.bootstrap.standalone import database_settings
from order_service.config import ConfigError


@pytest.mark.parametrize(
    ("uri", "host", "port"),
    [
        ("postgresql://u:p@pg-1/db", "pg-1", "5432"),
        ("postgresql://u:p@[::1]:5433/db", "::1", "5433"),
        ("postgresql://u:p@pg-1:1,pg-2,[::1]:3/db", "[pg-1]:1,[pg-2]:5432,[::1]:3", "5432"),
        ("host=pg-1,pg-2 port=7 user=u", "[pg-1]:7,[pg-2]:7", "5432"),
    ],
)
def test_one_server_or_several_are_named(uri: str, host: str, port: str) -> None:
    settings = database_settings(uri)
    assert (settings["POSTGRES_HOST"], settings["POSTGRES_PORT"]) == (host, port)


def test_hosts_and_ports_that_do_not_match_are_refused() -> None:
    with pytest.raises(ConfigError, match="3 hosts and 2 ports"):
        database_settings("host=pg-1,pg-2,pg-3 port=1,2 user=u")
