"""`order-service run`: everything on one machine, from servers to API, until it is stopped.

What the configuration names is used; what it does not name is started here.
"""

import signal
import sys
import time

from order_service.config import Config
from order_service.embedded.console import Banner, Console
from order_service.embedded.events import Event, Inbox, StopRequested, Wake, Workers
from order_service.embedded.forking import ForkServer
from order_service.embedded.listening import PortTakenError, with_usable_ports
from order_service.embedded.lock import AlreadyRunningError, locked
from order_service.embedded.plan import Plan, services_folder
from order_service.embedded.processes import EmbeddedServerError
from order_service.embedded.selection import make_servers
from order_service.embedded.services import end_leftovers
from order_service.embedded.supervisor import Runtime, StartFailedError, Supervisor
from order_service.embedded.workload import StackOptions, Workload
from order_service.infra.loading import FORKS
from order_service.infra.logging import configure_logging, get_logger
from order_service.infra.signals import signals_told

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
_IN_MEMORY = (
    "The Kafka broker is embedded and in memory: messages that are not handled yet are lost when\n"
    "  it stops, and it drops the oldest data of a partition past its cap. Good for a look, not\n"
    "  for data that matter: `make run KAFKA=apache` runs a durable Apache Kafka (Java and Maven)."
)


def run_stack(config: Config, workload: Workload, options: StackOptions) -> int:
    """Run the stack in the main thread until SIGINT, SIGTERM or SIGHUP; no child outlives it.

    Returns:
        The exit code: 0 after a stop that was asked for, 1 if the stack could not be started; the
        reason was printed then.
    """
    began = time.monotonic()
    # A person starts this one, and may look at its output through a pager or in a file.
    configure_logging(config.log.level, "json" if config.log.format == "json" else "console")
    structured = config.log.format == "json" and not sys.stderr.isatty()
    console = Console(sys.stdout, sys.stderr, workload.names, structured=structured)
    inbox = Inbox()
    try:
        with (
            signals_told(_SIGNALS, lambda number: inbox.put(_event(number))),
            locked(options.data_dir.resolve()),
        ):
            _Stack(config, workload, options, console).run(inbox, began)
    except (AlreadyRunningError, PortTakenError, StartFailedError) as error:
        console.error(str(error))
        return 1
    except (EmbeddedServerError, OSError) as error:
        console.error(f"the stack cannot be started: {error}")
        return 1
    return 0


def _event(number: signal.Signals) -> Event:
    return Wake() if number == signal.SIGCHLD else StopRequested()


class _Stack:
    """One run, with the data directory locked."""

    def __init__(
        self, config: Config, workload: Workload, options: StackOptions, console: Console
    ) -> None:
        self._data_dir = options.data_dir.resolve()
        self._console = console
        end_leftovers(services_folder(self._data_dir))
        self._workload = with_usable_ports(workload)
        self._servers = make_servers(
            config, workload.topics, self._data_dir, apache_kafka=options.apache_kafka
        )
        self._forks = ForkServer(services_folder(self._data_dir)) if FORKS else None
        self._plan = Plan(
            config, self._workload, self._servers, options, console, forks=self._forks
        )

    def run(self, inbox: Inbox, began: float) -> None:
        def came_up(name: str) -> list[str]:
            if name == self._plan.last_step:
                self._console.ready(self._banner(time.monotonic() - began))
            return self._plan.came_up(name)

        self._plan.withdraw()
        self._plan.publish()
        children = self._plan.children()
        runtime = Runtime(get_logger(__name__), time.monotonic, inbox, Workers())
        try:
            if self._forks is not None:
                self._forks.start()
            self._plan.load_ahead()
            Supervisor(children, runtime, came_up).run()
        finally:
            self._plan.withdraw()
            if self._forks is not None:
                self._forks.close()

    def _banner(self, seconds: float) -> Banner:
        in_memory = self._servers.kafka is not None and self._servers.kafka_forgets
        return Banner(
            tuple(self._workload.endpoints()),
            self._data_dir,
            seconds,
            self._workload.hints,
            (_IN_MEMORY,) if in_memory else (),
            self._plan.shown,
        )
