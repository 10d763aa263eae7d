"""Three members, the etcd in which they elect their primary, and what can befall them."""

import contextlib
import json
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg

from order_service.embedded.ports import HOST
from tests.chaos.proxy import TcpProxy
from tests.cluster.balancer import Balancer
from tests.cluster.etcd import EtcdServer
from tests.cluster.member import CONFIGURATION, PASSWORD, PASSWORDS, Member
from tests.waiting import eventually

DATABASE = "orders"
SERVICE = {"POSTGRES_USER": "order_service", "POSTGRES_PASSWORD": PASSWORD}
MEMBERS = ("pg-1", "pg-2", "pg-3")


class Cluster:
    """The members of deploy/patroni/, each with a line of its own to etcd.

    Attributes:
        balancer: In front of all members.
        members: By their names.
        lines: To etcd, by the names of the members.
    """

    def __init__(self, folder: Path) -> None:
        self._etcd = EtcdServer(folder / "etcd")
        self.lines = {name: TcpProxy(lambda: self._etcd.port) for name in MEMBERS}
        self._folder = folder
        self.members: dict[str, Member] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator["Cluster"]:
        """Start everything; end it all afterwards."""
        with contextlib.ExitStack() as exits:
            exits.callback(self._etcd.kill)
            self._etcd.start()
            for name, line in self.lines.items():
                exits.enter_context(line)
                address = f"{HOST}:{line.port}"
                member = Member(name, self._folder / name, address, CONFIGURATION)
                self.members[name] = member
                exits.callback(member.kill)
            self._start()
            self.balancer = Balancer(self._folder / "haproxy", list(self.members.values()))
            exits.callback(self.balancer.kill)
            self.balancer.start()
            yield self

    def _start(self) -> None:
        first, *others = self.members.values()
        first.start()
        eventually(first.leads, 30, "the first member leads")
        with ThreadPoolExecutor() as pool:
            list(pool.map(Member.start, others))
        self.await_whole()

    def await_whole(self, seconds: float = 90.0) -> float:
        """Wait until one member leads and both others follow it; return the seconds."""
        return eventually(self._is_whole, seconds, f"the cluster is whole; see {self._folder}")

    def _is_whole(self) -> bool:
        leading = [member for member in self.members.values() if member.leads()]
        if len(leading) != 1 or not self._all_follow(leading[0]):
            return False
        wanted = ["async", "sync"] if self.settings()["synchronous_mode"] else ["async", "async"]
        states = [each.get("sync_state") for each in leading[0].state().get("replication", [])]
        # A commit waits for a standby before etcd says so, and only then may this one take over.
        told = bool(self.synchronous(leading[0]))
        return sorted(map(str, states)) == wanted and told == ("sync" in wanted)

    def _all_follow(self, leader: Member) -> bool:
        """Whether the others are on the leader's timeline, as they say themselves.

        One that must be rewound is connected for a moment before it notices.
        """
        states = [each.state() for each in self.members.values() if each is not leader]
        timelines = {each.get("timeline") for each in (leader.state(), *states)}
        streaming = all(each.get("replication_state") == "streaming" for each in states)
        return streaming and len(timelines) == 1

    def synchronous(self, leader: Member) -> list[Member]:
        """Return who is known to have all that the leader acknowledged, as etcd has told it."""
        members = json.loads(_ask(leader, "GET", "/cluster"))["members"]
        return [self.members[each["name"]] for each in members if each["role"] == "sync_standby"]

    def leader(self) -> Member:
        """Return the member that takes writes; fails if there is none or more than one."""
        (leading,) = [member for member in self.members.values() if member.leads()]
        return leading

    def followers(self) -> list[Member]:
        """Return the others."""
        leading = self.leader()
        return [member for member in self.members.values() if member is not leading]

    def environment(self) -> dict[str, str]:
        """Return what the service is told: all members."""
        hosts = ",".join(f"{HOST}:{member.port}" for member in self.members.values())
        return {"POSTGRES_HOST": hosts, "POSTGRES_DB": DATABASE, **self.logins()}

    def logins(self) -> dict[str, str]:
        """Return the roles that the service is told, and their passwords."""
        admin = {
            "POSTGRES_ADMIN_USER": PASSWORDS["SUPERUSER"],
            "POSTGRES_ADMIN_PASSWORD": PASSWORD,
        }
        return SERVICE | admin

    def admin_dsn(self, database: str = DATABASE) -> str:
        """Return libpq's connection string of the superuser, to whoever leads."""
        ports = [str(member.port) for member in self.members.values()]
        return psycopg.conninfo.make_conninfo(
            host=",".join([HOST] * len(ports)),
            port=",".join(ports),
            user=PASSWORDS["SUPERUSER"],
            password=PASSWORD,
            dbname=database,
            connect_timeout=2,
            target_session_attrs="read-write",
        )

    def settings(self) -> Mapping[str, Any]:
        """Return what the members have agreed on."""
        for member in self.members.values():
            with contextlib.suppress(OSError):
                return dict(json.loads(_ask(member, "GET", "/config")))
        raise AssertionError("no member answers")

    def change(self, **settings: object) -> None:
        """Have the members agree on something else."""
        _ask(self.leader(), "PATCH", "/config", settings)

    def switch_over(self) -> None:
        """Let another member take the primary's place in good order; returns when it has."""
        leader = self.leader()
        _ask(leader, "POST", "/switchover", {"leader": leader.name})


def _ask(member: Member, method: str, path: str, body: object = None) -> bytes:
    request = urllib.request.Request(
        f"http://{member.rest}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - of ours
        return bytes(answer.read())
