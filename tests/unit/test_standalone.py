"""What the programs that run alone make of their variables."""

import pytest

from order_service.bootstrap.standalone_settings import (
    accrual_settings,
    database_settings,
    listening_on,
    told_as_named,
)
from order_service.config import ConfigError, Fault
from order_service.contexts.loyalty.settings import LoyaltySettings
from tests.backends import config_of


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


@pytest.mark.parametrize(
    "address",
    ["", ":8082", "http://:8082", "pg-1:1", "https://host/", "http://host/base/", "[::1]:1"],
)
def test_an_accrual_system_is_named_as_people_write_it(address: str) -> None:
    environ = {"POSTGRES_HOST": "h", **accrual_settings(address)}
    assert config_of(environ).of(LoyaltySettings).accrual_address == address


@pytest.mark.parametrize(
    "address",
    ["ftp://host", "http://", "u@host:1", "host:99999", "host:x", "a b", "host/?q", "h#", "[::1"],
)
def test_what_is_no_address_is_told_by_the_name_of_its_variable(address: str) -> None:
    with pytest.raises(ConfigError, match="ACCRUAL_SYSTEM_ADDRESS"):
        accrual_settings(address)


def test_faults_are_told_by_the_variables_that_people_set() -> None:
    faults = [Fault("http.port", "a"), Fault("postgres.sslmode", "b"), Fault("log.level", "c")]
    with pytest.raises(ConfigError) as caught, told_as_named():
        raise ConfigError(tuple(faults))
    names = [fault.path for fault in caught.value.faults]
    assert names == ["RUN_ADDRESS", "DATABASE_URI", "log.level"]
    assert "HTTP_PORT" not in str(caught.value)


@pytest.mark.parametrize("address", ["8080", "host:", "host:x", ""])
def test_an_address_to_listen_on_has_a_port(address: str) -> None:
    with pytest.raises(ConfigError, match="RUN_ADDRESS"):
        listening_on(address)
