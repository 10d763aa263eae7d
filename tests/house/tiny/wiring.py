"""The route and the worker of the tiny context, on its table."""

from collections.abc import Sequence

from flask import Response
from flask_smorest import Blueprint

from order_service.context.checks import CallCheck
from order_service.context.process import Process
from order_service.http.access import Access
from order_service.http.api_part import ApiPart
from order_service.http.health import Check
from order_service.infra.postgres.database import Database
from order_service.infra.postgres.sql import Query

from .metrics import TinyMetrics
from .settings import TinySettings

_ALL = Query("all_notes", "SELECT body FROM tiny.notes ORDER BY id")
_ADD = Query("add_note", "INSERT INTO tiny.notes (body) VALUES (%(body)s) RETURNING id")


def open_api(process: Process) -> ApiPart:
    """Return `GET /tiny/notes`."""
    database, metrics = process.database(1), TinyMetrics(process.registry)
    blueprint = Blueprint("tiny", __name__)

    @blueprint.route("/tiny/notes")
    def notes() -> Response:
        """Return all notes, a line each."""
        rows = database.read(_ALL)
        metrics.read.inc(len(rows))
        return Response("\n".join(body for (body,) in rows), content_type="text/plain")

    return ApiPart(
        blueprints=[blueprint],
        access={"/tiny/": Access(("tiny:read",))},
        checks=[CallCheck("tiny", lambda: database.read(_ALL), required=False)],
    )


class Writer:
    """Writes one note."""

    def __init__(self, process: Process, database: Database) -> None:
        self._process = process
        self._database = database

    @property
    def checks(self) -> Sequence[Check]:
        """Whether the table can be read."""
        return [CallCheck("tiny", lambda: self._database.read(_ALL), required=True)]

    def run(self) -> None:
        """Write it, then wait."""
        self._database.write(_ADD, {"body": self._process.config.of(TinySettings).greeting})
        self._process.stopping.wait()


def open_writer(process: Process) -> Writer:
    """Return the worker."""
    return Writer(process, process.database(1))
