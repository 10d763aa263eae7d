"""The description of the API is valid, complete and true."""

import json
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from order_service.contexts.orders.model import UID_PATTERN
from tests.unit.http_support import ORDER, UID, MemoryLookup, client, json_of, services
from tests.unit.test_http_authentication import closed_services


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return json_of(client().get("/openapi.json"))


def test_it_is_valid_openapi_3_1(spec: dict[str, Any]) -> None:
    assert spec["openapi"] == "3.1.0"
    assert spec["info"]["title"] == "Order Service"
    validate(spec)


def test_it_describes_the_routes_for_clients(spec: dict[str, Any]) -> None:
    assert set(spec["paths"]) == {
        "/order/{order_uid}",
        "/orders",
        "/health/live",
        "/health/ready",
    }


def test_every_field_has_an_example_and_a_description(spec: dict[str, Any]) -> None:
    for name in ("Order", "Delivery", "Payment", "Item", "OrderSummary"):
        for field, schema in spec["components"]["schemas"][name]["properties"].items():
            if "$ref" in schema or field in ("items", "delivery", "payment"):
                continue
            assert schema.get("description"), (name, field)
            assert "example" in schema or schema.get("examples"), (name, field)


def test_the_rules_of_the_order_are_stated(spec: dict[str, Any]) -> None:
    order = spec["components"]["schemas"]["Order"]
    assert order["properties"]["order_uid"]["pattern"] == UID_PATTERN.replace(r"\Z", "$")
    assert order["properties"]["track_number"]["maxLength"] == 255
    assert order["properties"]["items"]["minItems"] == 1
    assert order["properties"]["sm_id"]["maximum"] == 2**31 - 1
    assert "internal_signature" not in order["required"]
    assert "delivery" in order["required"]


def _validate(spec: dict[str, Any], schema: dict[str, Any], instance: object) -> None:
    OAS31Validator({**schema, "components": spec["components"]}).validate(instance)


def _schema_of(spec: dict[str, Any], path: str, status: str) -> dict[str, Any]:
    response = spec["paths"][path]["get"]["responses"][status]
    if "$ref" in response:
        response = spec["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    (content,) = response["content"].values()
    schema: dict[str, Any] = content["schema"]
    return schema


@pytest.mark.parametrize(
    ("path", "url", "status"),
    [
        ("/order/{order_uid}", f"/order/{UID}", "200"),
        ("/order/{order_uid}", "/order/unknown", "404"),
        ("/order/{order_uid}", "/order/a b", "400"),
        ("/orders", "/orders", "200"),
        ("/orders", "/orders?limit=0", "400"),
        ("/health/live", "/health/live", "200"),
        ("/health/ready", "/health/ready", "200"),
    ],
)
def test_answers_are_as_described(spec: dict[str, Any], path: str, url: str, status: str) -> None:
    answer = client().get(url)
    assert answer.status_code == int(status)
    _validate(spec, _schema_of(spec, path, status), json_of(answer))


def test_a_503_is_as_described(spec: dict[str, Any]) -> None:
    lookup = MemoryLookup()
    lookup.away = True
    answer = client(services(lookup)).get("/order/unknown")
    response = spec["components"]["responses"]["Unavailable"]
    assert set(response["headers"]) <= set(answer.headers.keys())
    assert list(response["content"]) == [answer.headers["Content-Type"]]


def test_documented_headers_of_an_order_are_sent(spec: dict[str, Any]) -> None:
    documented = spec["paths"]["/order/{order_uid}"]["get"]["responses"]["200"]["headers"]
    assert {"ETag", "X-Cache", "X-Request-ID"} <= set(documented)
    assert set(documented) <= set(client().get(f"/order/{ORDER.order_uid}").headers.keys())


def test_data_need_the_key_where_reading_is_closed_and_health_does_not() -> None:
    spec = json_of(client(closed_services()).get("/openapi.json"))
    assert spec["security"] == [{"apiKey": []}]
    assert spec["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    for path, item in spec["paths"].items():
        own = item["get"].get("security")
        assert own == ([] if path.startswith("/health/") else None), path


def test_where_reading_is_open_a_key_may_be_left_out(spec: dict[str, Any]) -> None:
    assert spec["security"] == [{}, {"apiKey": []}]


def test_every_parameter_has_a_description_and_an_example(spec: dict[str, Any]) -> None:
    for item in spec["paths"].values():
        parameters = item.get("parameters", []) + item["get"].get("parameters", [])
        for parameter in parameters:
            assert parameter["description"]
            assert "example" in parameter or "example" in parameter["schema"], parameter["name"]


def test_the_description_says_what_may_change(spec: dict[str, Any]) -> None:
    assert "additive" in spec["info"]["description"]


def test_every_schema_is_used(spec: dict[str, Any]) -> None:
    text = json.dumps(spec)
    for name in spec["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text, name
