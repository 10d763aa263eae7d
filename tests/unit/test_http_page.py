"""The page and Swagger UI: own files only, safely joined, revalidated."""

import json
import re
from pathlib import Path

import pytest
from werkzeug.test import Client

from tests.builders import ROOT
from tests.unit.http_support import client, services


@pytest.fixture
def http(tmp_path: Path) -> Client:
    web = tmp_path / "web"
    web.mkdir()
    (tmp_path / "secret.js").write_text("secret")
    (web / "index.html").write_text("<!doctype html><title>Orders</title>")
    (web / "app.js").write_text("1;")
    (web / "favicon.svg").write_text("<svg/>")
    (web / "notes.txt").write_text("not for the public")
    return client(services(web_dir=web))


def test_the_page_is_at_the_root(http: Client) -> None:
    answer = http.get("/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_scripts_have_a_type_that_browsers_run(http: Client) -> None:
    answer = http.get("/web/app.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.text == "1;"


def test_a_file_is_revalidated_by_its_etag(http: Client) -> None:
    first = http.get("/web/app.js")
    assert first.headers["Cache-Control"] == "no-cache"
    again = http.get("/web/app.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["../secret.js", "..%2Fsecret.js", "%2e%2e/secret.js", "/etc/passwd", "notes.txt", "x.js"],
)
def test_nothing_else_is_served(http: Client, path: str) -> None:
    assert http.get(f"/web/{path}", follow_redirects=True).status_code == 404


def test_the_page_learns_which_routes_this_process_has(http: Client) -> None:
    first = http.get("/web/routes.json")
    assert {"/", "/health/live", "/web/routes.json"} <= {*json.loads(first.text)["routes"]}
    assert first.headers["Cache-Control"] == "no-cache"
    again = http.get("/web/routes.json", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_the_catalogue_can_be_sold() -> None:
    catalogue = json.loads((ROOT / "web/catalogue.json").read_text(encoding="utf-8"))
    pictures = (ROOT / "web/goods.svg").read_text(encoding="utf-8")
    goods = catalogue["goods"]
    assert re.fullmatch(r"[A-Z]{3}", catalogue["currency"])
    assert len({each["id"] for each in goods}) == len(goods)
    for each in goods:
        assert type(each["price"]) is int
        assert each["price"] > 0
        assert 1 <= len(each["id"]) <= 64
        assert 1 <= len(each["name"]) <= 255
        assert f'id="{each["glyph"]}"' in pictures


def test_the_icon_that_browsers_ask_for_is_there(http: Client) -> None:
    assert http.get("/favicon.ico").headers["Content-Type"].startswith("image/svg+xml")


def test_a_page_without_an_icon_is_no_error() -> None:
    assert client().get("/favicon.ico").status_code == 204


@pytest.mark.parametrize("path", ["/swagger/", "/swagger/index.html"])
def test_swagger_ui_loads_nothing_from_other_hosts(http: Client, path: str) -> None:
    page = http.get(path)
    assert page.status_code == 200
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert links
    for link in links:
        assert link.startswith("/swagger/")
        with http.get(link) as answer:
            assert answer.status_code == 200
    assert "//" not in http.get("/swagger/start.js").text


def test_swagger_without_its_slash_is_redirected_within_the_service(http: Client) -> None:
    answer = http.get("/swagger")
    assert answer.status_code == 308
    assert answer.headers["Location"] == "/swagger/"
