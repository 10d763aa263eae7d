"""Works out how many machines a load takes, from the costs in docs/scaling.md.

`python deploy/capacity.py` prints the table of the steps, `--write` puts it into the document,
and numbers behind it replace the steps: `python deploy/capacity.py 3000 7500`. What a cost was
measured to be stands in the document alone, so that text and figures cannot drift apart.
"""

# ruff: noqa: INP001 - a script of its own, in no package
import math
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

DOCUMENT = Path(__file__).parents[1] / "docs/scaling.md"
STEPS = (1_000, 5_000, 20_000, 50_000, 100_000)
_BEGIN = "<!-- begin: written by deploy/capacity.py -->\n"
_END = "<!-- end: written by deploy/capacity.py -->\n"
_INPUT = re.compile(r"^\| `(\w+)` \|.*\| ([\d.,]+) \|[^|]*\|$", re.MULTILINE)
_MEGA = 1e6
_TERA = 1e12
_DAY = 86_400

Inputs = Mapping[str, float]


class Need(NamedTuple):
    """What a number of orders a second takes."""

    consumers: int
    partitions: int
    postgres_cores: int
    primaries: int
    wal_mb_s: float
    postgres_tb_day: float
    api_processes: int
    redis_nodes: int
    redis_gb: float
    brokers: int
    kafka_in_mb_s: float
    kafka_tb: float


def inputs_of(document: str) -> dict[str, float]:
    """Return the figures of the tables of inputs, by symbol."""
    return {name: float(value.replace(",", "")) for name, value in _INPUT.findall(document)}


def need(rate: float, given: Inputs) -> Need:
    """Return what `rate` orders a second at the peak take."""
    lookups = rate * given["lookups_per_order"]
    consumers = _cores(rate * given["consumer_us"], given)
    postgres = _postgres_us(rate, lookups, given)
    filled = rate + lookups * given["miss_share"]
    redis_gb = filled * given["cache_seconds"] * given["cached_bytes"] / 1e9
    return Need(
        consumers=consumers,
        partitions=max(8, _round_up(2 * consumers, 8)),
        postgres_cores=_cores(postgres, given),
        primaries=_primaries(rate, _cores(postgres, given), given),
        wal_mb_s=rate * given["wal_bytes"] / _MEGA,
        postgres_tb_day=_daily(rate, given) * given["stored_bytes"] / _TERA,
        api_processes=_cores(_api_us(lookups, given), given),
        redis_nodes=_redis_nodes(rate, lookups, redis_gb, given),
        redis_gb=redis_gb,
        brokers=_brokers(rate, given),
        kafka_in_mb_s=rate * given["message_bytes"] / _MEGA,
        kafka_tb=_kafka_tb(rate, given),
    )


def _cores(microseconds_a_second: float, given: Inputs) -> int:
    """Return the cores that are busy for so long, with the headroom that is planned."""
    return max(1, math.ceil(microseconds_a_second / _MEGA / given["utilisation"]))


def _postgres_us(rate: float, lookups: float, given: Inputs) -> float:
    missed = lookups * given["miss_share"] * given["miss_postgres_us"]
    return rate * given["postgres_us"] + missed


def _primaries(rate: float, cores: int, given: Inputs) -> int:
    """Return how many servers the rows are spread over: for their cores, or for their logs."""
    wal = rate * given["wal_bytes"] / _MEGA
    return max(math.ceil(cores / given["primary_cores"]), math.ceil(wal / given["wal_mb_s"]))


def _api_us(lookups: float, given: Inputs) -> float:
    missed = given["miss_share"] * given["miss_api_us"]
    local = given["local_share"] * given["local_us"]
    hit = (1 - given["miss_share"] - given["local_share"]) * given["hit_us"]
    return lookups * (missed + local + hit)


def _redis_nodes(rate: float, lookups: float, gigabytes: float, given: Inputs) -> int:
    calls = rate + lookups * (1 - given["local_share"])
    busy = _cores(calls * given["redis_us"], given)
    return max(busy, math.ceil(gigabytes / given["redis_node_gb"]))


def _brokers(rate: float, given: Inputs) -> int:
    written = rate * given["message_bytes"] * given["replication"] / _MEGA
    return max(3, math.ceil(written / given["broker_mb_s"]))


def _kafka_tb(rate: float, given: Inputs) -> float:
    kept = _daily(rate, given) * given["retention_days"]
    return kept * given["message_bytes"] * given["replication"] / _TERA


def _daily(rate: float, given: Inputs) -> float:
    """Return the orders of a day."""
    return rate * _DAY * given["average_share"]


def _round_up(number: int, step: int) -> int:
    return math.ceil(number / step) * step


_ROWS = (
    ("consumer processes (a core each)", "consumers"),
    ("partitions of the topic", "partitions"),
    ("API processes (a core each)", "api_processes"),
    ("cores of Postgres", "postgres_cores"),
    ("Postgres primaries", "primaries"),
    ("WAL, MB/s", "wal_mb_s"),
    ("Postgres disk, TB a day", "postgres_tb_day"),
    ("Redis nodes", "redis_nodes"),
    ("Redis memory, GB", "redis_gb"),
    ("Kafka brokers", "brokers"),
    ("Kafka in, MB/s", "kafka_in_mb_s"),
    ("Kafka disk, TB", "kafka_tb"),
)


def table(rates: Sequence[float], given: Inputs) -> str:
    """Return the Markdown table of what the rates take."""
    needs = [need(rate, given)._asdict() for rate in rates]
    lines = [
        "| orders/s at the peak | " + " | ".join(f"{rate:,.0f}" for rate in rates) + " |",
        "|---" * (len(rates) + 1) + "|",
    ]
    for title, name in _ROWS:
        lines.append(f"| {title} | " + " | ".join(_shown(n[name]) for n in needs) + " |")
    return "\n".join(lines) + "\n"


def _shown(value: float) -> str:
    if isinstance(value, int) or value >= 10:  # noqa: PLR2004 - two digits are enough
        return f"{value:,.0f}"
    return f"{value:.2g}"


def updated(document: str) -> str:
    """Return the document with the table that follows from its inputs."""
    before, _, rest = document.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table(STEPS, inputs_of(document))}{_END}{after}"


def main(arguments: Sequence[str]) -> None:
    """Print the table, or write it into the document."""
    document = DOCUMENT.read_text(encoding="utf-8")
    if "--write" in arguments:
        DOCUMENT.write_text(updated(document), encoding="utf-8")
    else:
        rates = [float(argument) for argument in arguments] or STEPS
        sys.stdout.write(table(rates, inputs_of(document)))


if __name__ == "__main__":
    main(sys.argv[1:])
