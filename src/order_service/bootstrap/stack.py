"""`order-service run`: which programs of this service a stack on one machine runs."""

from collections.abc import Iterator
from dataclasses import replace

from order_service.bootstrap.contexts import api_modules
from order_service.bootstrap.demo import visit_of
from order_service.config import Config, flat
from order_service.config.errors import variable_of
from order_service.context import Contexts, Worker
from order_service.context.later import module_of
from order_service.embedded.console import python_command
from order_service.embedded.ports import free_port
from order_service.embedded.stack import run_stack
from order_service.embedded.workload import (
    Endpoint,
    Program,
    StackOptions,
    Turn,
    Visit,
    Workload,
)
from order_service.infra.listening import why_not_listen

_API_PAGES = {
    "Page": "/",
    "API": "/swagger/",
    "Health": "/health/ready",
    "Metrics": "/metrics",
}
_WORKER_PAGES = {"Metrics": "/metrics"}
_CLI = "order_service.cli"
_WORKER_PORT = "METRICS_WORKER_PORT"
_DEFAULT_WORKER_PORT = Config().metrics.worker_port


def run_everything(contexts: Contexts, options: StackOptions, *, demo_rate: float = 0.0) -> int:
    """Run servers, API and workers until a stop is asked for; return the exit code.

    Args:
        contexts: What there is to run.
        options: How the servers are run.
        demo_rate: Samples a second, of what each context has samples of; 0 for none.

    Raises:
        ConfigError: The configuration has faults.
    """
    config = contexts.load_config()
    work = workload(contexts, config, demo_rate)
    if demo_rate:
        work = replace(work, visit=_visit(contexts, config, options))
    return run_stack(config, work, options)


def workload(contexts: Contexts, config: Config, demo_rate: float) -> Workload:
    """Return all that is run beside the servers."""
    enabled = contexts.enabled(config)
    return Workload(
        steps=[_migration(config)],
        services=[_api(contexts, config), *_workers(config, contexts.workers(config))],
        demos=list(_demos(contexts, config, demo_rate)),
        topics={
            topic.name: topic.partitions or config.kafka.partitions
            for each in enabled
            for topic in each.topics(config)
        },
        settings=_settings(contexts, config),
        hints=[hint.format(python=python_command()) for each in enabled for hint in each.hints],
    )


def _migration(config: Config) -> Program:
    form = ("--json",) if config.log.format == "json" else ()
    command = ("order_service", "migrate", "up", *form)
    modules = (_CLI, "order_service.bootstrap.migrate")
    return Program("migrate", command, ("postgres",), modules=modules)


def _api(contexts: Contexts, config: Config) -> Program:
    needs = contexts.api_needs(config)
    # Of several processes it must be known first where their metrics meet.
    alone = config.http.workers == 1
    modules = [_CLI, "order_service.bootstrap.api", *api_modules(config)] if alone else ()
    endpoint = _api_endpoint(config)
    return Program("api", ("order_service", "api"), needs, endpoint, modules=modules)


def _api_endpoint(config: Config) -> Endpoint:
    return Endpoint(config.http.host, config.http.port, "HTTP_PORT", pages=_API_PAGES)


def _workers(config: Config, workers: tuple[Worker, ...]) -> Iterator[Program]:
    """Yield each with a port for its metrics: the configured one, and those after it."""
    first = config.metrics.worker_port
    fixed = first != _DEFAULT_WORKER_PORT
    for place, worker in enumerate(workers):
        # Port 0 means that metrics are not served.
        endpoint = Endpoint(
            config.http.host, first and first + place, _WORKER_PORT, fixed, _WORKER_PAGES
        )
        yield Program(
            worker.name,
            ("order_service", "work", worker.name),
            worker.needs,
            endpoint if first else None,
            keeps_offsets=worker.consumes,
            turn=Turn.FOLLOWING if worker.waits else Turn.CONSUMING,
            modules=[
                _CLI,
                "order_service.bootstrap.worker",
                *filter(None, [module_of(worker.open)]),
            ],
            settings=dict(_own_ports(config, worker)),
        )


def _own_ports(config: Config, worker: Worker) -> Iterator[tuple[str, str]]:
    """Yield the ports of a worker; one that nobody chose moves to a free one if it is taken."""
    values, defaults = flat(config), flat(config.with_defaults())
    for path in worker.ports:
        port = int(str(values[path]))
        if values[path] == defaults[path] and why_not_listen(config.http.host, port):
            port = free_port()
        yield variable_of(path), str(port)


def _visit(contexts: Contexts, config: Config, options: StackOptions) -> Visit | None:
    api = _api_endpoint(config)
    return visit_of(contexts.enabled(config), api.host, api.url, options.data_dir)


def _demos(contexts: Contexts, config: Config, rate: float) -> Iterator[Program]:
    for context in contexts.enabled(config) if rate else ():
        for demo in context.demos:
            yield Program(demo.name, demo.command(rate), demo.needs)


def _settings(contexts: Contexts, config: Config) -> dict[str, str]:
    """Return what programs beside the service, such as the producer, must know."""
    own = {
        f"{context.section.name}_{key}".upper(): str(getattr(config.own[context.section.name], key))
        for context in contexts.enabled(config)
        if context.section
        for key in context.shared_settings
    }
    return {_WORKER_PORT: str(config.metrics.worker_port), **own}
