"""The marshmallow face of the order: every fault of a bad one, and its OpenAPI schema.

The classes are generated from the types of `model`, field by field, so that a rule is
written once. marshmallow takes some fifty times as long as the compiled decoder; it
is asked only about messages that the decoder refuses and for the API's documentation.
"""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from msgspec import inspect

from . import model


class UtcDateTime(fields.DateTime):
    """A time that follows the very rule of :data:`model.UtcDatetime`."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - marshmallow's signature
        try:
            return model.to_utc(msgspec.convert(value, model.UtcDatetime))
        except (msgspec.ValidationError, ValueError) as error:
            raise ValidationError(str(error)) from None


def _no_nul(text: str) -> None:
    """Refuse the one character that JSON admits and Postgres cannot store."""
    if "\x00" in text:
        raise ValidationError("Must not contain NUL characters.")


def _string(rule: inspect.StrType, options: dict[str, Any]) -> fields.Field[Any]:
    validators: list[Any] = [_no_nul]
    if rule.max_length is not None:
        validators.append(validate.Length(min=rule.min_length or None, max=rule.max_length))
    if rule.pattern is not None:
        validators.append(validate.Regexp(rule.pattern))
        # \Z is Python's; the regular expressions of JSON Schema know only $.
        options["metadata"]["pattern"] = rule.pattern.replace(r"\Z", "$")
    return fields.String(validate=validators, **options)


def _integer(rule: inspect.IntType, options: dict[str, Any]) -> fields.Field[Any]:
    options["metadata"]["format"] = "int32" if rule.le == model.MAX_INT else "int64"
    return fields.Integer(strict=True, validate=validate.Range(min=rule.ge, max=rule.le), **options)


def _field(rule: inspect.Type, options: dict[str, Any]) -> fields.Field[Any]:
    """Return the marshmallow field that states `rule`."""
    match rule:
        case inspect.Metadata():
            options["metadata"] = dict(rule.extra_json_schema or {})
            return _field(rule.type, options)
        case inspect.StrType():
            return _string(rule, options)
        case inspect.IntType():
            return _integer(rule, options)
        case inspect.DateTimeType():
            return UtcDateTime(**options)
        case inspect.StructType():
            return fields.Nested(_schema(rule), **options)
        case inspect.VarTupleType():
            length = validate.Length(min=rule.min_length)
            return fields.List(_field(rule.item_type, {}), validate=length, **options)
        case _:
            raise TypeError(f"no marshmallow field for {rule!r}")


def _schema(struct: inspect.StructType) -> type[Schema]:
    """Return the schema class of `struct`, named after it."""
    members: dict[str, Any] = {"Meta": type("Meta", (), {"unknown": EXCLUDE})}
    for field in struct.fields:
        presence = {"required": True} if field.required else {"load_default": field.default}
        members[field.name] = _field(field.type, {"metadata": {}, **presence})
    name = f"{struct.cls.__name__}Schema"
    return type(name, (Schema,), {"__doc__": struct.cls.__doc__, **members})


def schema_of(struct: type[msgspec.Struct]) -> type[Schema]:
    """Return the marshmallow schema class that states the rules of `struct`."""
    return _schema(cast("inspect.StructType", inspect.type_info(struct)))


OrderSchema = schema_of(model.Order)
DeliverySchema = schema_of(model.Delivery)
PaymentSchema = schema_of(model.Payment)
ItemSchema = schema_of(model.Item)

# Constructing a schema costs twice what a load does.
_ORDER = OrderSchema()


def faults_of(candidate: object) -> Mapping[str, Any]:
    """Return all faults of a decoded JSON value, nested as the order is; empty if none."""
    if not isinstance(candidate, dict):
        return {"_message": ["Must be one JSON object."]}
    return cast("Mapping[str, Any]", _ORDER.validate(candidate))
