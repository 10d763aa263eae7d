"""The page: static files of one directory, revalidated by ETag on every visit."""

from pathlib import Path, PurePosixPath

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from .security import PAGE_POLICY

# The table of the machine is not to be trusted: some know no .js or call it text/plain,
# which `nosniff` turns into a blank page.
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


def send(directory: Path, name: str, policy: str) -> Response:
    """Return a file of `directory`, never one outside; 304 if the client has it.

    Raises:
        NotFound: There is no such file.
    """
    mimetype = _TYPES.get(PurePosixPath(name).suffix)
    path = safe_join(str(directory), name)
    if mimetype is None or path is None or not Path(path).is_file():
        raise NotFound
    response = Response(Path(path).read_bytes(), mimetype=mimetype)
    # An upgrade must show at once; with the ETag a revisit costs one small round trip. The
    # ETag is made of the content, so it is the same on every replica.
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Security-Policy"] = policy
    response.add_etag()
    response.make_conditional(request)
    return response


def create_blueprint(web_dir: Path) -> Blueprint:
    """Return the blueprint with `/`, `/web/<file>`, `/web/routes.json` and `/favicon.ico`."""
    blueprint = Blueprint("page", __name__)

    @blueprint.get("/")
    def index() -> Response:
        return send(web_dir, "index.html", PAGE_POLICY)

    @blueprint.get("/web/<path:name>")
    def file(name: str) -> Response:
        return send(web_dir, name, PAGE_POLICY)

    @blueprint.get("/web/routes.json")
    def routes() -> Response:
        return _routes()

    @blueprint.get("/favicon.ico")
    def favicon() -> Response:
        return _favicon(web_dir)

    return blueprint


def _routes() -> Response:
    """Return the routes of this process, by which the page knows what it can offer."""
    rules = sorted({rule.rule for rule in current_app.url_map.iter_rules()})
    response = jsonify(routes=rules)
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def _favicon(web_dir: Path) -> Response:
    """Return the icon, or nothing for browsers that ask for it unbidden."""
    for name in ("favicon.ico", "favicon.svg"):
        if (web_dir / name).is_file():
            return send(web_dir, name, PAGE_POLICY)
    return Response(status=204, headers={"Cache-Control": "max-age=86400"})
