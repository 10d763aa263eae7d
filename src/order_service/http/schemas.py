"""What the schemas of routes have in common, whatever their context."""

from typing import Any, Self

from marshmallow import EXCLUDE, Schema


def said(description: str, example: object) -> dict[str, Any]:
    """Return the options of a field that is always there."""
    return {"required": True, "metadata": {"description": description, "example": example}}


class TitledSchema(Schema):
    """A schema whose title in the documentation is its name: ``Balance`` of ``BalanceSchema``."""

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        title = {"title": cls.__name__.removesuffix("Schema")}
        cls.Meta = type("Meta", (cls.Meta,), title)  # type: ignore[assignment, misc]

    def __deepcopy__(self, memo: object) -> Self:
        """Return itself, as nobody changes a schema that is made.

        flask-smorest copies what it knows of a view with each decorator. Of the routes' errors that
        took a third of the time in which the API is made.
        """
        return self


class LenientSchema(TitledSchema):
    """One whose members that are not known are ignored."""

    class Meta:
        """Settings of the schema."""

        unknown = EXCLUDE
