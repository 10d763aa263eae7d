"""Looks at Redis, Valkey, a master under Sentinel or a cluster, as the cache uses it."""

import secrets
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from redis import AuthenticationError, Redis, RedisError, ResponseError
from redis.exceptions import NoPermissionError, ReadOnlyError

from order_service.infra.addresses import Address
from order_service.infra.redis.client import CacheClient

from .endpoints import reach
from .finding import Finding, clock_of, fault, ok, warning

_PINGS = 20
_OF_LIMIT = 0.5
"""Share of the cache's timeout that a call may take before it is a warning."""


class RedisTarget(NamedTuple):
    """The cache, and what the service expects of it.

    Attributes:
        addresses: Hosts and ports of servers or sentinels; none for a Unix socket.
        key: The setting that names them.
        client: As the service has it, but patient.
        prefixes: What the names of its keys begin with, one for each kind.
        limit: Seconds that a call may take in service.
        timeout: Seconds to connect.
    """

    addresses: Sequence[Address]
    key: str
    client: CacheClient
    prefixes: Sequence[str]
    limit: float
    timeout: float


def look(target: RedisTarget) -> Iterator[Finding]:
    """Yield what there is to say about the cache; writes a key of each kind and deletes it."""
    if target.addresses and not (yield from reach(target.addresses, target.key, target.timeout)):
        return
    if refusal := _login(target):
        yield refusal
        return
    yield ok("login", "the server takes our credentials")
    yield _writable(target)
    yield _latency(target)
    if isinstance(target.client, Redis):
        yield from _server(target.client)


def _login(target: RedisTarget) -> Finding | None:
    """Return what is wrong with the login, None if it succeeds."""
    try:
        target.client.ping()
    except AuthenticationError as error:
        return fault("login", f"refused: {error}", f"put user and password into {target.key}")
    except ResponseError as error:
        return fault("login", f"refused: {error}", "see the ACL of that user (ACL GETUSER)")
    except (RedisError, OSError) as error:
        return fault("login", f"no answer: {error}", "is it a Redis, and does it want TLS or none?")
    return None


def _writable(target: RedisTarget) -> Finding:
    for prefix in target.prefixes:
        if trouble := _trouble_with(target, prefix):
            return trouble
    return ok("writable", f"a key of each kind ({len(target.prefixes)}) was set, read and deleted")


def _trouble_with(target: RedisTarget, prefix: str) -> Finding | None:
    """Return why keys that begin with `prefix` cannot be used, None if they can be."""
    # Nobody's: no name of a key holds a "~".
    key, value = f"{prefix}~{secrets.token_hex(8)}", secrets.token_bytes(8)
    try:
        target.client.set(key, value, px=5000, nx=True)
        read = target.client.fast_get(key)
        target.client.unlink(key)
    except ReadOnlyError:
        text, remedy = "this server is a replica: it only reads", f"name the master in {target.key}"
        return fault("writable", text, remedy)
    except NoPermissionError as error:
        remedy = f"allow GET, SET and UNLINK on {prefix}* (ACL SETUSER)"
        return fault("writable", f"not allowed: {error}", remedy)
    except RedisError as error:
        return fault("writable", f"refused: {error}", "see maxmemory-policy and the disk")
    if read != value:
        return fault("writable", "what was set is not there", "is something else on this port?")
    return None


def _latency(target: RedisTarget) -> Finding:
    taken = []
    for _ in range(_PINGS):
        start = time.perf_counter()
        target.client.ping()
        taken.append(time.perf_counter() - start)
    median = statistics.median(taken)
    text = f"a call takes {median * 1000:.1f} ms (median of {_PINGS}; limit {target.limit:g} s)"
    if median > target.limit:
        remedy = "bring it nearer, or raise redis.timeout: as it is, every call fails"
        return fault("latency", text, remedy)
    if median > target.limit * _OF_LIMIT:
        remedy = "under load calls will fail; bring it nearer, or raise redis.timeout"
        return warning("latency", text, remedy)
    return ok("latency", text)


def _server(client: Redis) -> Iterator[Finding]:
    try:
        facts: Any = client.info()
        seconds, _ = client.time()
    except ResponseError:
        return  # the user may not ask; the cache does not need to
    name = "Valkey" if facts.get("server_name") == "valkey" else "Redis"
    version = facts.get("valkey_version") or facts.get("redis_version")
    yield ok("version", f"{name} {version}")
    yield _memory(facts)
    yield clock_of(name, float(seconds) + 0.5 - time.time())


def _memory(facts: dict[str, Any]) -> Finding:
    most, policy = int(facts.get("maxmemory", 0)), str(facts.get("maxmemory_policy", ""))
    if not most:
        text = "maxmemory is not set: the cache may take all memory of its machine"
        return warning("memory", text, "set maxmemory and maxmemory-policy allkeys-lru")
    size = f"{int(facts.get('used_memory', 0)) / 2**20:.0f} of {most / 2**20:.0f} MiB used"
    if policy == "noeviction":
        text = f"{size}, and it refuses writes when full (noeviction)"
        return warning("memory", text, "set maxmemory-policy allkeys-lru")
    return ok("memory", f"{size}, {policy} when full")
