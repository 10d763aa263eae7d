"""One server process of the API: the routes of all contexts that are on, wired and started."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from order_service.config import Config
from order_service.context import Contexts
from order_service.context.process import Process
from order_service.http.app import ApiServices, create_wsgi
from order_service.http.front import Front
from order_service.infra.memory import share_one_arena
from order_service.infra.resources import bundled

from .contexts import installed


class Api:
    """The WSGI application of one server process, and all that it holds open.

    Make it after any fork. `close` it to end its threads and connections.

    Attributes:
        process: What it holds open.
    """

    def __init__(self, config: Config, contexts: Contexts) -> None:
        self.process = Process(config, scopes=contexts.scopes)
        try:
            self._app = create_wsgi(make_services(self.process, contexts))
        except BaseException:
            self.process.close()
            raise

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        return self._app(environ, start_response)

    def close(self) -> None:
        """Stop what runs in the background and close all connections; see :meth:`Process.close`."""
        self.process.close()


def make_services(process: Process, contexts: Contexts) -> ApiServices:
    """Return what the API is made of, wired and started."""
    enabled, http = contexts.enabled(process.config), process.config.http
    return ApiServices(
        parts=[each.open_api(process) for each in enabled if each.open_api],
        registry=process.registry,
        web_dir=bundled("web"),
        front=Front(http.origins, http.rate_limit, http.proxies, process.tracer, http.credentials),
    )


def create_api() -> Api:
    """Return the application of one server process, from the environment's configuration."""
    contexts = installed()
    config = contexts.configured()
    share_one_arena()
    return Api(config, contexts)
