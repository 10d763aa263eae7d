"""What `order-service run` runs: the programs, what each needs, and what they are told."""

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from dotenv import dotenv_values

from order_service.bootstrap.contexts import installed
from order_service.bootstrap.stack import workload
from order_service.config import Config, Schema
from order_service.context import Context, Contexts, Demo, Work, Worker
from order_service.context.process import Process
from order_service.contexts.orders.settings import OrdersSettings
from order_service.embedded.child import Child
from order_service.embedded.console import Console
from order_service.embedded.plan import Plan, Servers
from order_service.embedded.workload import Program, ShownLine, StackOptions, Workload
from tests.builders import ROOT
from tests.unit.scripted_parts import ScriptedPart


def never(process: Process) -> Work:
    raise AssertionError(process)


SHOP = Context(
    name="shop",
    api_needs=("postgres", "redis"),
    workers=(
        Worker(
            name="stores",
            about="Stores.",
            needs=("postgres", "redis", "kafka"),
            open=never,
            consumes=True,
            waits=False,
        ),
        Worker(name="expires", about="Expires.", needs=("postgres",), open=never),
    ),
    demos=(Demo("demo", lambda rate: ("samples", str(rate)), ("kafka",)),),
)
CONTEXTS = Contexts([SHOP])


class AddressedPart(ScriptedPart):
    """A server that says where it is."""

    variable = ""
    address = ""
    pid = None

    def suspend(self) -> None:
        raise NotImplementedError

    def resume(self) -> None:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {self.variable: self.address}


def server(name: str, variable: str) -> AddressedPart:
    part = AddressedPart(name, [])
    part.variable, part.address = variable, "first"
    return part


@pytest.fixture
def servers() -> Servers:
    return Servers(
        postgres=server("postgres", "POSTGRES_HOST"),
        redis=server("valkey", "REDIS_URL"),
        kafka=server("mock-kafka", "KAFKA_BOOTSTRAP_SERVERS"),
        kafka_forgets=True,
    )


def plan(work: Workload, servers: Servers, data_dir: Path) -> Plan:
    console = Console(io.StringIO(), io.StringIO())
    return Plan(
        Config(), work, servers, StackOptions(data_dir, apache_kafka=False, environ={}), console
    )


def by_name(children: list[Child]) -> dict[str, Child]:
    return {child.name: child for child in children}


def all_up(plan: Plan) -> None:
    for name in ("postgres", "valkey", "mock-kafka"):
        assert plan.came_up(name) == []


def test_services_wait_for_the_migration_and_for_all_addresses(
    servers: Servers, tmp_path: Path
) -> None:
    children = by_name(plan(workload(CONTEXTS, Config(), 0.0), servers, tmp_path).children())
    assert children["migrate"].once
    assert list(children["migrate"].after) == ["postgres"]
    first = {"postgres", "valkey", "mock-kafka", "migrate"}
    assert set(children["api"].after) == first
    assert list(children["answering"].after) == ["api"]
    assert set(children["stores"].after) == {*first, "answering"}
    assert list(children["consuming"].after) == ["stores"]
    assert set(children["expires"].after) == {*first, "answering", "consuming"}
    assert list(children["ready"].after) == ["api", "stores", "expires"]


def test_a_demo_runs_once_all_services_are_ready(servers: Servers, tmp_path: Path) -> None:
    children = by_name(plan(workload(CONTEXTS, Config(), 5.0), servers, tmp_path).children())
    assert list(children["demo"].after) == ["ready"]
    assert "demo" not in by_name(
        plan(workload(CONTEXTS, Config(), 0.0), servers, tmp_path).children()
    )


def test_who_keeps_offsets_ends_with_a_broker_that_forgets(
    servers: Servers, tmp_path: Path
) -> None:
    children = by_name(plan(workload(CONTEXTS, Config(), 1.0), servers, tmp_path).children())
    bound = {name for name, child in children.items() if child.bound_to == "mock-kafka"}
    assert bound == {"stores"}


