"""The settings of who may read: lists are written with commas, and each item is checked."""

import pytest

from order_service.bootstrap.contexts import installed
from order_service.config import ConfigError

load_config = installed().load_config


def faults_of(**environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(environ=environ)
    return str(caught.value).splitlines()


@pytest.fixture(autouse=True)
def _empty_directory(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))


def test_lists_are_taken_apart_at_commas() -> None:
    http = load_config(
        environ={
            "HTTP_CORS_ORIGINS": "https://a.example, http://localhost:3000,https://[::1]:8443",
            "HTTP_TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8 , fd00::/8",
        }
    ).http
    assert http.origins == ("https://a.example", "http://localhost:3000", "https://[::1]:8443")
    assert http.proxies == ("127.0.0.1", "10.0.0.0/8", "fd00::/8")


def test_nobody_is_trusted_by_default() -> None:
    http = load_config(environ={}).http
    assert (http.auth, http.origins, http.proxies, http.rate_limit) == ("none", (), (), 0.0)


@pytest.mark.parametrize(
    "origin",
    [
        "a.example",
        "https://a.example/",
        "https://A.example",
        "ftp://a.example",
        "null",
        "*.example",
    ],
)
def test_what_is_no_origin_is_a_fault(origin: str) -> None:
    (fault,) = faults_of(HTTP_CORS_ORIGINS=f"https://good.example,{origin}")
    assert fault.startswith(f"http.cors_origins: {origin!r} is no origin")


@pytest.mark.parametrize("proxy", ["proxy.example", "10.0.0.1/8", "10.0.0.0/33"])
def test_what_is_no_network_is_a_fault(proxy: str) -> None:
    (fault,) = faults_of(HTTP_TRUSTED_PROXIES=f"127.0.0.1,{proxy}")
    assert fault.startswith("http.trusted_proxies: ")
    assert proxy in fault


def test_an_unknown_kind_of_authentication_is_a_fault() -> None:
    assert "one of api_key, api_key,token, none, token" in faults_of(HTTP_AUTH="basic")[0]
