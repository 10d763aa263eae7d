"""Blueprints whose views take JSON by a schema, and refuse with 400 whatever is none."""

import json
from typing import Any

from flask import Request
from flask_smorest import Blueprint
from webargs.flaskparser import FlaskParser


class _Parser(FlaskParser):
    """webargs, which knows of no numbers with thousands of digits and no endless nesting."""

    def _raw_load_json(self, req: Request) -> Any:  # noqa: ANN401 - webargs' own
        try:
            return super()._raw_load_json(req)
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise
        except (ValueError, RecursionError) as error:
            # Its position is not told to anybody, but must be one.
            raise json.JSONDecodeError(str(error), "{", 0) from error


class JsonBlueprint(Blueprint):
    """A blueprint of such views."""

    ARGUMENTS_PARSER = _Parser()
