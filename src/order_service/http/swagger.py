"""Swagger UI from the files of the package flask-swagger-ui: works without the internet.

The package's own blueprint has its start script inside the page, which our security policy
forbids for good reason, so the page and the script are served from here as two files.
"""

from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, redirect
from werkzeug.wrappers import Response as WerkzeugResponse

from .page import send
from .security import SWAGGER_POLICY

_DIST = Path(flask_swagger_ui.__file__).parent / "dist"

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Order Service API</title>
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="stylesheet" href="/swagger/swagger-ui.css">
  <link rel="icon" type="image/png" href="/swagger/favicon-32x32.png">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="/swagger/swagger-ui-bundle.js"></script>
  <script src="/swagger/start.js"></script>
</body>
</html>
"""

# No validator badge: it would send the description to another host.
_START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
"""


def _text(text: str, mimetype: str) -> Response:
    response = Response(text, mimetype=mimetype)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Security-Policy"] = SWAGGER_POLICY
    return response


def create_blueprint() -> Blueprint:
    """Return the blueprint with `/swagger/`, `/swagger/index.html` and the UI's files."""
    blueprint = Blueprint("swagger", __name__, url_prefix="/swagger")

    @blueprint.get("")
    def bare() -> WerkzeugResponse:
        return redirect("/swagger/", 308)

    @blueprint.get("/")
    @blueprint.get("/index.html")
    def index() -> Response:
        return _text(_PAGE, "text/html")

    @blueprint.get("/start.js")
    def start() -> Response:
        return _text(_START, "text/javascript")

    @blueprint.get("/<path:name>")
    def file(name: str) -> Response:
        return send(_DIST, name, SWAGGER_POLICY)

    return blueprint
