"""One server process of the API: the routes of all contexts that are on, wired and started."""

from collections.abc import Iterable, Sequence
from importlib import import_module
from wsgiref.types import StartResponse, WSGIEnvironment

from order_service.config import Config
from order_service.context import Contexts, Worker
from order_service.context.process import Process
from order_service.http.api_part import ApiPart
from order_service.http.app import ApiServices, create_wsgi
from order_service.http.front import Front
from order_service.http.health import Check
from order_service.infra.memory import share_one_arena
from order_service.infra.resources import bundled

from .background import BackgroundWorker
from .contexts import installed


class Api:
    """The WSGI application of one server process, and all that it holds open.

    Make it after any fork. `close` it to end its threads and connections.

    Args:
        config: All settings.
        contexts: All that are installed.
        workers: What the process does beside its routes, in threads of its own.

    Attributes:
        process: What it holds open.
        quick: See :class:`http.app.Application`.
    """

    def __init__(self, config: Config, contexts: Contexts, workers: Iterable[Worker] = ()) -> None:
        self.process = Process(config, scopes=contexts.scopes)
        try:
            background = [BackgroundWorker(self.process, worker) for worker in workers]
            self._app = create_wsgi(make_services(self.process, contexts, background))
            self.quick = self._app.quick
            for worker in background:
                worker.start()
        except BaseException:
            self.process.close()
            raise

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        return self._app(environ, start_response)

    def close(self) -> None:
        """Stop what runs in the background and close all connections; see :meth:`Process.close`."""
        self.process.close()


def make_services(
    process: Process, contexts: Contexts, conditions: Sequence[Check] = ()
) -> ApiServices:
    """Return what the API is made of, wired and started.

    Args:
        process: What it runs in.
        contexts: All that are installed.
        conditions: What the readiness of this process depends on beside its routes.
    """
    enabled, http = contexts.enabled(process.config), process.config.http
    parts: list[ApiPart] = [
        import_module(each.api).open_api(process) for each in enabled if each.api
    ]
    process.begin()
    return ApiServices(
        parts=[*parts, ApiPart(conditions=conditions)],
        registry=process.registry,
        web_dir=bundled("web"),
        front=Front(http.origins, http.rate_limit, http.proxies, process.tracer, http.credentials),
    )


def create_api(config: Config) -> Api:
    """Return the application of one server process."""
    contexts = installed()
    contexts.set_up(config)
    share_one_arena()
    return Api(config, contexts)