def test_who_needs_a_server_that_moved_is_started_again(servers: Servers, tmp_path: Path) -> None:
    it = plan(workload(CONTEXTS, Config(), 1.0), servers, tmp_path)
    all_up(it)
    assert it.came_up("mock-kafka") == []  # it came back where it was
    assert isinstance(servers.kafka, AddressedPart)
    servers.kafka.address = "second"
    assert it.came_up("mock-kafka") == ["stores", "demo"]
    assert isinstance(servers.postgres, AddressedPart)
    servers.postgres.address = "second"
    assert it.came_up("postgres") == ["api", "stores", "expires"]
    assert it.came_up("api") == []


def test_stack_env_is_there_once_all_addresses_are_known(servers: Servers, tmp_path: Path) -> None:
    config = Schema(installed().sections).build({})
    it = plan(workload(installed(), config, 0.0), servers, tmp_path)
    it.came_up("postgres")
    it.came_up("valkey")
    assert not (tmp_path / "stack.env").exists()
    it.came_up("mock-kafka")
    told = dotenv_values(tmp_path / "stack.env")
    assert told["KAFKA_BOOTSTRAP_SERVERS"] == "first"
    assert told["ORDERS_TOPIC"] == config.of(OrdersSettings).topic
    it.withdraw()
    assert not (tmp_path / "stack.env").exists()


def test_each_worker_has_a_port_of_its_own_and_others_are_told_the_first(
    servers: Servers, tmp_path: Path
) -> None:
    work = workload(CONTEXTS, Config(), 0.0)
    ports = [each.environment["METRICS_WORKER_PORT"] for each in work.services[1:]]
    assert ports == ["9108", "9109"]
    it = plan(work, servers, tmp_path)
    all_up(it)
    assert it.addresses()["METRICS_WORKER_PORT"] == "9108"
    assert it.addresses()["HTTP_PORT"] == "8080"


def test_without_a_port_for_metrics_a_worker_is_not_asked_whether_it_is_ready() -> None:
    config = Config()
    metrics = msgspec.structs.replace(config.metrics, worker_port=0)
    work = workload(CONTEXTS, msgspec.structs.replace(config, metrics=metrics), 0.0)
    assert [name for name, _ in work.endpoints()] == ["api"]
    assert work.settings["METRICS_WORKER_PORT"] == "0"


def test_a_stack_knows_no_program_by_its_name(servers: Servers, tmp_path: Path) -> None:
    work = Workload(
        steps=[Program("first", ["one"]), Program("second", ["two"])],
        services=[Program("anything", ["three"], ["redis"])],
    )
    children = by_name(plan(work, servers, tmp_path).children())
    assert list(children["second"].after) == ["first"]
    assert set(children["anything"].after) >= {"first", "second"}


def test_a_visit_comes_between_the_services_and_the_demos(servers: Servers, tmp_path: Path) -> None:
    work = replace(workload(CONTEXTS, Config(), 1.0), visit=lambda _: [ShownLine("a", "b")])
    it = plan(work, servers, tmp_path)
    children = by_name(it.children())
    assert it.last_step == "visit"
    assert children["visit"].once
    assert list(children["visit"].after) == ["ready"]
    assert list(children["demo"].after) == ["visit"]
    before = list(it.shown)
    children["visit"].part.start()
    assert (before, list(it.shown)) == ([], [("a", "b")])


def test_without_a_visit_all_is_there_once_the_services_are_ready(
    servers: Servers, tmp_path: Path
) -> None:
    it = plan(workload(CONTEXTS, Config(), 1.0), servers, tmp_path)
    assert it.last_step == "ready"
    assert it.shown == ()


def test_what_there_is_to_run_is_known_without_what_the_programs_are_made_of() -> None:
    """Everything waits for it, the servers too."""
    script = (
        "import sys\n"
        "from order_service.bootstrap.contexts import installed\n"
        "from order_service.bootstrap.stack import workload\n"
        "print(len(workload(installed(), installed().load_config(), 1.0).programs))\n"
        "print(sorted({'kafka', 'flask', 'psycopg', 'marshmallow', 'redis'} & set(sys.modules)))\n"
    )
    asked = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    programs, loaded = asked.stdout.splitlines()
    assert int(programs) > 10
    assert loaded == "[]"
