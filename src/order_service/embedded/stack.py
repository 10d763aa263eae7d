"""`order-service run`: everything on one machine, from servers to API, until it is stopped.

What the configuration names is used; what it does not name is started here.
"""

import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from order_service.config import Config
from order_service.embedded.apache_kafka import ApacheKafka
from order_service.embedded.console import Console, Welcome
from order_service.embedded.events import Inbox, StopRequested, Wake, Workers
from order_service.embedded.listening import PortTakenError, with_usable_ports
from order_service.embedded.lock import AlreadyRunningError, locked
from order_service.embedded.mock_kafka import MockKafka
from order_service.embedded.plan import Demo, Plan, Server, Servers, reachable, services_folder
from order_service.embedded.postgres import PostgresServer
from order_service.embedded.processes import EmbeddedServerError
from order_service.embedded.services import end_leftovers
from order_service.embedded.supervisor import StartFailedError, Supervisor, Surroundings
from order_service.embedded.valkey import ValkeyServer
from order_service.infra.logging import configure_logging, get_logger

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_MOCK_PARTITIONS = 16
_IN_MEMORY = (
    "The Kafka broker is embedded and in memory: orders that are not stored yet are lost when it\n"
    "  stops, and it drops the oldest data of a partition past its cap. Good for a look, not for\n"
    "  data that matter: `make run KAFKA=apache` runs a durable Apache Kafka (Java and Maven)."
)


@dataclass(frozen=True, slots=True)
class StackOptions:
    """How to run the stack, beside its configuration.

    Attributes:
        data_dir: where the embedded servers keep their data and `stack.env` is written.
        apache_kafka: embed a durable Apache Kafka rather than the broker in memory.
        demo: produce sample orders, too.
        demo_rate: their number a second.
        environ: the environment of the children, before addresses are added.
    """

    data_dir: Path
    apache_kafka: bool
    demo: bool
    demo_rate: float
    environ: Mapping[str, str]


def run_stack(config: Config, options: StackOptions) -> int:
    """Run the stack in the main thread until SIGINT, SIGTERM or SIGHUP; no child outlives it.

    Returns:
        The exit code: 0 after a stop that was asked for, 1 if the stack could not be started; the
        reason was printed then.
    """
    began = time.monotonic()
    configure_logging(config.log.level, config.log.format)
    console = Console(sys.stdout, sys.stderr)
    inbox = Inbox()
    try:
        with _signals_into(inbox), locked(options.data_dir.resolve()):
            _Stack(config, options, console, began).run(inbox)
    except (AlreadyRunningError, PortTakenError, StartFailedError) as error:
        console.error(str(error))
        return 1
    except (EmbeddedServerError, OSError) as error:
        console.error(f"the stack cannot be started: {error}")
        return 1
    return 0


@contextmanager
def _signals_into(inbox: Inbox) -> Iterator[None]:
    """Turn signals into events, so that a stop is heard in any moment and interrupts nothing."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        inbox.put(StopRequested())

    def wake(_number: int, _frame: FrameType | None) -> None:
        inbox.put(Wake())

    before = {number: signal.signal(number, stop) for number in _STOP_SIGNALS}
    before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, wake)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Stack:
    """One run, with the data directory locked."""

    def __init__(
        self, config: Config, options: StackOptions, console: Console, began: float
    ) -> None:
        self._options = options
        self._data_dir = options.data_dir.resolve()
        self._console = console
        self._began = began
        end_leftovers(services_folder(self._data_dir))
        self._config = with_usable_ports(config)
        self._servers = _servers(self._config, options)
        self._plan = Plan(
            self._config, self._servers, self._data_dir, options.environ, self._console
        )

    def run(self, inbox: Inbox) -> None:
        self._plan.withdraw()
        self._plan.publish()
        demo = Demo(self._options.demo_rate) if self._options.demo else None
        children = self._plan.children(demo, self._plan.readiness())
        log = get_logger(__name__)
        around = Surroundings(log, time.monotonic, inbox, Workers())
        try:
            Supervisor(children, around, self._came_up).run()
        finally:
            self._plan.withdraw()

    def _came_up(self, name: str) -> list[str]:
        if name == "ready":
            self._console.welcome(self._welcome())
        return self._plan.came_up(name)

    def _welcome(self) -> Welcome:
        http, metrics = self._config.http, self._config.metrics
        host = "localhost" if reachable(http.host) == "127.0.0.1" else http.host
        consumer = f"http://{host}:{metrics.consumer_port}" if metrics.consumer_port else ""
        seconds = time.monotonic() - self._began
        return Welcome(
            f"http://{host}:{http.port}", consumer, self._data_dir, seconds, self._notes()
        )

    def _notes(self) -> tuple[str, ...]:
        if self._servers.kafka is None or self._options.apache_kafka:
            return ()
        return (_IN_MEMORY,)


def _servers(config: Config, options: StackOptions) -> Servers:
    """Return the servers to start: those that the configuration does not name."""
    missing = config.missing("postgres", "redis", "kafka")
    data_dir = options.data_dir.resolve()
    return Servers(
        postgres=_postgres(config, data_dir) if "postgres.host" in missing else None,
        redis=ValkeyServer(data_dir / "valkey") if "redis.url" in missing else None,
        kafka=_broker(config, options) if "kafka.bootstrap_servers" in missing else None,
        kafka_forgets=not options.apache_kafka,
    )


def _postgres(config: Config, data_dir: Path) -> PostgresServer:
    named = config.postgres
    return PostgresServer(
        data_dir / "postgres",
        password=named.admin_password.reveal() or None,
        database=named.db,
        service_user=named.user,
        service_password=named.password.reveal() or None,
    )


def _broker(config: Config, options: StackOptions) -> Server:
    data_dir = options.data_dir.resolve() / "kafka"
    topics = {config.kafka.topic: config.kafka.partitions, config.kafka.dead_letter_topic: 1}
    if options.apache_kafka:
        return ApacheKafka(data_dir, topics=topics)
    # Its cap is one of each partition: more of them keep a longer backlog from being dropped.
    return MockKafka(
        data_dir, {topic: max(count, _MOCK_PARTITIONS) for topic, count in topics.items()}
    )
