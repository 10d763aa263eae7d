"""Latency of order lookups while people sign in, and while they buy, against the latency without.

Both happen in the same API process and on the same cores as the lookups.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks import command
from benchmarks.harness import Row, Scale, alternate, at_most
from benchmarks.orders import samples
from benchmarks.pace import Pace, generator
from benchmarks.shop import OPEN_TO_ALL, WISH, create_topics, post, working
from benchmarks.stack import Process, running_stack
from benchmarks.stored import paths, require_level, store

_ORDERS = 1_000
_CONNECTIONS = 64
_PEOPLE = 16
_PASSWORD = "correct horse battery"  # noqa: S105 - of nobody
_LONGER_S = 2.0
"""So much longer than what counts of a run people are busy: through its lead, and some more."""
_PURCHASES_PER_S = 200


class Crowd:
    """People who are registered, have a wallet with money, and whose requests are sent."""

    def __init__(self, api: Process) -> None:
        self._port = api.port
        self._tokens = []
        for number in range(_PEOPLE):
            person = {"login": f"person-{number}", "password": _PASSWORD}
            token = str(post(api.port, "/auth/registration", person)["access_token"])
            post(api.port, "/wallet", {}, token)
            post(api.port, "/wallet/deposits", {"amount": 2_000_000_000}, token)
            self._tokens.append(token)

    def logins(self) -> list[tuple[str, object, str]]:
        """Return a login of each of them."""
        return [
            ("/auth/login", {"login": f"person-{number}", "password": _PASSWORD}, "")
            for number in range(_PEOPLE)
        ]

    def purchases(self) -> list[tuple[str, object, str]]:
        """Return a purchase of each of them."""
        return [("/purchases", WISH, token) for token in self._tokens]

    @contextlib.contextmanager
    def sending(
        self, requests: Sequence[tuple[str, object, str]], rate: float, seconds: float
    ) -> Iterator[None]:
        """Have the requests sent over and over for the length of the block.

        Raises:
            RuntimeError: Some were answered with anything but success or 429.
        """
        arguments = ["benchmarks.posting", str(self._port), str(seconds), str(rate)]
        with subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env=os.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as sender:
            if sender.stdin is None or sender.stdout is None:
                raise TypeError("the sender has no pipes")
            try:
                lines = "".join(f"{json.dumps(each)}\n" for each in requests)
                sender.stdin.write(f"{lines}\n")
                sender.stdin.flush()
                sender.stdout.readline()
                sender.stdin.write("go\n")
                sender.stdin.flush()
                yield
                self.answered = _successes(sender.stdout.readline()) / seconds
            finally:
                sender.kill()


def _successes(line: str) -> int:
    answers: dict[str, int] = json.loads(line)
    if wrong := {status for status in answers if status[0] != "2" and status != "429"}:
        raise RuntimeError(f"unexpected answers: {sorted(wrong)} of {answers}")
    return sum(count for status, count in answers.items() if status[0] == "2")


def _compared(
    pace: Pace, crowd: Crowd, requests: Sequence[tuple[str, object, str]], rate: float, scale: Scale
) -> tuple[list[float], list[float], float, float]:
    """Return percentiles beside the requests and without, lookups and answered ones a second."""
    seconds = scale.seconds
    half = pace.top_rate(seconds) / 2
    answered: list[float] = []

    def beside() -> float:
        with crowd.sending(requests, rate, seconds + _LONGER_S):
            p99 = pace.p99(half, seconds)
        answered.append(crowd.answered)
        return p99

    ours, theirs = alternate(beside, lambda: pace.p99(half, seconds), scale.pairs)
    return ours, theirs, half, median(answered)


def run(scale: Scale) -> Sequence[Row]:
    """Measure both on one stack."""
    with running_stack(with_kafka=True) as stack:
        create_topics(stack)
        store(stack, list(samples(_ORDERS)))
        with stack.api(**OPEN_TO_ALL) as api:
            crowd = Crowd(api)
            pace = Pace(api.port, paths(list(samples(_ORDERS))), _CONNECTIONS)
            path = f"/order/{next(samples(1)).uid}"
            api.get(path)
            require_level(api, path, "local")
            storm = _compared(pace, crowd, crowd.logins(), 0, scale)
            with working(stack):
                shopping = _compared(pace, crowd, crowd.purchases(), _PURCHASES_PER_S, scale)
    return [
        _row("a storm of logins", storm, scale, "logins/s succeeded meanwhile, as many as could"),
        _row(
            "purchases", shopping, scale,
            f"purchases/s accepted meanwhile (sent: {_PURCHASES_PER_S}/s), settled by one process "
            "of each worker",
        ),
    ]  # fmt: skip


def _row(
    what: str, found: tuple[list[float], list[float], float, float], scale: Scale, told: str
) -> Row:
    ours, theirs, rate, answered = found
    return Row(
        f"p99 of a hit at half of the top rate, {_CONNECTIONS} connections, beside {what}",
        "the same without",
        at_most(2),
        ours,
        theirs,
        "ms",
        f"{rate:,.0f} lookups/s of {_ORDERS:,} cached orders, half of what the same load generator "
        f"({generator()}) gets in a closed loop; runs of {scale.seconds:g} s; "
        f"{answered:,.0f} {told}; one API process; everything runs on the same cores.",
    )


if __name__ == "__main__":
    command.main(run, __doc__)
